"""tweakreg and skymatch against the official steps, on the same `_cal` files.

The official steps run in one process of their own (`official_alignment.py`), with the settings of each case; ours with
the same settings, on the same files. Sky positions must agree to 1e-4 pixel and 0.01 mas, levels to a thousandth of a
pixel's noise.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from comparison import Figure
from conftest import CONTEXT, HERE
from dithered import SIGMA, make_association
from oracle import find_python, offline_environment

from jwcal import models, products
from jwcal.alignment.solutions import apply_alignment, find_entry, name_of
from jwcal.steps.assign_mtwcs import assign_mtwcs
from jwcal.steps.skymatch import skymatch
from jwcal.steps.tweakreg import tweakreg
from jwcal.steps.tweakreg_catalog import tweakreg_catalog
from jwcal.wcs import from_tree

PIXELS = np.stack(np.meshgrid(np.linspace(0, 639, 12), np.linspace(0, 639, 12))).reshape(2, -1)
MAS = 3.6e6
CLOSE = {"separation": 0.2, "tolerance": 0.1, "abs_separation": 0.2, "abs_tolerance": 0.1}
# What is run on both sides: detector ("" for both), settings of the source finder, settings of the alignment.
TWEAKREG = {
    "defaults": ("nrcb1", {}, {}),
    "dao, expanding": (
        "nrcb1",
        {"starfinder": "dao", "sharplo": 0.2, "roundlo": -0.5, "roundhi": 0.5, "snr_threshold": 20.0, "brightest": 40},
        {"expand_refcat": True, "fitgeometry": "general", "minobj": 8, "nclip": 2, "sigma": 2.5},
    ),
    "segmentation": (
        "nrcb1",
        {"starfinder": "segmentation", "kernel_fwhm": 2.0, "npixels": 12, "connectivity": 4, "nlevels": 16},
        {"enforce_user_order": True, "fitgeometry": "rscale", "searchrad": 1.0, "minobj": 14},
    ),
    "groups": ("", {"bkg_boxsize": 200, "kernel_fwhm": 2.2}, {"fitgeometry": "shift", "tolerance": 0.3}),
    "stars": (
        "nrcb1",
        {},
        {"abs_refcat": "stars.ecsv", "abs_minobj": 10, "abs_searchrad": 3.0, **CLOSE},
    ),
}
SKYMATCH = {
    "defaults": ("nrcb1", {}),
    "groups": ("", {"skystat": "median", "nclip": 3, "dqbits": "~DO_NOT_USE"}),
    "mean, upwards": ("nrcb1", {"skystat": "mean", "match_down": False, "lsigma": 3.0, "usigma": 2.0}),
    "global+match, midpt": ("nrcb1", {"skymethod": "global+match", "skystat": "midpt", "subtract": True}),
    "local, limits": ("nrcblong", {"skymethod": "local", "lower": 0.0, "upper": 0.4, "binwidth": 0.05}),
    "outlines": ("nrcb1", {"stepsize": 100, "skystat": "median"}),
}


@pytest.fixture(scope="module")
def association(tmp_path_factory):
    if not Path(find_python()).exists():
        pytest.fail("the official package is not installed: run tests/parity/install.sh", pytrace=False)
    return make_association(tmp_path_factory.mktemp("association"))


@pytest.fixture(scope="module")
def official(association):
    """Results of the official steps, by step and case."""
    folder = association.folder
    jobs = [
        {"step": "tweakreg", "files": association.of(detector), "settings": finder | fit, "seen": PIXELS.tolist()}
        for detector, finder, fit in TWEAKREG.values()
    ]
    for detector, settings in SKYMATCH.values():
        jobs.append({"step": "skymatch", "files": association.of(detector), "settings": settings})
    jobs.append({"step": "assign_mtwcs", "files": association.of("nrcb1"), "settings": {}, "seen": PIXELS.tolist()})
    (folder / "jobs.json").write_text(json.dumps(jobs))
    program = [find_python(), str(HERE / "official_alignment.py"), "jobs.json", "results.json"]
    with open(folder / "official.log", "w") as log:
        environment = offline_environment(folder / "crds", CONTEXT)
        status = subprocess.run(program, cwd=folder, env=environment, stdout=log, stderr=log).returncode
    assert status == 0, (folder / "official.log").read_text()[-3000:]
    names = [("tweakreg", name) for name in TWEAKREG] + [("skymatch", name) for name in SKYMATCH]
    names.append(("assign_mtwcs", "moving target"))
    return dict(zip(names, json.loads((folder / "results.json").read_text()), strict=True))


def check(figures, start):
    """Fail with the lines of the table that miss their goal."""
    missed = [str(figure) for figure in figures[start:] if not figure.passed]
    assert not missed, "\n" + "\n".join(missed)


def light(path):
    """An exposure without pixels."""
    return products.read(path, models.Image, only=())


def separation(first, second):
    """Largest distance of two sets of sky positions, mas."""
    (ra, dec), (other_ra, other_dec) = first, second
    return float(MAS * np.hypot((ra - other_ra) * np.cos(np.radians(dec)), dec - other_dec).max())


@pytest.mark.parametrize("name", TWEAKREG)
def test_tweakreg(name, association, official, figures):
    start, theirs = len(figures), official["tweakreg", name]
    detector, finder, fit = TWEAKREG[name]
    paths = association.of(detector)
    fit = {key: str(association.folder / value) if key == "abs_refcat" else value for key, value in fit.items()}
    images = [light(path) for path in paths]
    catalogs = [
        tweakreg_catalog(products.read(path, models.Image, only=("data", "dq")), **finder) for path in paths
    ]  # fmt: skip

    def add(array, measured, allowed, note=""):
        figures.append(Figure(f"dithers, {name}"[:26], "tweakreg", array, measured, allowed, "values", note))

    add("sources", max(compare_sources(c, theirs[Path(p).name]) for c, p in zip(catalogs, paths, strict=True)), 1e-4)
    solution = tweakreg(images, catalogs, clip_accum=False, clip_median=False, abs_use_all=False, **fit)
    errors, pixels, shifts, worse = [], [], [], []
    for image, path in zip(images, paths, strict=True):
        found, entry = theirs[Path(path).name], find_entry(solution, image)
        apply_alignment(image, entry)
        compare_verdicts(image, entry, found)
        sky, expected = from_tree(image.wcs).forward(*PIXELS), np.array([found["ra"], found["dec"]])
        errors.append(separation(sky, expected))
        pixels.append(np.hypot(*(np.stack(from_tree(image.wcs).inverse(*expected)) - PIXELS)).max())
        truth = association.truths[Path(path).name].forward(*PIXELS)
        worse.append(separation(sky, truth) - separation(expected, truth))
        if "absolute" not in entry:  # there the official shift is but the last of two
            shifts.append(np.abs(np.subtract(entry["shift"], found["shift"])).max())
            shifts.append(np.abs(np.subtract(entry["matrix"], found["matrix"])).max())
    add("sky", max(errors), 0.01, "mas")
    add("pixels", float(max(pixels)), 1e-4)
    add("correction", float(max(shifts, default=0)), 1e-7, "arcsec, and matrix")
    add("error", float(max(worse)), 0.01, "mas by which ours is larger than theirs")
    check(figures, start)


def test_all_positions_of_a_star_are_nearer_to_the_truth(association, official, figures):
    """Typical error of the exposures' pointings after the alignment with stars."""
    start, theirs = len(figures), official["tweakreg", "stars"]
    images = [light(path) for path in association.of("nrcb1")]
    catalogs = [tweakreg_catalog(products.read(i.path, models.Image, only=("data", "dq"))) for i in images]
    _, _, fit = TWEAKREG["stars"]
    solution = tweakreg(images, catalogs, **fit | {"abs_refcat": str(association.folder / fit["abs_refcat"])})
    errors = []
    for image in images:
        apply_alignment(image, find_entry(solution, image))
        found, truth = theirs[os.path.basename(image.path)], association.truths[os.path.basename(image.path)]
        expected = np.array([found["ra"], found["dec"]])
        errors.append(
            [mean_offset(sky, truth.forward(*PIXELS)) for sky in (from_tree(image.wcs).forward(*PIXELS), expected)]
        )
    ours, others = np.mean(errors, axis=0)
    note = f"mas; {others:.2f} officially"
    figures.append(Figure("dithers, stars", "tweakreg", "error", float(ours), float(others), "values", note))
    check(figures, start)


def mean_offset(first, second):
    """Length of the mean difference of sky positions, mas."""
    (ra, dec), (other_ra, other_dec) = first, second
    return float(MAS * np.hypot(((ra - other_ra) * np.cos(np.radians(dec))).mean(), (dec - other_dec).mean()))


def compare_sources(catalog, found):
    """Largest difference of the positions of sources, pixels."""
    ours, theirs = np.column_stack([catalog["x"], catalog["y"]]), np.array(found["sources"][:2]).T
    assert len(ours) == len(theirs) > 10
    distance = np.hypot(*(ours[:, None] - theirs[None]).transpose(2, 0, 1))
    assert len(set(distance.argmin(axis=1))) == len(ours)
    return float(distance.min(axis=1).max())


def compare_verdicts(image, entry, found):
    """Status, number of matches and residuals, footprint."""
    fit = entry.get("absolute") or entry["relative"]
    assert found["step"] == "COMPLETE"
    if "FAILED" in found["fit"]:  # README, difference 13
        assert image.header["S_TWKREG"] == "SKIPPED" and "matches" in fit["status"]
        return
    assert image.header["S_TWKREG"] == "COMPLETE" and fit["status"] == found["fit"]
    if found["matches"] is not None:
        assert fit["matches"] == found["matches"] and fit["rms"] == pytest.approx(found["rms"], abs=1e-6)
    numbers = [np.array(text.split()[2:], float) for text in (image.keyword("S_REGION"), found["region"])]
    np.testing.assert_allclose(*numbers, rtol=0, atol=3e-9)


def test_assign_mtwcs(association, official, figures):
    start, theirs, errors = len(figures), official["assign_mtwcs", "moving target"], []
    images = [light(path) for path in association.of("nrcb1")]
    solution = assign_mtwcs(images)
    for image in images:
        found = theirs[os.path.basename(image.path)]
        apply_alignment(image, find_entry(solution, image), "assign_mtwcs")
        wcs = from_tree(image.wcs)
        errors.append(separation(wcs.forward(*PIXELS), (np.array(found["ra"]), np.array(found["dec"]))))
        assert wcs.frames == found["frames"] and image.header["S_MTWCS"] == found["status"] == "COMPLETE"
        average = [image.keyword("MT_AVRA"), image.keyword("MT_AVDEC")]
        np.testing.assert_allclose(average, found["average"], rtol=0, atol=1e-11)
        numbers = [np.array(text.split()[2:], float) for text in (image.keyword("S_REGION"), found["region"])]
        np.testing.assert_allclose(*numbers, rtol=0, atol=3e-9)
    figures.append(Figure("dithers, moving target", "assign_mtwcs", "sky", max(errors), 1e-3, "values", "mas"))
    check(figures, start)


@pytest.mark.parametrize("name", SKYMATCH)
def test_skymatch(name, association, official, figures):
    start, theirs = len(figures), official["skymatch", name]
    detector, settings = SKYMATCH[name]
    paths = association.of(detector)
    ours, differences = skymatch(paths, pixel_pairs=False, **settings), []
    for path in paths:
        entry, found = ours[name_of(light(path))], theirs[os.path.basename(path)]
        assert (entry["status"], entry["method"]) == (found["status"], found["method"])
        assert entry["subtracted"] == found["subtracted"]
        differences.append(abs(entry["level"] - found["level"]) / SIGMA)
    case = f"dithers, {name}"[:26]
    figures.append(Figure(case, "skymatch", "level", max(differences), 1e-3, "values", "of a pixel's noise"))
    check(figures, start)


def test_pixel_pairs_are_nearer_to_the_truth(association, official, figures):
    from dithered import LEVELS

    paths = association.of("nrcb1")
    ours, theirs = skymatch(paths), official["skymatch", "defaults"]
    found = np.array([[ours[name_of(light(path))]["level"], theirs[Path(path).name]["level"]] for path in paths]).T
    errors = np.abs(found - np.array(LEVELS)).max(axis=1) / SIGMA
    note = f"of a pixel's noise; {errors[1]:.2e} officially"
    figures.append(Figure("dithers, pixel pairs", "skymatch", "error", float(errors[0]), 0.01, "values", note))
    assert errors[0] < min(0.01, errors[1])
