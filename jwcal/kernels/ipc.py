"""Inter-pixel capacitance: convolution of the science pixels with a kernel that undoes the coupling of neighbours.

``out[y, x] = sum_ji k[j, i] * in[y + cy - j, x + cx - i]`` with the kernel's centre (cy, cx), zero outside of the
science region; the kernel may differ from pixel to pixel. Reference pixels are neither changed nor used.

Reference: Moore, Ning & Gore 2006, Opt. Eng. 45, 076402; JWST pipeline documentation, "ipc".
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel

STRIP = 64  # rows that a thread does at a time


@image
def convolve(data, place, kernel, rows, columns):
    """Convolve a region of each group with a kernel, in place; the rest stays as it is.

    Parameters
    ----------
    data : float32 [integration, group, row, x]
        Signal, DN.
    place : int64 [y]
        Row of `data` that holds each row of the image.
    kernel : float32 [j, i, y, x]
        Kernel of each pixel of the image, odd in j and i; its last two axes are 1 for one kernel everywhere.
    rows, columns : (int, int)
        The region: first row (column) of the image, and one past the last.
    """
    half = kernel.shape[0] // 2
    strips = max(0, rows[1] - rows[0] + STRIP - 1) // STRIP
    edges = np.empty((data.shape[1] * strips, 2 * half, data.shape[3]), np.float32)
    for i in range(data.shape[0]):
        for task in prange(data.shape[1] * strips):
            g, first = np.int64(task) // strips, rows[0] + np.int64(task) % strips * STRIP
            _keep_edges(data[i, g], place, first, rows, edges[task])
        for task in prange(data.shape[1] * strips):
            g, first = np.int64(task) // strips, rows[0] + np.int64(task) % strips * STRIP
            _convolve_strip(data[i, g], place, kernel, first, rows, columns, edges[task])


@pixel
def _keep_edges(plane, place, first, rows, edges):
    """Keep the rows on both sides of a strip as they are, before other threads change them."""
    half = edges.shape[0] // 2
    for k in range(half):
        above, below = first - half + k, first + STRIP + k
        if above >= rows[0]:
            edges[k] = plane[place[above]]
        if below < rows[1]:
            edges[half + k] = plane[place[below]]


@pixel
def _convolve_strip(plane, place, kernel, first, rows, columns, edges):
    """Convolve the rows of a strip; `window` holds row y as it was at y modulo its height."""
    size, half, past = kernel.shape[0], kernel.shape[0] // 2, min(first + STRIP, rows[1])
    window, total = np.empty((size, plane.shape[1]), np.float32), np.empty(max(columns[1] - columns[0], 0))
    for row in range(max(first - half, rows[0]), min(first + half, rows[1])):
        window[row % size] = edges[row - first + half] if row < first else plane[place[row]]
    for y in range(first, past):
        row = y + half
        if row < rows[1]:
            window[row % size] = plane[place[row]] if row < past else edges[half + row - past]
        _convolve_row(window, kernel, y, rows, columns, total, plane[place[y]])


@pixel
def _convolve_row(window, kernel, y, rows, columns, total, result):
    """Weighted sums over the neighbours in the region, for one row, one element of the kernel after the other.

    Rows, not pixels, are the inner loop so that the compiler can use vectors (measured: ten times faster).
    """
    size, first = kernel.shape[0], columns[0]
    inner = size == 3 and kernel.shape[1] == 3 and y > rows[0] and y + 1 < rows[1]
    if inner and kernel.shape[3] == 1 and total.size > 1:
        below, here, above = window[(y + 1) % 3], window[y % 3], window[(y - 1) % 3]
        part = slice(first, columns[1])
        _add_nine(result[part], below[part], here[part], above[part], kernel[:, :, 0, 0])
        return
    total[:] = 0.0
    for j in range(size):
        row = y + size // 2 - j
        if row >= rows[0] and row < rows[1]:
            _add_row(total, window[row % size], kernel, j, y, columns)
    for x in range(total.size):
        result[first + x] = total[x]


@pixel
def _add_row(total, signal, kernel, j, y, columns):
    """Add what one row of the kernel takes from one row of the image."""
    for i in range(kernel.shape[1]):
        shift = kernel.shape[1] // 2 - i
        first, last = max(columns[0], columns[0] - shift), min(columns[1], columns[1] - shift)
        sums, part = total[first - columns[0] : last - columns[0]], signal[first + shift : last + shift]
        if kernel.shape[3] == 1:
            _add_scaled(sums, part, np.float64(kernel[j, i, 0, 0]))
        else:
            _add_products(sums, part, kernel[j, i, y, first:last])


@leaf
def _add_nine(result, below, here, above, kernel):
    """The usual case, three by three, in one pass (measured: four times as fast)."""
    a, b, c = np.float64(kernel[0, 0]), np.float64(kernel[0, 1]), np.float64(kernel[0, 2])
    d, e, f = np.float64(kernel[1, 0]), np.float64(kernel[1, 1]), np.float64(kernel[1, 2])
    g, h, i = np.float64(kernel[2, 0]), np.float64(kernel[2, 1]), np.float64(kernel[2, 2])
    last = result.size - 1
    for x in range(1, last):
        total = ((0.0 + a * below[x + 1]) + b * below[x]) + c * below[x - 1]
        total = ((total + d * here[x + 1]) + e * here[x]) + f * here[x - 1]
        result[x] = ((total + g * above[x + 1]) + h * above[x]) + i * above[x - 1]
    total = ((0.0 + a * below[1]) + b * below[0]) + d * here[1]
    result[0] = ((total + e * here[0]) + g * above[1]) + h * above[0]
    total = ((0.0 + b * below[last]) + c * below[last - 1]) + e * here[last]
    result[last] = ((total + f * here[last - 1]) + h * above[last]) + i * above[last - 1]


@leaf
def _add_scaled(sums, signal, factor):
    for x in range(sums.size):
        sums[x] += factor * signal[x]


@leaf
def _add_products(sums, signal, factors):
    for x in range(sums.size):
        sums[x] += np.float64(factors[x]) * signal[x]
