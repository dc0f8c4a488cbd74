"""What goes into the simulated telescope comes out of the calibration: slopes, cosmic rays, star fluxes."""

from statistics import NormalDist

import numpy as np
import pytest
import truth
from astropy.io import fits

from jwcal import products
from jwcal.references import Reference
from jwcal.simulate import Setup
from jwcal.simulate.scene import STAR, Scene, flux_density
from jwcal.steps.source_catalog import source_catalog

FIELD = Setup(subarray="SUB320", readpatt="BRIGHT1", groupgap=9, ngroups=8, nints=2, observation=1)
STAR_SETUPS = [
    Setup(subarray="SUB160", ngroups=5, nints=6, observation=2),
    Setup(detector="NRCBLONG", filter="F444W", subarray="SUB160", ngroups=5, nints=6, observation=3),
]
GRID = Setup(detector="NRCBLONG", filter="F444W", subarray="SUB320", readpatt="SHALLOW4", ngroups=6, nints=2,
             observation=4)  # fmt: skip


def make_field():
    rng = np.random.default_rng(4)
    stars = np.zeros(40, STAR)
    stars["ra"] = FIELD.ra + rng.uniform(-5, 5, 40) / 3600
    stars["dec"] = FIELD.dec + rng.uniform(-5, 5, 40) / 3600
    stars["mag"] = rng.uniform(20, 25, 40)
    return Scene(stars=stars)


def make_star(setup, magnitude=15.3):
    return Scene(stars=np.array([(0, setup.ra, setup.dec, magnitude, 0.0)], STAR))


def make_grid(setup, number=5, spacing=3.8):
    """Bright stars in rows, far enough apart, each in another place within its pixel."""
    rng = np.random.default_rng(9)
    east, north = np.meshgrid(*2 * [(np.arange(number) - (number - 1) / 2) * spacing])
    stars = np.zeros(number**2, STAR)
    stars["dec"] = setup.dec + (north.ravel() + rng.uniform(-0.1, 0.1, number**2)) / 3600
    stars["ra"] = setup.ra + (east.ravel() + rng.uniform(-0.1, 0.1, number**2)) / 3600 / np.cos(np.radians(setup.dec))
    stars["mag"] = rng.uniform(20.0, 20.5, number**2)
    return Scene(stars=stars)


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("truth")
    scenes = [make_field(), *map(make_star, STAR_SETUPS), make_grid(GRID)]
    simulated = truth.simulate(folder, [FIELD, *STAR_SETUPS, GRID], scenes)
    five_sigma = {"when": {"subarray": "SUB320"}, "jump": {"rejection_threshold": 5.0}}
    return simulated, truth.load_program(folder, [five_sigma]), scenes


def test_slopes_and_cosmic_rays(sky):
    simulated, program, _ = sky
    exposure = simulated[0]
    name = exposure.plan.root
    ramp = truth.run(program, "detector1", name, products.read_ramp(exposure.uncal), until="jump")
    groupdq = ramp.groupdq.copy()
    expected = fits.getdata(exposure.truth, "RATE")
    plan = program.plan("detector1", name)
    gain, noise = (Reference(plan["references"][t]).image("SCI", like=ramp) for t in ("gain", "readnoise"))
    timing = exposure.plan.timing
    sigma = truth.difference_noise(expected, gain, noise, timing.tgroup, timing.nframes)
    hits = fits.getdata(exposure.truth, "COSMIC_RAYS")
    recall, precision, number = truth.score_cosmic_rays(groupdq, hits, sigma)
    assert number > 200
    strength = hits["electrons"] / sigma[hits["y"], hits["x"]]
    strength = strength[(strength > 5) & (hits["group"] > 0)]
    # A hit of s sigma rises above the threshold in the fraction Phi(s - 5) of cases; three sigma of chance are allowed.
    theory = np.mean([NormalDist().cdf(s - 5) for s in strength])
    chance = 3 * np.sqrt(theory * (1 - theory) / number) + 1 / number
    assert recall > theory - chance, f"recall {recall:.4f} of {number}, theory {theory:.4f}"
    assert precision > 0.95, f"precision {precision:.3f}"

    rates = truth.run(program, "detector1", name, products.read_ramp(exposure.uncal))
    mean, width, pixels = truth.measure_pulls(rates.rate, expected)
    assert pixels > 90_000
    # The level of so few reference pixels, which refpix subtracts everywhere, is uncertain by some 0.07 sigma.
    assert abs(mean) < 0.15 and width < 1.10, f"mean {mean:.3f}, width {width:.3f}"


@pytest.mark.parametrize("number", [1, 2], ids=["short wave", "long wave"])
def test_star_flux(sky, number):
    simulated, program, scenes = sky
    exposure, star = simulated[number], scenes[number].stars
    name = exposure.plan.root
    rates = truth.run(program, "detector1", name, products.read_ramp(exposure.uncal))
    cal = truth.run(program, "image2", name, rates.rate)
    profile = truth.draw_star(exposure.plan, star)
    area = cal.area * cal.keyword("PIXAR_SR")
    expected = flux_density(star["mag"], star["slope"], exposure.plan.band.pivot)[0] * 1e-6
    flux = truth.fit_flux(cal.data, area, profile, cal.dq != 0)
    assert abs(flux / expected - 1) < 0.005

    i2d = truth.run(program, "resample", name, cal)
    y, x = np.indices(i2d.data.shape)
    peak = np.unravel_index(np.nanargmax(i2d.data), i2d.data.shape)
    distance = np.hypot(y - peak[0], x - peak[1])
    sky_level = np.nanmedian(i2d.data[(distance > 50) & (distance < 70)])
    total = np.nansum((i2d.data - sky_level)[distance < 15]) * i2d.keyword("PIXAR_SR")
    y, x = np.indices(profile.shape)
    top = np.unravel_index(profile.argmax(), profile.shape)
    distance = np.hypot(y - top[0], x - top[1])
    outside = np.median(profile[(distance > 50) & (distance < 70)])
    enclosed = (profile - outside)[distance < 15].sum()
    assert abs(total / (expected * enclosed) - 1) < 0.01


def test_the_catalogue_holds_the_stars(sky, tmp_path):
    simulated, program, scenes = sky
    exposure, stars = simulated[3], scenes[3].stars
    name, cache = exposure.plan.root, exposure.uncal.parents[1] / "crds"
    rates = truth.run(program, "detector1", name, products.read_ramp(exposure.uncal))
    mosaic = truth.run(program, "resample", name, truth.run(program, "image2", name, rates.rate))
    apcorr, offset = (Reference(next(cache.rglob(f"*_nircam_{kind}_*"))) for kind in ("apcorr", "abvegaoffset"))
    catalog = source_catalog(mosaic, apcorr, offset)
    ra, dec = catalog["sky_centroid"]
    east, north = (
        (ra[:, None] - stars["ra"]) * np.cos(np.radians(GRID.dec)) * 3600,
        (dec[:, None] - stars["dec"]) * 3600,
    )
    distance = np.hypot(east, north)
    row = distance.argmin(axis=0)
    found = distance.min(axis=0) < 0.01  # arcsec, a sixth of a pixel
    assert found.sum() >= 18, f"{found.sum()} of {len(stars)}"
    true = flux_density(stars["mag"], stars["slope"], exposure.plan.band.pivot)
    ratio = (catalog["aper_total_flux"][row] / true)[found]
    assert abs(ratio.mean() - 1) < 0.005, f"mean ratio {ratio.mean():.4f} of {found.sum()}"
    assert ratio.std() < 0.015
    for percent in (30, 50, 70):
        assert np.mean((catalog[f"aper{percent}_flux"][row] / true)[found]) == pytest.approx(percent / 100, abs=0.012)
    assert not catalog["is_extended"][row][found].any()
    assert abs(catalog["aper_total_abmag"] - catalog["aper_total_vegamag"] - catalog.meta["abvega_offset"]).max() < 1e-9
    errors = [offset[row, np.arange(len(stars))][found] for offset in (east, north)]
    predicted = [catalog[name][row][found] for name in ("ra_err", "dec_err")]
    pulls = [(error - error.mean()) / sigma for error, sigma in zip(errors, predicted)]
    # Light of a single exposure is under-sampled: where in a pixel a star lies adds to the noise (tests of stage 3).
    assert all(0.5 < pull.std() < 2.5 for pull in pulls), [pull.std() for pull in pulls]
