"""Interleaved frames as series in time, and back: what NIRSpec's IRS2 needs between detector and Fourier space.

All outputs are sampled at the same clocks. A series holds, column after column, the samples of one output, less their
mean over the ramp and a straight line in time; 0 stands for "no sample". Columns are taken sixteen at a time, so that
both the frame, whose rows lie along x, and the series, which runs along y, are used a cache line at a time.

Reference: Rauscher et al. 2017, PASP 129, 105003.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf

TILE = 16


@leaf
def _find_line(lines, output, clock, middle):
    """Straight line of an output at a clock of the frame."""
    return lines[output, 0] + lines[output, 1] * (clock - middle)


@image
def lay_out(plane, mean, rows, clocks, columns, lines, series):
    """Write the series of all outputs.

    Parameters
    ----------
    plane : float32 [y, x]
        Interleaved frame, DN.
    mean : float64 [y, x]
        Mean of all groups, DN.
    rows : int64 [output, clock]
        Row of the frame that is shown at each clock of a column; -1 for none.
    clocks : int64 [output, clock]
        Clock of the column at which it was read.
    columns : int64 [column]
        Columns of the frame in the order of reading.
    lines : float64 [output, 2]
        Level and slope (DN, DN a clock) of a straight line about the frame's middle.
    series : float32 [output, column, clock]
        Overwritten.
    """
    count, length = columns.size, rows.shape[1]
    middle = 0.5 * (count * length - 1)
    for tile in prange(count // TILE):
        first = np.int64(tile) * TILE
        for output in range(rows.shape[0]):
            for clock in range(length):
                row = rows[output, clock]
                for s in range(first, first + TILE):
                    value = np.float32(0)
                    if row >= 0:
                        value = np.float32(plane[row, columns[s]] - mean[row, columns[s]])
                        if value != 0:
                            value -= _find_line(lines, output, s * length + clocks[output, clock], middle)
                    series[output, s, clock] = value if value == value else 0


@image
def bridge_gaps(series, weights):
    """Replace samples that are 0 by a weighted mean of their neighbours; the series closes to a ring.

    Parameters
    ----------
    series : float32 [sample]
        0 where there is no sample.
    weights : float64 [neighbour]
        Weights by distance, symmetric; odd in number.

    Returns
    -------
    float32 [sample]
        0 where all neighbours are 0, too.
    """
    size, half = series.size, weights.size // 2
    result = np.empty_like(series)
    for k in prange(size):
        i = np.int64(k)
        if series[i] != 0:
            result[i] = series[i]
            continue
        total = weight = 0.0
        for j in range(-half, half + 1):
            value = series[(i + j) % size]
            if value != 0:
                total += weights[j + half] * value
                weight += weights[j + half]
        result[i] = total / weight if weight > 0 else 0.0
    return result


@image
def subtract_series(source, target, mean, places, places_in_time, lines, series):
    """Subtract the noise of each output from some rows of a frame.

    Parameters
    ----------
    source : float32 [y, x]
        Interleaved frame, DN.
    target : float32 [row, x]
        Overwritten. May share memory with `source` if no row of it lies behind the row of `source` that it comes from.
    mean : float64 [y, x]
        Mean of all groups, DN; where a sample is equal to it no straight line was fitted.
    places : int64 [row, 3]
        Row of the frame, output and clock of each row of the result.
    places_in_time : int64 [x]
        Which column of the frame is read when.
    lines : float64 [output, 2]
        As for `lay_out`.
    series : float32 [output - 1, column, clock]
        Noise of all outputs but the reference output, DN.
    """
    length = series.shape[2]
    middle = 0.5 * (series.shape[1] * length - 1)
    for tile in prange(source.shape[1] // TILE):
        first = np.int64(tile) * TILE
        for k in range(places.shape[0]):
            row, output, clock = places[k]
            for x in range(first, first + TILE):
                value, s = source[row, x], places_in_time[x]
                noise = np.float64(series[output - 1, s, clock])
                if value != mean[row, x]:
                    noise += _find_line(lines, output, s * length + clock, middle)
                target[k, x] = value - noise
