"""Flag saturated samples, samples at the floor of the A/D converter, and averages that are partly saturated."""

from dataclasses import replace

import numpy as np

from jwcal import dq
from jwcal.errors import JwcalError
from jwcal.kernels.saturation import UNCHECKED, flag_saturation
from jwcal.models import Ramp
from jwcal.readout.interleaved.layout import find_axes, find_normal, is_interleaved
from jwcal.references import Reference


def saturation(
    ramp: Ramp,
    saturation: Reference,
    superbias: Reference | None = None,
    *,
    n_pix_grow_sat: int = 1,
    use_readpatt: bool = True,
) -> Ramp:
    """Flag SATURATED from the first group at or above the pixel's threshold on, in place.

    Samples at or below 0 DN get AD_FLOOR and DO_NOT_USE. Where groups average several reads, groups that were diluted
    by reads before saturation get DO_NOT_USE (see `jwcal.kernels.saturation`). ZEROFRAME is set to 0, "unusable", where
    it is saturated or at the floor. Pixels with NO_SAT_CHECK or without a threshold are not found saturated by
    themselves (the limit is above what the converter gives); the latter get NO_SAT_CHECK in PIXELDQ. Interleaved
    reference pixels (NIRSpec's IRS2) are passed over. (The official package sets SATURATED instead of DO_NOT_USE in
    group 2 of such exposures, and does not look for diluted groups.)

    Parameters
    ----------
    ramp : Ramp
        Raw ramp, DN; keyword NFRAMES.
    saturation : Reference
        Thresholds SCI [y, x], DN, and flags DQ.
    superbias : Reference, optional
        Pedestal SCI [y, x], DN, for the test of group 2; 0 without it.
    n_pix_grow_sat : int
        Pixels around a saturated one, in each direction, that are flagged with it.
    use_readpatt : bool
        Look for partly saturated averages where NFRAMES > 1.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    JwcalError
        When `n_pix_grow_sat` is negative or a reference does not cover the exposure.
    """
    if n_pix_grow_sat < 0:
        raise JwcalError(f"n_pix_grow_sat = {n_pix_grow_sat} is negative; give 0 or more")
    nframes = int(ramp.keyword("NFRAMES", 1)) if use_readpatt else 1
    rows = find_normal(find_axes(ramp)[0]) if is_interleaved(ramp) else np.arange(ramp.data.shape[-2])
    pixels = _outline_pixels(ramp, rows)
    threshold, flags = saturation.image("SCI", like=pixels), saturation.dq(like=pixels)
    bias = np.zeros_like(threshold)
    if superbias is not None and nframes > 1 and ramp.data.shape[1] > 2:
        bias = superbias.image("SCI", like=ramp)[rows]
    flags[np.isnan(threshold)] |= dq.NO_SAT_CHECK
    threshold[(flags & dq.NO_SAT_CHECK) != 0] = UNCHECKED
    flag_saturation(ramp.data, ramp.groupdq, rows, threshold, bias, n_pix_grow_sat, nframes)
    if ramp.zeroframe is not None:
        _blank_saturated(ramp.zeroframe, rows, threshold, n_pix_grow_sat)
    ramp.pixeldq[rows] |= flags
    return ramp


def _outline_pixels(ramp, rows):
    """An outline of the exposure, as references are cut for it, that has only those rows that hold pixels."""
    outline = np.broadcast_to(np.float32(0), (*ramp.data.shape[:-2], len(rows), ramp.data.shape[-1]))
    return replace(ramp, data=outline)


def _blank_saturated(zeroframe, rows, threshold, grow):
    """Set saturated and floored samples of the first frames to 0."""
    for frame in zeroframe:
        flags = np.zeros((1, 1, *frame.shape), np.uint8)
        flag_saturation(frame[None, None], flags, rows, threshold, threshold, grow, 1)
        frame[flags[0, 0] != 0] = 0.0
