"""Co-add resampled exposures: weighted mean of the data, and the variances of that mean.

With W_n the weight of exposure n from the drizzle and w_n a weight for its noise, the inverse of its read-noise
variance (or its exposure time),

    d = sum_n W_n d_n / sum_n W_n,   var_k = sum_n w_n^2 var_kn / (sum_n w_n)^2.

The sums run as means, one exposure at a time, so that memory does not grow with the number of exposures.
These kernels change the mosaic's planes in place: they are its accumulators.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel


@pixel
def weigh_noise(var_rnoise, constant):
    """Weight of a pixel's variances: `constant`, or 1 / var_rnoise where that is 0; 0 where there is none."""
    if constant > 0.0:
        return constant
    return 1.0 / var_rnoise if 0.0 < var_rnoise < np.inf else 0.0


@image
def add_exposure(mosaic, totals, exposure, weight, origin, constant):
    """Add one resampled exposure to a mosaic, in place.

    Parameters
    ----------
    mosaic : float32 [4, y, x] or [1, y, x]
        Data and three variances, or data alone, of what was added before.
    totals : float32, of the same shape
        Their summed weights, 0 where nothing was added.
    exposure : float32 [4, j, i] or [1, j, i]
        Data and variances of a rectangle of the mosaic.
    weight : float32 [j, i]
        Weight of the data.
    origin : (int, int)
        Row and column of the rectangle's first pixel.
    constant : float
        Weight of the variances; 0 takes the inverse of the read-noise variance.
    """
    for j in prange(weight.shape[0]):
        y = np.int64(j) + origin[0]
        for i in range(weight.shape[1]):
            x = i + origin[1]
            w = float(weight[j, i])
            if w != 0.0:
                before = float(totals[0, y, x])
                mean = (float(mosaic[0, y, x]) * before + w * float(exposure[0, j, i])) / (before + w)
                mosaic[0, y, x] = mean if before != 0.0 else exposure[0, j, i]
                totals[0, y, x] = before + w
            noise = weigh_noise(float(exposure[2, j, i]), constant) if mosaic.shape[0] > 1 else 0.0
            for k in range(1, mosaic.shape[0]):
                variance = float(exposure[k, j, i])
                if noise > 0.0 and 0.0 <= variance < np.inf:
                    before = float(totals[k, y, x])
                    old = float(mosaic[k, y, x]) * before * before if before != 0.0 else 0.0
                    mosaic[k, y, x] = (old + variance * noise * noise) / (before + noise) ** 2
                    totals[k, y, x] = before + noise


@image
def finish_variances(mosaic, factor, constant):
    """Scale a mosaic's variances in place, and add them up.

    Parameters
    ----------
    mosaic : float32 [4, y, x]
        Data and three variances. A variance that is negative or not finite becomes NaN, and all three where they have
        no weight.
    factor : float
        Factor on the variances.
    constant : float
        As for `add_exposure`.

    Returns
    -------
    float32 [y, x]
        Standard error; NaN where no variance is known.
    """
    error = np.empty(mosaic.shape[1:], np.float32)
    for y in prange(mosaic.shape[1]):
        for x in range(mosaic.shape[2]):
            weighted = weigh_noise(float(mosaic[2, y, x]), constant) > 0.0
            total, known = 0.0, False
            for k in range(1, 4):
                variance = float(mosaic[k, y, x])
                if weighted and 0.0 <= variance < np.inf:
                    mosaic[k, y, x] = variance * factor
                    total += variance * factor
                    known = True
                else:
                    mosaic[k, y, x] = np.nan
            error[y, x] = np.sqrt(total) if known else np.nan
    return error
