"""Leave out the first groups of ramps, fewer of them where a pixel saturates early.

Idea: after a reset MIRI's charge takes some groups to settle (reset switch charge decay), so that the first `skip`
groups are left out. A fit needs two groups after these. Where the second of them is saturated the pixel gives up one
skipped group for each saturated one, down to none, unless it is saturated from the start, where nothing can be won.

Reference: JWST pipeline documentation, "rscd"; Ressler et al. 2015, PASP 127, 675.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image

DO_NOT_USE = np.uint8(1)
SATURATED = np.uint8(2)


@image
def leave_out_groups(groupdq, integrations, skip):
    """Set DO_NOT_USE in the first groups, in place.

    Parameters
    ----------
    groupdq : uint8 [integration, group, y, x]
        Flags of an exposure with at least `skip` + 2 groups.
    integrations : (int, int)
        First, and one past the last.
    skip : int
        Groups to leave out where no pixel saturates.

    Returns
    -------
    int64 [y, x]
        Fewest groups left out of an integration, at each pixel.
    """
    ny, nx = groupdq.shape[2:]
    fewest = np.full((ny, nx), skip)
    for y in prange(ny):
        left_out = np.empty(nx, np.int64)
        for i in range(integrations[0], integrations[1]):
            flags = groupdq[i, :, y]
            for x in range(nx):
                left_out[x] = skip
                if flags[0, x] & SATURATED == 0:
                    g = skip + 1
                    while left_out[x] > 0 and flags[g, x] & SATURATED != 0:
                        left_out[x] -= 1
                        g -= 1
                fewest[y, x] = min(fewest[y, x], left_out[x])
            for g in range(skip):
                row = flags[g]
                for x in range(nx):
                    if g < left_out[x]:
                        row[x] |= DO_NOT_USE
    return fewest
