"""Electromagnetic interference in ramps: what is left of them, folded by the phase of a frequency.

A ramp's slope and its level are taken off, the four outputs are averaged (they read the interference at the same
moment), and the samples are sorted into bins of the phase. The clipped mean of each bin gives the wave.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel
from jwcal.kernels.sigma_clip import clip_window

OUTPUTS = 4
SIGMA, ROUNDS = 3.0, 5  # of the clipping


@image
def flatten_ramps(integration):
    """Average of the four outputs, less each pixel's slope and level.

    Slope and level (median) are those of the groups between the first and the last.

    Parameters
    ----------
    integration : float32 [group, y, x]
        Signal, DN; at least four groups.

    Returns
    -------
    float32 [group, y, x / 4]
    """
    ngroup, ny, nx = integration.shape
    flat = np.zeros((ngroup, ny, nx // OUTPUTS), np.float32)
    for y in prange(ny):
        ramp = np.empty(ngroup, np.float32)
        for x in range(OUTPUTS * (nx // OUTPUTS)):
            slope = _fit_slope(integration[1 : ngroup - 1, y, x])
            for g in range(ngroup):
                ramp[g] = integration[g, y, x] - slope * g
            level = np.float32(np.nanmedian(ramp[1 : ngroup - 1]))
            for g in range(ngroup):
                flat[g, y, x // OUTPUTS] += (ramp[g] - level) / np.float32(OUTPUTS)
        for g in range(ngroup):
            neighbours = np.float32(0.5) * (flat[g, y, 0] + flat[g, y, 3])  # reference pixels that do not follow
            flat[g, y, 1] = flat[g, y, 2] = neighbours
    return flat


@pixel
def _fit_slope(values):
    """Slope of a straight line through equally spaced values."""
    n = values.size
    total = 0.0
    for k in range(n):
        total += (k - 0.5 * (n - 1)) * values[k]
    return total / (n * (n * n - 1) / 12.0)


@image
def fold_samples(flat, clocks, starts, period, bins):
    """Clipped mean of the samples in each bin of the phase.

    Parameters
    ----------
    flat : float32 [integration, group, y, x / 4]
        Samples, DN.
    clocks : int64 [y, x / 4]
        When a pixel is read, in clocks after the start of its group.
    starts : int64 [integration, group]
        When groups start, in clocks.
    period : float
        Period of the wave, clocks.
    bins : int
        Number of bins; bin k takes phases above k / bins up to (k + 1) / bins, and none takes 0.

    Returns
    -------
    float64 [bin]
        Means, DN; NaN where a bin is empty.
    """
    places, ends = _sort_places(flat, clocks, starts, period, bins)
    values = flat.ravel()
    means = np.full(bins, np.nan)
    for k in prange(bins):
        chosen = places[ends[k] : ends[k + 1]]
        ordered = np.empty(chosen.size)
        count = 0
        for place in chosen:
            if np.isfinite(values[place]):
                ordered[count] = values[place]
                count += 1
        ordered = np.sort(ordered[:count])
        low, high = clip_window(ordered, count, SIGMA, ROUNDS)
        if high > low:
            means[k] = np.mean(ordered[low:high])
    return means


@pixel
def find_phase(clock, period):
    """Phase, cycles, of a time in clocks."""
    cycles = clock / period
    return cycles - np.floor(cycles)


@pixel
def _find_bin(phase, bins):
    """Bin of a phase; -1 for phase 0."""
    k = int(phase * bins)
    while k > 0 and phase <= k / bins:
        k -= 1
    while k < bins - 1 and phase > (k + 1) / bins:
        k += 1
    return k if phase > 0 else -1


@pixel
def _sort_places(flat, clocks, starts, period, bins):
    """Flat indices of the samples in order of their bins, and where each bin begins."""
    nint, ngroup, ny, nx = flat.shape
    ends = np.zeros(bins + 2, np.int64)
    places = np.empty(flat.size, np.uint32)
    for filling in range(2):
        place = 0
        for i in range(nint):
            for g in range(ngroup):
                for y in range(ny):
                    for x in range(nx):
                        k = _find_bin(find_phase(starts[i, g] + clocks[y, x], period), bins)
                        if k >= 0 and filling == 0:
                            ends[k + 2] += 1
                        elif k >= 0:
                            places[ends[k + 1]] = place
                            ends[k + 1] += 1
                        place += 1
        if filling == 0:
            for k in range(bins):
                ends[k + 2] += ends[k + 1]
    return places, ends


@image
def subtract_table(data, clocks, starts, period, table):
    """Subtract a wave given as a table over the phase from all outputs, in place.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Signal, DN.
    clocks, starts, period
        As for `fold_samples`.
    table : float64 [place]
        The wave, DN, from phase 0 on in steps of one clock.
    """
    nint, ngroup, ny, nx = data.shape
    for row in prange(nint * ngroup * ny):
        i, g, y = row // (ngroup * ny), row // ny % ngroup, row % ny
        signal = data[i, g, y]
        for column in range(nx // OUTPUTS):
            place = int(find_phase(starts[i, g] + clocks[y, column], period) * period)
            value = table[min(place, table.size - 1)]
            for output in range(OUTPUTS):
                signal[OUTPUTS * column + output] -= value
