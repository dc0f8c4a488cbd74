"""Pixels of an exposure that differ from what all exposures together say.

With d the exposure, b the median of all as this exposure would see it, s its sky level and sigma its error,

    |d - b - s| > scale * D + snr * sigma,

where D, the largest difference between b and its four neighbours, allows for sharp images whose pixels happen to lie
differently on a star. A pixel is flagged where this holds with lower thresholds, and with the higher ones somewhere in
its 3 x 3 neighbourhood.

Reference: Koekemoer et al. 2003, HST Calibration Workshop, 337 (drizzle combination, driz_cr).
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf

FIRST, SECOND = np.uint8(1), np.uint8(2)


@leaf
def find_gradient(plane, y, x):
    """Largest difference to one of the four neighbours that are not NaN; 0 where all are."""
    centre, largest = plane[y, x], np.float32(0.0)
    if y > 0 and abs(plane[y - 1, x] - centre) > largest:
        largest = abs(plane[y - 1, x] - centre)
    if y < plane.shape[0] - 1 and abs(plane[y + 1, x] - centre) > largest:
        largest = abs(plane[y + 1, x] - centre)
    if x > 0 and abs(plane[y, x - 1] - centre) > largest:
        largest = abs(plane[y, x - 1] - centre)
    if x < plane.shape[1] - 1 and abs(plane[y, x + 1] - centre) > largest:
        largest = abs(plane[y, x + 1] - centre)
    return largest


@leaf
def meets_neighbour(codes, y, x, code):
    """Whether a pixel or one of its eight neighbours has a code."""
    for j in range(max(y - 1, 0), min(y + 2, codes.shape[0])):
        for i in range(max(x - 1, 0), min(x + 2, codes.shape[1])):
            if codes[j, i] & code:
                return True
    return False


@image
def compare_resampled(data, error, expected, level, snr, scale):
    """Outliers of an exposure.

    Parameters
    ----------
    data, error : float32 [y, x]
        Exposure and its standard error; an error that is NaN counts as none.
    expected : float32 [y, x]
        Median of all exposures, blotted. Where it or the data are NaN nothing is flagged.
    level : float
        Sky level that the exposure still contains.
    snr, scale : (float, float)
        Thresholds of the first and of the second pass.

    Returns
    -------
    bool [y, x]
    """
    ny, nx = data.shape
    codes, flags = np.zeros((ny, nx), np.uint8), np.zeros((ny, nx), np.bool_)
    for y in prange(ny):
        for x in range(nx):
            difference = abs(float(data[y, x]) - float(expected[y, x]) - level)
            if np.isnan(difference):
                continue
            sigma = 0.0 if np.isnan(error[y, x]) else float(error[y, x])
            gradient = float(find_gradient(expected, y, x))
            if difference > scale[0] * gradient + snr[0] * sigma:
                codes[y, x] |= FIRST
            if difference > scale[1] * gradient + snr[1] * sigma:
                codes[y, x] |= SECOND
    for y in prange(ny):
        for x in range(nx):
            if codes[y, x] & SECOND:
                flags[y, x] = meets_neighbour(codes, y, x, FIRST)
    return flags


@image
def compare_directly(data, error, expected, level, snr):
    """Outliers of an exposure that was not dithered: |d - b - s| > snr * sigma; parameters as above, `snr` a number."""
    flags = np.zeros(data.shape, np.bool_)
    for y in prange(data.shape[0]):
        for x in range(data.shape[1]):
            sigma = 0.0 if np.isnan(error[y, x]) else float(error[y, x])
            flags[y, x] = abs(float(data[y, x]) - float(expected[y, x]) - level) > snr * sigma
    return flags
