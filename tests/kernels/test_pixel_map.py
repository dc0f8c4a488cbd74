"""Interpolation of pixel maps."""

import numba
import numpy as np
import pytest

from jwcal.kernels.pixel_map import expand_map, tabulate_weights

EVERYWHERE = np.array([-0.5, 1e9, -0.5, 1e9])


def expand(grid, spacing, size, box):
    """A map in memory of its own, with what must not stay in it."""
    result = np.full((2, size[1], size[0]), -1e30)
    expand_map(grid, spacing, box, result)
    return result


def cubic(x, y):
    return np.stack([1 + x - 0.01 * x * y**3 + 1e-3 * x**3, y - 2e-3 * x**3 * y**2 + 0.5])


def make_grid(function, counts, spacing):
    x, y = np.meshgrid(np.arange(counts[0]) * spacing[0], np.arange(counts[1]) * spacing[1])
    return function(x, y)


def truth(function, size):
    x, y = np.meshgrid(np.arange(float(size[0])), np.arange(float(size[1])))
    return function(x, y)


@pytest.mark.parametrize("counts", [(4, 4), (5, 9), (12, 4)])
def test_cubics_are_exact(counts):
    size = np.array([23, 17])
    spacing = (size - 1) / (np.array(counts) - 1)
    result = expand(make_grid(cubic, counts, spacing), spacing, size, EVERYWHERE)
    np.testing.assert_allclose(result, truth(cubic, size), rtol=1e-11)


def test_nodes_are_met():
    grid = np.random.default_rng(0).normal(size=(2, 6, 7))
    result = expand(grid, np.array([4.0, 3.0]), np.array([25, 16]), EVERYWHERE)
    np.testing.assert_allclose(result[:, ::3, ::4], grid, atol=1e-14)


def test_weights_sum_to_one_and_stay_inside():
    first, weights = tabulate_weights(50, 8, 7.0)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-13)
    assert first.min() == 0 and first.max() == 4


def test_outside_the_box_is_nan():
    size, spacing = np.array([10, 8]), np.array([3.0, 7 / 3])
    result = expand(make_grid(cubic, (4, 4), spacing), spacing, size, np.array([1.5, 7.0, -0.5, 5.9]))
    expected = truth(cubic, size)
    expected[:, :, [0, 1, 8, 9]] = np.nan
    expected[:, 6:] = np.nan
    np.testing.assert_allclose(result, expected, rtol=1e-11)


def test_read_only_grid_and_any_number_of_threads():
    size, spacing = np.array([64, 48]), np.array([21.0, 47 / 3])
    grid = make_grid(cubic, (4, 4), spacing)
    grid.flags.writeable = False
    results = []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        results.append(expand(grid, spacing, size, EVERYWHERE))
    np.testing.assert_array_equal(*results)
