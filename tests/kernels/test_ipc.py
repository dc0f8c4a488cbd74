"""Convolution with the inter-pixel coupling kernel."""

import numpy as np
import pytest
from naive_detector import naive_convolve

from jwcal.kernels.ipc import convolve

IMAGE = np.random.default_rng(1).normal(1e3, 100, (9, 8)).astype(np.float32)


def test_a_point_shows_the_kernel():
    image = np.zeros((7, 7), np.float32)
    image[3, 2] = 1
    kernel = np.arange(9, dtype=np.float32).reshape(3, 3, 1, 1)
    np.testing.assert_array_equal(convolve(image, kernel, (0, 7), (0, 7))[2:5, 1:4], kernel[:, :, 0, 0])


@pytest.mark.parametrize(("size", "everywhere"), [((3, 3), True), ((5, 3), True), ((3, 5), False)])
def test_naive_twin(size, everywhere):
    shape = (1, 1) if everywhere else IMAGE.shape
    kernel = np.random.default_rng(2).normal(0, 1, size + shape).astype(np.float32)
    expected = naive_convolve(IMAGE, kernel, (2, 9), (0, 6))
    np.testing.assert_allclose(convolve(IMAGE, kernel, (2, 9), (0, 6)), expected, rtol=1e-6)


def test_neutral_kernel_and_read_only_input():
    image, kernel = IMAGE.copy(), np.zeros((3, 3, 1, 1), np.float32)
    kernel[1, 1] = 1
    convolve(image, kernel, (0, 9), (0, 8))
    np.testing.assert_array_equal(image, IMAGE)
    np.testing.assert_array_equal(convolve(image, kernel, (0, 9), (0, 8)), IMAGE)
