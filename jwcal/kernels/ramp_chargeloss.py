"""Read-noise variance of pixels that lost charge to their neighbours.

Groups flagged CHARGELOSS are left out of the slope, but the read-noise variance, which weights a pixel in a mosaic, is
that of the ramp with these groups: otherwise the bright centres of stars would count less than their wings.
"""

import numpy as np

from jwcal.kernels import leaf
from jwcal.kernels.ramp_results import READ, invert_weight
from jwcal.kernels.ramp_segments import CHARGELOSS, DO_NOT_USE, find_segments
from jwcal.kernels.ramp_slopes import single_time, weigh_reads


@leaf
def _restore_flags(groupdq, extra, groups, i, y, x, flags, first, w):
    """Bring back a pixel's flags as they were before charge loss was flagged, from row `first` on."""
    for g in range(groups[0], groups[1]):
        flag = groupdq[i, g, y, x] | extra[g]
        flags[first + g - groups[0], w] = flag ^ (CHARGELOSS | DO_NOT_USE) if flag & CHARGELOSS else flag


@leaf
def _sum_read_weights(segments, count, gain, noise, single, group_time):
    """Sum of the read-noise weights of `count` segments."""
    total = 0.0
    for s in range(count):
        n = segments[1, s]
        if n < 3 or gain > 0:
            total += weigh_reads(n) * ((single if n == 1 else group_time) * gain / noise) ** 2
    return total if total > 0 else 0.0


@leaf
def _restore_pixel(groupdq, extra, rules, y, x, traits, timing, flags, unions, kinds, w, segments, results):
    """Give pixel (y, x), column `w` of the block, its variances."""
    n_integrations, n_groups = unions.shape[0], rules[1] - rules[0]
    whole = 0.0
    for i in range(n_integrations):
        if unions[i, w] & CHARGELOSS:
            first = i * n_groups
            _restore_flags(groupdq, extra, rules, i, y, x, flags, first, w)
            count = find_segments(flags, first, n_groups, w, segments)
            single = single_time(kinds[i, w], timing)
            total = _sum_read_weights(segments, count, traits[0, w], traits[1, w], single, timing[0])
            results[READ, i, y, x] = invert_weight(total)
            whole += total
        elif results[READ, i, y, x] > 0:
            whole += 1.0 / results[READ, i, y, x]
    if whole > 0:
        results[READ, n_integrations, y, x] = invert_weight(whole)


@leaf
def restore_read_noise(groupdq, extra, rules, y, x0, traits, timing, flags, unions, kinds, segments, results):
    """Give pixels with CHARGELOSS the read-noise variances that they have without, in all planes of `results`.

    The pixels are those of row `y` from column `x0` on, as many as `traits` has; see `ramp_ols`. The `flags` of those
    concerned are overwritten.
    """
    for w in range(traits.shape[1]):
        union = np.uint8(0)
        for i in range(unions.shape[0]):
            union |= unions[i, w]
        if union & CHARGELOSS:
            _restore_pixel(groupdq, extra, rules, y, x0 + w, traits, timing, flags, unions, kinds, w, segments, results)
