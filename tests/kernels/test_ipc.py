"""Convolution with the inter-pixel coupling kernel."""

import numpy as np
import pytest
from naive_detector import naive_convolve

from jwcal.kernels.ipc import STRIP, convolve

IMAGE = np.random.default_rng(1).normal(1e3, 100, (9, 8)).astype(np.float32)


def convolved(image, kernel, rows, columns):
    """An image after the convolution in place."""
    data = image[None, None].copy()
    convolve(data, np.arange(len(image)), kernel, rows, columns)
    return data[0, 0]


def test_a_point_shows_the_kernel():
    image = np.zeros((7, 7), np.float32)
    image[3, 2] = 1
    kernel = np.arange(9, dtype=np.float32).reshape(3, 3, 1, 1)
    np.testing.assert_array_equal(convolved(image, kernel, (0, 7), (0, 7))[2:5, 1:4], kernel[:, :, 0, 0])


@pytest.mark.parametrize(("size", "everywhere"), [((3, 3), True), ((5, 3), True), ((3, 5), False)])
@pytest.mark.parametrize("shape", [(9, 8), (2 * STRIP + 5, 8)])
def test_naive_twin(size, everywhere, shape):
    image = np.random.default_rng(1).normal(1e3, 100, shape).astype(np.float32)
    kernel = np.random.default_rng(2).normal(0, 1, size + ((1, 1) if everywhere else shape)).astype(np.float32)
    region = (2, shape[0]), (0, 6)
    np.testing.assert_allclose(
        convolved(image, kernel, *region), naive_convolve(image, kernel, *region), rtol=1e-6, atol=1e-3
    )


@pytest.mark.parametrize("columns", [(3, 4), (3, 5), (3, 3)])
def test_narrow_regions(columns):
    kernel = np.random.default_rng(2).normal(0, 1, (3, 3, 1, 1)).astype(np.float32)
    expected = naive_convolve(IMAGE, kernel, (1, 9), columns)
    np.testing.assert_allclose(convolved(IMAGE, kernel, (1, 9), columns), expected, rtol=1e-6)


def test_all_groups_and_rows_in_any_place():
    planes = np.random.default_rng(3).normal(1e3, 100, (2, 3, STRIP + 9, 8)).astype(np.float32)
    kernel = np.random.default_rng(2).normal(0, 1, (3, 3, 1, 1)).astype(np.float32)
    place, region = np.arange(2, STRIP + 9, 2), ((0, (STRIP + 8) // 2), (1, 8))
    data = planes.copy()
    convolve(data, place, kernel, *region)
    for before, after in zip(planes.reshape(6, -1, 8), data.reshape(6, -1, 8), strict=True):
        np.testing.assert_array_equal(after[place], convolved(before[place], kernel, *region))
        rest = np.setdiff1d(np.arange(STRIP + 9), place)
        np.testing.assert_array_equal(after[rest], before[rest])


def test_neutral_kernel():
    kernel = np.zeros((3, 3, 1, 1), np.float32)
    kernel[1, 1] = 1
    np.testing.assert_array_equal(convolved(IMAGE, kernel, (0, 9), (0, 8)), IMAGE)
