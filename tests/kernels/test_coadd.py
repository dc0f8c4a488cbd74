"""Co-adding resampled exposures."""

import numpy as np
import pytest
from naive_drizzle import naive_coadd

from jwcal.kernels.coadd import add_exposure, finish_variances

SHAPE = (5, 4)


def start(shape=SHAPE):
    return np.full((4, *shape), np.nan, np.float32), np.zeros((4, *shape), np.float32)


def make_exposures(count, seed=0):
    rng = np.random.default_rng(seed)
    planes = rng.uniform(0.5, 2, (count, 4, *SHAPE)).astype(np.float32)
    return planes, rng.uniform(1, 3, (count, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize("constant", [0.0, 2.5])
def test_mean_and_its_variance(constant):
    planes, weights = make_exposures(5)
    mosaic, totals = start()
    for exposure, weight in zip(planes, weights, strict=True):
        add_exposure(mosaic, totals, exposure, weight, (0, 0), constant)
    noise = np.full(weights.shape, constant) if constant else 1 / planes[:, 2].astype(float)
    data, variances = naive_coadd(planes, weights, noise)
    np.testing.assert_allclose(mosaic[0], data, rtol=1e-5)
    np.testing.assert_allclose(mosaic[1:], variances, rtol=1e-5)
    np.testing.assert_allclose(totals[0], weights.sum(0), rtol=1e-6)


def test_equal_exposures_add_up_as_they_should():
    planes, weights = make_exposures(1)
    mosaic, totals = start()
    for _ in range(4):
        add_exposure(mosaic, totals, planes[0], weights[0], (0, 0), 0.0)
    np.testing.assert_allclose(mosaic[0], planes[0, 0], rtol=1e-6)
    np.testing.assert_allclose(mosaic[1:], planes[0, 1:] / 4, rtol=1e-6)


def test_a_rectangle_of_the_mosaic():
    mosaic, totals = start((9, 8))
    planes, weights = make_exposures(1)
    add_exposure(mosaic, totals, planes[0], weights[0], (3, 2), 0.0)
    np.testing.assert_array_equal(mosaic[:, 3:8, 2:6], planes[0])
    assert np.isfinite(mosaic[0]).sum() == 20 and (totals[0] > 0).sum() == 20


def test_what_is_missing_does_not_count():
    planes, weights = make_exposures(2)
    weights[1, 0, 0], planes[1, 0, 0, 0] = 0, np.nan
    planes[1, 2, 1, 1] = np.nan  # no read noise: no weight for any variance
    planes[1, 3, 2, 2] = np.nan
    mosaic, totals = start()
    for exposure, weight in zip(planes, weights, strict=True):
        add_exposure(mosaic, totals, exposure, weight, (0, 0), 0.0)
    assert mosaic[0, 0, 0] == planes[0, 0, 0, 0]
    np.testing.assert_array_equal(mosaic[1:, 1, 1], planes[0, 1:, 1, 1])
    assert mosaic[3, 2, 2] == planes[0, 3, 2, 2] and mosaic[1, 2, 2] != planes[0, 1, 2, 2]


def test_the_error_is_the_root_of_the_known_variances():
    mosaic = np.ones((4, 1, 5), np.float32)
    mosaic[1:, 0, 0] = 4, 9, 36
    mosaic[1:, 0, 1] = np.nan, 9, 16
    mosaic[1:, 0, 2] = np.nan
    mosaic[1:, 0, 3] = 4, np.nan, 4
    mosaic[1:, 0, 4] = -1, 9, np.inf
    weighted, constant = mosaic.copy(), mosaic.copy()
    np.testing.assert_allclose(finish_variances(weighted, 0.25, 0.0), [[3.5, 2.5, np.nan, np.nan, 1.5]])
    np.testing.assert_allclose(weighted[1:, 0, 0], [1, 2.25, 9])
    np.testing.assert_allclose(finish_variances(constant, 1.0, 5.0), [[7, 5, np.nan, np.sqrt(8), 3]], rtol=1e-6)
    assert np.isnan(weighted[1:, 0, 3]).all() and np.isnan(constant[[1, 3], 0, 4]).all()
