"""Median, blot and comparison, against slow twins and by eye."""

import warnings

import numba
import numpy as np
import pytest
from naive_outliers import naive_blot, naive_compare, naive_gradient

from jwcal.kernels.blot import blot
from jwcal.kernels.median import find_medians
from jwcal.kernels.outlier_flags import compare_directly, compare_resampled, confirm_flags
from jwcal.kernels.sorting import WIDTH

RNG = np.random.default_rng(3)


def with_holes(shape, share=0.1):
    values = RNG.normal(1, 1, shape).astype(np.float32)
    values[RNG.random(shape) < share] = np.nan
    return values


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 13])
def test_median(n):
    stack = with_holes((n, 5, WIDTH + 37), 0.3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.nanmedian(stack, axis=0)
    np.testing.assert_array_equal(find_medians(stack), expected)


def make_positions(shape, size, angle=0.3):
    y, x = np.indices(size, float)
    c, s = np.cos(angle), np.sin(angle)
    pixmap = np.array([c * x - s * y, s * x + c * y]) + np.array([0.15, -2.2])[:, None, None]
    pixmap[:, 3, 4] = np.nan
    return pixmap


def test_blot():
    plane, pixmap = with_holes((20, 23), 0.03), make_positions((20, 23), (25, 21))
    expected = naive_blot(plane, pixmap)
    assert 0.2 < np.isnan(expected).mean() < 0.8
    np.testing.assert_allclose(blot(plane, pixmap), expected, rtol=2e-6, atol=1e-6)


def test_blot_agrees_with_the_drizzle_library():
    library = pytest.importorskip("drizzle.resample")
    plane, pixmap = with_holes((20, 23), 0.03), make_positions((20, 23), (25, 21))
    inside = ((pixmap >= 0) & (pixmap <= np.array([22, 19])[:, None, None])).all(axis=0)  # its outer half pixels differ
    theirs = np.full((25, 21), np.nan, np.float32)
    positions = np.dstack(np.where(np.isnan(pixmap), -1, pixmap))
    library.blot_image(plane, positions, out_img=theirs, fillval=np.nan, interp="linear")
    np.testing.assert_allclose(blot(plane, pixmap)[inside], theirs[inside], rtol=1e-4, atol=1e-5)


def test_blot_of_a_plane_is_that_plane():
    y, x = np.indices((12, 12))
    plane = (2 * x - 3 * y).astype(np.float32)
    positions = RNG.uniform(0, 11, (2, 6, 6))
    np.testing.assert_allclose(blot(plane, positions), 2 * positions[0] - 3 * positions[1], atol=1e-5)


@pytest.mark.parametrize("level", [0.0, 0.7])
def test_comparison(level):
    data, error = with_holes((30, 26)) + np.float32(level), np.abs(with_holes((30, 26))) * np.float32(0.3)
    expected = RNG.normal(1, 0.3, (30, 26)).astype(np.float32)
    expected[RNG.random(expected.shape) < 0.1] = np.nan
    snr, scale = (3.0, 1.5), (0.9, 0.4)
    flags = compare_resampled(data, error, expected, level, snr, scale)
    np.testing.assert_array_equal(flags, naive_compare(data, error, expected, level, snr, scale))
    assert 0.05 < flags.mean() < 0.5
    assert not flags[np.isnan(data) | np.isnan(expected)].any()


def test_the_second_pass_needs_a_neighbour():
    data, error, expected = (np.zeros((7, 7), np.float32) for _ in range(3))
    error[:] = 1
    data[3, 3], data[3, 4], data[2, 2], data[0, 6], data[6, 0] = 5.1, 4.5, 3.9, 4.9, -6.0
    flags = compare_resampled(data, error, expected, 0.0, (5.0, 4.0), (1.2, 0.7))
    assert sorted(map(tuple, np.argwhere(flags))) == [(3, 3), (3, 4), (6, 0)]


def test_a_gradient_raises_the_thresholds():
    data, error, expected = np.zeros((5, 5), np.float32), np.full((5, 5), 0.1, np.float32), np.zeros((5, 5), np.float32)
    expected[2, 2] = data[2, 2] = 10.0
    data[2, 3] += 12.0
    assert not compare_resampled(data, error, expected, 0.0, (5.0, 4.0), (1.2, 0.7)).any()
    data[2, 3] += 0.6
    assert np.argwhere(compare_resampled(data, error, expected, 0.0, (5.0, 4.0), (1.2, 0.7))).tolist() == [[2, 3]]


def test_confirmation():
    own, pixmap = with_holes((20, 23), 0.05), make_positions((20, 23), (25, 21))
    expected, flags = RNG.normal(1, 0.4, (25, 21)).astype(np.float32), RNG.random((25, 21)) < 0.5
    data = RNG.normal(3, 3, (25, 21)).astype(np.float32)
    left = np.abs(naive_blot(own, pixmap) - expected)
    small = left <= np.minimum(0.7 * naive_gradient(expected), 0.3 * np.abs(data - 0.5 - expected))  # False for NaN
    confirmed = confirm_flags(flags, data, own, pixmap, expected, 0.5, 0.7)
    np.testing.assert_array_equal(confirmed, flags & ~small)
    assert 0.2 < confirmed[flags].mean() < 0.95


def test_direct_comparison():
    data, error = with_holes((9, 8)), np.full((9, 8), 0.5, np.float32)
    error[0, 0] = np.nan  # an unknown error is none
    expected = np.ones((9, 8), np.float32)
    flags = compare_directly(data, error, expected, 0.25, 2.0)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(flags, np.abs(data - 1.25) > 2 * np.nan_to_num(error))
    assert flags.any() and not flags.all()


def test_the_same_with_any_number_of_threads():
    stack, pixmap = with_holes((5, 40, 50)), make_positions((40, 50), (40, 50))
    before, results = numba.get_num_threads(), []
    try:
        for threads in (1, 2):
            numba.set_num_threads(min(threads, before))
            median = find_medians(stack)
            expected = blot(median, pixmap)
            flags = compare_resampled(stack[0], np.abs(stack[1]), expected, 0.0, (2.0, 1.0), (1.2, 0.7))
            results.append((median, expected, flags))
    finally:
        numba.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
