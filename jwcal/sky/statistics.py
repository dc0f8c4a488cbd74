"""Typical values of the sky: clipped mean, median, mode, and midpoint, and clipped differences of maps of cells."""

from typing import NamedTuple

import numpy as np

TINY = 10 * float(np.finfo(np.float32).eps)


class Statistic(NamedTuple):
    """What is measured.

    Attributes
    ----------
    kind : str
        mean, median, mode (peak of the histogram, refined by a parabola) or midpt (where half of the histogram lies).
    lower, upper : float or None
        Range of values that count.
    nclip : int
        Rounds of clipping.
    lsigma, usigma : float
        Clipping limits in standard deviations from the mean.
    binwidth : float
        Width of the histogram's bins in standard deviations.
    """

    kind: str
    lower: float | None
    upper: float | None
    nclip: int
    lsigma: float
    usigma: float
    binwidth: float


def measure_sky(values, statistic):
    """Typical value.

    Mode and midpoint are those of stsci.imagestats, where a bin counts as binwidth times the standard deviation wide
    although the histogram's own are a little wider, so that their number is whole; the result may thus be off by half a
    bin. Also its histogram reaches up (down) to the limit of clipping where the first pixel lies beyond that, else to
    the greatest (least) value. (Differences by pixel pairs do not use it.) With limits, but no clipping, its median is
    that of all pixels; here it is that of those within the limits.

    Parameters
    ----------
    values : jwcal.sky.populations.Population
        Pixels.
    statistic : Statistic
        What to measure.

    Returns
    -------
    level : float or None
        None where nothing is left.
    count : int
        Values that are left after clipping.
    """
    if not len(values):
        return None, 0
    least, greatest = values.extremes()
    lower = least if statistic.lower is None else float(statistic.lower)
    upper = greatest if statistic.upper is None else float(statistic.upper)
    low, high = lower, upper
    for remaining in range(statistic.nclip, -1, -1):
        count, mean, deviation, least, greatest = values.measure(low, high)
        if not count:
            return None, 0
        if remaining:
            low = max(lower, mean - statistic.lsigma * deviation)
            high = min(upper, mean + statistic.usigma * deviation)
    if statistic.kind == "mean":
        return mean, count
    if statistic.kind == "median":
        return values.median(low, high), count
    least = float(np.float32(low)) if values.first < low else least
    greatest = float(np.float32(high)) if values.first > high else greatest
    level = _read_histogram(values, statistic.kind, statistic.binwidth * deviation, least, greatest)
    return (level, count) if np.isfinite(level) else (None, 0)


def _read_histogram(values, kind, width, least, greatest):
    """Mode or midpoint of values between `least` and `greatest`, for a nominal width of bins."""
    span = greatest - least
    if width < TINY or abs(span) < TINY or width > span:
        return least + 0.5 * width if kind == "mode" else 0.5 * (least + greatest)
    bins = int(span / width) + 1
    counts = values.count_in_bins(least, span / (bins - 1), bins)
    return least + width * (_find_peak(counts) if kind == "mode" else _find_half(counts))


def _find_peak(counts):
    """Position of the highest bin, in bins."""
    peak = int(np.argmax(counts))
    if len(counts) == 2 and counts[0] == counts[1]:
        return 1.0
    if len(counts) == 2 or peak in (0, len(counts) - 1):
        return peak + 0.5
    before, after = (int(counts[peak]) - int(counts[peak + side]) for side in (-1, 1))
    return peak + 0.5 + (0.5 * (before - after) / (before + after) if before + after else 0.0)


def _find_half(counts):
    """Position up to which half of the counts lie, in bins."""
    part = np.cumsum(counts) / counts.sum()
    bin_ = int(np.argmax(part >= 0.5))
    before = part[bin_ - 1] if bin_ else 0.0
    return bin_ + (0.5 - before) / (part[bin_] - before)


def clip_differences(differences, weights, statistic):
    """Mean of differences without outliers.

    Parameters
    ----------
    differences, weights : float64 [n]
        Values and their weights.
    statistic : Statistic
        Its clipping is used, about the median.

    Returns
    -------
    float or None
        None where there are none.
    """
    kept = np.ones(len(differences), bool)
    for _ in range(statistic.nclip):
        if not kept.any():
            return None
        middle, deviation = np.median(differences[kept]), differences[kept].std()
        low, high = middle - statistic.lsigma * deviation, middle + statistic.usigma * deviation
        inside = (differences >= low) & (differences <= high)
        if np.array_equal(inside, kept):
            break
        kept = inside
    if not kept.any():
        return None
    return float(np.average(differences[kept], weights=weights[kept]))
