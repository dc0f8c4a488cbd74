"""Subtraction and averaging of planes."""

import numpy as np

from jwcal.kernels.subtraction import average_planes, extend_planes, subtract_image


def as_bits(array):
    bits = np.asarray(array, ">f4").view(np.uint32)
    bits.flags.writeable = False
    return bits


def test_subtract_from_a_block():
    data = np.ones((3, 4, 2, 2), np.float32)
    subtract_image(data, np.array([[1, np.nan], [0.5, 2]], np.float32), (1, 3), (0, 2))
    assert (data[0] == 1).all() and (data[:, 2:] == 1).all()
    np.testing.assert_array_equal(data[1, 1], [[0, 1], [0.5, -1]])


def test_average_of_big_endian_planes():
    planes = np.random.default_rng(0).normal(0, 1e4, (5, 6, 7)).astype(np.float32)
    planes[2, 3, 4] = np.nan
    planes[:, 0, 0] = 0.1
    expected = np.where(np.isnan(planes), 0, planes).astype(float).mean(axis=0)
    np.testing.assert_allclose(average_planes(as_bits(planes)), expected, rtol=1e-7)
    np.testing.assert_array_equal(average_planes(as_bits(planes[:1])), planes[0])


def test_planes_beyond_the_end_go_on_in_a_straight_line():
    planes = np.random.default_rng(1).normal(0, 10, (2, 6, 7)).astype(np.float32)
    planes[1, 2, 3] = np.nan
    beyond = np.arange(1, 4)
    expected = np.nan_to_num(sum(planes[1] + (planes[1] - planes[0]) * k for k in beyond), nan=0.0)
    result = extend_planes(as_bits(planes), np.float32(beyond.size), np.float32(beyond.sum()))
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-4)
