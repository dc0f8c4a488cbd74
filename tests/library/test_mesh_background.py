"""The background in boxes: photutils' result, and cases by eye."""

import warnings

import numpy as np
import pytest

from jwcal.sky.mesh_background import enlarge, measure_background, measure_runs


def make_image(shape, seed=1):
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    image = 3 + 0.01 * x - 0.005 * y + rng.normal(0, 0.5, shape)
    image[rng.random(shape) < 0.02] += 30
    bad = rng.random(shape) < 0.01
    image[bad & (rng.random(shape) < 0.5)] = np.nan
    return image.astype(np.float32), bad


def photutils_background(image, bad, box):
    from astropy.stats import SigmaClip
    from photutils.background import Background2D, MedianBackground

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"sigma_clip": SigmaClip(sigma=3.0), "bkg_estimator": MedianBackground(), "coverage_mask": bad}
        try:
            return Background2D(image, box, **options)
        except ValueError:
            return Background2D(image, image.shape, exclude_percentile=100, **options)


@pytest.mark.parametrize("shape, box", [((200, 240), 80), ((130, 170), 60), ((90, 90), 100), ((60, 61), 50)])
def test_as_photutils(shape, box):
    image, bad = make_image(shape)
    if shape[0] == 200:
        bad[:70, :70] = True  # a box that takes its neighbours' values
    expected = photutils_background(image, bad, box)
    found = measure_background(image, ~bad, box)
    # scipy's splines, which photutils uses, do not quite go through the values near the edges.
    np.testing.assert_allclose(found.level[~bad], expected.background[~bad], rtol=1e-3)
    np.testing.assert_allclose(found.rms[~bad], expected.background_rms[~bad], rtol=1e-3)
    assert found.level.dtype == np.float32


def test_where_no_box_is_full():
    image, bad = make_image((60, 80))
    bad |= np.indices(image.shape).sum(axis=0) % 2 == 0
    expected = photutils_background(image, bad, 20)
    found = measure_background(image, ~bad, 20)
    assert np.ptp(found.level) == 0
    np.testing.assert_allclose(found.level[~bad], expected.background[~bad], rtol=1e-6)
    np.testing.assert_allclose(found.rms[~bad], expected.background_rms[~bad], rtol=1e-6)


def test_nothing_good():
    image = np.full((5, 5), np.nan, np.float32)
    assert measure_background(image, np.ones((5, 5), bool), 5) is None
    assert measure_background(0 * image, np.zeros((5, 5), bool), 5) is None


def measure_clipped(values, *limits):
    return measure_runs([np.sort(values)], *limits)


@pytest.mark.parametrize("rounds", [0, 1, 5])
def test_clipped_as_astropy(rounds):
    from astropy.stats import sigma_clip

    values = np.random.default_rng(2).normal(5, 1, 999).astype(np.float32)
    values[::30] += 8
    kept = sigma_clip(values.astype(float), sigma=3, maxiters=rounds, masked=False) if rounds else values.astype(float)
    median, deviation, count = measure_clipped(values, 3.0, rounds)
    assert count == len(kept) and median == pytest.approx(np.median(kept)) and deviation == pytest.approx(kept.std())


def test_clipped_by_eye():
    assert measure_clipped(np.array([2.0], np.float32)) == (2, 0, 1)
    assert measure_clipped(np.array([1, 2, 3, 4], np.float32)) == pytest.approx((2.5, np.sqrt(1.25), 4))
    median, deviation, count = measure_clipped(np.float32([*range(20), 500]))
    assert (median, count) == (9.5, 20) and deviation == pytest.approx(np.arange(20).std())
    assert measure_clipped(np.zeros(0, np.float32))[2] == 0


def test_clipped_in_one_run_as_in_many():
    rng = np.random.default_rng(4)
    runs = [np.sort(rng.normal(-1, scale, size).astype(np.float32)) for scale, size in ((1, 500), (3, 77), (1, 1))]
    runs.append(np.zeros(0, np.float32))
    assert measure_runs(runs) == pytest.approx(measure_clipped(np.concatenate(runs)), rel=1e-12)
    assert measure_runs(runs, rounds=0)[0] == np.median(np.concatenate(runs).astype(float))


@pytest.mark.parametrize("mesh_shape, tolerance", [((1, 1), 0), ((1, 3), 2e-3), ((2, 2), 2e-3), ((8, 9), 1e-6)])
def test_enlarged_as_scipy(mesh_shape, tolerance):
    from scipy.ndimage import zoom

    mesh = np.random.default_rng(3).normal(5, 1, mesh_shape)
    expected = zoom(mesh, (7, 9), order=3, mode="reflect", grid_mode=True).clip(mesh.min(), mesh.max())
    shape = (7 * mesh_shape[0] - 3, 9 * mesh_shape[1] - 4)
    found = enlarge(mesh, (7, 9), shape)
    np.testing.assert_allclose(found, expected[: shape[0], : shape[1]], rtol=max(tolerance, 1e-6))
    np.testing.assert_allclose(found[3::7, 4::9], mesh, rtol=1e-6)
