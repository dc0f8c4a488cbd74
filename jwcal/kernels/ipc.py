"""Inter-pixel capacitance: convolution of the science pixels with a kernel that undoes the coupling of neighbours.

``out[y, x] = sum_ji k[j, i] * in[y + cy - j, x + cx - i]`` with the kernel's centre (cy, cx), zero outside of the
science region; the kernel may differ from pixel to pixel. Reference pixels are neither changed nor used.

Reference: Moore, Ning & Gore 2006, Opt. Eng. 45, 076402; JWST pipeline documentation, "ipc".
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel


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
    everywhere = kernel.shape[2] == 1
    result = plane.copy()
    for y in prange(rows[0], rows[1]):
        for x in range(columns[0], columns[1]):
            result[y, x] = _convolve_pixel(
                plane, kernel, y, x, (0 if everywhere else y, 0 if everywhere else x), rows, columns
            )
    return result


@pixel
def _convolve_pixel(plane, kernel, y, x, place, rows, columns):
    """Weighted sum over the neighbours of one pixel that lie in the region; `place` is where its kernel is."""
    total = 0.0
    for j in range(kernel.shape[0]):
        row = y + kernel.shape[0] // 2 - j
        for i in range(kernel.shape[1]):
            column = x + kernel.shape[1] // 2 - i
            if rows[0] <= row < rows[1] and columns[0] <= column < columns[1]:
                total += np.float64(kernel[j, i, place[0], place[1]]) * plane[row, column]
    return total
