"""Sigma-clipped level and scatter of the pixels of an image, and the limits beyond which a pixel is no background.

The pixels come sorted, so that clipping only moves the two ends of a window, and what it removes is subtracted from two
running sums. Sources make the upper half of the distribution longer than noise would: the scatter may be taken from the
lower half alone, mirrored at the median.
"""

import numpy as np

from jwcal.kernels import leaf, pixel


@leaf
def median_of(ordered, low, high):
    """Median (float64) of ordered[low:high], which is not empty."""
    middle = low + (high - low) // 2
    upper = np.float64(ordered[middle])
    return upper if (high - low) % 2 else 0.5 * (upper + np.float64(ordered[middle - 1]))


@pixel
def clip_sorted(ordered, sigma, rounds):
    """Level and scatter after clipping at `sigma` standard deviations from the median.

    Parameters
    ----------
    ordered : float32 [n]
        Sorted values, at least one.
    sigma : float
        Limit in standard deviations.
    rounds : int
        Greatest number of rounds.

    Returns
    -------
    mean, median, deviation : float
        Of the values kept.
    """
    low, high = 0, ordered.size
    origin = median_of(ordered, low, high)
    total, squares = _sum_up(ordered, low, high, origin)
    for _ in range(rounds):
        count = high - low
        middle = median_of(ordered, low, high)
        reach = sigma * np.sqrt(max(squares / count - (total / count) ** 2, 0.0))
        first, last = low, high
        while low < high and ordered[low] < middle - reach:
            low += 1
        while low < high and ordered[high - 1] > middle + reach:
            high -= 1
        if low == high:
            low, high = first, last
        if high - low == count:
            break
        for start, stop in ((first, low), (high, last)):
            lost, lost_squares = _sum_up(ordered, start, stop, origin)
            total, squares = total - lost, squares - lost_squares
    count = high - low
    mean = total / count
    return origin + mean, median_of(ordered, low, high), np.sqrt(max(squares / count - mean**2, 0.0))


@pixel
def _sum_up(ordered, start, stop, origin):
    """Sum and sum of squares of the distances from `origin`."""
    total = squares = 0.0
    for k in range(start, stop):
        distance = ordered[k] - origin
        total += distance
        squares += distance * distance
    return total, squares


@pixel
def clip_mirrored(ordered, centre, sigma, rounds):
    """Scatter of the values at or below `centre`, mirrored there, after clipping as in `clip_sorted`.

    Parameters
    ----------
    ordered : float32 [n]
        Sorted values.
    centre : float
        Where the distribution is mirrored; its median and mean stay there.
    sigma, rounds : float, int
        As in `clip_sorted`.

    Returns
    -------
    float
        Standard deviation; NaN where no value lies below.
    """
    low, high = 0, _count_up_to(ordered, centre)
    _, squares = _sum_up(ordered, low, high, centre)
    for _ in range(rounds):
        if high == low:
            return np.nan
        first = low
        reach = sigma * np.sqrt(squares / (high - low))
        while low < high and ordered[low] < centre - reach:
            low += 1
        if low == first or low == high:
            low = first
            break
        squares -= _sum_up(ordered, first, low, centre)[1]
    return np.sqrt(max(squares, 0.0) / (high - low)) if high > low else np.nan


@leaf
def _count_up_to(ordered, limit):
    """How many of the sorted values do not exceed a limit."""
    low, high = 0, ordered.size
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] <= limit:
            low = middle + 1
        else:
            high = middle
    return low
