"""Blot: what an image on the output grid looks like to a detector, by bilinear interpolation."""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf


@leaf
def interpolate(plane, x, y):
    """Value between four pixel centres; beyond the outermost centres that of the edge, NaN outside the outer pixels."""
    ny, nx = plane.shape
    if not (-0.5 <= x < nx - 0.5 and -0.5 <= y < ny - 0.5):
        return np.float32(np.nan)
    x, y = min(max(x, 0.0), nx - 1.0), min(max(y, 0.0), ny - 1.0)
    i, j = int(x), int(y)
    u, v = np.float32(x - i), np.float32(y - j)
    right, up = min(i + 1, nx - 1), min(j + 1, ny - 1)
    low = plane[j, i] * (np.float32(1.0) - u) + plane[j, right] * u
    high = plane[up, i] * (np.float32(1.0) - u) + plane[up, right] * u
    return low * (np.float32(1.0) - v) + high * v


@image
def blot(plane, pixmap):
    """Interpolate an image at the pixels of another.

    Parameters
    ----------
    plane : float32 [j, i]
        Image; NaN spreads to all that lies next to it.
    pixmap : float64 [2, y, x]
        Column and row of each pixel in `plane`; NaN where it has none.

    Returns
    -------
    float32 [y, x]
        NaN outside `plane`.
    """
    _, ny, nx = pixmap.shape
    result = np.empty((ny, nx), np.float32)
    for y in prange(ny):
        for x in range(nx):
            result[y, x] = interpolate(plane, pixmap[0, y, x], pixmap[1, y, x])
    return result
