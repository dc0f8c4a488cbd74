"""Slope of one segment by least squares, with weights that are optimal for its signal-to-noise ratio.

A segment of n groups has the slope b = sum_k w_k (k - m) y_k / sum_k w_k (k - m)^2, m = (n - 1) / 2, with weights
w_k = |(k - m) / m|^P. P grows from 0 (read noise dominates: all groups count alike) to 10 (photon noise dominates: the
first and the last group count) with S = g D / sqrt(r^2 + g D), where D is the segment's rise, g the gain, r the read
noise. The weights are symmetric, so that groups enter in pairs: b = sum_k c_k (y_{n-1-k} - y_k); the c_k are tabulated.

Variances are those of the segment, whatever the weights: by read noise 12 r^2 / ((n^3 - n) g^2 T^2), by photons
R / (g T (n - 1)) with R the pixel's median rate over all integrations plus its dark current. A single group counts from
zero: its time is that since the reset where known, else a group's.

References: Fixsen et al. 2000, PASP 112, 1350; Robberto 2008, JWST-STScI-001490.
"""

import numpy as np

from jwcal.kernels import leaf
from jwcal.kernels.ramp_blocks import FIRST_FRAME, FIRST_GROUP

LIMITS = np.array([5.0, 10.0, 20.0, 50.0, 100.0])  # of S, between the POWERS
POWERS = np.array([0.0, 0.4, 1.0, 3.0, 6.0, 10.0])


def tabulate_coefficients(n_groups):
    """Coefficients c_k of the slope per group, for segments of up to `n_groups`: float64 [length, power, pair]."""
    table = np.zeros((n_groups + 1, POWERS.size, max(n_groups // 2, 1)))
    for n in range(3, n_groups + 1):
        arm = (n - 1) / 2 - np.arange(n // 2)  # distance from the middle
        weights = (arm / arm[0]) ** POWERS[:, None]
        table[n, :, : n // 2] = weights * arm / (2 * (weights * arm**2).sum(axis=1, keepdims=True))
    return table


@leaf
def choose_power(rise, gain, noise):
    """Index into POWERS for a segment that rises by `rise` DN; `noise` in electrons. The highest where undefined."""
    signal = rise * gain
    variance = noise * noise + signal
    if variance <= 0.0 or signal <= 0.0:
        return 0
    below = 0
    for k in range(LIMITS.size):
        below += signal * signal < LIMITS[k] * LIMITS[k] * variance
    return LIMITS.size - below


@leaf
def single_time(kind, timing):
    """Time over which a single sample accumulated its signal, s."""
    if kind == FIRST_GROUP:
        return timing[2]
    if kind == FIRST_FRAME:
        return timing[1]
    return timing[0]


@leaf
def weigh_reads(n):
    """Weight of n groups, as far as read noise is concerned, in units of g^2 T^2 / r^2; one group counts as two do."""
    count = np.float64(max(n, 2))
    return (count * count * count - count) / 12.0


@leaf
def fit_line(values, first, n, w, coefficients, power):
    """Slope in DN per group of `n` >= 3 samples of column `w` from row `first` on; lost samples count as zero."""
    last = first + n - 1
    slope = 0.0
    for k in range(n // 2):
        early, late = np.float64(values[first + k, w]), np.float64(values[last - k, w])
        early = early if early == early else 0.0
        late = late if late == late else 0.0
        slope += coefficients[n, power, k] * (late - early)
    return slope


@leaf
def fit_rise(values, first, n, w, gain, noise, coefficients):
    """Slope of a segment, DN per group; of a single sample its signal.

    Parameters
    ----------
    values : float32 [sample, pixel]
        Ramps of a row of pixels, DN.
    first, n, w : int
        Row of the first group, number of groups, pixel.
    gain, noise : float
        The pixel's gain (e-/DN) and read noise of a group (e-).
    coefficients : float64 [length, power, pair]
        Table of `tabulate_coefficients`.
    """
    rise = np.float64(values[first + n - 1, w])
    if n > 1:
        rise -= np.float64(values[first, w])
    slope = rise
    if n > 2:
        slope = fit_line(values, first, n, w, coefficients, choose_power(rise, gain, noise))
    return slope
