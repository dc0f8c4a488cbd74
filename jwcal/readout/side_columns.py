"""MIRI's reference pixels: four columns at either side of the full frame, one for each of the four outputs."""

import numpy as np

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.kernels.interleaved_outputs import OUTPUTS, subtract_outputs
from jwcal.kernels.reference_pixels import average_sets

ROWS, COLUMNS = 1024, 1032
REFERENCE_COLUMNS = np.r_[0:OUTPUTS, COLUMNS - OUTPUTS : COLUMNS]


def correct_side_columns(ramp, odd_even_rows, siglimit):
    """Subtract from every output what its reference pixels have drifted since the first group, in place.

    For each group but the first and for each output (every fourth column): the clipped mean of the left and that of the
    right reference column, less the first group's values, are averaged and subtracted. Reference pixels with DO_NOT_USE
    are left out, NaN too. Where one side has no good ones the other serves alone, and an output without any is left as
    it is (in the official package one such side leaves the whole exposure uncorrected).

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        MIRI ramp, DN.
    odd_even_rows : bool
        Measure and correct even and odd rows apart.
    siglimit : float
        Clipping limit of the means, standard deviations.

    Returns
    -------
    jwcal.models.Ramp
        The same object.

    Raises
    ------
    StepSkipped
        For subarrays, which are not corrected, and when no output has good reference pixels.
    JwcalError
        When `siglimit` is not positive.
    """
    if not siglimit > 0:
        raise JwcalError(f"siglimit = {siglimit} is out of range; give a positive number")
    if ramp.data.shape[-2:] != (ROWS, COLUMNS):
        raise StepSkipped("MIRI's subarrays are not corrected")
    sets = _collect(ramp.pixeldq, odd_even_rows)
    if not any(chosen.size for chosen in sets):
        raise StepSkipped("the exposure has no good reference pixels")
    for integration in ramp.data:
        drifts = integration[1:, :, REFERENCE_COLUMNS] - integration[0][:, REFERENCE_COLUMNS]
        subtract_outputs(integration[1:], _average(drifts, sets, siglimit))
    return ramp


def _collect(pixeldq, odd_even):
    """Good reference pixels, as indices into the flattened block of reference columns, by parity, side and output."""
    good = (pixeldq[:, REFERENCE_COLUMNS] & dq.DO_NOT_USE) == 0
    index = np.arange(good.size).reshape(good.shape)
    parities = (slice(0, None, 2), slice(1, None, 2)) if odd_even else (slice(None),)
    return [index[rows, column][good[rows, column]] for rows in parities for column in range(2 * OUTPUTS)]


def _average(drifts, sets, limit):
    """Drift of each output, float64 [group, parity, output]: mean of its sides, 0 where there are no good pixels."""
    starts = np.cumsum([0] + [chosen.size for chosen in sets])
    count, parities = len(drifts), len(sets) // (2 * OUTPUTS)
    planes = np.ascontiguousarray(drifts).reshape(count, drifts.shape[1] * drifts.shape[2])
    means = average_sets(planes, np.concatenate(sets).astype(np.int64), starts, float(limit))
    left, right = np.moveaxis(means.reshape(count, parities, 2, OUTPUTS), 2, 0)
    both = np.where(np.isnan(left), right, np.where(np.isnan(right), left, 0.5 * (left + right)))
    return np.ascontiguousarray(np.broadcast_to(np.nan_to_num(both, nan=0.0), (count, 2, OUTPUTS)))
