"""Count rates: the slopes of all segments of a pixel's ramps, averaged.

Segments (`ramp_segments`) are fitted one by one (`ramp_slopes`) and averaged with the inverse of their read-noise
variance as weight, v_r = 1 / sum 1/v_r,s, first within each integration, then over all of them. Photon variances are
combined the same way; an integration's error is that of segments weighted by their total variance.

A row of pixels is brought into cache, with effective flags and median rates (`ramp_blocks`), fitted, whole ramps side
by side (`ramp_whole`) and others one by one, and written out (`ramp_results`).
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel
from jwcal.kernels.ramp_blocks import FIRST_FRAME, SUPPRESSED, load_stretch, load_traits, make_block
from jwcal.kernels.ramp_chargeloss import restore_read_noise
from jwcal.kernels.ramp_results import INVALID, invert_weight, store_averages
from jwcal.kernels.ramp_segments import (
    DO_NOT_USE,
    JUMP_DET,
    PERSISTENCE,
    SATURATED,
    UNUSABLE,
    find_segments,
)
from jwcal.kernels.ramp_slopes import fit_rise, single_time, weigh_reads
from jwcal.kernels.ramp_whole import fit_whole, weigh_whole
from jwcal.kernels.sorting import WIDTH

NO_GAIN_VALUE = np.uint32(1 << 19)


@leaf
def split_ramp(flags, first, n_groups, w, union, kind, segments):
    """Segments of the integration of a pixel whose groups are the `n_groups` rows from `first` on.

    Returns their number (rows and lengths are in `segments`) and the flags that follow.
    """
    count, dq = 0, np.uint32(union & (JUMP_DET | PERSISTENCE))
    usable = False
    for row in range(first, first + n_groups):
        usable |= flags[row, w] & UNUSABLE == 0
    if flags[first, w] & SATURATED:
        dq |= INVALID
    elif kind == SUPPRESSED or not usable:
        dq |= np.uint32(DO_NOT_USE)
    else:
        count = find_segments(flags, first, n_groups, w, segments)
    return count, dq


@leaf
def sum_segments(values, w, segments, count, traits, single, group_time, coefficients):
    """Sums over an integration's segments: weights by photon, read and total variance, and read-weighted slopes."""
    gain, noise, light = traits
    photons, read, total, slopes = 0.0, 0.0, 0.0, 0.0
    for s in range(count):
        n = segments[1, s]
        time = single if n == 1 else group_time
        weight = weigh_reads(n) * (time * gain / noise) ** 2
        poisson = light / (time * gain * max(n - 1, 1))
        if poisson > 0:
            photons += 1.0 / poisson
        read += weight
        total += 1.0 / (1.0 / weight + poisson)
        slopes += weight * fit_rise(values, segments[0, s], n, w, gain, noise, coefficients) / time
    return photons, read, total, slopes


@pixel
def _fit_segments(values, flags, unions, kinds, traits, pixel_dq, timing, coefficients, segments, i, sums, dq):
    """Sums of those ramps of an integration of which something is lost, or that have but one group; flags of all."""
    n_groups = values.shape[0] // unions.shape[0]
    for w in range(pixel_dq.size):
        dq[w] = 0
        kind, union = kinds[i, w], unions[i, w]
        if n_groups > 1 and union == 0 and kind != SUPPRESSED:
            continue
        count = 1
        segments[0, 0], segments[1, 0] = i * n_groups, n_groups
        if union != 0 or kind == SUPPRESSED:
            count, dq[w] = split_ramp(flags, i * n_groups, n_groups, w, union, kind, segments)
        if pixel_dq[w] & INVALID:
            count = 0
        trait, single = (traits[0, w], traits[1, w], traits[2, w]), single_time(kind, timing)
        found = sum_segments(values, w, segments, count, trait, single, timing[0], coefficients)
        sums[0, w], sums[1, w], sums[2, w], sums[3, w] = found


@leaf
def _add_flags(dq, unions, kinds, n_groups, pixel_dq, rate_dq, partly, unused, saturated, dqs):
    """Complete the flags of an integration; add them, and how many have no slope, to those of the average."""
    for w in range(pixel_dq.size):
        rate_dq[w] |= dq[w] & np.uint32(JUMP_DET | PERSISTENCE)
        dq[w] |= pixel_dq[w]
        unused[w] += (dq[w] & DO_NOT_USE) != 0
        saturated[w] += (dq[w] & SATURATED) != 0
        lost = np.uint32(0 if n_groups == 1 and kinds[w] == FIRST_FRAME else unions[w] & SATURATED)
        dqs[w] = dq[w] | lost
        partly[w] |= lost


@leaf
def _add_sums(sums, totals, variances):
    """Add an integration's sums to those of the average; `variances` are the integration's own."""
    for w in range(variances.size):
        totals[0, w] += sums[0, w]
        totals[1, w] += sums[1, w]
        totals[2, w] += sums[3, w]
        variances[w] = invert_weight(sums[2, w])


@pixel
def _fit_pixels(values, flags, unions, kinds, traits, pixel_dq, timing, coefficients, segments, results, dqs, y, x0):
    """Fit the integrations of a stretch of a row, and average them into the last plane of `results` and `dqs`."""
    n_integrations, n_groups, width = unions.shape[0], values.shape[0] // unions.shape[0], pixel_dq.size
    whole, sums, totals = np.empty((3, width)), np.empty((4, width)), np.zeros((3, width))
    variances, powers, dq = np.empty(width), np.empty(width, np.uint32), np.empty(width, np.uint32)
    unused, saturated = np.zeros(width, np.int32), np.zeros(width, np.int32)
    partly, rate_dq, x1 = np.zeros(width, np.uint32), pixel_dq.copy(), x0 + width
    if n_groups > 1:
        weigh_whole(traits, n_groups, timing[0], whole)
    for i in range(n_integrations):
        if n_groups > 1:
            own = values[i * n_groups : (i + 1) * n_groups]
            fit_whole(own, traits, timing[0], coefficients, whole, powers, sums)
        _fit_segments(values, flags, unions, kinds, traits, pixel_dq, timing, coefficients, segments, i, sums, dq)
        own_dqs = dqs[i, y, x0:x1]
        _add_flags(dq, unions[i], kinds[i], n_groups, pixel_dq, rate_dq, partly, unused, saturated, own_dqs)
        _add_sums(sums, totals, variances)
        store_averages(sums[0], sums[1], sums[3], variances, dq, results, i, y, x0)
    for w in range(width):
        rate_dq[w] |= np.uint32(DO_NOT_USE if unused[w] == n_integrations else 0)
        rate_dq[w] |= np.uint32(SATURATED if saturated[w] == n_integrations else 0)
        variances[w] = invert_weight(totals[0, w]) + invert_weight(totals[1, w])
        dqs[n_integrations, y, x0 + w] = rate_dq[w] | partly[w]
    store_averages(totals[0], totals[1], totals[2], variances, rate_dq, results, n_integrations, y, x0)


@pixel
def _fit_row(data, groupdq, pixeldq, zeroframe, maps, extra, timing, rules, coefficients, y, results, dqs):
    """Fit one row of the image, a stretch at a time."""
    n_integrations, n_groups = data.shape[0], rules[1] - rules[0]
    block, scratch = make_block(n_integrations, n_groups)
    values, flags, unions, kinds = block
    segments = np.zeros((2, n_groups + 1), np.int64)
    for x0 in range(0, data.shape[3], WIDTH):
        x1 = min(x0 + WIDTH, data.shape[3])
        load_stretch(data, groupdq, zeroframe, extra, timing, rules, (y, x0, x1), block, scratch)
        traits, dq = np.empty((3, x1 - x0)), np.empty(x1 - x0, np.uint32)
        load_traits(maps, timing[3], y, x0, scratch[2], n_integrations, traits)
        for w in range(x1 - x0):
            dq[w] = pixeldq[y, x0 + w]
            if not traits[0, w] > 0:
                dq[w] |= NO_GAIN_VALUE | np.uint32(DO_NOT_USE)
        _fit_pixels(values, flags, unions, kinds, traits, dq, timing, coefficients, segments, results, dqs, y, x0)
        restore_read_noise(groupdq, extra, rules, y, x0, traits, timing, flags, unions, kinds, segments, results)


@image
def fit_ramps(data, groupdq, pixeldq, zeroframe, maps, extra, timing, rules, coefficients, rows, results, dqs):
    """Count rates of the integrations of an exposure, and their average.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Ramps, DN.
    groupdq : uint8 [integration, group, y, x]
        Flags of the samples.
    pixeldq : uint32 [y, x]
        Flags of the pixels.
    zeroframe : float32 [integration, y, x]
        First frames, DN; zero where there is none.
    maps : (float32 [y, x], float32 [y, x], float32 [y, x])
        Gain, e-/DN; read noise of a difference of two frames, DN; dark current, e-/s.
    extra : uint8 [group]
        Flags to be added to whole groups.
    timing : (float, float, float, float)
        Times of a group, a frame and the mean first group, s; factor from the read noise to that of a group.
    rules : (int, int, bool)
        First group, last group plus one; suppress ramps with one good group.
    coefficients : float64 [length, power, pair]
        Of `ramp_slopes.tabulate_coefficients`.
    rows : (int, int)
        First row to be fitted, last row plus one.
    results : float32 [4, integration + 1, y, x]
        These rows are filled with slope (DN/s), error, variances by photons and by read noise; the last plane of each
        is the average.
    dqs : uint32 [integration + 1, y, x]
        These rows are filled with flags.
    """
    for k in prange(rows[0], rows[1]):
        y = np.int64(k)  # signed, as indices are elsewhere; otherwise all would be compiled twice
        _fit_row(data, groupdq, pixeldq, zeroframe, maps, extra, timing, rules, coefficients, y, results, dqs)
