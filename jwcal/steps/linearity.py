"""Make the detector's response linear."""

import numpy as np

from jwcal import dq
from jwcal.kernels.linearity import find_unusable, linearize, linearize_reads
from jwcal.models import Ramp
from jwcal.references import Reference

ROWS = 256


def linearity(ramp: Ramp, linearity: Reference) -> Ramp:
    """Apply each pixel's polynomial to the groups that are not saturated, in place.

    Where NFRAMES > 1 and the reference holds inverse polynomials the reads within a group are reconstructed and
    corrected one by one (see `jwcal.kernels.linearity`; a single group does not tell the rate and is corrected as it
    is). Pixels flagged NO_LIN_CORR, with a NaN coefficient or no linear term keep their values; all get NO_LIN_CORR in
    PIXELDQ. ZEROFRAME, one read, is corrected too except where it is 0, "unusable".

    Parameters
    ----------
    ramp : Ramp
        Ramp, DN; keyword NFRAMES.
    linearity : Reference
        Polynomials COEFFS [term, y, x] and, optionally, their inverses INV_COEFFS; flags DQ, added to PIXELDQ.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    JwcalError
        When the reference does not cover the exposure.
    """
    flags = linearity.dq(like=ramp)
    uncorrected = (flags & dq.NO_LIN_CORR) != 0
    unusable = None if ramp.zeroframe is None else np.where(ramp.zeroframe == 0, dq.SATURATED, 0).astype(np.uint8)
    nframes = int(ramp.keyword("NFRAMES", 1))
    by_reads = nframes > 1 and linearity.has("INV_COEFFS") and ramp.data.shape[1] > 1
    for rows in _split(ramp.data.shape[2]):
        own = rows, uncorrected[rows], flags[rows]
        coefficients = _read_polynomials(linearity, "COEFFS", ramp, *own)
        if by_reads:
            inverse = _read_polynomials(linearity, "INV_COEFFS", ramp, *own)
            linearize_reads(ramp.data, ramp.groupdq, coefficients, inverse, rows.start, nframes)
        else:
            linearize(ramp.data, ramp.groupdq, coefficients, rows.start)
        if ramp.zeroframe is not None:
            linearize(ramp.zeroframe[:, None], unusable[:, None], coefficients, rows.start)
    ramp.pixeldq |= flags
    return ramp


def _split(ny):
    """Rows whose polynomials are held at a time."""
    return [slice(first, min(first + ROWS, ny)) for first in range(0, ny, ROWS)]


def _read_polynomials(reference, extname, ramp, rows, uncorrected, flags):
    """Coefficients, the identity where uncorrected or unusable; the latter pixels are noted in `flags`."""
    coefficients = reference.image(extname, like=ramp, rows=rows)
    unusable = find_unusable(coefficients) & ~uncorrected
    flags[unusable] |= dq.NO_LIN_CORR
    y, x = np.nonzero(unusable | uncorrected)
    coefficients[:, y, x] = 0.0
    coefficients[1, y, x] = 1.0
    return coefficients
