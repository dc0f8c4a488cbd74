"""Subtraction of a number for each output and parity of rows, where the outputs read every fourth column (MIRI)."""

import numpy as np
from numba import prange

from jwcal.kernels import image

OUTPUTS = 4


@image
def subtract_outputs(planes, offsets):
    """Subtract the offsets of outputs, in place.

    Parameters
    ----------
    planes : float32 [plane, y, x]
        Signal, DN; column x is read through output x % 4.
    offsets : float64 [plane, parity, output]
        What to subtract from even and from odd rows (zero-based), DN.
    """
    count, ny, nx = planes.shape
    for row in prange(count * ny):
        p, y = row // ny, row % ny
        values = np.empty(OUTPUTS, np.float32)
        for k in range(OUTPUTS):
            values[k] = offsets[p, y % 2, k]
        signal = planes[p, y]
        for x in range(nx):
            signal[x] -= values[x % OUTPUTS]
