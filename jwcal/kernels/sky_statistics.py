"""The good pixels of a region, and means of pixels in cells of a common grid.

A region is a set of spans: first and last column of each row. A cell is where a pixel's centre falls on a
coarse grid; positions between nodes of exact ones are interpolated linearly.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel


@pixel
def _is_good(value, flags, bad):
    return (flags & bad) == 0 and np.isfinite(value)


@pixel
def _take_row(data, dq, bad, spans, y, values):
    """Copy the good pixels of a row's spans to `values` if it has room; how many they are."""
    count, x = 0, 0
    for k in range(spans.shape[0]):
        x = max(x, spans[k, y, 0])
        while x <= min(spans[k, y, 1], data.shape[1] - 1):
            if _is_good(data[y, x], dq[y, x], bad):
                if count < values.size:
                    values[count] = data[y, x]
                count += 1
            x += 1
    return count


@image
def gather_good(data, dq, bad, spans):
    """Values of the good pixels of a region.

    Parameters
    ----------
    data : float32 [y, x]
        Image.
    dq : uint32 [y, x]
        Flags.
    bad : uint32
        Flags of pixels that do not count.
    spans : int32 [k, y, 2]
        First and last column of each row, in order of the first; the last before the first where the row has none.

    Returns
    -------
    float32 [n]
    """
    ny = data.shape[0]
    ends, none = np.zeros(ny + 1, np.int64), np.empty(0, np.float32)
    for y in prange(ny):
        ends[y + 1] = _take_row(data, dq, bad, spans, y, none)
    for y in range(ny):
        ends[y + 1] += ends[y]
    values = np.empty(ends[ny], np.float32)
    for y in prange(ny):
        _take_row(data, dq, bad, spans, y, values[ends[y] : ends[y + 1]])
    return values


@pixel
def sum_in_cells(data, dq, bad, nodes, step, shape):
    """Sum and number of the good pixels in each cell.

    Parameters
    ----------
    data : float32 [y, x]
        Image.
    dq : uint32 [y, x]
        Flags.
    bad : uint32
        Flags of pixels that do not count.
    nodes : float64 [2, node row, node column]
        Cell coordinates (column, row) of the pixels at multiples of `step`; NaN where there are none.
    step : int
        Pixels between nodes; the last nodes are at or beyond the last pixels.
    shape : (int, int)
        Rows and columns of cells.

    Returns
    -------
    sums : float64 [row, column]
    counts : int64 [row, column]
    """
    sums, counts = np.zeros(shape), np.zeros(shape, np.int64)
    lines = np.empty((2, nodes.shape[2]))
    for y in range(data.shape[0]):
        j, t = y // step, (y % step) / step
        for k in range(nodes.shape[2]):
            for axis in range(2):
                lines[axis, k] = (1 - t) * nodes[axis, j, k] + t * nodes[axis, j + 1, k]
        for x in range(data.shape[1]):
            if not _is_good(data[y, x], dq[y, x], bad):
                continue
            i, u = x // step, (x % step) / step
            column = (1 - u) * lines[0, i] + u * lines[0, i + 1]
            row = (1 - u) * lines[1, i] + u * lines[1, i + 1]
            if 0 <= column < shape[1] and 0 <= row < shape[0]:
                sums[int(row), int(column)] += data[y, x]
                counts[int(row), int(column)] += 1
    return sums, counts
