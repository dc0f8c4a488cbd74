"""The nearest other point of each of many points."""

import numpy as np
from numba import prange

from jwcal.kernels import image


@image
def find_nearest(positions):
    """Compare all points with each other.

    Parameters
    ----------
    positions : float64 [point, 2]
        x, y.

    Returns
    -------
    index : int64 [point]
        The nearest other point, the first of those equally near; the point itself where it is alone.
    square : float64 [point]
        Squared distance; infinite where it is alone.
    """
    index, square = np.empty(len(positions), np.int64), np.empty(len(positions))
    for k in prange(len(positions)):
        nearest, least = -1, np.inf
        for other in range(len(positions)):
            distance = (positions[other, 0] - positions[k, 0]) ** 2 + (positions[other, 1] - positions[k, 1]) ** 2
            if distance < least and other != k:
                nearest, least = other, distance
        index[k], square[k] = k if nearest < 0 else nearest, least
    return index, square
