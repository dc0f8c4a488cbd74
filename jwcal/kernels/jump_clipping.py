"""Jumps by sigma clipping over the integrations of a time series.

With a hundred integrations and more, a group's difference is compared with the same difference in the other
integrations (or, on request, all differences of the pixel with each other): values beyond median +- threshold *
standard deviation are clipped, five times at most, and what lies outside the last bounds is a jump. No noise model is
needed.

The values are sorted first, so that clipping shrinks a window of the sorted column.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel
from jwcal.kernels.jump_differences import INF, JUMP_DET, UNUSABLE, load_differences, prepare_sorting
from jwcal.kernels.sorting import WIDTH, median_of_sorted, sort_columns

MAX_ITERATIONS = 5


@leaf
def scatter_of_sorted(ordered, low, high, w):
    """Standard deviation of rows `low`..`high` - 1 of column `w`."""
    n = high - low
    total = 0.0
    for k in range(low, high):
        total += ordered[k, w]
    mean = total / n
    squares = 0.0
    for k in range(low, high):
        squares += (ordered[k, w] - mean) ** 2
    return np.sqrt(squares / n)


@leaf
def clip_sorted(ordered, count, w, threshold):
    """Clip the first `count` rows of column `w` of a sorted block.

    Returns median, standard deviation, lower and upper bound of the last iteration, and the window [low, high) left.
    """
    low, high = np.int64(0), np.int64(count)
    median, deviation, lowest, highest = np.nan, np.nan, np.nan, np.nan
    for _ in range(MAX_ITERATIONS):
        if high - low <= 0:
            break
        before = high - low
        median = median_of_sorted(ordered, low, high, w)
        deviation = scatter_of_sorted(ordered, low, high, w)
        lowest, highest = median - threshold * deviation, median + threshold * deviation
        while low < high and ordered[low, w] < lowest:
            low += 1
        while low < high and ordered[high - 1, w] > highest:
            high -= 1
        if high - low == before:
            break
    return median, deviation, lowest, highest, low, high


@leaf
def _select(differences, k, n_groups, together, sample):
    """Rows of `differences` compared with one another: group difference k of all integrations, or all of them."""
    for i in range(sample.shape[0]):
        row = i if together else i * (n_groups - 1) + k
        for w in range(sample.shape[1]):
            sample[i, w] = differences[row, w]


@leaf
def _flag_sample(sample, w, lowest, highest, k, together, groupdq, at):
    y, x = at
    n_differences = groupdq.shape[1] - 1
    for row in range(sample.shape[0]):
        value = sample[row, w]
        if value < lowest or value > highest:
            i, g = (row // n_differences, row % n_differences) if together else (row, k)
            groupdq[i, g + 1, y, x] |= JUMP_DET


@pixel
def _clip_row(data, groupdq, gain, threshold, together, y):
    n_integrations, n_groups = data.shape[:2]
    n_differences = n_integrations * (n_groups - 1)
    size = n_differences if together else n_integrations
    differences = np.full((n_differences, WIDTH), INF)
    sample, ordered = np.full((size, WIDTH), INF), np.full((size, WIDTH), INF)
    counts, seen = np.zeros(WIDTH, np.int32), np.zeros(WIDTH, np.uint8)
    for x0 in range(0, data.shape[3], WIDTH):
        width = load_differences(data, groupdq, gain, UNUSABLE, y, x0, differences, seen)
        for k in range(1 if together else n_groups - 1):
            _select(differences, k, n_groups, together, sample)
            prepare_sorting(sample, ordered, counts)
            sort_columns(ordered)
            for w in range(width):
                bounds = clip_sorted(ordered, np.int64(counts[w]), w, threshold)
                _flag_sample(sample, w, bounds[2], bounds[3], k, together, groupdq, (y, x0 + w))


@image
def clip_jumps(data, groupdq, gain, threshold, together):
    """Flag jumps in `groupdq`, in place, by comparing integrations.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Ramps, DN.
    groupdq : uint8 [integration, group, y, x]
        Flags; JUMP_DET is added.
    gain : float32 [y, x]
        e-/DN.
    threshold : float
        Standard deviations.
    together : bool
        Compare all differences of a pixel, instead of each group's across integrations.
    """
    for k in prange(data.shape[2]):
        y = np.int64(k)  # signed, as indices are elsewhere; otherwise all would be compiled twice
        _clip_row(data, groupdq, gain, threshold, together, y)
