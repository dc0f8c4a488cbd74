"""Light on a perfect detector: point-spread functions, stars, galaxies, background."""

import numpy as np
import pytest

from jwcal.simulate import GALAXY, STAR, Scene, Setup, plan_exposure
from jwcal.simulate import psf as psfs
from jwcal.simulate.scene import ARCSEC2, electrons_per_jansky, flux_density, measure_photmjsr, render_scene

PLAN = plan_exposure(Setup(subarray="SUB320"))
LONG = plan_exposure(Setup(subarray="SUB320", detector="NRCBLONG", filter="F444W"))


def make_psf(plan, masked=False):
    return psfs.make_field_psf(plan.band, plan.pointing, masked)


def star(plan, x, y, mag=18.0, slope=0.0):
    table = np.zeros(1, STAR)
    table["ra"], table["dec"] = plan.pointing.to_sky(np.array([x]), np.array([y]))
    table["mag"], table["slope"] = mag, slope
    return Scene(stars=table, background=0.0)


def test_every_phase_of_the_psf_sums_to_one():
    stamp = make_psf(PLAN).samples[0, 0].astype(float)
    step = psfs.OVERSAMPLING
    sums = [stamp[i::step, j::step].sum() for i in range(step) for j in range(step)]
    assert np.allclose(sums, 1, atol=1e-5)
    assert stamp.min() > -1e-6


def test_encircled_energy_grows_to_one():
    energy = psfs.measure_encircled_energy(make_psf(PLAN), [0.5, 2, 5, 20, psfs.RADIUS * 1.5])
    assert (np.diff(energy) > 0).all()
    assert energy[-1] == pytest.approx(1, abs=1e-6)
    assert 0.5 < energy[1] < 0.75


def test_encircled_energy_is_that_of_a_naive_sum():
    psf = make_psf(PLAN)
    mean = psf.samples[0, 0].astype(float) / psfs.OVERSAMPLING**2
    axis = (np.arange(mean.shape[0]) - mean.shape[0] // 2) / psfs.OVERSAMPLING
    distance = np.hypot(axis[:, None], axis[None, :])
    for radius in (1.3, 4.0):
        weight = np.clip((radius - distance) * psfs.OVERSAMPLING + 0.5, 0, 1)
        assert psfs.measure_encircled_energy(psf, [radius])[0] == pytest.approx((mean * weight).sum(), rel=1e-6)


def test_the_psf_widens_with_wavelength_and_away_from_the_centre():
    blue, red = (plan_exposure(Setup(subarray="SUB320", filter=name)).band for name in ("F115W", "F210M"))
    peaks = [psfs.make_psf(band, (0.031, 0.031), (0, 0)).max() for band in (blue, red)]
    assert peaks[0] > 1.8 * peaks[1]
    centre, corner = (psfs.make_psf(blue, (0.031, 0.031), (f, f)).max() for f in (0, 1))
    assert corner < 0.97 * centre


def test_the_mask_makes_a_broad_fringed_image():
    niriss = Setup("NIRISS", "NIS", "F480M", "NRM", "SUB80", "NISRAPID")
    plan = plan_exposure(niriss)
    open_energy, masked_energy = (
        psfs.measure_encircled_energy(make_psf(plan, masked), [5.0])[0] for masked in (False, True)
    )
    assert masked_energy < 0.4 * open_energy


@pytest.mark.parametrize(("x", "y"), [(150.0, 160.0), (150.37, 159.61), (120.5, 180.5)])
@pytest.mark.parametrize("plan", [PLAN, LONG], ids=["short", "long"])
def test_stars_keep_flux_and_place(plan, x, y):
    image = render_scene(star(plan, x, y), plan.pointing, plan.band).astype(float)
    expected = flux_density(18.0, 0.0, plan.band.pivot) * electrons_per_jansky(plan.band)
    assert image.sum() == pytest.approx(expected, rel=1e-5)
    columns, rows = image.sum(axis=0), image.sum(axis=1)
    at_pixel = render_scene(star(plan, np.floor(x), np.floor(y)), plan.pointing, plan.band).astype(float)
    axis = np.arange(320)
    for profile, still, place in ((columns, at_pixel.sum(axis=0), x), (rows, at_pixel.sum(axis=1), y)):
        shift = (profile * axis).sum() / profile.sum() - (still * axis).sum() / still.sum()
        assert shift == pytest.approx(place - np.floor(place), abs=1e-3)


def test_a_star_outside_still_shines_in():
    image = render_scene(star(PLAN, -8.0, 100.0, mag=15), PLAN.pointing, PLAN.band)
    assert image[:, :5].sum() > 10 * image[:, 60:65].sum() > 0


def test_stars_add_up():
    one, other = star(PLAN, 50.2, 60.7), star(PLAN, 64.9, 70.1, mag=19)
    both = Scene(stars=np.concatenate([one.stars, other.stars]), background=0.0)
    images = [render_scene(scene, PLAN.pointing, PLAN.band) for scene in (one, other, both)]
    assert np.allclose(images[0] + images[1], images[2], atol=1e-4)


@pytest.mark.parametrize(("index", "tolerance"), [(1.0, 0.005), (4.0, 0.08)])
def test_galaxies_keep_flux_and_place(index, tolerance):
    table = np.zeros(1, GALAXY)
    table["ra"], table["dec"] = PLAN.pointing.to_sky(np.array([140.3]), np.array([170.8]))
    table["mag"], table["radius"], table["index"], table["axis_ratio"] = 19.0, 0.25, index, 0.5
    image = render_scene(Scene(galaxies=table, background=0.0), PLAN.pointing, PLAN.band).astype(float)
    expected = flux_density(19.0, 0.0, PLAN.band.pivot) * electrons_per_jansky(PLAN.band)
    assert image.sum() == pytest.approx(expected, rel=tolerance)
    y, x = np.mgrid[:320, :320]
    assert (image * x).sum() / image.sum() == pytest.approx(140.3, abs=0.1)
    assert (image * y).sum() / image.sum() == pytest.approx(170.8, abs=0.1)


def test_galaxies_lie_at_their_angle():
    plan = plan_exposure(Setup(subarray="SUB320", roll=0.0))
    angles = []
    for angle in (0.0, 50.0):
        table = np.zeros(1, GALAXY)
        table["ra"], table["dec"] = plan.pointing.to_sky(np.array([160.0]), np.array([160.0]))
        table["mag"], table["radius"], table["index"], table["axis_ratio"], table["angle"] = 18.0, 0.4, 0.5, 0.3, angle
        image = render_scene(Scene(galaxies=table, background=0.0), plan.pointing, plan.band).astype(float)
        y, x = np.mgrid[:320, :320] - 160.0
        east, north = np.einsum("ij,jyx->iyx", plan.pointing.sky_matrix(160, 160), np.array([x, y]))
        bright = image > 0.1 * image.max()  # the wings of the point-spread function have a shape of their own
        tensor = [(bright * a * b).sum() for a, b in ((east, east), (north, north), (east, north))]
        angles.append(np.degrees(0.5 * np.arctan2(2 * tensor[2], tensor[1] - tensor[0])))
    assert angles == pytest.approx([0.0, 50.0], abs=1.0)


def test_a_source_behind_the_lens_becomes_a_ring():
    table = np.zeros(1, GALAXY)
    table["ra"], table["dec"] = PLAN.pointing.to_sky(np.array([160.0]), np.array([160.0]))
    table["mag"], table["radius"], table["index"], table["axis_ratio"], table["einstein"] = 22.0, 0.1, 1.0, 1.0, 2.0
    image = render_scene(Scene(galaxies=table, background=0.0), PLAN.pointing, PLAN.band)
    y, x = np.mgrid[:320, :320] - 160.0
    radius = np.hypot(x, y) * 0.031
    profile = [image[np.abs(radius - r) < 0.05].mean() for r in (0.0, 1.0, 2.0, 3.0)]
    assert np.argmax(profile) == 2
    assert profile[2] > 20 * max(profile[0], profile[3])


def test_background_follows_pixel_area_and_photom():
    image = render_scene(Scene(background=0.5, background_slope=0.0), PLAN.pointing, PLAN.band)
    areas = PLAN.pointing.distortion.pixel_area(*np.meshgrid(np.arange(320), np.arange(320)))
    gain, nominal = 2.05, 9.5e-4
    brightness = image / gain * measure_photmjsr(PLAN.band, gain, nominal) * nominal / areas
    assert np.allclose(brightness, 0.5, rtol=1e-5)


def test_photmjsr_gives_back_a_flux():
    gain, nominal = 1.8, 9.5e-4
    counts = electrons_per_jansky(PLAN.band) / gain  # DN/s of 1 Jy
    megajansky = counts * measure_photmjsr(PLAN.band, gain, nominal) * nominal * ARCSEC2
    assert megajansky == pytest.approx(1e-6)
