"""Persistence: groups read while a pixel may still release charge that a bright source left in traps.

A pixel's window opens (or starts anew) when it first saturates in an integration, or, outside of a window, when its
signal exceeds a threshold; it lasts a fixed time. All groups read within a window are flagged. A window that is open
from before, but ends later than one opened now would, makes no sense and is closed.

Reference: JWST pipeline documentation, "persistence" (3.0).
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel

SATURATED = np.uint8(2)


@image
def flag_windows(data, groupdq, times, duration, threshold, flag, ends):
    """Flag all groups within a persistence window, in place.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Signal, DN.
    groupdq : uint8 [integration, group, y, x]
        Flags; `flag` is added.
    times : float64 [integration, group]
        When each group was read, s.
    duration : float
        Length of a window, s.
    threshold : float
        Signal that opens a window, DN; infinite for none.
    flag : int
        Bits to set.
    ends : float64 [y, x]
        When the window ends that is open at first, s; 0 for none. Changed to what is open at last.
    """
    for y in prange(data.shape[2]):
        for x in range(data.shape[3]):
            flags, end = groupdq[:, :, y, x], ends[y, x]
            ends[y, x] = _flag_pixel(data[:, :, y, x], flags, times, duration, threshold, np.uint8(flag), end)


@pixel
def _flag_pixel(data, groupdq, times, duration, threshold, flag, end):
    """Follow one pixel through all groups; `end`, returned, is the end of its window, 0 outside of one."""
    for i in range(data.shape[0]):
        saturated = 0
        for g in range(data.shape[1]):
            if end < times[i, g]:
                end = 0.0
            if groupdq[i, g] & SATURATED:
                saturated += 1
            opened = saturated == 1 or (end == 0.0 and data[i, g] > threshold)
            if opened:
                end = times[i, g] + duration
            if end > times[i, g] + duration:
                end = 0.0
            if end > 0.0:
                groupdq[i, g] |= flag
    return end
