"""Median of resampled exposures, pixel by pixel, whatever is NaN left out."""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel
from jwcal.kernels.sorting import WIDTH, median_of_sorted, sort_columns


@pixel
def load_columns(stack, y, first, block, counts):
    """Copy columns `first`... of row y into a block to be sorted, NaN as infinity; `counts` tells how many are not."""
    width = min(WIDTH, stack.shape[2] - first)
    counts[:] = 0
    block[:] = np.inf
    for n in range(stack.shape[0]):
        for w in range(width):
            value = stack[n, y, first + w]
            if not np.isnan(value):
                block[n, w] = value
                counts[w] += 1
    return width


@image
def find_medians(stack):
    """Median over the first axis.

    Parameters
    ----------
    stack : float32 [n, y, x]
        Values; NaN does not count.

    Returns
    -------
    float32 [y, x]
        NaN where there is none; the mean of the two middle ones where their number is even.
    """
    n, ny, nx = stack.shape
    median = np.empty((ny, nx), np.float32)
    for y in prange(ny):
        block, counts = np.empty((n, WIDTH), np.float32), np.empty(WIDTH, np.int64)
        for first in range(0, nx, WIDTH):
            width = load_columns(stack, np.int64(y), first, block, counts)
            sort_columns(block)
            for w in range(width):
                median[y, first + w] = median_of_sorted(block, 0, counts[w], w)
    return median
