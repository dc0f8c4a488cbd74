"""The transient after a large jump: the next groups are flagged as well.

A jump of at least A electrons above the median difference leaves a decaying signal behind; the groups read within a
given time after it are flagged too (two such rules, for large and for very large jumps).
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel
from jwcal.kernels.jump_differences import INF, JUMP_DET, UNUSABLE, include, load_differences, prepare_sorting
from jwcal.kernels.sorting import WIDTH, median_of_sorted, sort_columns


@leaf
def _flag_after(differences, w, median, amplitudes, lengths, groupdq, y, x):
    """Flag one pixel. Flags set here trigger no further ones: each group is looked at before it is changed."""
    n_integrations, n_groups = groupdq.shape[:2]
    for i in range(n_integrations):
        last = -1
        for g in range(n_groups):
            flags = groupdq[i, g, y, x]
            if g > 0 and flags & JUMP_DET:
                excess = differences[i * (n_groups - 1) + g - 1, w] - median
                for rule in range(2):
                    if excess >= amplitudes[rule]:
                        last = max(last, g + lengths[rule])
            if g <= last and not flags & UNUSABLE:
                groupdq[i, g, y, x] = flags | JUMP_DET


@pixel
def _flag_row(data, groupdq, gain, amplitudes, lengths, y):
    n_differences = data.shape[0] * (data.shape[1] - 1)
    differences, ordered = np.full((n_differences, WIDTH), INF), np.full((n_differences, WIDTH), INF)
    counts, seen = np.zeros(WIDTH, np.int32), np.zeros(WIDTH, np.uint8)
    for x0 in range(0, data.shape[3], WIDTH):
        width = load_differences(data, groupdq, gain, UNUSABLE, y, x0, differences, seen)
        if not include(seen, JUMP_DET):
            continue
        prepare_sorting(differences, ordered, counts)
        sort_columns(ordered)
        for w in range(width):
            if seen[w] & JUMP_DET:
                median = median_of_sorted(ordered, np.int64(0), np.int64(counts[w]), w)
                _flag_after(differences, w, median, amplitudes, lengths, groupdq, y, x0 + w)


@image
def flag_aftermath(data, groupdq, gain, amplitudes, lengths):
    """Set JUMP_DET in the groups after large jumps, in place.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Ramps, DN.
    groupdq : uint8 [integration, group, y, x]
        Flags.
    gain : float32 [y, x]
        e-/DN.
    amplitudes : (float, float)
        Least excess of a jump over the median difference, e-, for either rule.
    lengths : (int, int)
        Groups flagged after such a jump.
    """
    for k in prange(data.shape[2]):
        y = np.int64(k)  # signed, as indices are elsewhere; otherwise all would be compiled twice
        _flag_row(data, groupdq, gain, amplitudes, lengths, y)
