"""Multiply data and errors by one factor, variances by its square, and make NaN and DO_NOT_USE agree, in one pass."""

import numpy as np
from numba import prange

from jwcal.kernels import image

DO_NOT_USE = np.uint32(1)


@image
def scale_flux(exposure, dq, factor):
    """Scale an exposure.

    Parameters
    ----------
    exposure : tuple of 5 float32 [integration, y, x]
        Data, error, VAR_POISSON, VAR_RNOISE, VAR_FLAT (an array of size 0 where there is none).
    dq : uint32 [integration, y, x]
        Flags.
    factor : float
        Factor on data and error.

    Returns
    -------
    data, err, var_poisson, var_rnoise, var_flat : float32 [integration, y, x]
        NaN in all where any is, and where DO_NOT_USE is set.
    dq : uint32 [integration, y, x]
        With DO_NOT_USE where any is NaN.
    """
    data, err, var_poisson, var_rnoise, var_flat = exposure
    shape = data.shape
    has_flat = var_flat.size > 0
    out, error, flags = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.uint32)
    poisson, rnoise = np.empty(shape, np.float32), np.empty(shape, np.float32)
    flat = np.empty(var_flat.shape, np.float32)
    for y in prange(shape[1]):
        for k in range(shape[0]):
            for x in range(shape[2]):
                d, e = data[k, y, x] * factor, err[k, y, x] * factor
                p, r = var_poisson[k, y, x] * factor * factor, var_rnoise[k, y, x] * factor * factor
                f = var_flat[k, y, x] * factor * factor if has_flat else 0.0
                bits = dq[k, y, x]
                if bits & DO_NOT_USE or np.isnan(d) or np.isnan(e) or np.isnan(p) or np.isnan(r) or np.isnan(f):
                    d = e = p = r = f = np.nan
                    bits |= DO_NOT_USE
                out[k, y, x], error[k, y, x], flags[k, y, x] = d, e, bits
                poisson[k, y, x], rnoise[k, y, x] = p, r
                if has_flat:
                    flat[k, y, x] = f
    return out, error, poisson, rnoise, flat, flags
