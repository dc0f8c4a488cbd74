"""Smoothing with a separable kernel; pixels without data are left out, and the others weigh the more.

A pixel becomes sum(w v) / sum(w) over the pixels v near it that have data. Beyond the edges the image is zero.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image


@image
def smooth_rows(data, outside, weights, values, covers):
    """Sum along rows.

    Parameters
    ----------
    data : float32 [y, x]
        Image.
    outside : bool [y, x]
        Pixels without data; NaN has none either.
    weights : float64 [2 n + 1]
        Kernel, of unit sum.
    values, covers : float32 [y, x]
        Filled with the sums of weights times data, and of weights, of pixels with data.
    """
    ny, nx = data.shape
    reach = len(weights) // 2
    for y in prange(ny):
        for x in range(nx):
            value, cover = 0.0, 0.0
            for k in range(-reach, reach + 1):
                column = x + k
                if column < 0 or column >= nx:
                    cover += weights[k + reach]
                elif not outside[y, column] and not np.isnan(data[y, column]):
                    value += weights[k + reach] * data[y, column]
                    cover += weights[k + reach]
            values[y, x], covers[y, x] = value, cover


@image
def smooth_columns(values, covers, weights, result):
    """Sum along columns what `smooth_rows` found, and divide.

    Parameters
    ----------
    values, covers : float32 [y, x]
        From `smooth_rows`.
    weights : float64 [2 n + 1]
        Kernel, of unit sum.
    result : float32 [y, x]
        Filled with the smoothed image; NaN where no pixel near has data.
    """
    ny, nx = values.shape
    reach = len(weights) // 2
    for y in prange(ny):
        for x in range(nx):
            value, cover = 0.0, 0.0
            for k in range(-reach, reach + 1):
                row = y + k
                if row < 0 or row >= ny:
                    cover += weights[k + reach]
                else:
                    value += weights[k + reach] * values[row, x]
                    cover += weights[k + reach] * covers[row, x]
            result[y, x] = value / cover
