"""Inter-pixel capacitance: convolution of the science pixels with a kernel that undoes the coupling of neighbours.

``out[y, x] = sum_ji k[j, i] * in[y + cy - j, x + cx - i]`` with the kernel's centre (cy, cx), zero outside of the
science region; the kernel may differ from pixel to pixel. Reference pixels are neither changed nor used.

Reference: Moore, Ning & Gore 2006, Opt. Eng. 45, 076402; JWST pipeline documentation, "ipc".
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel


@image
def convolve(plane, kernel, rows, columns):
    """Convolve a region of an image with a kernel; the rest stays as it is.

    Parameters
    ----------
    plane : float32 [y, x]
        Signal, DN.
    kernel : float32 [j, i, y, x]
        Kernel of each pixel of `plane`, odd in j and i; its last two axes are 1 for one kernel everywhere.
    rows, columns : (int, int)
        The region: first row (column), and one past the last.

    Returns
    -------
    float32 [y, x]
        Convolved image, in the unit of `plane`.
    """
    result = plane.copy()
    for k in prange(rows[0], rows[1]):
        y = np.int64(k)
        _convolve_row(plane, kernel, y, rows, columns, result[y])
    return result


@pixel
def _convolve_row(plane, kernel, y, rows, columns, result):
    """Weighted sums over the neighbours in the region, for one row, one element of the kernel after the other.

    Rows, not pixels, are the inner loop so that the compiler can use vectors (measured: ten times faster).
    """
    total = np.zeros(max(columns[1] - columns[0], 0))
    for j in range(kernel.shape[0]):
        row = y + kernel.shape[0] // 2 - j
        if row < rows[0] or row >= rows[1]:
            continue
        if kernel.shape[1] == 3 and kernel.shape[3] == 1:
            _add_three(total, plane[row, columns[0] : columns[1]], kernel[j, :, 0, 0])
            continue
        for i in range(kernel.shape[1]):
            shift = kernel.shape[1] // 2 - i
            first, last = max(columns[0], columns[0] - shift), min(columns[1], columns[1] - shift)
            sums, signal = total[first - columns[0] : last - columns[0]], plane[row, first + shift : last + shift]
            if kernel.shape[3] == 1:
                _add_scaled(sums, signal, np.float64(kernel[j, i, 0, 0]))
            else:
                _add_products(sums, signal, kernel[j, i, y, first:last])
    for x in range(total.size):
        result[columns[0] + x] = total[x]


@leaf
def _add_scaled(sums, signal, factor):
    for x in range(sums.size):
        sums[x] += factor * signal[x]


@leaf
def _add_three(sums, signal, factors):
    """The usual case, three elements in a row, in one pass (measured: twice as fast)."""
    last = sums.size - 1
    before, here, after = np.float64(factors[2]), np.float64(factors[1]), np.float64(factors[0])
    for x in range(1, last):
        sums[x] = ((sums[x] + after * signal[x + 1]) + here * signal[x]) + before * signal[x - 1]
    if last > 0:
        sums[0] = (sums[0] + after * signal[1]) + here * signal[0]
        sums[last] = (sums[last] + here * signal[last]) + before * signal[last - 1]
    elif last == 0:
        sums[0] += here * signal[0]


@leaf
def _add_products(sums, signal, factors):
    for x in range(sums.size):
        sums[x] += np.float64(factors[x]) * signal[x]
