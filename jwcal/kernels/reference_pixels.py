"""Reference pixels: measure the drift of the read-out on pixels that see no light, and subtract it.

Each output's pedestal is the sigma-clipped mean of its reference pixels at the top and the bottom, even and odd columns
apart; what is common to the outputs and changes from row to row (1/f noise) is a running median of the reference pixels
at the two sides. The correction of a plane is therefore a number a column plus a number a row.

Which pixel belongs to which sample is laid out by the caller as tables of flat indices into a plane ``[y, x]``, so that
the orientation of the detector does not matter here.

Reference: Rauscher et al. 2007, PASP 119, 768; JWST pipeline documentation, "refpix".
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel


@image
def average_sets(planes, pixels, starts, limit):
    """Sigma-clipped mean of sets of pixels, in each plane.

    Parameters
    ----------
    planes : float32 [plane, pixel]
        Flattened planes, DN.
    pixels : int64 [entry]
        Pixels of all sets, one set after the other.
    starts : int64 [set + 1]
        Where each set begins in `pixels`.
    limit : float
        Clipping limit, standard deviations, on both sides.

    Returns
    -------
    float64 [plane, set]
        Means, DN; NaN for a set without pixels. NaN samples are left out.
    """
    means = np.empty((planes.shape[0], starts.size - 1))
    for p in prange(planes.shape[0]):
        for s in range(starts.size - 1):
            chosen = pixels[starts[s] : starts[s + 1]]
            values = np.empty(chosen.size)
            count = 0
            for index in chosen:
                if not np.isnan(planes[p, index]):
                    values[count] = planes[p, index]
                    count += 1
            means[p, s] = _clipped_mean(values[:count], limit)
    return means


@pixel
def _clipped_mean(values, limit):
    """Mean after clipping at `limit` standard deviations until nothing more goes; reorders `values`."""
    count = values.size
    if count == 0:
        return np.nan
    while True:
        mean = 0.0
        for v in values[:count]:
            mean += v
        mean /= count
        variance = 0.0
        for v in values[:count]:
            variance += (v - mean) ** 2
        reach = limit * np.sqrt(variance / count)
        kept = 0
        for v in values[:count]:
            if mean - reach <= v <= mean + reach:
                values[kept] = v
                kept += 1
        if kept == count or kept == 0:
            return mean
        count = kept


@image
def filter_sides(planes, windows, offsets, length):
    """Running median along the rows of the reference pixels at each side, in each plane.

    Parameters
    ----------
    planes : float32 [plane, pixel]
        Flattened planes, DN.
    windows : int64 [side, row + length - 1, column]
        Pixels of each side, extended (by reflection) at both ends by half a window; -1 where there is no good pixel.
    offsets : float64 [plane, side, column]
        What the columns' own correction takes off these pixels first, DN.
    length : int
        Rows in a window; odd.

    Returns
    -------
    float64 [plane, side, row]
        Medians, DN; NaN where a window holds no good pixel. NaN samples are left out.
    """
    nside, nrow = windows.shape[0], windows.shape[1] - length + 1
    medians = np.empty((planes.shape[0], nside, nrow))
    for p in prange(planes.shape[0]):
        for s in range(nside):
            _filter_side(planes[p], windows[s], offsets[p, s], length, medians[p, s])
    return medians


@pixel
def _filter_side(plane, windows, offsets, length, medians):
    """One side of one plane; a sorted list of the window's values is kept up to date from row to row."""
    ordered = np.empty(length * windows.shape[1], np.float32)
    count = 0
    for row in range(windows.shape[0]):
        for column in range(windows.shape[1]):
            if row >= length and windows[row - length, column] >= 0:
                count = _remove(ordered, count, np.float32(plane[windows[row - length, column]] - offsets[column]))
        for column in range(windows.shape[1]):
            if windows[row, column] >= 0:
                count = _insert(ordered, count, np.float32(plane[windows[row, column]] - offsets[column]))
        if row >= length - 1:
            half = count // 2
            if count == 0:
                medians[row - length + 1] = np.nan
            elif count % 2:
                medians[row - length + 1] = ordered[half]
            else:
                medians[row - length + 1] = 0.5 * (np.float64(ordered[half - 1]) + ordered[half])


@pixel
def _insert(ordered, count, value):
    """Insert a value (unless NaN) into the first `count` elements, which are sorted; returns the new count."""
    if np.isnan(value):
        return count
    place = count
    while place > 0 and ordered[place - 1] > value:
        ordered[place] = ordered[place - 1]
        place -= 1
    ordered[place] = value
    return count + 1


@pixel
def _remove(ordered, count, value):
    """Remove one element equal to `value` (unless NaN); returns the new count."""
    if np.isnan(value):
        return count
    place = 0
    while ordered[place] != value:
        place += 1
    for later in range(place, count - 1):
        ordered[later] = ordered[later + 1]
    return count - 1


@image
def subtract_cross(planes, by_row, by_column, keep_zeros):
    """Subtract a number a row plus a number a column from each plane, in place.

    Parameters
    ----------
    planes : float32 [plane, y, x]
        Signal, DN.
    by_row : float64 [plane, y]
        Correction of each row, DN.
    by_column : float64 [plane, x]
        Correction of each column, DN.
    keep_zeros : bool
        Samples that are exactly 0 mean "unusable" (ZEROFRAME) and stay.
    """
    nplane, ny, nx = planes.shape
    for k in prange(nplane * ny):
        p, y = k // ny, k % ny
        signal, columns, row = planes[p, y], by_column[p], by_row[p, y]
        if keep_zeros:
            for x in range(nx):
                signal[x] = signal[x] if signal[x] == 0 else np.float32(signal[x] - (columns[x] + row))
        else:
            for x in range(nx):
                signal[x] = signal[x] - (columns[x] + row)
