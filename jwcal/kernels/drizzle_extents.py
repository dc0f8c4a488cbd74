"""Which output rows a stretch of an input row can touch, for skipping."""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel
from jwcal.kernels.drizzle_drops import SQUARE, find_reach

BLOCK = 64  # input columns that are skipped together


@pixel
def measure_row(y_map, j, extents):
    """Fill the extents of one input row; its largest |difference| between vertical or horizontal neighbours."""
    nx = y_map.shape[1]
    step = 0.0
    for block in range(extents.shape[1]):
        low, high = np.inf, -np.inf
        for i in range(block * BLOCK, min(nx, (block + 1) * BLOCK)):
            value = y_map[j, i]
            if value < low:
                low = value
            if value > high:
                high = value
            along = abs(value - y_map[j, max(i - 1, 0)])
            across = abs(value - y_map[max(j - 1, 0), i])
            if along > step:
                step = along
            if across > step:
                step = across
        extents[j, block, 0], extents[j, block, 1] = low, high
    return step


@image
def find_extents(y_map):
    """Lowest and highest output row of each block of input pixels' centres, and the steps between neighbours.

    Parameters
    ----------
    y_map : float64 [y, x]
        Output row of each input pixel; NaN where it has none.

    Returns
    -------
    extents : float64 [y, block, 2]
        Empty blocks have low > high.
    steps : float64 [y]
        Largest |difference| between vertical or horizontal neighbours in a row.
    """
    ny, nx = y_map.shape
    extents = np.empty((ny, (nx + BLOCK - 1) // BLOCK, 2))
    steps = np.empty(ny)
    for j in prange(ny):
        steps[j] = measure_row(y_map, np.int64(j), extents)
    return extents, steps


@pixel
def find_pad(drop, steps):
    """Output rows around a pixel's centre that its drop can touch; a corner is no further away than a neighbour's."""
    if drop[0] != SQUARE:
        return find_reach(*drop) + 1.0
    largest = 0.0
    for step in steps:
        if step > largest:
            largest = step
    return 2.0 * largest + 1.0
