"""Interleaved ramps (NIRSpec's IRS2) corrected by their reference pixels, which are taken out of the frames."""

import numpy as np

from jwcal import dq
from jwcal.errors import StepSkipped
from jwcal.kernels.reference_pixels import average_sets, subtract_cross
from jwcal.readout.interleaved import bad_references, layout, noise


def correct_interleaved(ramp, reference, *, factor, preserve, means=None):
    """Correct an interleaved ramp in place and leave the detector's pixels only.

    Bad interleaved samples are replaced (`jwcal.readout.interleaved.bad_references`), then the noise is subtracted that
    these samples and the reference output show (`jwcal.readout.interleaved.noise`). ZEROFRAME loses its interleaved
    rows only.

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        Interleaved ramp, DN.
    reference : jwcal.references.Reference or None
        Filters and bad samples (refpix).
    factor : float
        Standard deviations above which an interleaved pair is bad.
    preserve : bool
        Keep all rows.
    means : (float, bool), optional
        Clipping limit (standard deviations), and whether even and odd columns are measured apart, of the mean of each
        output that is subtracted first; None leaves that out.

    Returns
    -------
    jwcal.models.Ramp
        The same object, with 2048 rows unless `preserve`.

    Raises
    ------
    StepSkipped
        Without a reference; the rows are taken out all the same, since nothing after this step could do with them.
    JwcalError
        When the layout is another one than that of the IRS2 read-out, or the reference does not fit.
    """
    layout.check_layout(ramp)
    if reference is None:
        if not preserve:
            layout.drop_interleaved(ramp)
        raise StepSkipped("there is no refpix reference; interleaved reference pixels are left out unused")
    fast, slow = layout.find_axes(ramp)
    filters = noise.read_filters(reference)
    bad = bad_references.flag_bad_references(ramp, factor)
    if means is not None:
        subtract_means(ramp, *means)
    bad_references.replace_bad_references(ramp, bad, bad_references.read_bad_list(reference, fast))
    if preserve:
        rows = np.flatnonzero(layout.find_outputs(fast))
        target = ramp.data[:, :, rows[0] : rows[-1] + 1]
    else:
        rows = layout.find_normal(fast)
        target = layout.view_front(ramp.data, len(rows))
    schedule = noise.make_schedule(fast, slow, rows)
    for integration, corrected in zip(ramp.data, target, strict=True):
        noise.subtract_noise(integration, corrected, schedule, filters, preserve)
    return ramp if preserve else layout.drop_interleaved(ramp, target)


def subtract_means(ramp, limit, odd_even):
    """Subtract from every output the clipped mean of its reference pixels in the first and the last columns, in place.

    The reference output and interleaved samples are treated as pixels are. Where an output has no good reference pixels
    (of one parity) it is left alone. Samples of ZEROFRAME that are 0, "unusable", stay 0.

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        Interleaved ramp, DN.
    limit : float
        Clipping limit, standard deviations.
    odd_even : bool
        Measure even and odd columns of the detector apart.
    """
    fast, slow = layout.find_axes(ramp)
    output = np.arange(layout.ROWS) // layout.WIDTH
    parity = layout.find_parity(fast) if odd_even else np.zeros(layout.ROWS, int)
    sets = _collect_edges(ramp.pixeldq, output, parity, layout.schedule_columns(slow))
    starts, pixels = np.cumsum([0] + [chosen.size for chosen in sets]), np.concatenate(sets).astype(np.int64)
    for stack, keep_zeros in ((ramp.data, False), (ramp.zeroframe, True)):
        if stack is not None:
            planes = stack.reshape(-1, layout.ROWS, layout.COLUMNS)
            found = average_sets(planes.reshape(len(planes), -1), pixels, starts, float(limit))
            levels = _average_edges(found.reshape(len(planes), layout.OUTPUTS, -1, 2))
            by_row, by_column = levels[:, output, parity], np.zeros((len(planes), layout.COLUMNS))
            subtract_cross(planes, np.ascontiguousarray(by_row), by_column, keep_zeros)


def _collect_edges(pixeldq, output, parity, columns):
    """Indices of good reference pixels for each output, parity and edge (first columns, last ones)."""
    good, index = (pixeldq & dq.DO_NOT_USE) == 0, np.arange(pixeldq.size).reshape(pixeldq.shape)
    sets = []
    for o, p in np.ndindex(layout.OUTPUTS, parity.max() + 1):
        rows = np.flatnonzero((output == o) & (parity == p))
        for edge in (columns[: layout.EDGE], columns[-layout.EDGE :]):
            block = np.ix_(rows, edge)
            sets.append(index[block][good[block]])
    return sets


def _average_edges(means):
    """Level of each output [plane, output, parity] from the means of its edges [..., edge]; 0 for lack of pixels."""
    first, last = means[..., 0], means[..., 1]
    levels = np.where(np.isnan(first), last, np.where(np.isnan(last), first, 0.5 * (first + last)))
    levels[np.isnan(levels).any(axis=2)] = 0.0
    return levels
