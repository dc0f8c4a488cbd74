"""Columns sorted side by side, and their medians."""

import numpy as np
import pytest

from jwcal.kernels.sorting import WIDTH, median_of_sorted, sort_columns


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 39, 100])
def test_sorts_each_column(n):
    block = np.random.default_rng(n).normal(size=(n, WIDTH)).astype(np.float32)
    block[:, 3] = 1.0  # ties
    block[n // 2, 5] = np.inf
    expected = np.sort(block, axis=0)
    sort_columns(block)
    np.testing.assert_array_equal(block, expected)


@pytest.mark.parametrize(("start", "stop"), [(0, 9), (0, 8), (2, 3), (3, 7), (4, 4)])
def test_median_of_a_window(start, stop):
    block = np.sort(np.random.default_rng(1).normal(size=(9, WIDTH)).astype(np.float32), axis=0)
    expected = np.median(block[start:stop, 7].astype(float)) if stop > start else np.nan
    np.testing.assert_equal(median_of_sorted(block, start, stop, 7), expected)
