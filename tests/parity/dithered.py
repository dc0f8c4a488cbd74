"""Dithered `_cal` exposures of one field whose pointings are wrong by known amounts, and whose sky levels differ."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import CONTEXT, ROOT

from jwcal import dq, products
from jwcal.models import Image
from jwcal.wcs import from_tree

TARGET = {"name": "DITHERED", "ra": 110.8375, "dec": -33.4539, "roll": 38.0, "start": 59752.0}
FIELD = {
    "radius": 32, "background": 0.12,
    "stars": {"number": 190, "brightest": 16.5, "faintest": 25.0},
    "galaxies": {"number": 20, "brightest": 19.5, "faintest": 26.0},
}  # fmt: skip
EXPOSURES = {
    "instrument": "NIRCAM", "detectors": ["NRCB1", "NRCBLONG"], "filters": {"SHORT": "F200W", "LONG": "F444W"},
    "subarray": "SUB640", "readpatt": "RAPID", "ngroups": 1,
    "dithers": [[0.0, 0.0], [3.1, 1.4], [-2.9, 4.1], [1.6, -3.2]],
}  # fmt: skip
# Of each dither position: error of the pointing, mas east and north, and of the roll angle, arcseconds; sky level.
ERRORS = ((0.0, 0.0, 0.0), (-16.0, -26.5, -5.0), (8.4, 22.7, 2.2), (-1.1, 15.7, 15.0))
LEVELS = (0.03, 0.08, 0.14, 0.0)
MOTION = (3.0, 1.1)  # arcsec by which a moving target has moved from one position to the next, RA and Dec
SIGMA = 0.05  # noise of a pixel
BAD = 0.003  # part of the pixels that is flagged


@dataclass
class Association:
    """The exposures.

    Attributes
    ----------
    folder : pathlib.Path
        Holds them, and ``stars.ecsv`` with the true positions of the field's stars.
    paths : list of str
        `_cal` files, both detectors of each position.
    truths : dict of str to jwcal.wcs.WCS
        What each should have, by file name.
    """

    folder: Path
    paths: list
    truths: dict

    def of(self, detector):
        """Files of one detector."""
        return [path for path in self.paths if path.endswith(f"{detector}_cal.fits")]


def make_association(folder):
    """Simulate the exposures in a folder; returns `Association`."""
    from jwcal.simulate import simulate_exposure, write_reference_cache
    from jwcal.simulate.exposure import Observatory
    from jwcal.simulate.fields import draw_field
    from jwcal.simulate.program import list_plans

    plans = list_plans({"program": 1, "target": TARGET, "exposures": [EXPOSURES]}, Observatory())
    write_reference_cache(folder / "crds", plans, context=CONTEXT)
    scene = draw_field(FIELD, TARGET, 7)
    (folder / "raw").mkdir()
    exposures = [simulate_exposure(p, scene, folder / "raw", truth_dir=folder, switches=set()) for p in plans]
    write_stars(folder / "stars.ecsv", scene)
    references = find_references(folder)
    truths, paths = {}, []
    for exposure in exposures:
        name, position = exposure.plan.root, exposure.plan.setup.exposure - 1
        truth, image = (
            make_image(exposure, references[name], error, position) for error in ((0, 0, 0), ERRORS[position])
        )
        paths.append(str(folder / f"{name}_cal.fits"))
        truths[f"{name}_cal.fits"] = from_tree(truth.wcs)
        products.write(paths[-1], image)
    return Association(folder, paths, truths)


def find_references(folder):
    """Distortion and filter offset of each exposure."""
    from snakemake.utils import update_config

    from jwcal.settings import load_yaml
    from jwcal.workflow import Program

    config = load_yaml(ROOT / "config" / "config.yaml")
    update_config(config, {"raw": str(folder / "raw"), "crds": {"path": str(folder / "crds"), "context": CONTEXT}})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        program = Program(config)
    return {name: program.plan("image2", name)["references"] for name in program.exposures}


def make_image(exposure, references, error, position):
    """Calibrated image with noise, flags, a sky level, and a WCS from a header that is wrong by `error`."""
    from jwcal.references import Reference
    from jwcal.steps.assign_wcs import assign_wcs

    ramp, rate = products.read_ramp(exposure.uncal), fits.getdata(exposure.truth, "RATE").astype(np.float32)
    rng = np.random.default_rng([position, len(exposure.plan.chip.label)])
    data = rate + LEVELS[position] + rng.normal(0, SIGMA, rate.shape).astype(np.float32)
    flags = np.where(rng.random(rate.shape) < BAD, dq.DO_NOT_USE | dq.HOT, 0).astype(np.uint32)
    data[(flags != 0) & (rng.random(rate.shape) < 0.5)] = np.nan
    constant = np.full(rate.shape, SIGMA, np.float32)
    planes = {name: constant**2 for name in ("var_poisson", "var_rnoise")}
    image = Image(ramp.header, ramp.sci_header, str(exposure.uncal), data=data, err=constant, dq=flags, **planes)
    header = image.sci_header
    header["BUNIT"] = "MJy/sr"
    header["MT_RA"] = header["RA_REF"] + MOTION[0] * position / 3600  # as if the target moved; who asks for it?
    header["MT_DEC"] = header["DEC_REF"] + MOTION[1] * position / 3600
    header["RA_REF"] += error[0] / 3.6e6 / np.cos(np.radians(header["DEC_REF"]))
    header["DEC_REF"] += error[1] / 3.6e6
    header["ROLL_REF"] += error[2] / 3600
    return assign_wcs(image, *(Reference(references[kind], kind) for kind in ("distortion", "filteroffset")))


def write_stars(path, scene):
    """Positions and magnitudes of the stars, as a reference catalogue."""
    from astropy.table import Table

    Table({name: scene.stars[name] for name in ("ra", "dec", "mag")}).write(path)
