"""Moments and histograms of the good pixels of a region, and means of pixels in cells of a common grid.

A region is a set of spans: first and last column of each row. Sums are taken over stretches of fixed length and those
added in order, so that they do not depend on the number of threads. A cell is where a pixel's centre falls on a
coarse grid; positions between nodes of exact ones are interpolated linearly.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel

STRETCH = 1 << 16  # values summed up at a time


@pixel
def _is_good(value, flags, bad):
    return (flags & bad) == 0 and np.isfinite(value)


@pixel
def _mark_row(spans, y, inside):
    """Mark the columns of a row that lie in any span."""
    inside[:] = False
    for k in range(spans.shape[0]):
        for x in range(max(spans[k, y, 0], 0), min(spans[k, y, 1], inside.size - 1) + 1):
            inside[x] = True


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
        First and last column of each row; the last before the first where the row has none.

    Returns
    -------
    float32 [n]
    """
    ny, nx = data.shape
    ends = np.zeros(ny + 1, np.int64)
    for y in prange(ny):
        inside = np.empty(nx, np.bool_)
        _mark_row(spans, y, inside)
        count = 0
        for x in range(nx):
            if inside[x] and _is_good(data[y, x], dq[y, x], bad):
                count += 1
        ends[y + 1] = count
    for y in range(ny):
        ends[y + 1] += ends[y]
    values = np.empty(ends[ny], np.float32)
    for y in prange(ny):
        inside = np.empty(nx, np.bool_)
        _mark_row(spans, y, inside)
        k = ends[y]
        for x in range(nx):
            if inside[x] and _is_good(data[y, x], dq[y, x], bad):
                values[k] = data[y, x]
                k += 1
    return values


@image
def measure_between(values, low, high):
    """Number, mean, standard deviation (n - 1), least and greatest of the values from `low` to `high`.

    Parameters
    ----------
    values : float32 [n]
        No NaN.
    low, high : float
        Limits, included.

    Returns
    -------
    float64 [5]
        NaN but for the number where there are none.
    """
    stretches = (values.size + STRETCH - 1) // STRETCH
    parts, origin = np.zeros((stretches, 5)), 0.5 * (low + high)
    for s in prange(stretches):
        count, total, squares, least, greatest = 0, 0.0, 0.0, np.inf, -np.inf
        for k in range(s * STRETCH, min((s + 1) * STRETCH, values.size)):
            value = np.float64(values[k])
            if low <= value <= high:
                offset = value - origin
                count += 1
                total += offset
                squares += offset * offset
                least, greatest = min(least, value), max(greatest, value)
        parts[s, 0], parts[s, 1], parts[s, 2], parts[s, 3], parts[s, 4] = count, total, squares, least, greatest
    n, total, squares, least, greatest = 0.0, 0.0, 0.0, np.inf, -np.inf
    for s in range(stretches):
        n += parts[s, 0]
        total += parts[s, 1]
        squares += parts[s, 2]
        least, greatest = min(least, parts[s, 3]), max(greatest, parts[s, 4])
    result = np.full(5, np.nan)
    result[0] = n
    if n > 0:
        spread = max(squares - total * total / n, 0.0) / (n - 1) if n > 1 else 0.0
        result[1], result[2], result[3], result[4] = origin + total / n, np.sqrt(spread), least, greatest
    return result


@image
def count_in_bins(values, origin, width, bins):
    """Histogram: how many of `values` (float32 [n]) lie in each of `bins` bins of a width, from `origin`; int64."""
    stretches = (values.size + STRETCH - 1) // STRETCH
    parts = np.zeros((stretches, bins), np.int64)
    for s in prange(stretches):
        for k in range(s * STRETCH, min((s + 1) * STRETCH, values.size)):
            position = (np.float64(values[k]) - origin) / width
            if 0 <= position < bins:
                parts[s, int(position)] += 1
    return parts.sum(axis=0)


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
