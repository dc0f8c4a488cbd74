"""Cosmic-ray hits by the two-point difference method.

Idea: within a ramp the differences d_k of successive groups scatter about their median m by Poisson and read noise,
sigma^2 = |m| + r^2 / NFRAMES; a difference off by more than a threshold times sigma is a jump.

With few differences one hit biases the median. Then the largest |d| is left out of the median, the worst outlier is
masked, and all is repeated until none is left. Sorted |d| make that cheap: the worst outlier is always the first or the
last of those that remain, so that masking only shrinks a window [low, high) of the sorted column.

Hits of moderate size also disturb the four neighbours (charge diffusion, inter-pixel coupling): they are noted as
single bits in `spread` (see `jump_neighbours`), where the ratio |d - m| / sigma counts whichever way the hit was found.

Reference: Anderson & Gordon 2011, PASP 123, 1237.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel
from jwcal.kernels.jump_differences import (
    INF,
    JUMP_DET,
    UNUSABLE,
    include,
    load_differences,
    load_variances,
    prepare_sorting,
)
from jwcal.kernels.sorting import WIDTH, median_of_sorted, sort_columns


@leaf
def _leave_out_largest(sizes, low, high, w):
    """End of the window without the largest size (and its equals)."""
    end = high - 1
    while end > low and sizes[end - 1, w] == sizes[high - 1, w]:
        end -= 1
    return end


@leaf
def _robust_median(sizes, low, high, w):
    """Median of the sizes in the window: without the largest of four or more; the smaller of two."""
    usable = high - low
    if usable >= 4:
        return median_of_sorted(sizes, low, _leave_out_largest(sizes, low, high, w), w)
    if usable == 3:
        return median_of_sorted(sizes, low, high, w)
    return np.float64(sizes[low, w])


@leaf
def _mask_worst(sizes, low, high, w, median):
    """Window without the size, and its equals, farthest from the median."""
    above, below = sizes[high - 1, w] - median, median - sizes[low, w]
    largest, smallest = sizes[high - 1, w], sizes[low, w]
    if above >= below:
        while high > low and sizes[high - 1, w] == largest:
            high -= 1
    if below >= above:
        while high > low and sizes[low, w] == smallest:
            low += 1
    return low, high


@leaf
def find_inliers(sizes, count, w, variance, thresholds):
    """Window [low, high) of the sorted sizes |d| of column `w` that hold no jump.

    `thresholds` are those for four and more, for three and for two usable differences.
    """
    low, high = np.int64(0), count  # not a literal, for which all below would be compiled once more
    while high - low >= 2:
        usable = high - low
        median = _robust_median(sizes, low, high, w)
        sigma = np.sqrt(median + variance)
        worst = max(sizes[high - 1, w] - median, median - sizes[low, w])
        threshold = thresholds[0] if usable >= 4 else (thresholds[1] if usable == 3 else thresholds[2])
        if not (sigma > 0 and worst / sigma > threshold):
            break
        low, high = _mask_worst(sizes, low, high, w, median)
    return low, high


@leaf
def _flag_outside(differences, w, lowest, highest, signed, groupdq, y, x):
    """Set JUMP_DET at the later group of each difference (or its size, if not `signed`) outside [lowest, highest]."""
    n_integrations, n_groups = groupdq.shape[:2]
    k = 0
    for i in range(n_integrations):
        for g in range(1, n_groups):
            value = np.float64(differences[k, w] if signed else abs(differences[k, w]))
            if value < lowest or value > highest:
                groupdq[i, g, y, x] |= JUMP_DET
            k += 1


@leaf
def _take_sizes(block):
    for k in range(block.shape[0]):
        for w in range(block.shape[1]):
            block[k, w] = abs(block[k, w])


@leaf
def _search_repeatedly(differences, sizes, counts, variances, thresholds, groupdq, at, seen):
    """Few differences: mask one outlier after the other. `sizes` holds the sorted absolute values."""
    y, x0, width, signed = at
    for w in range(width):
        n = np.int64(counts[w])
        low, high = find_inliers(sizes, n, w, variances[w], thresholds)
        if high - low < n:
            lowest, highest = np.float64(sizes[low, w]), np.float64(sizes[high - 1, w])
            _flag_outside(differences, w, lowest, highest, signed, groupdq, y, x0 + w)
            seen[w] |= JUMP_DET


@leaf
def _search_once(differences, ordered, counts, variances, thresholds, groupdq, at, seen):
    """Many differences: flag all outliers at one go. `ordered` holds the sorted differences."""
    y, x0, width, signed = at
    for w in range(width):
        n = np.int64(counts[w])
        median = median_of_sorted(ordered, np.int64(0), n, w)
        reach = thresholds[0] * np.sqrt(abs(median) + variances[w])
        if n > 0 and reach > 0 and (ordered[n - 1, w] - median > reach or median - ordered[0, w] > reach):
            _flag_outside(differences, w, median - reach, median + reach, signed, groupdq, y, x0 + w)
            seen[w] |= JUMP_DET


@leaf
def _review_jumps(differences, w, median, variance, limits, groupdq, spread, y, x):
    """Count a pixel's jumps, note those that disturb the neighbours, unflag those of unusable groups."""
    n_integrations, n_groups = groupdq.shape[:2]
    sigma = np.sqrt(abs(median) + variance)
    count = 0
    for i in range(n_integrations):
        for g in range(n_groups):
            flags = groupdq[i, g, y, x]
            if not flags & JUMP_DET:
                continue
            count += 1
            if flags & UNUSABLE:
                groupdq[i, g, y, x] = flags ^ JUMP_DET
            elif g > 0:
                ratio = abs(differences[i * (n_groups - 1) + g - 1, w] - median) / sigma
                if sigma > 0 and limits[0] < ratio < limits[1]:
                    spread[i, g, y, x >> 3] |= np.uint8(1 << (x & 7))
    return count


@pixel
def _search_row(data, groupdq, maps, nframes, thresholds, limits, spread, y):
    """Number of jump samples in a row, after flagging them."""
    gain, readnoise = maps
    n_differences = data.shape[0] * (data.shape[1] - 1)
    differences = np.full((n_differences, WIDTH), INF)
    block = np.full((n_differences, WIDTH), INF)
    counts, seen = np.zeros(WIDTH, np.int32), np.zeros(WIDTH, np.uint8)
    variances = np.zeros(WIDTH)
    found, at_once = 0, thresholds[3] != 0
    for x0 in range(0, data.shape[3], WIDTH):
        width = load_differences(data, groupdq, gain, UNUSABLE, y, x0, differences, seen)
        at = y, x0, width, at_once
        load_variances(gain, readnoise, nframes, y, x0, variances)
        for signed in range(2):  # the sizes of the differences first, where outliers are masked one by one
            if at_once and not signed:
                continue
            prepare_sorting(differences, block, counts)
            if not signed:
                _take_sizes(block)
            sort_columns(block)
            if at_once:
                _search_once(differences, block, counts, variances, thresholds, groupdq, at, seen)
            elif not signed:
                _search_repeatedly(differences, block, counts, variances, thresholds, groupdq, at, seen)
            if not include(seen, JUMP_DET):
                break
        for w in range(width):
            if seen[w] & JUMP_DET:
                median = median_of_sorted(block, np.int64(0), np.int64(counts[w]), w)
                found += _review_jumps(differences, w, median, variances[w], limits, groupdq, spread, y, x0 + w)
    return found


@image
def find_jumps(data, groupdq, maps, nframes, thresholds, limits, spread):
    """Flag jumps in `groupdq`, in place.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Ramps, DN.
    groupdq : uint8 [integration, group, y, x]
        Flags; JUMP_DET is added, and removed from groups that are SATURATED or DO_NOT_USE.
    maps : (float32 [y, x], float32 [y, x])
        Gain, e-/DN, and read noise of a difference of two frames, DN.
    nframes : float
        Frames averaged into a group.
    thresholds : (float, float, float, float)
        Rejection thresholds in sigma for four and more, three and two usable differences; the last is 1 to flag all
        outliers at one go and 0 to mask them one by one. Infinite thresholds only review the jumps already flagged.
    limits : (float, float)
        Jumps with a ratio between these, in sigma, disturb their neighbours.
    spread : uint8 [integration, group, y, (x + 7) // 8]
        Gets one bit for each such jump.

    Returns
    -------
    int64 [y]
        Jump samples in each row, before those of unusable groups were unflagged.
    """
    found = np.zeros(data.shape[2], np.int64)
    for k in prange(data.shape[2]):
        y = np.int64(k)  # signed, as indices are elsewhere; otherwise all would be compiled twice
        found[y] = _search_row(data, groupdq, maps, nframes, thresholds, limits, spread, y)
    return found
