"""Subtract the drifts of the read-out electronics, as the reference pixels see them."""

from typing import NamedTuple

import numpy as np

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.kernels.reference_pixels import average_sets, filter_sides, subtract_cross
from jwcal.models import Ramp
from jwcal.readout import sirs
from jwcal.readout.interleaved.correction import correct_interleaved
from jwcal.readout.interleaved.layout import is_interleaved
from jwcal.readout.side_columns import correct_side_columns
from jwcal.references import Reference

SIZE = 2048  # rows and columns of a near-infrared detector
EDGE = 4  # reference pixels at each of its edges
OUTPUTS = 4
WIDTH = SIZE // OUTPUTS  # columns of an output
EDGELESS = {"SUB512", "SUB512S", "SUB32"}  # NIRSpec subarrays whose outer columns stand in for reference pixels


class Readout(NamedTuple):
    """The image as the detector reads it: columns along a row in time, rows one after the other.

    Attributes
    ----------
    index : int64 [row, column]
        Flat index of each pixel in the image [y, x].
    flags : uint32 [row, column]
        PIXELDQ.
    rows, columns : int64
        Their numbers on the whole detector.
    fast, slow : int
        FASTAXIS, SLOWAXIS: image axis (1 = x, 2 = y) along which columns (rows) run, negative for backwards.
    """

    index: np.ndarray
    flags: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    fast: int
    slow: int


def refpix(
    ramp: Ramp,
    refpix: Reference | None = None,
    sirskernel: Reference | None = None,
    *,
    odd_even_columns: bool = True,
    use_side_ref_pixels: bool = True,
    side_smoothing_length: int = 11,
    side_gain: float = 1.0,
    odd_even_rows: bool = True,
    ovr_corr_mitigation_ftr: float = 3.0,
    preserve_irs2_refpix: bool = False,
    irs2_mean_subtraction: bool = False,
    refpix_algorithm: str = "median",
    sigreject: float = 4.0,
    gaussmooth: float = 1.0,
    halfwidth: int = 30,
    siglimit: float = 3.0,
) -> Ramp:
    """Subtract what the reference pixels show from every group and from ZEROFRAME, in place.

    Full frames and subarrays read through four outputs: from each output the mean of its top and bottom reference
    pixels, then from each row a running median of those at the sides, or what a filter makes of them
    (`jwcal.readout.sirs`). Subarrays read through one output: the mean of all their reference pixels. MIRI: see
    `jwcal.readout.side_columns`. NIRSpec's IRS2: see `jwcal.readout.interleaved`; its frames lose their interleaved
    rows. Samples of ZEROFRAME that are 0, "unusable", stay 0.
    Reference pixels with DO_NOT_USE are left out, NaN too (in the official package one NaN makes the whole group NaN).
    Where only even or only odd columns of an output have good reference pixels it is not corrected.

    Parameters
    ----------
    ramp : Ramp
        Ramp, DN; keywords INSTRUME, FASTAXIS, SLOWAXIS, NOUTPUTS.
    refpix : Reference, optional
        Filters and bad reference pixels for the IRS2 read-out.
    sirskernel : Reference, optional
        Kernels for ``refpix_algorithm: sirs``; where it has none for the detector the running median serves.
    odd_even_columns : bool
        Measure even and odd columns apart.
    use_side_ref_pixels : bool
        Correct rows too.
    side_smoothing_length : int
        Rows in the window of the running median; an even number counts as the next odd one.
    side_gain : float
        Factor on the correction of rows.
    odd_even_rows : bool
        Measure even and odd rows apart (MIRI).
    ovr_corr_mitigation_ftr : float
        Standard deviations above which an interleaved reference pixel is bad (IRS2). Positive.
    preserve_irs2_refpix : bool
        Keep the interleaved reference pixels in the image (IRS2).
    irs2_mean_subtraction : bool
        Subtract means of the outputs first, of even and odd columns apart with `odd_even_columns` (IRS2).
    refpix_algorithm : str
        ``median``, or ``sirs`` (an optimal filter), for the rows of near-infrared full frames.
    sigreject : float
        Standard deviations above which a reference pixel is an outlier (sirs).
    gaussmooth : float
        Width of the smoothing of the filter, rows (sirs).
    halfwidth : int
        Half width of the filter, rows (sirs).
    siglimit : float
        Clipping limit for means, standard deviations.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    StepSkipped
        When there is no good reference pixel, for MIRI's subarrays, for IRS2 without a reference.
    JwcalError
        When a setting makes no sense or the exposure was read out in stripes.

    References
    ----------
    Rauscher et al. 2007, PASP 119, 768.
    """
    if ramp.keyword("INSTRUME") == "MIRI":
        return correct_side_columns(ramp, odd_even_rows, siglimit)
    if is_interleaved(ramp):
        means = (siglimit, odd_even_columns) if irs2_mean_subtraction else None
        options = {"factor": ovr_corr_mitigation_ftr, "preserve": preserve_irs2_refpix, "means": means}
        return correct_interleaved(ramp, refpix, **options)
    _check(ramp, side_smoothing_length, siglimit)
    whole = ramp.data.shape[-2:] == (SIZE, SIZE)
    readout, kernels = _lay_out(ramp), None
    if whole and use_side_ref_pixels and refpix_algorithm == "sirs":
        kernels = sirs.read_kernels(sirskernel, str(ramp.keyword("DETECTOR")), gaussmooth, halfwidth)
    stacks = [(ramp.data, False)] + ([(ramp.zeroframe, True)] if ramp.zeroframe is not None else [])
    if whole or int(ramp.keyword("NOUTPUTS", 1)) == OUTPUTS:
        sets = _collect_edges(readout, odd_even_columns)
        windows = _collect_sides(readout, side_smoothing_length | 1) if use_side_ref_pixels else None
        if not any(chosen.size for chosen in sets) and (windows is None or windows.max() < 0):
            raise StepSkipped("the subarray has no good reference pixels")
        for stack, keep_zeros in stacks:
            sides = None if kernels is not None else windows
            _correct_outputs(stack, readout, sets, sides, (siglimit, side_gain), keep_zeros)
            if kernels is not None:
                sirs.subtract_filtered(stack, (readout.fast, readout.slow), kernels, sigreject, keep_zeros)
    else:
        sets = _collect_all(readout, ramp, odd_even_columns)
        if not all(chosen.size for chosen in sets):
            raise StepSkipped("the subarray has no good reference pixels")
        for stack, keep_zeros in stacks:
            columns = _average(stack, sets, siglimit)[:, readout.columns % len(sets)]
            _subtract(stack, readout, np.zeros((len(columns), readout.rows.size)), columns, keep_zeros)
    return ramp


def _check(ramp, length, limit):
    """Refuse what is not built yet, and settings out of range."""
    if ramp.keyword("MSTR_RD1", None) is not None:
        raise JwcalError("multistripe read-out (keyword MSTR_RD1) is not supported; leave this exposure out", ramp.path)
    if not 1 <= length < SIZE:
        raise JwcalError(f"side_smoothing_length = {length} is out of range; give 1 to {SIZE - 1}")
    if not limit > 0:
        raise JwcalError(f"siglimit = {limit} is out of range; give a positive number")
    x0, y0, nx, ny = ramp.subarray
    if x0 < 0 or y0 < 0 or x0 + nx > SIZE or y0 + ny > SIZE:
        raise JwcalError("the subarray reaches over the edge of the detector; check SUBSTRT1 and SUBSTRT2", ramp.path)


def _lay_out(ramp):
    """Turn the image the way the detector reads it."""
    x0, y0, nx, ny = ramp.subarray
    fast, slow = int(ramp.keyword("FASTAXIS")), int(ramp.keyword("SLOWAXIS"))
    along = {1: (x0, nx), 2: (y0, ny)}
    return Readout(
        index=_turn(np.arange(ny * nx).reshape(ny, nx), fast, slow),
        flags=_turn(ramp.pixeldq, fast, slow),
        rows=_number(*along[abs(slow)], slow),
        columns=_number(*along[abs(fast)], fast),
        fast=fast,
        slow=slow,
    )


def _turn(image, fast, slow):
    """View of an image [y, x] as [row, column] of the read-out."""
    image = image if abs(fast) == 1 else image.T
    return image[:: np.sign(slow), :: np.sign(fast)]


def _number(start, count, axis):
    """Numbers on the detector, in read-out order, of `count` rows or columns that begin at `start` in the image."""
    return np.arange(count) + (start if axis > 0 else SIZE - start - count)


def _collect_edges(readout, odd_even):
    """Indices of good reference pixels for each output, parity of columns (if `odd_even`) and edge (bottom, top)."""
    parities = (0, 1) if odd_even else (None,)
    good = (readout.flags & dq.DO_NOT_USE) == 0
    sets = []
    for output in range(OUTPUTS):
        for parity in parities:
            columns = readout.columns // WIDTH == output
            columns &= parity is None or readout.columns % 2 == parity
            for rows in (readout.rows < EDGE, readout.rows >= SIZE - EDGE):
                block = np.ix_(rows, columns)
                sets.append(readout.index[block][good[block]])
    return sets


def _collect_sides(readout, length):
    """Reference pixels at both sides for `filter_sides` [side, row, column], reflected at the detector's edges."""
    half = length // 2
    rows = np.abs(np.arange(readout.rows[0] - half, readout.rows[-1] + half + 1))
    rows = np.where(rows >= SIZE, 2 * (SIZE - 1) - rows, rows) - readout.rows[0]
    columns = np.array([np.arange(EDGE), np.arange(SIZE - EDGE, SIZE)]) - readout.columns[0]
    row, column = rows[None, :, None], columns[:, None, :]
    inside = (row >= 0) & (row < readout.rows.size) & (column >= 0) & (column < readout.columns.size)
    row, column = np.where(inside, row, 0), np.where(inside, column, 0)
    good = inside & ((readout.flags[row, column] & dq.DO_NOT_USE) == 0)
    return np.where(good, readout.index[row, column], -1)


def _collect_all(readout, ramp, odd_even):
    """Indices of all good reference pixels, by parity of columns (if `odd_even`)."""
    flags = readout.flags
    good = ((flags & dq.REFERENCE_PIXEL) != 0) & ((flags & dq.DO_NOT_USE) == 0)
    if ramp.keyword("SUBARRAY", "") in EDGELESS:
        outer = np.zeros(ramp.data.shape[-2:], bool)
        outer[:, :EDGE] = outer[:, -EDGE:] = True
        good |= _turn(outer, readout.fast, readout.slow) & ((flags & dq.DO_NOT_USE) == 0)
    if not odd_even:
        return [readout.index[good]]
    return [readout.index[good & (readout.columns % 2 == parity)] for parity in (0, 1)]


def _average(stack, sets, limit):
    """Clipped mean of each set in each plane, float64 [plane, set]; NaN where a set is empty."""
    starts = np.cumsum([0] + [chosen.size for chosen in sets])
    return average_sets(_flatten(stack), np.concatenate(sets).astype(np.int64), starts, float(limit))


def _flatten(stack):
    """A stack of images as [plane, pixel]."""
    return stack.reshape(-1, stack.shape[-2] * stack.shape[-1])


def _correct_outputs(stack, readout, sets, windows, factors, keep_zeros):
    """Correct planes read through four outputs; `factors` are siglimit and side_gain."""
    limit, gain = factors
    means = _average(stack, sets, limit).reshape(-1, OUTPUTS, len(sets) // (2 * OUTPUTS), 2)
    outputs = _mean_of_pair(means[..., 0], means[..., 1])
    outputs[np.isnan(outputs).any(axis=2)] = 0.0
    columns = outputs[:, readout.columns // WIDTH, readout.columns % outputs.shape[2]]
    rows = np.zeros((len(columns), readout.rows.size))
    if windows is not None:
        length = windows.shape[1] - readout.rows.size + 1
        sides = filter_sides(_flatten(stack), windows, _side_offsets(readout, columns), length)
        rows = gain * np.nan_to_num(_mean_of_pair(sides[:, 0], sides[:, 1]), nan=0.0)
    _subtract(stack, readout, rows, columns, keep_zeros)


def _side_offsets(readout, columns):
    """Correction of the columns of the side reference pixels, float64 [plane, side, column]; 0 outside of the image."""
    numbers = np.concatenate([np.arange(EDGE), np.arange(SIZE - EDGE, SIZE)]) - readout.columns[0]
    inside = (numbers >= 0) & (numbers < readout.columns.size)
    offsets = np.where(inside, columns[:, np.where(inside, numbers, 0)], 0.0)
    return offsets.reshape(-1, 2, EDGE)


def _mean_of_pair(a, b):
    """Mean of two arrays; where one is NaN, the other."""
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, 0.5 * (a + b)))


def _subtract(stack, readout, rows, columns, keep_zeros):
    """Subtract the corrections of rows and columns of the read-out, turned back to the image's own."""
    rows, columns = rows[:, :: np.sign(readout.slow)], columns[:, :: np.sign(readout.fast)]
    by_row, by_column = (rows, columns) if abs(readout.fast) == 1 else (columns, rows)
    planes = stack.reshape(-1, *stack.shape[-2:])
    subtract_cross(planes, np.ascontiguousarray(by_row), np.ascontiguousarray(by_column), keep_zeros)
