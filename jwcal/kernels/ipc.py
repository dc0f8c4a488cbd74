"""Inter-pixel capacitance: convolution of the science pixels with a kernel that undoes the coupling of neighbours.

``out[y, x] = sum_ji k[j, i] * in[y + cy - j, x + cx - i]`` with the kernel's centre (cy, cx), zero outside of the
science region; the kernel may differ from pixel to pixel. Reference pixels are neither changed nor used.

Reference: Moore, Ning & Gore 2006, Opt. Eng. 45, 076402; JWST pipeline documentation, "ipc".
"""

import numpy as np
from numba import prange

from jwcal.kernels import image


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
    nj, ni = kernel.shape[:2]
    everywhere = kernel.shape[2] == 1
    result = np.empty_like(plane)
    for y in prange(plane.shape[0]):
        result[y] = plane[y]
        inside = columns if rows[0] <= y < rows[1] else (0, 0)
        for x in range(inside[0], inside[1]):
            total = 0.0
            for j in range(nj):
                row = y + nj // 2 - j
                if row < rows[0] or row >= rows[1]:
                    continue
                for i in range(ni):
                    column = x + ni // 2 - i
                    if columns[0] <= column < columns[1]:
                        weight = kernel[j, i, 0, 0] if everywhere else kernel[j, i, y, x]
                        total += np.float64(weight) * plane[row, column]
            result[y, x] = total
    return result
