"""source_catalog against the official step on the same mosaics, with the same references and settings."""

from pathlib import Path

import numpy as np
import pytest
import truth
from astropy.io import fits
from comparison import Figure
from oracle import Oracle, find_python

from jwcal import models, products
from jwcal.fitsfiles import Extension, write_fits
from jwcal.references import Reference
from jwcal.simulate import Setup
from jwcal.simulate.fields import draw_field
from jwcal.steps.source_catalog import source_catalog

SETUP = Setup(subarray="SUB320", readpatt="SHALLOW4", ngroups=5, observation=21)
FIELD = {
    "radius": 7.5,
    "stars": {"number": 25, "brightest": 18.0, "faintest": 25.5},
    "galaxies": {"number": 30, "brightest": 20.0, "faintest": 25.0},
}
# Settings by case, given to both sides.
CASES = {
    "default": {},
    "faint": {"snr_threshold": 2.0, "npixels": 10, "kernel_fwhm": 3.0, "bkg_boxsize": 80, "nlevels": 16,
              "contrast": 0.01, "multithresh_mode": "linear", "connectivity": 4, "localbkg_width": 8},
    "sinh": {"multithresh_mode": "sinh", "aperture_ee1": 20, "aperture_ee2": 40, "aperture_ee3": 80, "kernel_fwhm": 1.5,
             "ci1_star_threshold": 1.7, "ci2_star_threshold": 1.3},
    "dao": {"starfinder": "dao", "sharplo": 0.3, "roundlo": -0.5, "roundhi": 0.5, "minsep_fwhm": 2.0},
    "iraf": {"starfinder": "iraf", "kernel_fwhm": 2.5, "roundhi": 0.5, "brightest": 12, "sigma_radius": 2.0},
}  # fmt: skip
APCORR = ("eefraction", "radius", "apcorr", "skyin", "skyout")
OWN = {"xcentroid_err", "ycentroid_err", "ra_err", "dec_err"}


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """A mosaic of stars and galaxies, its references, and the official package beside it."""
    if not Path(find_python()).exists():
        pytest.fail("the official package is not installed: run tests/parity/install.sh", pytrace=False)
    folder = tmp_path_factory.mktemp("catalog")
    oracle = Oracle(folder / "crds", truth.CONTEXT, folder / "official.log")
    scene = draw_field(FIELD, {"ra": SETUP.ra, "dec": SETUP.dec}, 3)
    (exposure,) = truth.simulate(folder, [SETUP], [scene])
    program, name = truth.load_program(folder, official=True), exposure.plan.root
    image = truth.run(program, "detector1", name, products.read_ramp(exposure.uncal)).rate
    for rule in ("image2", "resample"):
        image = truth.run(program, rule, name, image)
    path = folder / f"{name}_i2d.fits"
    products.write(path, image)
    yield oracle, path, [next((folder / "crds").rglob(f"*_nircam_{kind}_*")) for kind in ("apcorr", "abvegaoffset")]
    oracle.close()


def run_both(oracle, path, references, settings, folder):
    """Our catalogue and the official one, and the official segmentation map where there is one."""
    from astropy.table import QTable

    mosaic = products.read(path, models.Mosaic, ("data", "err", "weight"))
    ours = source_catalog(mosaic, *map(Reference, references), **settings)
    given = dict(zip(("override_apcorr", "override_abvegaoffset"), map(str, references), strict=True))
    if "connectivity" in settings:
        given["connectivity"] = str(settings["connectivity"])
    oracle.run("source_catalog", path, folder, {"source_catalog": settings | given})
    theirs = QTable.read(next(folder.glob("*_cat.ecsv")), format="ascii.ecsv")
    segments = [products.read(found, models.SegmentationMap) for found in folder.glob("*_segm.fits")]
    return np.sqrt(mosaic.keyword("PIXAR_A2")), ours, theirs, segments[0] if segments else None


def compare(case, figures, scale, ours, theirs, segments):
    """All official columns, in order; and the map. Of columns of a kind the table shows the worst."""
    table = ours.to_table()
    assert len(table) == len(theirs) > 0
    assert [name for name in table.colnames if name not in OWN] == theirs.colnames
    worst, allowed = {}, WITH_BOXES if "faint" in case else ALLOWED
    for name in theirs.colnames:
        kind, measured = compare_column(name, scale, table[name], theirs[name])
        worst[kind] = max(worst.get(kind, (-1.0, "")), (float(measured), name))
    for kind, (measured, name) in worst.items():
        figures.append(Figure(case, "source_catalog", kind, measured, allowed[kind], "values", f"(worst: {name})"))
    assert (ours.segmentation is None) == (segments is None)
    if segments is not None:
        same = np.mean(ours.segmentation.data == segments.data)
        figures.append(Figure(case, "source_catalog", "map of labels", same, 1.0, "share"))


# Differences allowed by kind of column: pixels, relative, magnitudes, rows, absolute. More where the sky is measured in
# several boxes (see README).
ALLOWED = {"position": 0.01, "value": 1e-5, "magnitude": 1e-5, "label": 0, "shape": 1e-3}
WITH_BOXES = ALLOWED | {"value": 1e-3, "magnitude": 1e-3, "shape": 0.02}
KINDS = {"xcentroid": "position", "ycentroid": "position"}
KINDS |= dict.fromkeys(("label", "nn_label", "is_extended"), "label")
KINDS |= dict.fromkeys(("sharpness", "roundness", "orientation", "sky_orientation"), "shape")


def compare_column(name, scale, ours, theirs):
    """Kind of a column, and the largest difference."""
    kind = KINDS.get(name, "magnitude" if "mag" in name else "position" if name.startswith("sky_") else "value")
    if kind == "label":
        return kind, np.count_nonzero(np.asarray(ours) != np.asarray(theirs))
    if name.startswith("sky_") and kind == "position":
        return kind, compare_sky(name, scale, ours, theirs)
    assert getattr(ours, "unit", None) == getattr(theirs, "unit", None) or np.isnan(theirs).all(), name
    ours, theirs = (np.asarray(getattr(column, "value", column), float) for column in (ours, theirs))
    assert np.array_equal(np.isnan(ours), np.isnan(theirs)), name
    if np.isnan(ours).all():
        return kind, 0.0
    unit = np.maximum(np.abs(theirs), np.nanmedian(np.abs(theirs))) if kind == "value" else 1.0
    return kind, np.nanmax(np.abs(ours - theirs) / unit)


def compare_sky(name, scale, ours, theirs):
    """Largest distance of sky positions, pixels; official boxes reach a pixel too far up and to the right (README)."""
    if not hasattr(theirs, "ra"):  # stars have no boxes
        assert np.isnan(theirs).all() and np.isnan(ours.ra).all()
        return 0.0
    beyond = {"ul": 1.0, "lr": 1.0, "ur": np.sqrt(2)}.get(name[-2:], 0.0) if "bbox" in name else 0.0
    return np.abs(ours.separation(theirs).arcsec / scale - beyond).max()


def check(case, field, settings, figures, scratch):
    start = len(figures)
    compare(f"catalogue {case}", figures, *run_both(*field, settings, scratch))
    missed = [str(figure) for figure in figures[start:] if not figure.passed]
    assert not missed, "\n" + "\n".join(missed)


@pytest.mark.parametrize("case", CASES)
def test_simulated(field, case, figures, scratch):
    check(case, field, CASES[case], figures, scratch)


def test_real_miri(field, real_data, figures, scratch):
    path = next((real_data / "miri_image_jw01288").glob("*_i2d.fits"))
    table = np.zeros(3, [("filter", "S12"), ("subarray", "S15"), *((name, "f4") for name in APCORR)])
    for row, values in zip(table, ((0.3, 1.1, 3.4), (0.5, 1.8, 2.1), (0.7, 4.6, 1.5)), strict=True):
        row["filter"], row["subarray"], row["skyin"], row["skyout"] = "F770W", "SUB128", 6.0, 9.0
        row["eefraction"], row["radius"], row["apcorr"] = values
    header = fits.Header([("DATAMODL", "MirImgApcorrModel"), ("REFTYPE", "APCORR")])
    write_fits(scratch / "apcorr.fits", [Extension("PRIMARY", header=header), Extension("APCORR", table)])
    offsets = real_data / "references" / "crds_asdf" / "jwst_miri_abvegaoffset_0001.asdf"
    check("real MIRI", (field[0], path, (scratch / "apcorr.fits", offsets)), {}, figures, scratch)
