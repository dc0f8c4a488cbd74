"""Saturation: which samples of a ramp lie above the full-well limit, or were averaged with reads that did.

A sample at or above its pixel's threshold is saturated, and so are all later samples of that integration. Charge spills
over, so the flag grows to a box of pixels around. A group may be the average of several reads, of which the last ones
saturated while the average stayed below the threshold; two more tests catch these and set DO_NOT_USE:

* dilution: the group just before the first saturated one is suspect if it exceeds ``threshold * mean / last`` of the
  numbers of its reads, the level that a steady source reaches on average when its last read just saturates;
* second group: a pixel that jumps in group 2 and is saturated in group 3, though its first group foretells neither.

Reference: Regan et al., JWST-STScI-002154 (saturation step); JWST pipeline documentation, "saturation".
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel

DO_NOT_USE, SATURATED, AD_FLOOR = np.uint8(1), np.uint8(2), np.uint8(64)
UNCHECKED = np.float32(65536.0)
"""Threshold of pixels without one, DN: above all that the 16-bit converter gives."""


@image
def flag_saturation(data, groupdq, rows, threshold, bias, grow, nframes):
    """Flag saturated, floored and partly saturated samples, in place.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Raw signal, DN.
    groupdq : uint8 [integration, group, y, x]
        Flags; SATURATED (2), AD_FLOOR (64) and DO_NOT_USE (1) are added.
    rows : int64 [row]
        Rows y that hold pixels, and are neighbours in this order.
    threshold : float32 [row, x]
        Full-well limit, DN; `UNCHECKED` where a pixel is not to be checked.
    bias : float32 [row, x]
        Pedestal, DN, for the second-group test.
    grow : int
        Half width of the box around a saturated pixel that is flagged too.
    nframes : int
        Reads averaged into a group; above 1 the two tests for averages are made. 0 or 1 leaves them out.
    """
    ny, nx = threshold.shape
    ngroup = data.shape[1]
    first = np.empty((ny, nx), np.int16)
    partial = np.empty((ny, nx), np.int16)
    for i in range(data.shape[0]):
        for y in prange(ny):
            row = rows[y]
            _find_first(data[i, :, row], groupdq[i, :, row], threshold[y], first[y])
        for y in prange(ny):
            row, grown = rows[y], _grow(first, y, grow)
            _flag_from(groupdq[i, :, row], grown)
            if nframes > 1:
                _find_partial(data[i, :, row], groupdq[i, :, row], threshold[y], grown, nframes, partial[y])
                if ngroup > 2:
                    _flag_second(data[i, :, row], groupdq[i, :, row], threshold[y], bias[y], grown, nframes)
        if nframes > 1:
            _flag_partial(groupdq[i], rows, partial, grow)


@pixel
def _find_first(data, groupdq, threshold, first):
    """First group at or above each pixel's threshold in a row (number of groups if none); flags the A/D floor."""
    ngroup, nx = data.shape
    for x in range(nx):
        first[x] = ngroup
    for g in range(ngroup):
        signal, flags = data[g], groupdq[g]
        for x in range(nx):
            found = np.int16(g) if signal[x] >= threshold[x] else np.int16(ngroup)
            first[x] = min(first[x], found)
            flags[x] |= (AD_FLOOR | DO_NOT_USE) if signal[x] <= 0 else np.uint8(0)


@pixel
def _grow(first, y, grow):
    """Row `y` of the minimum of `first` over boxes of half width `grow`."""
    ny, nx = first.shape
    low = first[y].copy()
    for row in range(max(0, y - grow), min(ny, y + grow + 1)):
        other = first[row]
        for x in range(nx):
            low[x] = min(low[x], other[x])
    grown = low.copy()
    for shift in range(1, min(grow, nx - 1) + 1):
        for x in range(nx - shift):
            grown[x] = min(grown[x], low[x + shift])
        for x in range(nx - shift):
            grown[x + shift] = min(grown[x + shift], low[x])
    return grown


@pixel
def _flag_from(groupdq, grown):
    """Set SATURATED in a row from each pixel's first saturated group on."""
    ngroup, nx = groupdq.shape
    for g in range(grown.min(), ngroup):
        flags = groupdq[g]
        for x in range(nx):
            flags[x] |= SATURATED if grown[x] <= g else np.uint8(0)


@pixel
def _find_partial(data, groupdq, threshold, grown, nframes, partial):
    """Note for each pixel of a row the group just before saturation if it exceeds the diluted threshold."""
    ngroup, nx = data.shape
    for x in range(nx):
        partial[x] = -1
        g = grown[x] - 1
        if g < 0 or g > ngroup - 2 or groupdq[g, x] & (SATURATED | DO_NOT_USE):
            continue
        dilution = (g * nframes + 0.5 * (nframes + 1)) / ((g + 1.0) * nframes)
        if data[g, x] >= threshold[x] * (1.0 if threshold[x] == UNCHECKED else dilution):
            partial[x] = g


@pixel
def _flag_second(data, groupdq, threshold, bias, grown, nframes):
    """Set DO_NOT_USE in group 2 of pixels of a row that saturate by surprise in group 3."""
    mean_first, last_third = 0.5 * (nframes + 1), 3.0 * nframes
    for x in range(grown.size):
        if grown[x] != 2:
            continue
        expected = (data[0, x] - bias[x]) * last_third / mean_first + bias[x]
        step, room = data[1, x] - data[0, x], threshold[x] - data[0, x]
        if expected < threshold[x] and step * nframes > room:
            groupdq[1, x] |= DO_NOT_USE


@pixel
def _flag_partial(groupdq, rows, partial, grow):
    """Set DO_NOT_USE around pixels noted in `partial`, in the group noted there (few pixels: not worth threads)."""
    ny, nx = partial.shape
    for y in range(ny):
        if partial[y].max() < 0:
            continue
        for x in range(nx):
            g = partial[y, x]
            if g >= 0:
                for row in range(max(0, y - grow), min(ny, y + grow + 1)):
                    for column in range(max(0, x - grow), min(nx, x + grow + 1)):
                        groupdq[g, rows[row], column] |= DO_NOT_USE
