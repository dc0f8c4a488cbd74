"""Median over the integrations of an exposure, pixel by pixel."""

import numpy as np
from numba import prange

from jwcal.kernels import image
from jwcal.kernels.radix import key_of, select_median


@image
def median_over_integrations(data, group):
    """Median of one group over all integrations.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Signal; NaN is left out.
    group : int
        Which group.

    Returns
    -------
    float32 [y, x]
        NaN where all integrations are.
    """
    count, _, ny, nx = data.shape
    result = np.empty((ny, nx), np.float32)
    for y in prange(ny):
        keys, pair = np.empty(count, np.uint32), np.empty(2, np.uint32)
        value = np.empty(1, np.float32)
        bits = value.view(np.uint32)
        for x in range(nx):
            known = 0
            for i in range(count):
                value[0] = data[i, group, y, x]
                if not np.isnan(value[0]):
                    keys[known] = key_of(bits[0])
                    known += 1
            if known:
                select_median(keys[:known], pair)
                middle = pair.view(np.float32)
                result[y, x] = 0.5 * (np.float64(middle[0]) + middle[1])
            else:
                result[y, x] = np.nan
    return result
