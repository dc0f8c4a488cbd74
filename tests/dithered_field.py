"""Dithered `_cal` exposures of known stars with known noise, one field with wrong pointings, taken through stage 3."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from jwcal import products
from jwcal.alignment.solutions import write_alignment
from jwcal.findings import Findings
from jwcal.models import Image
from jwcal.outliers.maps import write_outliers
from jwcal.references import Reference
from jwcal.simulate import Scene, Setup, plan_exposure, write_reference_cache
from jwcal.simulate.headers import make_primary, make_science
from jwcal.simulate.scene import ARCSEC2, STAR, electrons_per_jansky, flux_density, measure_areas
from jwcal.sky.levels import write_levels
from jwcal.steps.assign_wcs import assign_wcs
from jwcal.steps.outlier_detection import outlier_detection
from jwcal.steps.skymatch import skymatch
from jwcal.steps.tweakreg import tweakreg
from jwcal.steps.tweakreg_catalog import tweakreg_catalog

FIELD = Setup(detector="NRCB1", filter="F200W", subarray="SUB640", ngroups=1, positions=4)
DITHERS = ((0.0, 0.0), (0.347, 0.171), (-0.268, 0.334), (0.113, -0.381))  # arcsec; broken pixels
# Of the pointings: mas east and north, arcsec of roll.
ERRORS = ((12.0, -7.0, 3.0), (-16.0, -25.0, -5.0), (8.4, 22.7, 2.2), (-1.1, 15.7, 12.0))
LEVELS = (0.16, 0.12, 0.19, 0.15)  # MJy/sr of sky
EXPOSED = 400.0  # s
READ_NOISE = 0.02  # e-/s
# Stars: arcsec between them, number in a row, range of magnitudes.
BRIGHT = (1.9, 10, 21.0, 25.0)
FAINT = (1.0, 18, 25.4, 27.4)


@dataclass
class Field:
    """What was observed, and what stage 3 made of it.

    Attributes
    ----------
    bright, faint : structured array
        `jwcal.simulate.scene.STAR` of the two fields.
    cleaned : list of Image
        Exposures of the bright field as its mosaic is made of them, by tweakreg, skymatch and outlier_detection.
    deep, blank : list of Image
        Exposures of the faint field, with the true pointing, without sky; and without stars.
    paths : list of pathlib.Path
        `_cal` files of the bright field.
    solution : dict
        What tweakreg found.
    pivot : float
        Wavelength, um.
    cache : pathlib.Path
        Reference files.
    """

    bright: np.ndarray
    faint: np.ndarray
    cleaned: list
    deep: list
    blank: list
    paths: list
    solution: dict
    pivot: float
    cache: Path

    def flux(self, stars):
        """True fluxes, Jy."""
        return flux_density(stars["mag"], stars["slope"], self.pivot)


def draw_stars(rng, spacing, side, *magnitudes):
    """Stars on a grid that is somewhat disturbed."""
    east, north = np.meshgrid(*2 * [(np.arange(side) - (side - 1) / 2) * spacing])
    stars, (off_east, off_north) = np.zeros(side**2, STAR), rng.uniform(-0.2, 0.2, (2, side**2))
    stars["dec"] = FIELD.dec + (north.ravel() + off_north) / 3600
    stars["ra"] = FIELD.ra + (east.ravel() + off_east) / 3600 / np.cos(np.radians(FIELD.dec))
    stars["mag"] = rng.uniform(*magnitudes, side**2)
    return stars


def observe(folder, seed=5):
    """Make the exposures in a folder, align, level and clean them; returns `Field`."""
    rng = np.random.default_rng(seed)
    bright, faint = draw_stars(rng, *BRIGHT), draw_stars(rng, *FAINT)
    plans = [
        plan_exposure(replace(FIELD, dither=dither, exposure=number, position=number))
        for number, dither in enumerate(DITHERS, 1)
    ]
    write_reference_cache(folder / "crds", plans[:1])
    paths, others = [], []
    for number, plan in enumerate(plans):
        paths.append(folder / f"{plan.root}_cal.fits")
        products.write(paths[-1], expose(plan, bright, number, folder, rng, ERRORS[number]))
        others.append([expose(plan, stars, number, folder, rng) for stars in (faint, faint[:0])])
        for image in others[-1]:
            image.data -= np.float32(LEVELS[number])
    cleaned, solution = clean(folder, paths, bright)
    deep, blank = map(list, zip(*others))
    return Field(bright, faint, cleaned, deep, blank, paths, solution, plans[0].band.pivot, folder / "crds")


def expose(plan, stars, number, folder, rng, error=(0.0, 0.0, 0.0)):
    """One exposure, with noise as its errors say, and a pointing that is wrong by `error`."""
    areas = measure_areas(plan.pointing)
    scale = electrons_per_jansky(plan.band) * 1e6 * ARCSEC2 * areas  # e-/s in a pixel of 1 MJy/sr
    rate = plan.instrument.render(Scene(stars=stars, background=0.0), plan.pointing, plan.band) + LEVELS[number] * scale
    poisson, read = rate / EXPOSED, np.full(rate.shape, READ_NOISE**2)
    data = rate + rng.normal(0, np.sqrt(poisson + read))
    primary, science = make_primary(plan, f"{plan.root}_cal.fits"), make_science(plan)
    science["BUNIT"], science["PIXAR_SR"] = "MJy/sr", float(areas.mean() * ARCSEC2)
    science["RA_REF"] += error[0] / 3.6e6 / np.cos(np.radians(science["DEC_REF"]))
    science["DEC_REF"] += error[1] / 3.6e6
    science["ROLL_REF"] += error[2] / 3600
    planes = {"data": data / scale, "err": np.sqrt(poisson + read) / scale, "var_poisson": poisson / scale**2,
              "var_rnoise": read / scale**2}  # fmt: skip
    planes = {name: plane.astype(np.float32) for name, plane in planes.items()}
    path = str(folder / f"{plan.root}_cal.fits")
    image = Image(primary, science, path, dq=np.zeros(rate.shape, np.uint32), **planes)
    return assign_wcs(image, find(folder / "crds", "distortion"), find(folder / "crds", "filteroffset"))


def find(cache, reftype):
    """Reference file of a type."""
    return Reference(next(cache.rglob(f"jwst_nircam_{reftype}_*")), reftype)


def clean(folder, paths, stars):
    """Align with the true positions of the stars, level, flag outliers; as the workflow does it, by files."""
    from astropy.table import Table

    Table({"RA": stars["ra"], "DEC": stars["dec"]}).write(folder / "stars.ecsv")
    solution = align(paths, folder)
    alignment, levels, outliers = (folder / name for name in ("a.json", "l.json", "o.fits"))
    write_alignment(alignment, solution)
    write_levels(levels, skymatch(paths, solution, subtract=True, skymethod="global+match"))
    findings = Findings(alignment, levels)
    maps = outlier_detection(paths, findings.prepare, folder)
    write_outliers(outliers, dict(zip((path.name.removesuffix("_cal.fits") for path in paths), maps)))
    findings = Findings(alignment, levels, outliers)
    images = [products.read(path, Image) for path in paths]
    return [findings.change(image, findings.note(image)) for image in images], solution


def align(paths, folder, **settings):
    """What tweakreg finds, with the true positions of the stars."""
    images = [products.read(path, Image) for path in paths]
    catalogs = [tweakreg_catalog(image, snr_threshold=20.0) for image in images]
    close = {"separation": 0.4, "tolerance": 0.2, "abs_separation": 0.4, "abs_tolerance": 0.2}
    return tweakreg(images, catalogs, None, abs_refcat=str(folder / "stars.ecsv"), **close, **settings)
