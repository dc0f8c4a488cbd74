"""Pixels of an exposure in order of their value, so that those of many regions are counted without looking at each."""

from functools import cached_property

import numpy as np

from jwcal.sky.regions import complement, order_spans

STRETCH = 1024  # values whose sums are kept


class Sorted:
    """Values in order.

    Parameters
    ----------
    values : float32 [n]
        No NaN.
    origin : float or None
        What sums are taken about; None takes the middle one.
    """

    def __init__(self, values, origin=None):
        self.first = float(values[0]) if len(values) else np.nan  # as they were given
        self.values = np.sort(values)
        self.origin = float(self.values[len(values) // 2]) if origin is None and len(values) else origin or 0.0

    @cached_property
    def _stretches(self):
        """Sums of the offsets of each full stretch, and of their squares."""
        full = self.values[: len(self.values) // STRETCH * STRETCH].reshape(-1, STRETCH)
        sums = [self._add(full[k : k + STRETCH]) for k in range(0, len(full), STRETCH)]
        return np.concatenate([np.zeros((0, 2)), *sums])

    def _add(self, values):
        """Sum of the offsets and of their squares, along the last axis."""
        offsets = values - np.float64(self.origin)
        return np.stack([offsets.sum(axis=-1), np.einsum("...k,...k", offsets, offsets)], axis=-1)

    def find(self, low, high):
        """First of the values from `low` to `high`, included, and the one after their last."""
        return np.searchsorted(self.values, _round_up(low)), np.searchsorted(self.values, -_round_up(-high), "right")

    def add(self, start, stop):
        """Sum of the offsets of a range of the values, and of their squares; stretches are not looked into."""
        first, last = -(-start // STRETCH), stop // STRETCH
        if first >= last:
            return self._add(self.values[start:stop])
        ends = self.values[start : first * STRETCH], self.values[last * STRETCH : stop]
        return self._stretches[first:last].sum(axis=0) + sum(self._add(end) for end in ends)


def _round_up(limit):
    """Smallest float32 that is not less."""
    nearest = np.float32(limit)
    return np.nextafter(nearest, np.float32(np.inf)) if float(nearest) < limit else nearest


class Population:
    """Values of a region: those of another one that holds it, without those outside.

    Parameters
    ----------
    values : float32 [n] or Sorted
        Of the larger region; no NaN.
    outside : float32 [m]
        Of them, those that do not count.
    first : float, optional
        The region's first pixel, row by row; None takes the larger region's.
    """

    def __init__(self, values, outside=(), first=None):
        self._all = values if isinstance(values, Sorted) else Sorted(values)
        self.first = self._all.first if first is None else first
        self._outside = Sorted(np.asarray(outside, np.float32), self._all.origin)

    def __len__(self):
        return len(self._all.values) - len(self._outside.values)

    def extremes(self, low=-np.inf, high=np.inf):
        """Least and greatest of the values from `low` to `high`, of which there are some."""
        (start, stop), (first, last) = self._all.find(low, high), self._outside.find(low, high)
        inside, outside = self._all.values[start:stop], self._outside.values[first:last]
        return _first_other(inside, outside), _first_other(inside[::-1], outside[::-1])

    def measure(self, low, high):
        """Number, mean, standard deviation (n - 1), least and greatest of the values from `low` to `high`."""
        ranges = self._all.find(low, high), self._outside.find(low, high)
        count = int(np.subtract(*(stop - start for start, stop in ranges)))
        if not count:
            return 0, np.nan, np.nan, np.nan, np.nan
        total, squares = self._all.add(*ranges[0]) - self._outside.add(*ranges[1])
        spread = max(squares - total * total / count, 0.0) / (count - 1) if count > 1 else 0.0
        return count, float(self._all.origin + total / count), float(np.sqrt(spread)), *self.extremes(low, high)

    def median(self, low, high):
        """Median of the values from `low` to `high`, of which there are some."""
        ranges = self._all.find(low, high), self._outside.find(low, high)
        count = int(np.subtract(*(stop - start for start, stop in ranges)))
        before = ranges[0][0] - ranges[1][0]
        return float(np.mean([self._pick(before + k) for k in {(count - 1) // 2, count // 2}], dtype=np.float32))

    def _pick(self, rank):
        """The value with `rank` smaller or equal ones before it."""
        low, high = rank, rank + len(self._outside.values)  # in the larger region
        while low < high:
            middle = (low + high) // 2
            value = self._all.values[middle]
            if self._count_up_to(value) > rank:
                high = middle
            else:
                low = middle + 1
        return self._all.values[low]

    def _count_up_to(self, value):
        return np.subtract(*(np.searchsorted(part.values, value, "right") for part in (self._all, self._outside)))

    def count_in_bins(self, origin, width, bins):
        """Histogram: how many values lie in each of `bins` bins of a width, from `origin`; int64."""
        limits = np.array([_round_up(_find_edge(origin, width, k)) for k in range(bins + 1)])
        parts = (np.searchsorted(part.values, limits) for part in (self._all, self._outside))
        return np.diff(np.subtract(*parts))


def _find_edge(origin, width, number):
    """Smallest number that lies in a bin, though divisions are rounded."""
    edge = origin + number * width
    while (np.nextafter(edge, -np.inf) - origin) / width >= number:
        edge = np.nextafter(edge, -np.inf)
    while (edge - origin) / width < number:
        edge = np.nextafter(edge, np.inf)
    return edge


def _first_other(values, others):
    """First of some ordered values that is not among others, which are some of them."""
    start, step = 0, 16
    while start < len(others):
        stop = min(start + step, len(others))
        differs = values[start:stop] != others[start:stop]
        if differs.any():
            return float(values[start + np.argmax(differs)])
        start, step = stop, 2 * step
    return float(values[len(others)])


class Pixels:
    """The good pixels of an exposure.

    Parameters
    ----------
    data, dq : float32 and uint32 [y, x]
        Pixels and their flags.
    bad : int
        Flags of pixels that do not count.
    """

    def __init__(self, data, dq, bad):
        self._data, self._dq, self._bad = data, dq, np.uint32(bad)

    def _gather(self, spans):
        from jwcal.kernels.sky_statistics import gather_good

        return gather_good(self._data, self._dq, self._bad, spans)

    @cached_property
    def all(self):
        """All of them, `Sorted`."""
        ny, nx = self._data.shape
        return Sorted(self._gather(np.tile(np.array([0, nx - 1], np.int32), (1, ny, 1))))

    def inside(self, spans):
        """`Population` of a region (int32 [k, y, 2]); of a large one, from what is outside."""
        spans = order_spans(spans)
        outside = complement(spans, self._data.shape[1])
        area = int(np.maximum(outside[..., 1] - outside[..., 0] + 1, 0).sum())
        if 2 * area > self._data.size:
            return Population(self._gather(spans))
        return Population(self.all, self._gather(outside), self._find_first(spans))

    def _find_first(self, spans):
        """First good pixel of a region; NaN without any."""
        from jwcal.kernels.sky_statistics import gather_good

        for y in np.flatnonzero((spans[..., 1] >= spans[..., 0]).any(axis=0)):
            row = np.s_[y : y + 1]
            found = gather_good(self._data[row], self._dq[row], self._bad, np.ascontiguousarray(spans[:, row]))
            if len(found):
                return float(found[0])
        return np.nan
