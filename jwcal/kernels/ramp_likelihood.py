"""Count rates by likelihood: the rate that explains the differences of groups best, and the jumps it does not explain.

The covariance of a pixel's differences (`ramp_covariance`) follows from a first guess of its rate, their median. Fitted
with it, the difference whose omission lowers chi^2 most is a jump if the gain exceeds a threshold; so are two
neighbours, where a hit during the averaged reads of a group spoils both, above a higher one (any two, or only by a
charge that they share as a hit would have it; the table of coefficients says which). That is repeated until
nothing is gained or three differences are left: of two nobody can tell which one is wrong. With the rate found then,
the covariance is made anew and the rate is fitted for good, which removes the bias by the first guess.

A row of pixels is brought into cache and fitted side by side; those that lost a difference are gathered and fitted once
more, as often as it takes.

References: Brandt 2024, PASP 136, 045004 and 045005.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel
from jwcal.kernels.ramp_covariance import STEP, eliminate, seek_outliers, split_variances
from jwcal.kernels.ramp_segments import BLOCKING, DO_NOT_USE, JUMP_DET, PERSISTENCE, SATURATED, UNUSABLE
from jwcal.kernels.sorting import WIDTH, median_of_sorted, sort_columns

NO_GAIN_VALUE = np.uint32(1 << 19)
FEWEST = 3  # differences among which outliers are sought in the first round; later it takes more
INF = np.float32(np.inf)
SLOPE, ERROR, PHOTONS, READ, CHI_SQUARED = range(5)  # planes of the results


@leaf
def _take_sample(samples, groupdq, extra, values, good, union, every):
    """Samples of the next group: rows of `values` and `good` are those of the group before and of this one."""
    for w in range(samples.size):
        flag = groupdq[w] | extra
        values[0, w], good[0, w] = values[1, w], good[1, w]
        values[1, w] = samples[w]
        good[1, w] = np.uint8((flag & BLOCKING == 0) & (samples[w] == samples[w]))
        union[w] |= flag
        every[w] &= np.uint8(flag & UNUSABLE != 0)


@leaf
def _split_first_group(frame, nframes, values, good):
    """Take the first frame and the mean of the others for two groups; unusable where there is no first frame."""
    for w in range(frame.size):
        values[0, w], values[1, w] = frame[w], (values[1, w] * nframes - frame[w]) / (nframes - np.float32(1))
        good[1, w] &= np.uint8((frame[w] != 0) & (frame[w] == frame[w]))
        good[0, w] = good[1, w]


@leaf
def _take_difference(samples, good, step, whole, values, used, ordered, counts):
    """The difference of two samples, DN/s, whether it is usable, and the same to be sorted."""
    for w in range(counts.size):
        difference = samples[1, w] - samples[0, w]
        usable = good[0, w] & good[1, w]
        counted = (usable | whole) & np.uint8(difference == difference)
        values[w] = np.float64(difference if usable else np.float32(0)) / step
        used[w] = np.float64(usable)
        counts[w] += np.int32(counted)
        ordered[w] = np.float32(np.float64(difference) / step) if counted else INF


@leaf
def _load_differences(data, groupdq, zeroframe, extra, table, rules, at, block, scratch):
    """Differences of the pixels (y, x0) to (y, x1 - 1) of an integration, and their medians as first guess."""
    values, used, rates, union, every = block
    samples, good, ordered, counts = scratch
    i, y, x0, x1 = at
    for w in range(rates.size):
        counts[w], union[w], every[w] = 0, 0, 1
    number, whole = 0, np.uint8(rules[3] != 0)
    for g in range(data.shape[1]):
        row, flags = data[i, g, y, x0:x1], groupdq[i, g, y, x0:x1]
        _take_sample(row, flags, extra[g], samples, good, union, every)
        split = g == 0 and zeroframe.size > 0
        if split:
            _split_first_group(zeroframe[i, y, x0:x1], np.float32(rules[0]), samples, good)
        if g > 0 or split:
            step = table[STEP, number]
            _take_difference(samples, good, step, whole, values[number], used[number], ordered[number], counts)
            number += 1
    sort_columns(ordered)
    for w in range(rates.size):
        median = median_of_sorted(ordered, np.int64(0), np.int64(counts[w]), w)
        rates[w] = median if median > 0 else 0.0


@leaf
def _gather(values, used, rates, light, maps, y, x0, index, count, picked):
    """Bring the pixels of a list side by side, unless it is all of them. `light` is the rate for the photon noise."""
    own_values, own_used, own_rates, noise = picked
    gain, readnoise, _ = maps
    for k in range(values.shape[0] if count < rates.size else 0):
        for j in range(count):
            own_values[k, j], own_used[k, j] = values[k, index[j]], used[k, index[j]]
    for j in range(count):
        w = index[j]
        read = np.float64(readnoise[y, x0 + w])
        own_rates[j] = rates[w]
        noise[0, j], noise[1, j] = light[w] / gain[y, x0 + w], 0.5 * read * read


@leaf
def _omit_outliers(used, union, best, thresholds, fewest, index, count, groupdq, split, at):
    """Unuse and flag the outliers of the pixels in a list; the list is shortened to those that had any."""
    i, y, x0 = at
    kept = 0
    for j in range(count):
        if not (best[0, j] > thresholds[0] or best[2, j] > thresholds[1]):
            continue
        w, remaining = index[j], 0
        for k in range(used.shape[0]):
            remaining += used[k, w] != 0
        single = best[0, j] - thresholds[0] > best[2, j] - thresholds[1] or remaining <= FEWEST
        found = best[0, j] > thresholds[0] if single else best[2, j] > thresholds[1]
        if found and remaining >= fewest:
            first = np.int64(best[1, j] if single else best[3, j])
            for k in range(first, first + (1 if single else 2)):
                used[k, w] = 0.0
                groupdq[i, k + 1 - split, y, x0 + w] |= JUMP_DET
            union[w] |= JUMP_DET
            index[kept] = w
            kept += 1
    return kept


@leaf
def _store(x0, sums, rates, variances, gains, union, every, pixeldq, results, flags):
    """Write the results of a stretch of a row; `results` is [plane, x], `flags` [x]."""
    for w in range(rates.size):
        x = x0 + w
        dq = pixeldq[x] | np.uint32(union[w] & (SATURATED | JUMP_DET | PERSISTENCE))
        if not gains[x] > 0:
            dq |= NO_GAIN_VALUE | np.uint32(DO_NOT_USE)
        fitted = sums[0, w] > 0 and gains[x] > 0
        if every[w] or not fitted:
            dq |= np.uint32(DO_NOT_USE)
        results[SLOPE, x] = rates[w] + sums[4, w] if fitted else np.nan
        results[ERROR, x] = np.sqrt(sums[3, w]) if fitted else 0.0
        results[PHOTONS, x] = variances[0, w] if fitted else 0.0
        results[READ, x] = variances[1, w] if fitted else 0.0
        results[CHI_SQUARED, x] = sums[2, w] - sums[1, w] * sums[4, w] if fitted else np.nan
        flags[x] = dq


@leaf
def _fit_stretch(maps, table, rules, groupdq, at, split, block, light, index, picked, solution):
    """Fit the pixels of a stretch again and again, until no outliers are left; and once more with the final rates.

    `solution` holds the scratch space of `ramp_covariance` and at the end its results, `block` the final rates to which
    they belong.
    """
    values, used, rates, union, _ = block
    _, _, own_rates, noise = picked
    matrix, sums, later, best, variances = solution
    _, y, x0 = at
    for w in range(rates.size):
        index[w], light[w] = w, rates[w]
    count, fewest, final = rates.size, FEWEST, False
    while True:
        _gather(values, used, rates, light, maps, y, x0, index, count, picked)
        whole = count == rates.size  # then they need not be brought side by side
        own_values, own_used = (values, used) if whole else (picked[0], picked[1])
        eliminate(own_values, own_used, table, own_rates, noise, count, matrix, sums)
        if final:
            break
        for j in range(count):
            rates[index[j]] = own_rates[j] + sums[4, j]
        seek_outliers(own_used, table, noise, count, matrix, sums, later, best)
        count = _omit_outliers(used, union, best, (rules[1], rules[2]), fewest, index, count, groupdq, split, at)
        fewest = FEWEST + 1
        if count == 0:
            final, count = True, rates.size
            for w in range(rates.size):
                index[w], light[w] = w, (rates[w] if rates[w] > 0 else 0.0) + maps[2][y, x0 + w]
    split_variances(own_used, table, noise, count, matrix, sums, later, variances)


@pixel
def _fit_row(data, groupdq, pixeldq, zeroframe, maps, extra, table, rules, y, results, flags):
    """Fit one row of all integrations, a stretch at a time."""
    n, nx = table.shape[1], data.shape[3]
    split = np.int64(zeroframe.size > 0)
    values, used, ordered = np.zeros((n, WIDTH)), np.zeros((n, WIDTH)), np.full((n, WIDTH), INF)
    samples, good = np.zeros((2, WIDTH), np.float32), np.zeros((2, WIDTH), np.uint8)
    rates, counts = np.zeros(WIDTH), np.zeros(WIDTH, np.int32)
    union, every = np.zeros(WIDTH, np.uint8), np.zeros(WIDTH, np.uint8)
    light, index = np.zeros(WIDTH), np.zeros(WIDTH, np.int64)
    picked = np.zeros((n, WIDTH)), np.zeros((n, WIDTH)), np.zeros(WIDTH), np.zeros((2, WIDTH))
    matrix, sums, later = np.zeros((3, n + 1, WIDTH)), np.zeros((5, WIDTH)), np.zeros((2, 5, WIDTH))
    best, variances = np.zeros((4, WIDTH)), np.zeros((2, WIDTH))
    solution = matrix, sums, later, best, variances
    for i in range(data.shape[0]):
        for x0 in range(0, nx, WIDTH):
            x1 = min(x0 + WIDTH, nx)
            block = values, used, rates[: x1 - x0], union, every
            scratch = samples, good, ordered, counts
            _load_differences(data, groupdq, zeroframe, extra, table, rules, (i, y, x0, x1), block, scratch)
            _fit_stretch(maps, table, rules, groupdq, (i, y, x0), split, block, light, index, picked, solution)
            own = rates[: x1 - x0]
            _store(x0, sums, own, variances, maps[0][y], union, every, pixeldq[y], results[:, i, y], flags[i, y])


@image
def fit_likeliest(data, groupdq, pixeldq, zeroframe, maps, extra, table, rules, rows, results, flags):
    """Count rates of the integrations of an exposure; each is fitted by itself.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Ramps, DN.
    groupdq : uint8 [integration, group, y, x]
        Flags of the samples; JUMP_DET is added where a jump is found.
    pixeldq : uint32 [y, x]
        Flags of the pixels.
    zeroframe : float32 [integration, y, x]
        First frames, DN, which are taken out of the first groups and count as groups of their own; zero where there is
        none. An array without elements: no first frames.
    maps : (float32 [y, x], float32 [y, x], float32 [y, x])
        Gain, e-/DN; read noise of a difference of two frames, DN; dark current, in the units in which it is added to
        the rate.
    extra : uint8 [group]
        Flags to be added to whole groups.
    table : float64 [6, difference]
        Of `ramp_covariance.tabulate_covariance`; with first frames it has one difference more.
    rules : (float, float, float, float)
        Frames of a group; thresholds of the gain in chi^2 for one difference and for two; 1 if the first guess is the
        median of all differences, also of those that are flagged.
    rows : (int, int)
        First row to be fitted, last row plus one.
    results : float32 [5, integration, y, x]
        These rows are filled with slope (DN/s), error, variances by photons and by read noise, chi^2.
    flags : uint32 [integration, y, x]
        These rows are filled with flags.
    """
    for k in prange(rows[0], rows[1]):
        y = np.int64(k)  # signed, as indices are elsewhere; otherwise all would be compiled twice
        _fit_row(data, groupdq, pixeldq, zeroframe, maps, extra, table, rules, y, results, flags)
