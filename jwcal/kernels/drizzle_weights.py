"""Weight of each input pixel in a mosaic: inverse read-noise variance or a constant, 0 where it must not be used."""

import numpy as np
from numba import prange

from jwcal.kernels import image


@image
def weigh_pixels(exposure, dq, bad, constant, rows):
    """Weights for the drizzle.

    Parameters
    ----------
    exposure : tuple of 5 float32 [y, x]
        Data, VAR_POISSON, VAR_RNOISE, VAR_FLAT, error (an array of size 0 where there is none).
    dq : uint32 [y, x]
        Flags.
    bad : uint32
        Flags that exclude a pixel, as does NaN in any plane.
    constant : float
        Weight of every good pixel; 0 takes 1 / VAR_RNOISE where that is finite.
    rows : int64 [y, 2]
        First and last pixel of each row that may be used.

    Returns
    -------
    float32 [y, x]
    """
    data, var_poisson, var_rnoise, var_flat, err = exposure
    weight = np.empty(data.shape, np.float32)
    for y in prange(data.shape[0]):
        for x in range(data.shape[1]):
            weight[y, x] = 0.0
        for x in range(rows[y, 0], rows[y, 1] + 1):
            total = data[y, x]
            total += var_poisson[y, x] if var_poisson.size else 0.0
            total += var_rnoise[y, x] if var_rnoise.size else 0.0
            total += var_flat[y, x] if var_flat.size else 0.0
            total += err[y, x] if err.size else 0.0
            if np.isnan(total) or dq[y, x] & bad:
                continue
            if constant > 0.0:
                weight[y, x] = constant
            elif 0.0 < var_rnoise[y, x] < np.inf:
                weight[y, x] = 1.0 / var_rnoise[y, x]
    return weight
