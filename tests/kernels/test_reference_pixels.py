"""Reference-pixel kernels: clipped means, running medians, subtraction of rows and columns."""

import numpy as np
import pytest
from naive_detector import naive_clipped_mean

from jwcal.kernels.reference_pixels import average_sets, filter_sides, subtract_cross


def test_means_of_sets():
    planes = np.array([[1, 2, 3, 100, np.nan], [5, 5, 5, 5, 5]], np.float32)
    means = average_sets(planes, np.array([0, 1, 2, 4, 3]), np.array([0, 3, 3, 5]), 3.0)
    np.testing.assert_array_equal(means, [[2, np.nan, 100], [5, np.nan, 5]])


@pytest.mark.parametrize("limit", [1.0, 2.5, 3.0])
def test_clipping_naive_twin(limit):
    rng = np.random.default_rng(7)
    planes = rng.standard_t(2, (4, 300)).astype(np.float32)
    pixels = rng.permutation(300)[:200]
    means = average_sets(planes, pixels, np.array([0, 50, 200]), limit)
    for p, s in np.ndindex(4, 2):
        chosen = planes[p, pixels[:50] if s == 0 else pixels[50:]]
        assert means[p, s] == pytest.approx(naive_clipped_mean(chosen, limit), rel=1e-6)


def test_running_median_naive_twin():
    rng = np.random.default_rng(2)
    planes = rng.normal(0, 9, (3, 200)).astype(np.float32)
    planes[1, 17] = np.nan
    windows = rng.integers(-1, 200, (2, 30, 4))
    windows[0, 5:20] = -1  # a window without good pixels
    offsets = rng.normal(0, 5, (3, 2, 4))
    medians = filter_sides(planes, windows, offsets, 7)
    assert medians.shape == (3, 2, 24)
    for p, s, row in np.ndindex(medians.shape):
        chosen = windows[s, row : row + 7]
        values = np.where(chosen >= 0, planes[p, chosen] - offsets[p, s], np.nan)
        expected = np.nanmedian(values) if np.isfinite(values).any() else np.nan
        np.testing.assert_allclose(medians[p, s, row], expected, rtol=1e-5, atol=1e-5)


def test_cross():
    planes = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    expected = planes - np.array([[1, 2, 3], [0, 0, 1]])[:, :, None] - np.array([[1, 0, 0, 5], [0, 2, 0, 0]])[:, None]
    result, kept = planes.copy(), planes.copy()
    rows, columns = np.array([[1.0, 2, 3], [0, 0, 1]]), np.array([[1.0, 0, 0, 5], [0, 2, 0, 0]])
    subtract_cross(result, rows, columns, False)
    np.testing.assert_array_equal(result, expected)
    subtract_cross(kept, rows, columns, True)
    assert kept[0, 0, 0] == 0
    np.testing.assert_array_equal(kept.ravel()[1:], expected.ravel()[1:])
