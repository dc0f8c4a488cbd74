"""Segments of a ramp: the runs of good groups between cosmic rays, saturation and other flagged groups.

A run may begin with a group that is flagged JUMP_DET and nothing else: the hit came before that group was read, so its
signal is a valid start of what follows. PERSISTENCE is no reason to leave a group out. Runs of a single group say
nothing about the slope where longer ones exist; where none does, the first of them is used.
"""

import numpy as np

from jwcal.kernels import leaf

DO_NOT_USE, SATURATED, JUMP_DET = np.uint8(1), np.uint8(2), np.uint8(4)
PERSISTENCE, CHARGELOSS = np.uint8(32), np.uint8(128)
UNUSABLE = np.uint8(3)  # DO_NOT_USE | SATURATED
BLOCKING = np.uint8(223)  # all but PERSISTENCE


@leaf
def _keep_long(segments, count, longest):
    """Drop single groups in favour of longer segments; keep but one of single groups alone. Returns how many remain."""
    if longest < 2:
        return min(count, 1)
    kept = 0
    for k in range(count):
        if segments[1, k] > 1:
            segments[0, kept], segments[1, kept] = segments[0, k], segments[1, k]
            kept += 1
    return kept


@leaf
def find_segments(flags, first, n_groups, w, segments):
    """Segments of one integration of one pixel.

    Parameters
    ----------
    flags : uint8 [sample, pixel]
        Flags of the groups of all integrations, one after the other.
    first, n_groups : int
        Row of the integration's first group, and its number of groups.
    w : int
        The pixel.
    segments : int64 [2, (group + 1) // 2 or more]
        Filled with the first row and the number of groups of each segment.

    Returns
    -------
    int
        Number of segments.
    """
    count, longest, begin, end = np.int64(0), np.int64(0), -1, first + n_groups
    for row in range(first, end + 1):
        good = row < end and flags[row, w] & BLOCKING == 0
        if good and begin < 0:
            begin = row - 1 if row > first and flags[row - 1, w] & BLOCKING == JUMP_DET else row
        elif not good and begin >= 0:
            segments[0, count], segments[1, count] = begin, row - begin
            longest = max(longest, row - begin)
            count += 1
            begin = -1
    return _keep_long(segments, count, longest)
