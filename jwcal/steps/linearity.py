"""Make the detector's response linear."""

import numpy as np

from jwcal import dq
from jwcal.kernels.linearity import find_unusable, linearize, linearize_reads
from jwcal.models import Ramp
from jwcal.references import Reference


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
    coefficients = _read_polynomials(linearity, "COEFFS", ramp, uncorrected, flags)
    nframes = int(ramp.keyword("NFRAMES", 1))
    if nframes > 1 and linearity.has("INV_COEFFS") and ramp.data.shape[1] > 1:
        inverse = _read_polynomials(linearity, "INV_COEFFS", ramp, uncorrected, flags)
        linearize_reads(ramp.data, ramp.groupdq, coefficients, inverse, nframes)
    else:
        linearize(ramp.data, ramp.groupdq, coefficients)
    if ramp.zeroframe is not None:
        for frame in ramp.zeroframe:
            unusable = np.where(frame == 0, dq.SATURATED, 0).astype(np.uint8)
            linearize(frame[None, None], unusable[None, None], coefficients)
    ramp.pixeldq |= flags
    return ramp


def _read_polynomials(reference, extname, ramp, uncorrected, flags):
    """Coefficients, the identity where uncorrected or unusable; the latter pixels are noted in `flags`."""
    coefficients = reference.image(extname, like=ramp)
    unusable = find_unusable(coefficients) & ~uncorrected
    flags[unusable] |= dq.NO_LIN_CORR
    y, x = np.nonzero(unusable | uncorrected)
    coefficients[:, y, x] = 0.0
    coefficients[1, y, x] = 1.0
    return coefficients
