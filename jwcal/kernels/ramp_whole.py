"""Slopes of ramps of which no group is lost, side by side: most ramps of most exposures.

The same sums as `ramp_ols` forms over segments, in the same order, for ramps of one segment: what they weigh is the
same in all integrations, and the processor takes several pixels at a time (measured: ramp_fit takes 0.6 of the time).
"""

import numpy as np

from jwcal.kernels import leaf, pixel
from jwcal.kernels.ramp_slopes import LIMITS, weigh_reads


@pixel
def weigh_whole(traits, n, group_time, whole):
    """Weights of ramps of `n` > 1 groups.

    Parameters
    ----------
    traits : float64 [3, pixel]
        Of `ramp_blocks.load_traits`.
    n : int
        Number of groups.
    group_time : float
        Time of a group, s.
    whole : float64 [3, pixel]
        Filled with the weights by photon, read and total variance.
    """
    reads, steps = weigh_reads(n), np.float64(n - 1)
    for w in range(traits.shape[1]):
        gain, noise, light = traits[0, w], traits[1, w], traits[2, w]
        ratio = group_time * gain / noise
        weight, poisson = reads * (ratio * ratio), light / (group_time * gain * steps)
        whole[0, w] = 1.0 / poisson if poisson > 0 else 0.0
        whole[1, w] = weight
        whole[2, w] = 1.0 / (1.0 / weight + poisson)


@leaf
def _choose_powers(slopes, traits, powers):
    """`ramp_slopes.choose_power` for the rises in `slopes`."""
    for w in range(powers.size):
        powers[w] = LIMITS.size
    for k in range(LIMITS.size):
        limit = LIMITS[k] * LIMITS[k]
        for w in range(powers.size):
            signal = slopes[w] * traits[0, w]
            variance = traits[1, w] * traits[1, w] + signal
            powers[w] -= np.uint32(signal * signal < limit * variance)
    for w in range(powers.size):
        signal = slopes[w] * traits[0, w]
        variance = traits[1, w] * traits[1, w] + signal
        powers[w] = np.uint32(0) if variance <= 0.0 or signal <= 0.0 else powers[w]


@leaf
def _add_pair(early, late, factors, powers, slopes):
    """Add what two groups at the same distance from the middle tell; lost samples count as zero."""
    for w in range(powers.size):
        low, high = np.float64(early[w]), np.float64(late[w])
        low = low if low == low else 0.0
        high = high if high == high else 0.0
        slopes[w] += factors[powers[w]] * (high - low)


@pixel
def fit_whole(values, traits, group_time, coefficients, whole, powers, sums):
    """Sums over the only segment of each ramp.

    Parameters
    ----------
    values : float32 [group, pixel]
        Ramps, DN.
    traits, group_time, whole
        As `weigh_whole` takes and leaves them.
    coefficients : float64 [length, power, pair]
        Of `ramp_slopes.tabulate_coefficients`.
    powers : uint32 [pixel]
        Scratch space.
    sums : float64 [4, pixel]
        Filled with the weights by photon, read and total variance, and the slopes times the second.
    """
    n, slopes = values.shape[0], sums[3]
    first, last = values[0], values[n - 1]
    for w in range(powers.size):
        slopes[w] = np.float64(last[w]) - np.float64(first[w])
    if n > 2:
        _choose_powers(slopes, traits, powers)
        for w in range(powers.size):
            slopes[w] = 0.0
        for k in range(n // 2):
            _add_pair(values[k], values[n - 1 - k], coefficients[n, :, k], powers, slopes)
    for w in range(powers.size):
        sums[0, w], sums[1, w], sums[2, w] = whole[0, w], whole[1, w], whole[2, w]
        slopes[w] = 0.0 + whole[1, w] * slopes[w] / group_time
