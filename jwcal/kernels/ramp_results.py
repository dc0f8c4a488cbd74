"""Averages of slopes: how their variances are formed and where they are written.

Averages are weighted by inverse variances, so that an average's variance is the inverse of the summed weights. Zero
stands for an unknown variance; a pixel that is DO_NOT_USE or SATURATED has the slope NaN and variances of zero.
"""

import numpy as np

from jwcal.kernels import leaf, pixel

INVALID = np.uint32(3)  # DO_NOT_USE | SATURATED
LARGE = 1e6  # (DN/s)^2; variances beyond are unknown
SLOPE, ERROR, PHOTONS, READ = 0, 1, 2, 3  # planes of the results


@leaf
def invert_weight(total):
    """Variance of an average from its summed weights."""
    variance = 0.0 if total <= 0 else 1.0 / total
    return 0.0 if variance >= LARGE else variance


@pixel
def store_averages(photons, read, slopes, variances, dq, results, i, y, x0):
    """Write slopes, errors and variances of plane `i` of the pixels of row `y` from `x0` on.

    `photons`, `read` and `slopes` are the summed weights by photon and by read-noise variance, and the slopes summed
    with the latter; `variances` are the squares of the errors. All are float64 [pixel], `dq` is uint32 [pixel].
    """
    x1 = x0 + dq.size
    slope, error = results[SLOPE, i, y, x0:x1], results[ERROR, i, y, x0:x1]
    by_photons, by_reads = results[PHOTONS, i, y, x0:x1], results[READ, i, y, x0:x1]
    for w in range(dq.size):
        valid, inverse = dq[w] & INVALID == 0, invert_weight(read[w])
        slope[w] = slopes[w] * inverse if valid else np.nan
        by_reads[w] = inverse if valid else 0.0
    for w in range(dq.size):
        valid = dq[w] & INVALID == 0
        error[w] = np.sqrt(variances[w]) if valid else 0.0
        by_photons[w] = invert_weight(photons[w]) if valid else 0.0
