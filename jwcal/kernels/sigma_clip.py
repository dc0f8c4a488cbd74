"""Sigma-clipped mean of several exposures, pixel by pixel, with the variance of that mean.

Values further than `sigma` standard deviations from the median are left out, and again with the median and standard
deviation of the rest, until nothing changes or the rounds are used up. Of the n values kept,

    mean = sum v / n,   var(mean) = sum var / n^2.

The values are sorted first, so that clipping only moves the two ends of a window. NaN is never kept.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel


@pixel
def sort_finite(data, y, x, ordered):
    """Copy a pixel's values that are not NaN or infinite into `ordered`, ascending; returns how many."""
    count = 0
    for n in range(data.shape[0]):
        value = data[n, y, x]
        if not np.isfinite(value):
            continue
        k = count
        while k > 0 and ordered[k - 1] > value:
            ordered[k] = ordered[k - 1]
            k -= 1
        ordered[k] = value
        count += 1
    return count


@pixel
def measure_window(ordered, low, high):
    """Median and standard deviation of ordered[low:high]."""
    n = high - low
    middle = low + n // 2
    median = ordered[middle] if n % 2 else 0.5 * (ordered[middle - 1] + ordered[middle])
    total = 0.0
    for k in range(low, high):
        total += ordered[k]
    mean, squares = total / n, 0.0
    for k in range(low, high):
        squares += (ordered[k] - mean) ** 2
    return median, np.sqrt(squares / n)


@pixel
def clip_window(ordered, count, sigma, rounds):
    """Window [low, high) of the sorted values that survives; `rounds` < 0 clips until nothing changes."""
    low, high = 0, count
    while high > low and rounds != 0:
        before = high - low
        median, deviation = measure_window(ordered, low, high)
        while low < high and ordered[low] < median - sigma * deviation:
            low += 1
        while low < high and ordered[high - 1] > median + sigma * deviation:
            high -= 1
        if high - low == before:
            break
        rounds -= 1
    return low, high


@image
def average_clipped(data, var_poisson, var_rnoise, sigma, rounds):
    """Mean of exposures without outliers.

    Parameters
    ----------
    data, var_poisson, var_rnoise : float32 [exposure, y, x]
        Values and their variances.
    sigma : float
        Clipping limit in standard deviations.
    rounds : int
        Greatest number of clipping rounds; -1 for as many as it takes.

    Returns
    -------
    mean, var_poisson, var_rnoise : float32 [y, x]
        Mean of the values kept and its variances; 0 where none is left.
    count : int32 [y, x]
        Values kept.
    """
    n, ny, nx = data.shape
    mean, count = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.int32)
    poisson, rnoise = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32)
    for y in prange(ny):
        ordered = np.empty(n)
        for x in range(nx):
            low, high = clip_window(ordered, sort_finite(data, y, x, ordered), sigma, rounds)
            total, p, r = 0.0, 0.0, 0.0
            for k in range(n):
                value = data[k, y, x]
                if high > low and ordered[low] <= value <= ordered[high - 1]:
                    total += value
                    p += var_poisson[k, y, x]
                    r += var_rnoise[k, y, x]
            kept = max(high - low, 1)
            mean[y, x], count[y, x] = total / kept, high - low
            poisson[y, x], rnoise[y, x] = p / kept**2, r / kept**2
    return mean, poisson, rnoise, count
