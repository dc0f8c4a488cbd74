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
    window, total = np.empty((size, plane.shape[1])), np.empty(max(columns[1] - columns[0], 0))
    for row in range(max(first - half, rows[0]), min(first + half, rows[1])):
        window[row % size] = edges[row - first + half] if row < first else plane[place[row]]
    for y in range(first, past):
        row = y + half
        if row < rows[1]:
            window[row % size] = plane[place[row]] if row < past else edges[half + row - past]
        _convolve_row(window, kernel, y, rows, columns, total, plane[place[y]])


@pixel
def _convolve_row(window, kernel, y, rows, columns, total, result):
    """Weighted sums over the neighbours in the region, for one row, one row of the kernel after the other.

    Rows, not pixels, are the inner loop so that the compiler can use vectors (measured: ten times faster).
    """
    total[:] = 0.0
    for j in range(kernel.shape[0]):
        row = y + kernel.shape[0] // 2 - j
        if row < rows[0] or row >= rows[1]:
            continue
        signal = window[row % kernel.shape[0], columns[0] : columns[1]]
        if kernel.shape[3] == 1:
            _add_scaled(total, signal, kernel[j, :, 0, 0])
        else:
            _add_products(total, signal, kernel[j, :, y, columns[0] : columns[1]])
    for x in range(total.size):
        result[columns[0] + x] = total[x]


@leaf
def _add_scaled(sums, signal, factors):
    """Add what one row of the kernel takes; three or five elements in one pass (measured: a third of the time less)."""
    count, half = factors.size, factors.size // 2
    inner = max(sums.size - 2 * half, 0)
    for x in range(min(half, sums.size)):
        _add_inside(sums, signal, factors, x)
    # Slices that begin with 0 let the compiler see that no index is negative, and use vectors.
    own = sums[half : half + inner]
    if count == 3:
        a, b, c = np.float64(factors[0]), np.float64(factors[1]), np.float64(factors[2])
        after, here, before = signal[2:], signal[1:], signal
        for x in range(inner):
            own[x] = ((own[x] + a * after[x]) + b * here[x]) + c * before[x]
    elif count == 5:
        a, b, c = np.float64(factors[0]), np.float64(factors[1]), np.float64(factors[2])
        d, e = np.float64(factors[3]), np.float64(factors[4])
        last, after, here, before = signal[4:], signal[3:], signal[2:], signal[1:]
        for x in range(inner):
            total = ((own[x] + a * last[x]) + b * after[x]) + c * here[x]
            own[x] = (total + d * before[x]) + e * signal[x]
    else:
        for i in range(count):
            factor, part = np.float64(factors[i]), signal[count - 1 - i :]
            for x in range(inner):
                own[x] += factor * part[x]
    for x in range(max(half + inner, min(half, sums.size)), sums.size):
        _add_inside(sums, signal, factors, x)


@leaf
def _add_inside(sums, signal, factors, x):
    """The same for a pixel near the edge of the region."""
    for i in range(factors.size):
        place = x + factors.size // 2 - i
        if place >= 0 and place < sums.size:
            sums[x] += np.float64(factors[i]) * signal[place]


@leaf
def _add_products(sums, signal, factors):
    """Add what one row of each pixel's own kernel takes."""
    half = factors.shape[0] // 2
    for i in range(factors.shape[0]):
        first, last = max(0, i - half), min(sums.size, sums.size + i - half)
        own, part, weights = sums[first:last], signal[first + half - i :], factors[i, first:last]
        for x in range(own.size):
            own[x] += np.float64(weights[x]) * part[x]
