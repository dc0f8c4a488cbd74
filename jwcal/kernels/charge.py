"""Charge migration: from the group in which a pixel fills, charge spills to its neighbours.

All groups from there on are lost for slopes, in the pixel and in its four neighbours. Goudfrooij et al. 2024, PASP 136,
014503.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf

DO_NOT_USE = np.uint8(1)
NOT_PERSISTENCE = np.uint8(223)
LOST = np.uint8(1 | 128)  # DO_NOT_USE | CHARGELOSS


@leaf
def first_group_above(data, groupdq, threshold, i, y, x):
    """First group of a pixel above the threshold that is not merely DO_NOT_USE; the number of groups if none.

    PERSISTENCE does not count, so that it does not matter which of the two is flagged first.
    """
    n_groups = data.shape[1]
    for g in range(n_groups):
        if data[i, g, y, x] > threshold and groupdq[i, g, y, x] & NOT_PERSISTENCE != DO_NOT_USE:
            return g
    return n_groups


@image
def find_first_groups(data, groupdq, threshold):
    """First group above `threshold` (DN) of each pixel: int32 [integration, y, x]; the number of groups if none."""
    n_integrations, _, ny, nx = data.shape
    first = np.empty((n_integrations, ny, nx), np.int32)
    for k in prange(ny):
        y = np.int64(k)  # signed, as indices are elsewhere; otherwise all would be compiled twice
        for i in range(n_integrations):
            for x in range(nx):
                first[i, y, x] = first_group_above(data, groupdq, threshold, i, y, x)
    return first


@leaf
def _least(first, i, y, x):
    """Earliest of a pixel and its four neighbours."""
    ny, nx = first.shape[1:]
    least = first[i, y, x]
    if y > 0:
        least = min(least, first[i, y - 1, x])
    if y < ny - 1:
        least = min(least, first[i, y + 1, x])
    if x > 0:
        least = min(least, first[i, y, x - 1])
    if x < nx - 1:
        least = min(least, first[i, y, x + 1])
    return least


@image
def flag_migration(groupdq, first):
    """Set CHARGELOSS and DO_NOT_USE from the first group of a pixel or of a neighbour on, in place."""
    n_integrations, n_groups, ny, nx = groupdq.shape
    for k in prange(ny):
        y = np.int64(k)  # signed, as indices are elsewhere; otherwise all would be compiled twice
        for i in range(n_integrations):
            for x in range(nx):
                for g in range(_least(first, i, y, x), n_groups):
                    groupdq[i, g, y, x] |= LOST
