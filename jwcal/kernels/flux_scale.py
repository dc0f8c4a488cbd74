"""Multiply data and errors by one factor, variances by its square, and make NaN and DO_NOT_USE agree, in one pass.

Plain numpy, a few rows at a time, as in `flat`.
"""

import numpy as np

from jwcal.kernels.stripes import split_rows

DO_NOT_USE = np.uint32(1)


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
    results, flags = tuple(np.empty(plane.shape, np.float32) for plane in exposure), dq.copy()
    used = [(plane, result, power) for plane, result, power in zip(exposure, results, (1, 1, 2, 2, 2)) if plane.size]
    for k in range(len(dq)):
        for rows in split_rows(dq.shape[1:]):
            _scale_rows([(plane[k, rows], result[k, rows], power) for plane, result, power in used],
                        flags[k, rows], float(factor))  # fmt: skip
    return (*results, flags)


def _scale_rows(planes, flags, factor):
    """Scale some rows of each plane by its power of the factor, and make NaN and flags agree."""
    lost = flags & DO_NOT_USE != 0
    for plane, result, power in planes:
        # One factor after the other, in double precision: the square alone may overflow single precision.
        value = plane * np.float64(factor)
        result[...] = value if power == 1 else value * factor
        lost |= np.isnan(result)
    for _, result, _ in planes:
        result[lost] = np.nan
    flags[lost] |= DO_NOT_USE
