"""Interleaved reference pixels that are bad: found by their noise, known from the reference file; replaced."""

import numpy as np

from jwcal import dq
from jwcal.readout.interleaved.layout import COLUMNS, NORMAL, REFERENCE, WIDTH, find_axes, find_interleaved, find_pairs

PERIOD = NORMAL + REFERENCE
BAD = np.uint32(dq.FLAGS["BAD_REF_PIXEL"] | dq.DO_NOT_USE)
CLIPPINGS = 5


def flag_bad_references(ramp, factor):
    """Flag rows of bad interleaved samples as BAD_REF_PIXEL and DO_NOT_USE in PIXELDQ, in place.

    A reference pixel is read twice in turn. Of each pair the mean difference of the two, their mean and their scatter
    are compared with those of the other pairs of the output, in each integration: one that lies higher than `factor`
    standard deviations is bad. A row with BAD_REF_PIXEL in the mask is bad as well. (In the official package this holds
    for rows of pixels, too: one bad reference pixel at the detector's edge costs a whole row.)

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        Interleaved ramp, DN.
    factor : float
        Standard deviations.

    Returns
    -------
    bool [y]
        Rows of interleaved samples that are bad.
    """
    fast = find_axes(ramp)[0]
    known = (ramp.pixeldq & np.uint32(dq.FLAGS["BAD_REF_PIXEL"])).any(axis=1) & find_interleaved(fast)
    bad = known.copy()
    for integration in ramp.data:
        for pairs in find_pairs(fast):
            trusted = pairs[~known[pairs].any(axis=1)]
            bad[trusted[find_high(integration, trusted, factor)]] = True
    ramp.pixeldq[bad] |= BAD
    return bad


def find_high(integration, pairs, factor):
    """Which pairs of rows [pair, 2] stand out among the others, bool [pair]."""
    if not len(pairs):
        return np.zeros(0, bool)
    high = np.zeros(len(pairs), bool)
    for values in np.array([measure_pair(integration[:, pair]) for pair in pairs]).T:
        mean, deviation = clip(values, factor)
        high |= values - mean > factor * deviation
    return high


def measure_pair(samples):
    """Mean difference of two readings, their mean and standard deviation; samples [group, 2, x], summed in float64."""
    mean = samples.mean(dtype=np.float64)
    difference = np.abs(samples[:, 1] - samples[:, 0]).mean(dtype=np.float64)
    return difference, mean, np.sqrt(np.mean(np.square(samples - np.float32(mean)), dtype=np.float64))


def clip(values, factor):
    """Mean and standard deviation of what lies within `factor` of these of the median, after at most five clippings."""
    kept = values[np.isfinite(values)]
    if not kept.size:
        return np.nan, np.nan
    for _ in range(CLIPPINGS):
        middle, reach = np.median(kept), factor * kept.std()
        near = kept[np.abs(kept - middle) <= reach]
        if near.size == kept.size or not near.size:
            break
        kept = near
    return kept.mean(), kept.std()


def replace_bad_references(ramp, bad, listed):
    """Replace rows of bad interleaved samples in all groups, in place.

    By the mean of the two samples of the same parity a block before and after it in the same output, by the good one of
    these, else by a good one of the other parity in the same block, else by 0, "no sample".

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        Interleaved ramp, DN.
    bad : bool [y]
        Bad rows.
    listed : bool [y]
        Those that the reference file lists, on top of them. Samples that stand in for a row of `bad` may be among
        them, as in the official package.
    """
    fast = find_axes(ramp)[0]
    interleaved = find_interleaved(fast)
    for row in np.flatnonzero(bad):
        _replace(ramp.data, row, bad, interleaved)
    both = bad | listed
    for row in np.flatnonzero(listed & ~bad):
        _replace(ramp.data, row, both, interleaved)


def _replace(data, row, bad, interleaved):
    """Replace a row by its nearest good neighbours."""
    first = row // WIDTH * WIDTH

    def is_good(other):
        return first <= other < first + WIDTH and interleaved[other] and not bad[other]

    nearest = [other for other in (row - PERIOD, row + PERIOD) if is_good(other)]
    nearest = nearest or [other for other in (row - 2, row + 2) if is_good(other)][:1]
    for plane in data.reshape(-1, *data.shape[-2:]):
        plane[row] = plane[nearest].mean(axis=0) if nearest else 0


def read_bad_list(reference, fast):
    """Rows of the image that the reference file lists as bad, bool [y].

    Its table DQ has, by output (1 to 4) and parity (1, 2; in even outputs counted the other way round), a bit for each
    of the 32 blocks, in the order of the detector.
    """
    bad = np.zeros(5 * WIDTH, bool)
    if reference.has("DQ"):
        for output, parity, mask in reference.table("DQ"):
            first = int(parity) - 1 if int(output) % 2 else 2 - int(parity)
            blocks = np.flatnonzero(int(mask) >> np.arange(COLUMNS // 4 // NORMAL) & 1)
            places = int(output) * WIDTH + NORMAL // 2 + blocks * PERIOD + 2 * first
            bad[places] = bad[places + 1] = True
    return bad if fast > 0 else bad[::-1]
