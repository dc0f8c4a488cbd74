"""The four neighbours of a jump: flagged where usable.

`spread` holds one bit for each jump that disturbs its neighbours, eight pixels to a byte, so that whole bytes without
any are passed over at once.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf
from jwcal.kernels.jump_differences import JUMP_DET, UNUSABLE


@leaf
def _dilate_byte(plane, y, b):
    """Eight pixels of row y and whether one of their four neighbours, or they themselves, are set."""
    n_rows, n_bytes = plane.shape
    here = np.int64(plane[y, b])
    above = np.int64(plane[y - 1, b]) if y > 0 else 0
    below = np.int64(plane[y + 1, b]) if y + 1 < n_rows else 0
    left = np.int64(plane[y, b - 1]) >> 7 if b > 0 else 0
    right = np.int64(plane[y, b + 1]) << 7 if b + 1 < n_bytes else 0
    return (here | here << 1 | here >> 1 | above | below | left | right) & 255


@leaf
def _flag_row(flags, plane, y):
    """Flag one row of one group."""
    n_columns = flags.shape[1]
    for b in range(plane.shape[1]):
        bits = _dilate_byte(plane, y, b)
        x = 8 * b
        while bits and x < n_columns:
            if bits & 1 and not flags[y, x] & UNUSABLE:
                flags[y, x] |= JUMP_DET
            bits >>= 1
            x += 1


@image
def flag_neighbours(groupdq, spread):
    """Set JUMP_DET beside the jumps noted in `spread`, in place.

    Parameters
    ----------
    groupdq : uint8 [integration, group, y, x]
        Flags.
    spread : uint8 [integration, group, y, (x + 7) // 8]
        One bit a pixel; bit k of byte b is column 8 b + k.
    """
    n_integrations, n_groups, n_rows, _ = groupdq.shape
    for k in prange(n_rows):
        y = np.int64(k)  # signed, as indices are elsewhere; otherwise all would be compiled twice
        for i in range(n_integrations):
            for g in range(n_groups):
                _flag_row(groupdq[i, g], spread[i, g], y)
