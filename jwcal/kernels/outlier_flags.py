"""Pixels of an exposure that differ from what all exposures together say.

With d the exposure, b the median of all as this exposure would see it, s its sky level and sigma its error,

    |d - b - s| > scale * D + snr * sigma,

where D, the largest difference between b and its four neighbours, allows for sharp images whose pixels happen to lie
differently on a star. A pixel is flagged where this holds with lower thresholds, and with the higher ones somewhere in
its 3 x 3 neighbourhood.

The median went through the drizzle and the blot, which smooth it; the exposure did not. On an undersampled star that
alone makes a difference larger than D. `confirm_flags` therefore compares the exposure's own drizzled image o, blotted
like the median. A pixel hit by a cosmic ray keeps a quarter to a half of its excess d - b - s there, depending on where
it falls on the grid; the excess of a star's core, which was only sharpness, goes away.

Reference: Koekemoer et al. 2003, HST Calibration Workshop, 337 (drizzle combination, driz_cr).
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf
from jwcal.kernels.blot import interpolate

FIRST, SECOND = np.uint8(1), np.uint8(2)
LEFT_OVER = 0.3  # part of an excess that nine of ten single pixels keep, and one of ten cores


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


@image
def confirm_flags(flags, data, own, pixmap, expected, level, scale):
    """Flags without those of sharp images, where |o - b| is below `scale` D and below 0.3 |d - b - s|.

    Parameters
    ----------
    flags : bool [y, x]
        Outliers of an exposure.
    data : float32 [y, x]
        The exposure.
    own : float32 [j, i]
        The exposure drizzled, without its sky level; where it is NaN a flag stays.
    pixmap : float64 [2, y, x]
        Column and row of each pixel in `own`.
    expected : float32 [y, x]
        Median of all exposures, blotted.
    level : float
        Sky level that the exposure still contains.
    scale : float
        Fraction of the gradient.

    Returns
    -------
    bool [y, x]
    """
    confirmed = np.zeros(flags.shape, np.bool_)
    for y in prange(flags.shape[0]):
        for x in range(flags.shape[1]):
            if flags[y, x]:
                excess = float(data[y, x]) - float(expected[y, x]) - level
                left = abs(float(interpolate(own, pixmap[0, y, x], pixmap[1, y, x])) - float(expected[y, x]))
                gradient = float(find_gradient(expected, y, x))
                confirmed[y, x] = not (left <= scale * gradient and left <= LEFT_OVER * abs(excess))
    return confirmed
