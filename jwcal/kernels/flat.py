"""Divide by the flat field, and carry its own error along, in one pass.

With f and s the flat and its standard error, d the data and var their variances,

    d' = d / f,   var' = var / f^2,   var_flat = (d' s / f)^2,   err'^2 = var_poisson' + var_rnoise' + var_flat.

Where the flat is unusable f = 1 is taken and the pixel flagged. In the end a pixel that may not be used is NaN in every
plane, and one that is NaN in any plane may not be used.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel

DO_NOT_USE = np.uint32(1)
NO_FLAT_FIELD = np.uint32(1 << 18)


@pixel
def choose_flat(flat, flags):
    """Divisor and flags of one pixel of the flat."""
    if np.isnan(flat) or flat == 0.0 or flags & NO_FLAT_FIELD:
        flags |= DO_NOT_USE | NO_FLAT_FIELD if np.isnan(flat) or flat == 0.0 else DO_NOT_USE
    return (1.0, flags) if flags & DO_NOT_USE else (float(flat), flags)


@image
def divide_flat(exposure, dq, flat, flat_err, flat_dq, inverse):
    """Apply (or undo) the flat field.

    Parameters
    ----------
    exposure : tuple of 3 float32 [integration, y, x]
        Data, VAR_POISSON, VAR_RNOISE.
    dq : uint32 [integration, y, x]
        Their flags.
    flat, flat_err : float32 [y, x]
        Relative response and its standard error.
    flat_dq : uint32 [y, x]
        Its flags.
    inverse : bool
        Multiply instead; the variance of the flat is then 0.

    Returns
    -------
    data, err, var_poisson, var_rnoise, var_flat : float32 [integration, y, x]
    dq : uint32 [integration, y, x]
    """
    data, var_poisson, var_rnoise = exposure
    shape = data.shape
    out, err, flags = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.uint32)
    poisson, rnoise, flat_var = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32)
    for y in prange(shape[1]):
        for x in range(shape[2]):
            divisor, bits = choose_flat(flat[y, x], flat_dq[y, x])
            gain = divisor if inverse else 1.0 / divisor
            relative = 0.0 if inverse else flat_err[y, x] / divisor
            for k in range(shape[0]):
                d, p, r = data[k, y, x] * gain, var_poisson[k, y, x] * gain * gain, var_rnoise[k, y, x] * gain * gain
                f = (d * relative) ** 2
                total = p + r + f
                bits_here = dq[k, y, x] | bits
                if np.isnan(d + total) or bits_here & DO_NOT_USE or total < 0.0:
                    d = p = r = f = total = np.nan
                    bits_here |= DO_NOT_USE
                out[k, y, x], poisson[k, y, x], rnoise[k, y, x], flat_var[k, y, x] = d, p, r, f
                err[k, y, x], flags[k, y, x] = np.sqrt(total), bits_here
    return out, err, poisson, rnoise, flat_var, flags


@image
def divide_guider_flat(data, err, dq, flat, flat_err, flat_dq, inverse):
    """Apply (or undo) the flat field of a guider exposure, whose flags are those of all integrations.

    Flagged pixels keep their values (undivided where there is no flat): a guide star may well lie on one.

    Parameters
    ----------
    data, err : float32 [integration, y, x]
        Rates and their standard errors.
    dq : uint32 [y, x]
        Flags.
    flat, flat_err, flat_dq, inverse
        As for `divide_flat`.

    Returns
    -------
    data, err : float32 [integration, y, x]
    dq : uint32 [y, x]
    """
    out, error, flags = np.empty(data.shape, np.float32), np.empty(data.shape, np.float32), dq | flat_dq
    for y in prange(data.shape[1]):
        for x in range(data.shape[2]):
            divisor, bits = choose_flat(flat[y, x], flat_dq[y, x])
            gain = divisor if inverse else 1.0 / divisor
            relative = 0.0 if inverse else flat_err[y, x] / divisor
            flags[y, x] |= bits
            for k in range(data.shape[0]):
                d, e = data[k, y, x] * gain, err[k, y, x] * gain
                e = np.sqrt(e * e + (d * relative) ** 2)
                if np.isnan(d + e):
                    d = e = np.nan
                out[k, y, x], error[k, y, x] = d, e
    return out, error, flags
