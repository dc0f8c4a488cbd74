"""Averages of slopes: how their variances are formed and where they are written.

Averages are weighted by inverse variances, so that an average's variance is the inverse of the summed weights. Zero
stands for an unknown variance; a pixel that is DO_NOT_USE or SATURATED has the slope NaN and variances of zero.
"""

import numpy as np

from jwcal.kernels import leaf

INVALID = np.uint32(3)  # DO_NOT_USE | SATURATED
LARGE = 1e6  # (DN/s)^2; variances beyond are unknown
SLOPE, ERROR, PHOTONS, READ = 0, 1, 2, 3  # planes of the results


@leaf
def invert_weight(total):
    """Variance of an average from its summed weights."""
    variance = 0.0 if total <= 0 else 1.0 / total
    return 0.0 if variance >= LARGE else variance


@leaf
def store_average(photons, read, slopes, variance, dq, results, i, y, x):
    """Write slope, error and variances of plane `i` of pixel (y, x).

    `photons`, `read` and `slopes` are the summed weights by photon and by read-noise variance, and the slopes summed
    with the latter; `variance` is the square of the error.
    """
    if dq & INVALID:
        results[SLOPE, i, y, x] = np.nan
        results[ERROR, i, y, x], results[PHOTONS, i, y, x], results[READ, i, y, x] = 0.0, 0.0, 0.0
        return
    results[SLOPE, i, y, x] = slopes * invert_weight(read)
    results[ERROR, i, y, x] = np.sqrt(variance)
    results[PHOTONS, i, y, x] = invert_weight(photons)
    results[READ, i, y, x] = invert_weight(read)
