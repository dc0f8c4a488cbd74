"""Showers: faint extended cosmic-ray events, found by smoothing what differences exceed their noise.

In each group the ratio |d - m| / sigma of the unflagged pixels is averaged over a ring around each pixel; large
connected regions (`jump_regions`) where the average exceeds a threshold are showers. m is the pixel's median difference
and sigma^2 = |m| + r^2 / NFRAMES, or both come from clipping over many integrations. What lies beyond the image counts
as zero. Flags that change a pixel's mean difference by more than a shower can be are taken back.

Reference: Regan 2023, JWST-STScI-008545.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel
from jwcal.kernels.jump_clipping import clip_sorted, scatter_of_sorted
from jwcal.kernels.jump_differences import INF, NAN, load_differences, load_variances, prepare_sorting
from jwcal.kernels.jump_ellipses import paint_jump, scale_axes
from jwcal.kernels.sorting import WIDTH, median_of_sorted, sort_columns

BAD = np.uint8(7)  # DO_NOT_USE | SATURATED | JUMP_DET
MASKED = np.uint32(7 | 1 << 31)  # the same, and REFERENCE_PIXEL
CLIP = 5.0  # standard deviations, over integrations


@pixel
def _measure_row(data, groupdq, maps, nframes, group, y, noise):
    """Median and scatter of one row's differences."""
    gain, readnoise = maps
    n_integrations, n_groups = data.shape[:2]
    differences = np.full((n_integrations * (n_groups - 1), WIDTH), INF)
    sample = np.full((differences.shape[0] if group < 0 else n_integrations, WIDTH), INF)
    ordered = np.full(sample.shape, INF)
    counts, seen, variances = np.zeros(WIDTH, np.int32), np.zeros(WIDTH, np.uint8), np.zeros(WIDTH)
    for x0 in range(0, data.shape[3], WIDTH):
        width = load_differences(data, groupdq, gain, BAD, y, x0, differences, seen)
        load_variances(gain, readnoise, nframes, y, x0, variances)
        for row in range(sample.shape[0]):
            for w in range(width):
                sample[row, w] = differences[row if group < 0 else row * (n_groups - 1) + group, w]
        prepare_sorting(sample, ordered, counts)
        sort_columns(ordered)
        for w in range(width):
            low, high = np.int64(0), np.int64(counts[w])
            if group >= 0:
                low, high = clip_sorted(ordered, high, w, CLIP)[4:]
            median = median_of_sorted(ordered, low, high, w)
            deviation = np.sqrt(abs(median) + variances[w])
            if group >= 0:
                deviation = scatter_of_sorted(ordered, low, high, w)
            noise[0, y, x0 + w], noise[1, y, x0 + w] = median, deviation


@image
def measure_noise(data, groupdq, maps, nframes, group):
    """Median difference and its scatter of each pixel, as a shower is to be compared with.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Ramps, DN.
    groupdq : uint8 [integration, group, y, x]
        Flags; jumps and lost groups are left out.
    maps : (float32 [y, x], float32 [y, x])
        Gain, e-/DN, and read noise of a difference of two frames, DN.
    nframes : float
        Frames averaged into a group.
    group : int
        Difference that is compared over integrations, clipped at five standard deviations; -1: all differences of a
        pixel, their scatter by photons and read noise.

    Returns
    -------
    float32 [2, y, x]
        Median and scatter, e-.
    """
    noise = np.empty((2, data.shape[2], data.shape[3]), np.float32)
    for k in prange(data.shape[2]):
        y = np.int64(k)  # signed, as indices are elsewhere; otherwise all would be compiled twice
        _measure_row(data, groupdq, maps, nframes, group, y, noise)
    return noise


@leaf
def _average_ring(ratio, ring, y, x):
    """Mean over the ring around (y, x), without NaN; NaN if nothing is left."""
    ny, nx = ratio.shape
    total, count = 0.0, 0
    for k in range(ring.shape[0]):
        row, column = y + ring[k, 0], x + ring[k, 1]
        if row < 0 or row >= ny or column < 0 or column >= nx:
            count += 1
        elif abs(ratio[row, column]) < INF:
            total += ratio[row, column]
            count += 1
    return total / count if count > 0 else np.nan


@image
def find_excess(data, groupdq, pixeldq, gain, noise, at, ring, threshold):
    """Where a group's smoothed excess is above the threshold: uint8 [y, x].

    Parameters
    ----------
    data, groupdq, pixeldq, gain
        As in `measure_noise`; uint32 [y, x] flags of pixels.
    noise : float32 [2, y, x]
        Of `measure_noise`.
    at : (int, int)
        Integration and group.
    ring : int64 [n, 2]
        Offsets (y, x) of the pixels of the ring.
    threshold : float
        In units of the scatter.
    """
    i, g = at
    ny, nx = gain.shape
    ratio, excess = np.empty((ny, nx), np.float32), np.zeros((ny, nx), np.uint8)
    for y in prange(ny):
        for x in range(nx):
            flags = np.uint32((groupdq[i, g, y, x] | groupdq[i, g - 1, y, x]) & BAD) | (pixeldq[y, x] & MASKED)
            difference = data[i, g, y, x] * gain[y, x] - data[i, g - 1, y, x] * gain[y, x]
            ratio[y, x] = NAN if flags else abs(difference - noise[0, y, x]) / noise[1, y, x]
    for k in prange(ny):
        y = np.int64(k)
        for x in range(nx):
            if abs(ratio[y, x]) < INF and _average_ring(ratio, ring, y, x) > threshold:
                excess[y, x] = 1
    return excess


@pixel
def paint_showers(groupdq, regions, first, last, factor, widest):
    """Set JUMP_DET in groups `first`..`last` - 1 of an integration (uint8 [group, y, x]) in all regions, enlarged."""
    for k in range(regions.shape[0]):
        paint_jump(groupdq, regions[k], scale_axes(regions[k], factor, widest), first, last)


@leaf
def _mean_difference(data, groupdq, gain, y, x):
    """Mean difference of the good groups of one pixel of an integration, e-; NaN if there is none."""
    total, count = 0.0, 0
    for g in range(1, data.shape[0]):
        if not (groupdq[g, y, x] | groupdq[g - 1, y, x]) & BAD:
            difference = data[g, y, x] * gain[y, x] - data[g - 1, y, x] * gain[y, x]
            if difference == difference:
                total += difference
                count += 1
    return total / count if count > 0 else np.nan


@image
def unflag_excessive(data, before, groupdq, gain, amplitude):
    """Restore the flags of pixels whose mean difference changed by more than a shower's amplitude, in place.

    Parameters
    ----------
    data : float32 [group, y, x]
        One integration, DN.
    before, groupdq : uint8 [group, y, x]
        Flags before and after showers were flagged.
    gain : float32 [y, x]
        e-/DN.
    amplitude : float
        Largest change, DN per group.
    """
    for k in prange(gain.shape[0]):
        y = np.int64(k)
        for x in range(gain.shape[1]):
            old, new = _mean_difference(data, before, gain, y, x), _mean_difference(data, groupdq, gain, y, x)
            if not abs(new - old) <= amplitude * gain[y, x]:
                for g in range(data.shape[0]):
                    groupdq[g, y, x] = before[g, y, x]
