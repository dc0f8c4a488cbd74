"""Whole exposures with 1/f noise: what is left of it after each side's clean_flicker_noise, and what stars lose.

On both sides the median of a short line is as uncertain as the noise that it is to measure, and its errors add up from
group to group: lines of some hundred pixels come out no better than they went in, whoever cleans them.
"""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from cases import Case
from cases_modes import nircam, niriss
from comparison import Figure

from jwcal import products
from jwcal.references import Reference
from jwcal.runner import run_chain
from jwcal.simulate import Setup
from jwcal.steps.clean_flicker_noise import clean_flicker_noise
from jwcal.steps.ramp_fit import ramp_fit

OUTPUTS = 4
LONG = 500  # pixels of a line, from which on cleaning helps
BOX, BRIGHT = 7, 1000.0  # pixels around a star; how many times the stripes there its light must be to be told from them
MOST, NEAR = 0.002, 1.01  # of a star's light that may go; of what the official step leaves


def case(name, number, setup, faint=24.0, bright=16.0):
    """A case in programme 5; `number` keeps the file names apart."""
    return Case(f"1/f {name}", replace(setup, program=5, observation=number), {}, faint, bright, False)


def nirspec(subarray, ngroups):
    """A set-up of NIRSpec."""
    return Setup("NIRSPEC", "NRS1", "F170LP", "G235M", subarray, "NRSRAPID", ngroups, exp_type="NRS_FIXEDSLIT")


CASES = [
    case("NIRCam full", 1, nircam(subarray="FULL", ngroups=4)),
    case("NIRISS full", 2, niriss("FULL", "NISRAPID", 4)),
    case("NIRCam SUB640", 3, nircam("NRCB1", subarray="SUB640", ngroups=6), 30.0, 20.0),
    case("NIRCam SUB160 x3", 4, nircam("NRCB1", subarray="SUB160", ngroups=8, nints=3), 30.0, 24.0),
    case("NIRSpec full", 5, nirspec("FULL", 4), 30.0, 22.0),
    case("NIRSpec SUB2048", 6, nirspec("SUB2048", 6), 30.0, 24.0),
]
WAYS = {
    "median": {},
    "outputs": {"fit_by_channel": True},
    "model": {"background_method": "model"},
    "fft": {"fit_method": "fft"},
}
FURTHER = {
    "NIRCam full": ("outputs",),
    "NIRISS full": ("model",),
    "NIRSpec full": ("fft",),
    "NIRSpec SUB2048": ("fft",),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_stripes_and_stars(case, laboratory, figures, scratch):
    name, first = laboratory.names[case.name], len(figures)
    plan = laboratory.program.plan("detector1", name)
    references = [Reference(plan["references"][kind], kind) for kind in ("readnoise", "gain")]
    ramp = run_chain(plan, products.read_ramp(laboratory.uncal(case.name)), until="jump")
    products.write(scratch / "x_ramp.fits", ramp)
    striped = ramp_fit(ramp, *references).rate
    expected = fits.getdata(laboratory.simulated[case.name].truth, "RATE")
    for way in ("median", *FURTHER.get(case.name.removeprefix("1/f "), ())):
        settings = {"clean_flicker_noise": {"skip": False, **WAYS[way]}}
        official = laboratory.oracle.run("clean_flicker_noise", scratch / "x_ramp.fits", scratch / way, settings)
        theirs = ramp_fit(products.read_ramp(official.product("cal")), *references).rate
        ours = clean_flicker_noise(products.read_ramp(scratch / "x_ramp.fits"), *references, **WAYS[way])
        ours = ramp_fit(ours, *references).rate
        before, left, official_left = (measure_stripes(rate, expected) for rate in (striped, ours, theirs))
        for array, *found in zip(("lines", "pixels"), before, left, official_left, strict=True):
            note = "DN/s: {:.4f} before, {:.4f} after, {:.4f} officially".format(*found)
            figures.append(Figure(case.name, way, array, found[1] / found[2], NEAR, "values", note))
            assert found[1] < found[0] or min(expected.shape) < LONG
        changes = compare_stars(striped, ours, expected, before[0])
        if changes.size:
            note = f"largest change of {changes.size} stars"
            figures.append(Figure(case.name, way, "stars", float(np.abs(changes).max()), MOST, "values", note))
    assert case.bright > 16 or changes.size > 20
    failed = [str(figure) for figure in figures[first:] if not figure.passed]
    assert not failed, "\n".join(failed)


def measure_stripes(rate, expected):
    """Scatter of the lines' means in each output, and of the pixels, about what was expected, DN/s."""
    lines, level = (turn(image, rate) for image in (rate.data - expected, expected))
    seen = turn(rate.dq == 0, rate) & np.isfinite(lines) & (level < np.median(level) + 1)
    lines = np.where(seen, lines, np.nan)
    width = lines.shape[1] // (OUTPUTS if lines.shape[1] == 2048 else 1)
    means = [np.nanmean(lines[:, x : x + width], axis=1) for x in range(0, lines.shape[1], width)]
    return float(np.sqrt(np.mean([np.nanvar(mean) for mean in means]))), float(np.nanstd(lines))


def turn(image, rate):
    """An image [line, tick]: lines run along the fast axis."""
    return image.T if abs(int(rate.keyword("FASTAXIS"))) == 2 else image


def compare_stars(before, after, expected, stripes):
    """Relative changes of the light of stars that are bright enough for stripes not to matter."""
    from scipy import ndimage

    def sum_boxes(image):
        return ndimage.uniform_filter(np.where(known, image, 0.0), BOX, mode="constant") * BOX**2

    known = np.isfinite(before.data) & np.isfinite(after.data)
    light = sum_boxes(expected - np.median(expected))
    stars = (expected == ndimage.maximum_filter(expected, BOX)) & (light > BRIGHT * stripes * BOX**2)
    return sum_boxes(after.data - before.data)[stars] / light[stars]
