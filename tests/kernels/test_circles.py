"""Sums in circles: the area of a pixel inside a circle, and photutils' sums."""

import math

import numba
import numpy as np
import pytest

from jwcal.kernels.circles import cover, sum_circles
from jwcal.kernels.neighbours import find_nearest

RNG = np.random.default_rng(5)


@numba.njit
def areas(x, y, radius):
    return np.array([cover(x[k], y[k], radius) for k in range(len(x))])


def naive_cover(x, y, radius, number=400):
    """Share of a fine grid inside."""
    steps = (np.arange(number) + 0.5) / number - 0.5
    return np.mean(np.hypot(x + steps[:, None], y + steps) < radius)


def test_areas_of_pixels():
    x, y = RNG.uniform(-4, 4, (2, 120))
    for radius in (0.2, 0.6, 1.4, 3.3):
        expected = [naive_cover(a, b, radius) for a, b in zip(x, y)]
        np.testing.assert_allclose(areas(x, y, radius), expected, atol=2e-3)


@pytest.mark.parametrize("radius", [0.1, 0.5, 0.7, 1.0, 2.5, 7.3])
def test_the_areas_of_all_pixels_are_that_of_the_circle(radius):
    for shift in (0.0, 0.25, 0.5):
        y, x = np.mgrid[-9:10, -9:10].reshape(2, -1) + shift
        found = areas(x, y, radius)
        assert found.sum() == pytest.approx(math.pi * radius**2, rel=1e-12)
        assert found.min() >= 0 and found.max() <= 1 + 1e-12


def test_sums_are_those_of_photutils():
    photutils = pytest.importorskip("photutils.aperture")
    data, err = RNG.normal(size=(40, 50)).astype(np.float32), RNG.uniform(1, 2, (40, 50)).astype(np.float32)
    data[20, 20] = np.nan
    positions = np.column_stack([RNG.uniform(-3, 53, 60), RNG.uniform(-3, 43, 60)])
    positions[0] = -1000
    radii = np.array([0.3, 1.5, 4.2])
    sums, variances = sum_circles(data, err, positions, radii)
    circles = [photutils.CircularAperture(positions, radius) for radius in radii]
    table = photutils.aperture_photometry(data, circles, error=err)
    for k in range(3):
        np.testing.assert_allclose(sums[k], table[f"aperture_sum_{k}"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(np.sqrt(variances[k]), table[f"aperture_sum_err_{k}"], rtol=1e-6)


def test_nearest():
    points = RNG.uniform(0, 100, (50, 2))
    index, square = find_nearest(points)
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)) + np.diag(np.full(50, np.inf))
    np.testing.assert_array_equal(index, distance.argmin(axis=1))
    np.testing.assert_allclose(np.sqrt(square), distance.min(axis=1))
    assert find_nearest(points[:1])[1].tolist() == [np.inf] and len(find_nearest(points[:0])[0]) == 0
