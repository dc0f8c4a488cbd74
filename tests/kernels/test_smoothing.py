"""Smoothing: the plain sum, missing pixels, edges, threads."""

import numba
import numpy as np

from jwcal.kernels.smoothing import smooth_columns, smooth_rows

RNG = np.random.default_rng(15)


def smooth(data, outside, weights):
    values, covers, result = (np.empty(data.shape, np.float32) for _ in range(3))
    smooth_rows(data, outside, weights, values, covers)
    smooth_columns(values, covers, weights, result)
    return result


def naive(data, outside, weights):
    reach, (ny, nx) = len(weights) // 2, data.shape
    result = np.empty(data.shape)
    for y, x in np.ndindex(data.shape):
        total = cover = 0.0
        for j in range(-reach, reach + 1):
            for i in range(-reach, reach + 1):
                weight, inside = weights[j + reach] * weights[i + reach], 0 <= y + j < ny and 0 <= x + i < nx
                if not inside:
                    cover += weight
                elif not outside[y + j, x + i] and np.isfinite(data[y + j, x + i]):
                    total, cover = total + weight * data[y + j, x + i], cover + weight
        result[y, x] = total / cover if cover else np.nan
    return result


def test_against_the_plain_sum():
    data, outside = RNG.normal(5, 1, (20, 23)).astype(np.float32), RNG.random((20, 23)) < 0.1
    data[RNG.random(data.shape) < 0.1] = np.nan
    outside[8:14, 8:14] = True
    weights = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
    np.testing.assert_allclose(smooth(data, outside, weights), naive(data, outside, weights), rtol=1e-6)
    assert np.isnan(smooth(data, np.ones_like(outside), weights)[10, 10])


def test_threads_do_not_matter():
    data, outside, threads = (
        RNG.normal(size=(60, 70)).astype(np.float32),
        np.zeros((60, 70), bool),
        numba.get_num_threads(),
    )
    results = []
    for number in (1, min(2, threads)):
        numba.set_num_threads(number)
        results.append(smooth(data, outside, np.array([0.25, 0.5, 0.25])))
    numba.set_num_threads(threads)
    np.testing.assert_array_equal(*results)
