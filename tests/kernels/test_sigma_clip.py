"""The clipped mean: as astropy clips, and cases that can be read by eye."""

import warnings

import numpy as np
import pytest
from astropy.stats import sigma_clip

from jwcal.kernels.sigma_clip import average_clipped


def average(data, sigma=3.0, rounds=-1, variances=None):
    data = np.asarray(data, np.float32)
    var_poisson, var_rnoise = np.ones((2, *data.shape), np.float32) if variances is None else variances
    return average_clipped(data, var_poisson, var_rnoise, float(sigma), rounds)


@pytest.mark.parametrize("rounds", [-1, 1, 2])
@pytest.mark.parametrize("sigma", [1.0, 1.5, 3.0])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 31])
def test_clips_as_astropy(count, sigma, rounds):
    rng = np.random.default_rng(count)
    data = rng.normal(5, 1, (count, 12, 11)).astype(np.float32)
    data[rng.random(data.shape) < 0.1] *= 9
    data[rng.random(data.shape) < 0.15] = np.nan
    variances = rng.random((2, *data.shape)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clipped = sigma_clip(data.astype(float), sigma=sigma, maxiters=None if rounds < 0 else rounds, axis=0)
    mean, poisson, rnoise, kept = average(data, sigma, rounds, variances)
    counts = clipped.count(axis=0)
    np.testing.assert_array_equal(kept, counts)
    np.testing.assert_allclose(mean, clipped.mean(axis=0).filled(0.0), rtol=1e-6)
    for variance, result in zip(variances, (poisson, rnoise), strict=True):
        expected = np.where(clipped.mask, 0, variance).sum(axis=0) / np.maximum(counts, 1) ** 2
        np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_one_outlier():
    data = np.array([1, 2, 3, 2, 1, 3, 2, 2, 2, 2, 2, 900.0])[:, None, None]
    mean, variance, _, count = average(data)
    assert mean == 2 and count == 11 and variance == pytest.approx(1 / 11)


def test_nothing_left():
    mean, poisson, rnoise, count = average(np.full((3, 1, 1), np.nan))
    assert mean == 0 and count == 0 and poisson == 0 and rnoise == 0


def test_equal_values_are_kept():
    mean, variance, _, count = average(np.full((4, 1, 1), 7.0), sigma=0.5)
    assert mean == 7 and count == 4 and variance == 0.25
