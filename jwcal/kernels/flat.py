"""Divide by the flat field, and carry its own error along, in one pass.

With f and s the flat and its standard error, d the data and var their variances,

    d' = d / f,   var' = var / f^2,   var_flat = (d' s / f)^2,   err'^2 = var_poisson' + var_rnoise' + var_flat.

Where the flat is unusable f = 1 is taken and the pixel flagged. In the end a pixel that may not be used is NaN in every
plane, and one that is NaN in any plane may not be used.

Plain numpy, a few rows at a time so that all stays in the cache: as fast as compiled code, and stage 2 imaging can do
without numba, whose import and first call cost a third of such a job.
"""

import numpy as np

from jwcal.kernels.stripes import split_rows

DO_NOT_USE = np.uint32(1)
NO_FLAT_FIELD = np.uint32(1 << 18)


def choose_divisors(flat, flags):
    """Divisors (float64) and flags of some rows of the flat."""
    absent = np.isnan(flat) | (flat == 0.0)
    flags = flags | np.where(absent, DO_NOT_USE | NO_FLAT_FIELD, np.uint32(0))
    flags |= np.where(flags & NO_FLAT_FIELD != 0, DO_NOT_USE, np.uint32(0))
    return np.where(flags & DO_NOT_USE != 0, 1.0, flat.astype(np.float64)), flags


def _choose_factors(flat, flat_err, flat_dq, inverse):
    """What data are multiplied by, the relative error of the flat, and its flags."""
    divisor, flags = choose_divisors(flat, flat_dq)
    return (divisor, 0.0 * divisor, flags) if inverse else (1.0 / divisor, flat_err / divisor, flags)


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
    planes = tuple(np.empty(exposure[0].shape, np.float32) for _ in range(5))
    flags = np.empty(exposure[0].shape, np.uint32)
    with np.errstate(invalid="ignore", over="ignore"):
        for rows in split_rows(flat.shape):
            factors = _choose_factors(flat[rows], flat_err[rows], flat_dq[rows], inverse)
            for k in range(len(flags)):
                inputs = (*(plane[k, rows] for plane in exposure), dq[k, rows])
                _divide_rows(inputs, factors, [plane[k, rows] for plane in planes], flags[k, rows])
    return (*planes, flags)


def _divide_rows(inputs, factors, planes, flags):
    """Some rows of one integration; results go into `planes` and `flags`."""
    data, var_poisson, var_rnoise, dq = inputs
    gain, relative, bits = factors
    out = data * gain
    poisson, rnoise, flat = var_poisson * gain * gain, var_rnoise * gain * gain, (out * relative) ** 2
    total = poisson + rnoise + flat
    np.bitwise_or(dq, bits, out=flags)
    lost = np.isnan(out + total) | (flags & DO_NOT_USE != 0) | (total < 0.0)
    for plane, values in zip(planes, (out, np.sqrt(total), poisson, rnoise, flat), strict=True):
        plane[...] = values
        plane[lost] = np.nan
    flags[lost] |= DO_NOT_USE


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
    gain, relative, bits = _choose_factors(flat, flat_err, flat_dq, inverse)
    out, error = np.empty(data.shape, np.float32), np.empty(data.shape, np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        for k in range(len(data)):
            divided = data[k] * gain
            out[k], error[k] = divided, np.hypot(err[k] * gain, divided * relative)
            lost = np.isnan(out[k]) | np.isnan(error[k])
            out[k][lost] = error[k][lost] = np.nan
    return out, error, dq | flat_dq | bits
