"""Stripes of 1/f noise: what neighbouring pixels of a read-out row share, measured on the pixels that see no source.

The noise drifts slowly compared with the time of a pixel, so that it shows as an offset of each row of the read-out
(along the detector's fast axis, a "line" here), within each output. It is taken from differences of successive groups,
in which the noise of earlier groups has gone, as the median over the background pixels of a line.

Reference: Willott, "image1overf"; JWST pipeline documentation, "clean_flicker_noise".
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel
from jwcal.kernels.radix import key_of, select_median

UNUSABLE = np.uint8(1 | 4)  # DO_NOT_USE, JUMP_DET
LINES = 16  # worked on at once: as many neighbours in x share a line of the processor's cache


@image
def take_difference(after, before, groupdq, scene, flat):
    """Signal that a group added, flattened, and the pixels that are background in it.

    Parameters
    ----------
    after, before : float32 [y, x]
        A group and the one before it, DN.
    groupdq : uint8 [y, x]
        Flags of the later one; DO_NOT_USE and JUMP_DET exclude a pixel.
    scene : bool [y, x]
        Background pixels of the exposure.
    flat : float32 [y, x]
        Relative response, to divide by; or [0, 0] for none.

    Returns
    -------
    signal : float32 [y, x]
        DN; 0 instead of NaN.
    mask : bool [y, x]
        Background pixels.
    """
    ny, nx = after.shape
    signal, mask = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.bool_)
    for y in prange(ny):
        for x in range(nx):
            value = after[y, x] - before[y, x]
            if flat.size:
                value = np.float32(value / flat[y, x])
            known = not np.isnan(value)
            signal[y, x] = value if known else np.float32(0)
            mask[y, x] = known and scene[y, x] and not groupdq[y, x] & UNUSABLE
    return signal, mask


@image
def narrow_mask(signal, mask, low, high):
    """Take pixels below `low` or above `high` out of a mask, in place.

    Parameters
    ----------
    signal : float32 [y, x]
        Values.
    mask : bool [y, x]
        Background pixels.
    low, high : float
        Limits.
    """
    for y in prange(signal.shape[0]):
        for x in range(signal.shape[1]):
            mask[y, x] &= low <= signal[y, x] <= high


@image
def fit_stripes(signal, mask, axis, width):
    """Median of the background pixels of each line, in each output.

    Parameters
    ----------
    signal : float32 [y, x]
        Values.
    mask : bool [y, x]
        Background pixels.
    axis : int
        Axis along which a line runs: 1 for rows, 0 for columns.
    width : int
        Pixels of a line that belong to one output.

    Returns
    -------
    float32 [y, x]
        The median of each pixel's line; 0 where the line has no background.
    """
    ny, nx = signal.shape
    number, length = (ny, nx) if axis == 1 else (nx, ny)
    bits, stripes = signal.view(np.uint32), np.zeros((ny, nx), np.float32)
    for block in prange((number + LINES - 1) // LINES):
        first, last = block * LINES, min((block + 1) * LINES, number)
        keys, sizes = np.empty((LINES, width), np.uint32), np.empty(LINES, np.int64)
        pair, medians = np.empty(2, np.uint32), np.empty(LINES, np.float32)
        for start in range(0, length, width):
            stop = min(start + width, length)
            sizes[:] = 0
            if axis == 1:
                rows, columns = (first, last), (start, stop)
            else:
                rows, columns = (start, stop), (first, last)
            _gather(bits, mask, rows, columns, axis, keys, sizes)
            for k in range(LINES):
                medians[k] = 0
                if sizes[k]:
                    select_median(keys[k, : sizes[k]], pair)
                    middle = pair.view(np.float32)
                    medians[k] = 0.5 * (np.float64(middle[0]) + middle[1])
            _spread(medians, rows, columns, axis, stripes)
    return stripes


@pixel
def _gather(bits, mask, rows, columns, axis, keys, sizes):
    """Keys of the background pixels of a block of lines, line by line."""
    for y in range(rows[0], rows[1]):
        for x in range(columns[0], columns[1]):
            k = y - rows[0] if axis == 1 else x - columns[0]
            keys[k, sizes[k]] = key_of(bits[y, x])  # the next one overwrites it unless it counts: no branch
            sizes[k] += mask[y, x]


@pixel
def _spread(medians, rows, columns, axis, stripes):
    """Give every pixel of a block the median of its line."""
    for y in range(rows[0], rows[1]):
        for x in range(columns[0], columns[1]):
            stripes[y, x] = medians[y - rows[0] if axis == 1 else x - columns[0]]
