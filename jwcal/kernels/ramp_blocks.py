"""A row's ramps brought into cache for fitting: samples, effective flags, and the median rate of each pixel.

Groups outside of the first and last to be used become DO_NOT_USE, saturated samples NaN; the ramp itself is not
changed. A ramp with a single good group says nothing about its slope: it is suppressed; or, if such ramps are wanted,
it is one whose signal accumulated since the reset. Where even the first group is lost the ZEROFRAME may stand for it.
"""

import numpy as np

from jwcal.kernels import leaf, pixel
from jwcal.kernels.ramp_segments import DO_NOT_USE, JUMP_DET, PERSISTENCE, SATURATED
from jwcal.kernels.sorting import WIDTH, median_of_sorted, sort_columns

USUAL, FIRST_GROUP, FIRST_FRAME, SUPPRESSED = np.uint8(0), np.uint8(1), np.uint8(2), np.uint8(3)  # kinds of ramps
NAN, INF = np.float32(np.nan), np.float32(np.inf)
ALL, NO_JUMP = np.uint8(255), np.uint8(251)


@leaf
def _load_group(samples, groupdq, extra, kept, blocking, row, flags, union, good):
    """Samples and flags of one group; `extra` flags are added, those not in `kept` removed.

    Groups without any flag of `blocking` are counted as good.
    """
    for w in range(samples.size):
        flag = groupdq[w] | extra
        good[w] += np.int32(flag & blocking == 0)
        flag &= kept
        flags[w] = flag
        union[w] |= flag
        row[w] = NAN if flag & SATURATED else samples[w]


@leaf
def load_integration(data, groupdq, extra, rules, at, values, flags, union, good):
    """Load groups `start`..`stop` - 1 of one integration of the pixels from (y, x0) on.

    Parameters
    ----------
    data, groupdq : [integration, group, y, x]
        The ramp.
    extra : uint8 [group]
        Flags added to whole groups.
    rules : (int, int, bool)
        start, stop, and whether ramps with one good group are suppressed (then PERSISTENCE does not make a group bad).
    at : (int, int, int, int)
        Integration, y, first and last-plus-one x.
    values : float32 [group, width]
        Filled with the samples.
    flags : uint8 [group, width]
        Filled with the effective flags.
    union : uint8 [width]
        Filled with the union of each pixel's flags.
    good : int32 [width]
        Filled with the number of each pixel's good groups.
    """
    start, stop, suppress = rules
    i, y, x0, x1 = at
    for w in range(union.size):
        union[w] = 0
        good[w] = 0
    for g in range(start, stop):
        kept = NO_JUMP if g == start and start > 0 else ALL
        blocking = ALL ^ PERSISTENCE if suppress else kept
        samples, group = data[i, g, y, x0:x1], groupdq[i, g, y, x0:x1]
        _load_group(samples, group, extra[g], kept, blocking, values[g - start], flags[g - start], union, good)


@leaf
def classify_ramps(values, flags, good, zeroframe, suppress, kinds):
    """Which ramps are suppressed, or rest on their first group alone, or on the first frame (which is put there)."""
    for w in range(zeroframe.size):
        kinds[w] = USUAL
        if suppress:
            if good[w] == 1:
                kinds[w] = SUPPRESSED
        elif good[w] == 1 and flags[0, w] == 0:
            kinds[w] = FIRST_GROUP
        elif good[w] == 0 and zeroframe[w] != 0:
            kinds[w] = FIRST_FRAME
            values[0, w] = zeroframe[w]
            flags[0, w] = 0


@leaf
def _difference(row, flags, previous, previous_flags, differences, counts):
    for w in range(row.size):
        unusable = (flags[w] & (DO_NOT_USE | JUMP_DET)) | (previous_flags[w] & DO_NOT_USE)
        difference = row[w] - previous[w]
        usable = (unusable == 0) & (difference == difference)
        counts[w] += np.int32(usable)
        differences[w] = difference if usable else INF


@leaf
def _rate(values, flags, kind, timing, differences, count, w):
    """Median rate of one pixel, DN/s, NaN where there is none."""
    if kind == SUPPRESSED:
        return np.nan
    if kind != USUAL or values.shape[0] == 1:
        return values[0, w] / (timing[1] if kind == FIRST_FRAME and values.shape[0] > 1 else timing[2])
    if count > 0:
        return median_of_sorted(differences, np.int64(0), np.int64(count), w) / timing[0]
    return np.nan if flags[0, w] & DO_NOT_USE else values[0, w] / timing[0]


@leaf
def add_median_rates(values, flags, kinds, timing, differences, counts, rates):
    """Add to `rates` (float64 [width], DN/s) the median rate of one integration of each pixel.

    A single sample gives its rate over its own exposure time; a ramp without any usable difference its first group's.
    """
    for w in range(counts.size):
        counts[w] = 0
    for g in range(1, values.shape[0]):
        _difference(values[g], flags[g], values[g - 1], flags[g - 1], differences[g - 1], counts)
    sort_columns(differences)
    for w in range(rates.size):
        rate = _rate(values, flags, kinds[w], timing, differences, counts[w], w)
        if rate == rate or values.shape[0] == 1:
            rates[w] += rate


@leaf
def load_stretch(data, groupdq, zeroframe, extra, timing, rules, at, block, scratch):
    """Bring all integrations of the pixels (y, x0) to (y, x1 - 1) into cache.

    `block` is filled: samples and flags [integration * group, width], and the union of the flags and the kind of each
    ramp [integration, width]. `scratch` is [group - 1, width] for differences, [width] for counts, and [width] for the
    sums of the integrations' median rates.
    """
    values, flags, unions, kinds = block
    differences, counts, medians = scratch
    y, x0, x1 = at
    n_groups = rules[1] - rules[0]
    for w in range(medians.size):
        medians[w] = 0.0
    for i in range(unions.shape[0]):
        own, own_flags = values[i * n_groups : (i + 1) * n_groups], flags[i * n_groups : (i + 1) * n_groups]
        load_integration(data, groupdq, extra, rules, (i, y, x0, x1), own, own_flags, unions[i], counts)
        classify_ramps(own, own_flags, counts, zeroframe[i, y, x0:x1], rules[2], kinds[i])
        add_median_rates(own, own_flags, kinds[i], timing, differences, counts, medians)


@leaf
def load_traits(maps, factor, y, x0, medians, n_integrations, traits):
    """Gain (e-/DN), read noise of a group (e-), and rate for the photon noise (DN/s) of a row of pixels.

    A negative median rate counts as none. `traits` is float64 [3, pixel].
    """
    gain, readnoise, dark = maps
    for w in range(traits.shape[1]):
        x = x0 + w
        traits[0, w], traits[1, w] = gain[y, x], np.float64(readnoise[y, x]) * gain[y, x] * factor
        traits[2, w] = (medians[w] / n_integrations if medians[w] > 0 else 0.0) + dark[y, x]


@pixel
def make_block(n_integrations, n_groups):
    """Empty arrays for `load_stretch`: the block and the scratch space."""
    n = n_integrations * n_groups
    values, flags = np.zeros((n, WIDTH), np.float32), np.zeros((n, WIDTH), np.uint8)
    unions, kinds = np.zeros((n_integrations, WIDTH), np.uint8), np.zeros((n_integrations, WIDTH), np.uint8)
    differences = np.full((max(n_groups - 1, 1), WIDTH), INF)
    return (values, flags, unions, kinds), (differences, np.zeros(WIDTH, np.int32), np.zeros(WIDTH))
