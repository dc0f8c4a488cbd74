"""The smooth background of an image and its noise: clipped medians of boxes, joined by splines.

Pixels of each box are sorted once, so that clipping only moves the ends of a window; medians are then at hand. The mesh
of boxes is smoothed by a running median and enlarged by cubic splines, which is a product of matrices: one row of
weights for each pixel row and column.

References
----------
Bertin & Arnouts 1996, A&AS 117, 393.
"""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

SIGMA = 3.0
ROUNDS = 5
FULL = 0.9  # a box counts if more than this part of its pixels is good
NEIGHBOURS = 10  # good boxes from which a bad one is filled, and all that are as near as the last
THREADS = 2
PIECE, STRIPE = 1 << 14, 64  # values, and rows, that are dealt with at a time
KEYS = 0x7F800000  # bits of infinity


class Background(NamedTuple):
    """Level and standard deviation of the background, float32 [y, x]."""

    level: np.ndarray
    rms: np.ndarray


def measure_background(data, good, boxsize):
    """Measure the background of an image.

    Parameters
    ----------
    data : float32 [y, x]
        Image.
    good : bool [y, x]
        Pixels that count; those that are not finite never do.
    boxsize : int
        Side of a box, pixels. The last boxes of a row or column may be smaller. Those with fewer than nine tenths of
        good pixels take the mean of the others, by inverse distance. Where there are only such, the image is one box.

    Returns
    -------
    Background or None
        None where no pixel is good.
    """
    good = good & np.isfinite(data)
    if not good.any():
        return None
    height, width = (min(boxsize, size) for size in data.shape)
    runs, shape = _sort_boxes(data, good, (height, width))
    meshes = np.array([measure_runs([run]) for run in runs]).T.reshape(3, *shape)
    counts = meshes[2] > FULL * height * width
    if not counts.any():
        height, width = data.shape
        meshes = np.reshape(measure_runs(runs), (3, 1, 1))
        counts = np.ones((1, 1), bool)
    del runs
    maps = []
    for mesh in meshes[:2]:
        mesh = _smooth(_fill(np.where(counts, mesh, np.nan)))
        maps.append(enlarge(mesh, (height, width), data.shape))
    return Background(*maps)


def _sort_boxes(data, good, size):
    """Sorted good pixels of each box, row by row, and how many boxes there are along y and x."""
    slices = [[slice(k, k + step) for k in range(0, n, step)] for n, step in zip(data.shape, size, strict=True)]
    with ThreadPoolExecutor(THREADS) as pool:
        runs = list(pool.map(lambda box: _sort_good(data, good, box), itertools.product(*slices)))
    return runs, tuple(map(len, slices))


def _sort_good(data, good, box):
    values = data[box][good[box]]
    values.sort()
    return values


def measure_runs(runs, sigma=SIGMA, rounds=ROUNDS):
    """Median and standard deviation of values without outliers.

    Parameters
    ----------
    runs : list of float32 [n]
        Values, sorted, no NaN; all together count.
    sigma : float
        Values further than this many standard deviations from the median are left out.
    rounds : int
        How often, at most.

    Returns
    -------
    median, deviation : float
        NaN where there are no values.
    count : int
        Values kept.
    """
    n = sum(map(len, runs))
    if not n:
        return math.nan, math.nan, 0
    for remaining in range(rounds, -1, -1):
        n = sum(map(len, runs))
        median = 0.5 * (_select(runs, (n - 1) // 2) + _select(runs, n // 2))
        total, squares = np.sum([_sum_offsets(run, median) for run in runs], axis=0)
        deviation = math.sqrt(max(squares / n - (total / n) ** 2, 0.0))
        if not remaining:
            break
        reach = sigma * deviation
        runs = [run[slice(*_find_range(run, median - reach, median + reach))] for run in runs]
        if sum(map(len, runs)) == n:
            break
    return median, deviation, n


def _select(runs, rank):
    """Value of a rank among all sorted runs, float: its bits, in the order of numbers, are found by halving."""
    if len(runs) == 1:
        return float(runs[0][rank])
    low, high = -KEYS, KEYS
    while high - low > 1:
        middle = (low + high) // 2
        value = _number(middle)
        if sum(int(np.searchsorted(run, value)) for run in runs) <= rank:
            low = middle
        else:
            high = middle
    return float(_number(low))


def _number(key):
    """The float32 whose bits, sign apart, are a number; negative where that is."""
    value = np.array(abs(key), np.uint32).view(np.float32)[()]
    return -value if key < 0 else value


def _sum_offsets(values, origin):
    """Sum and sum of squares of float32 values less an origin, in pieces that stay in the processor's cache."""
    total = squares = 0.0
    for start in range(0, len(values), PIECE):
        offsets = values[start : start + PIECE] - np.float64(origin)
        total += float(offsets.sum())
        squares += float(np.square(offsets, out=offsets).sum())
    return total, squares


def _find_range(values, least, greatest):
    """First and last + 1 of sorted float32 values between two limits, included."""
    first, last = np.float32(least), np.float32(greatest)
    first = np.nextafter(first, np.float32(np.inf)) if first < least else first
    last = np.nextafter(last, np.float32(-np.inf)) if last > greatest else last
    return int(np.searchsorted(values, first)), int(np.searchsorted(values, last, side="right"))


def _fill(mesh):
    """Replace NaN by the means of the nearest others, weighted by inverse distance."""
    known, unknown = np.argwhere(np.isfinite(mesh)), np.argwhere(np.isnan(mesh))
    if not len(unknown):
        return mesh
    distance = np.hypot(*(unknown[:, None] - known[None]).transpose(2, 0, 1))
    # On a mesh many are equally far; all of those count.
    reach = np.sort(distance, axis=1)[:, :NEIGHBOURS][:, -1:]
    weights = np.where(distance <= reach + 1e-9, 1 / distance, 0)
    filled = mesh.copy()
    filled[tuple(unknown.T)] = weights @ mesh[tuple(known.T)] / weights.sum(axis=1)
    return filled


def _smooth(mesh):
    """Median of each box and its neighbours. NaN are sorted last (numpy's own nanmedian imports its masked arrays)."""
    padded = np.pad(mesh, 1, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).reshape(*mesh.shape, 9)
    windows, last = np.sort(windows, axis=2), np.isfinite(windows).sum(axis=2, keepdims=True) - 1
    lower, upper = (np.take_along_axis(windows, rank, axis=2)[:, :, 0] for rank in (last // 2, last - last // 2))
    return (lower + upper) / 2


def enlarge(mesh, box, shape):
    """Interpolate a mesh at every pixel by cubic splines, not beyond its range.

    Parameters
    ----------
    mesh : float64 [rows, columns]
        Values at the centres of boxes.
    box : tuple of int
        Height and width of a box, pixels.
    shape : tuple of int
        Of the image, not larger than the boxes together.

    Returns
    -------
    float32 [y, x]
    """
    low, high = mesh.min(), mesh.max()
    if low == high:
        return np.full(shape, low, np.float32)
    rows, columns = (_spline_weights(*sizes) for sizes in zip(mesh.shape, box, shape, strict=True))
    rows, columns, image = rows @ mesh, columns.T.copy(), np.empty(shape, np.float32)
    for start in range(0, shape[0], STRIPE):
        image[start : start + STRIPE] = np.clip(rows[start : start + STRIPE] @ columns, low, high)
    return image


def _spline_weights(count, step, size):
    """Weights [size, count] that give the cubic spline at pixels through `count` values, one every `step` pixels.

    Beyond the ends the values are mirrored.
    """
    system = np.zeros((count, count))
    nodes = np.arange(count)
    for offset, weight in ((-1, 1 / 6), (0, 4 / 6), (1, 1 / 6)):
        np.add.at(system, (nodes, _mirror(nodes + offset, count)), weight)
    position = (np.arange(size) + 0.5) / step - 0.5
    first = np.floor(position).astype(int)
    t = position - first
    bases = ((1 - t) ** 3 / 6, (4 - 6 * t**2 + 3 * t**3) / 6, (1 + 3 * t + 3 * t**2 - 3 * t**3) / 6, t**3 / 6)
    weights = np.zeros((size, count))
    for offset, basis in enumerate(bases, -1):
        np.add.at(weights, (np.arange(size), _mirror(first + offset, count)), basis)
    return weights @ np.linalg.inv(system)


def _mirror(index, count):
    """Index inside 0 .. count - 1 of one beyond the ends, mirrored at the outer edges."""
    index = np.mod(index, 2 * count)
    return np.where(index < count, index, 2 * count - 1 - index)
