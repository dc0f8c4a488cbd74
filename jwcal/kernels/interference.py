"""Electromagnetic interference in ramps: amplitude and phase of a known periodic wave, fitted with the ramps at once.

All four outputs read the wave w at the same moment, so that a sample of group g, read t clocks after its group began,
holds A w(t/P + g d + phi): P is the wave's period, d the phase from group to group. A straight line through the ramp
takes up slope and pedestal; what matters is w less its own straight line over the groups, w'. Pixels that are read at
the same phase are summed first. With y the sums, n their numbers, in bins k of the phase,

    chi^2(A, phi) = A^2 a(phi) + A b(phi) + const,   a = sum_k n_k sum_g w'_kg^2,   b = -2 sum_kg y_kg w'_kg,

and A = -b / 2a. The bins are as wide as the steps of phi, so that for each phi the same table of w' serves, shifted.

The wave is a cubic B-spline, periodic, given by its coefficients: one multiplication of four neighbours a sample.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf

OUTPUTS = 4
BAD_COLUMNS = (1, 2)  # of an output: reference pixels that do not follow


@leaf
def evaluate_wave(coefficients, phase):
    """Value of a periodic cubic spline at a phase in cycles; knot k lies at (k + 0.5) / n."""
    n = coefficients.size
    place = (phase - np.floor(phase)) * n - 0.5
    knot = int(np.floor(place))
    t = place - knot
    u = 1.0 - t
    weights = u * u * u, 4.0 - 6.0 * t * t + 3.0 * t * t * t, 4.0 - 6.0 * u * u + 3.0 * u * u * u, t * t * t
    total = 0.0
    for k in range(4):
        index = knot - 1 + k
        index += n if index < 0 else (-n if index >= n else 0)
        total += weights[k] * coefficients[index]
    return total / 6.0


@image
def measure_scatter(data):
    """Standard deviation of each ramp.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Signal, DN.

    Returns
    -------
    float32 [integration, y, x]
    """
    nint, ngroup, ny, nx = data.shape
    scatter = np.empty((nint, ny, nx), np.float32)
    for row in prange(nint * ny):
        i, y = row // ny, row % ny
        mean, squares = np.zeros(nx), np.zeros(nx)
        for g in range(ngroup):
            for x in range(nx):
                mean[x] += data[i, g, y, x]
        mean /= ngroup
        for g in range(ngroup):
            for x in range(nx):
                squares[x] += (data[i, g, y, x] - mean[x]) ** 2
        for x in range(nx):
            scatter[i, y, x] = np.sqrt(squares[x] / ngroup)
    return scatter


@image
def fold_ramps(data, usable, phases, bins):
    """Sum ramps whose first group is read at the same phase.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Signal, DN.
    usable : bool [integration, y, x]
        Pixels that count.
    phases : float64 [y, x / 4]
        Phase of the wave in the first group, cycles from 0 to 1.
    bins : int
        Number of bins.

    Returns
    -------
    sums : float64 [integration, group, bin]
        Summed signal, DN.
    counts : float64 [integration, bin]
        Numbers of pixels.
    """
    nint, ngroup, ny, nx = data.shape
    sums, counts = np.zeros((nint, ngroup, bins)), np.zeros((nint, bins))
    for plane in prange(nint * ngroup):
        i, g = plane // ngroup, plane % ngroup
        for y in range(ny):
            signal, use = data[i, g, y], usable[i, y]
            for x in range(OUTPUTS * (nx // OUTPUTS)):
                column = x // OUTPUTS
                if use[x] and column != BAD_COLUMNS[0] and column != BAD_COLUMNS[1]:
                    k = int(phases[y, column] * bins)
                    sums[i, g, k] += signal[x]
                    if g == 0:
                        counts[i, k] += 1.0
    return sums, counts


@image
def weigh_phases(sums, counts, coefficients, step, starts, trials):
    """Terms of chi^2 at trial phases, for each integration.

    Parameters
    ----------
    sums, counts
        From `fold_ramps`.
    coefficients : float64 [knot]
        The wave's spline; as many knots as bins.
    step : float
        Phase from group to group, cycles.
    starts : float64 [integration]
        Phase that trial 0 gives to time zero of each integration, cycles.
    trials : int
        Number of trial phases; each lies one bin after the one before.

    Returns
    -------
    squares, products : float64 [integration, trial]
        a and b above.
    """
    nint, ngroup, bins = sums.shape
    squares, products = np.zeros((nint, trials)), np.zeros((nint, trials))
    for i in prange(nint):
        waves = np.empty((ngroup, bins + trials))
        _straighten(waves, coefficients, step, starts[i], bins)
        energy = np.zeros(bins + trials)
        for g in range(ngroup):
            for k in range(bins + trials):
                energy[k] += waves[g, k] ** 2
        for k in range(bins):
            for m in range(trials):
                squares[i, m] += counts[i, k] * energy[k + m]
        for g in range(ngroup):
            for k in range(bins):
                factor = -2.0 * sums[i, g, k]
                for m in range(trials):
                    products[i, m] += factor * waves[g, k + m]
    return squares, products


@leaf
def _straighten(waves, coefficients, step, start, bins):
    """Fill `waves` [group, place] with the wave at steps of a bin, less the straight line over the groups."""
    ngroup = waves.shape[0]
    middle, spread = 0.5 * (ngroup - 1), ngroup * (ngroup * ngroup - 1) / 12.0
    for k in range(waves.shape[1]):
        mean, slope = 0.0, 0.0
        for g in range(ngroup):
            value = evaluate_wave(coefficients, (k + 0.5) / bins + start + g * step)
            waves[g, k] = value
            mean += value
            slope += (g - middle) * value
        mean, slope = mean / ngroup, slope / spread
        for g in range(ngroup):
            waves[g, k] -= mean + slope * (g - middle)


@image
def subtract_wave(data, phases, coefficients, step, starts, amplitudes):
    """Subtract the wave from all outputs, in place.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Signal, DN.
    phases : float64 [y, x / 4]
        Phase of the wave in the first group, cycles.
    coefficients : float64 [knot]
        The wave's spline, DN.
    step : float
        Phase from group to group, cycles.
    starts : float64 [integration]
        Phase at time zero of each integration, cycles.
    amplitudes : float64 [integration]
        Factors on the wave.
    """
    nint, ngroup, ny, nx = data.shape
    for row in prange(nint * ngroup * ny):
        i, g, y = row // (ngroup * ny), row // ny % ngroup, row % ny
        signal, start = data[i, g, y], starts[i] + g * step
        for column in range(nx // OUTPUTS):
            value = amplitudes[i] * evaluate_wave(coefficients, phases[y, column] + start)
            for output in range(OUTPUTS):
                signal[OUTPUTS * column + output] -= value
