"""The smooth background of an image and its noise: clipped medians of boxes, joined by splines.

Pixels of each box are sorted once, so that clipping only moves the ends of a window; medians are then at hand. The mesh of boxes is smoothed by a running median and enlarged by cubic splines,
which is a product of matrices: one row of weights for each pixel row and column.

References
----------
Bertin & Arnouts 1996, A&AS 117, 393.
"""

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
    meshes = _measure_boxes(data, good, (height, width))
    counts = meshes[2] > FULL * height * width
    if not counts.any():
        height, width = data.shape
        meshes = _measure_boxes(data, good, (height, width))
        counts = np.ones((1, 1), bool)
    maps = []
    for mesh in meshes[:2]:
        mesh = _smooth(_fill(np.where(counts, mesh, np.nan)))
        maps.append(enlarge(mesh, (height, width), data.shape))
    return Background(*maps)


def _measure_boxes(data, good, size):
    """Median, standard deviation and number of the pixels that are left after clipping, of each box."""
    slices = [[slice(k, k + step) for k in range(0, n, step)] for n, step in zip(data.shape, size, strict=True)]
    boxes = [(rows, columns) for rows in slices[0] for columns in slices[1]]
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda box: measure_clipped(data[box][good[box]]), boxes))
    return np.array(found).T.reshape(3, len(slices[0]), len(slices[1]))


def measure_clipped(values, sigma=SIGMA, rounds=ROUNDS):
    """Median and standard deviation of values without outliers.

    Parameters
    ----------
    values : float32 [n]
        No NaN.
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
    values = np.sort(values)
    low, high = 0, len(values)
    if not high:
        return math.nan, math.nan, 0
    origin = float(values[high // 2])
    for remaining in range(rounds, -1, -1):
        n = high - low
        median = 0.5 * (float(values[low + (n - 1) // 2]) + float(values[low + n // 2]))
        total, squares = _sum_offsets(values[low:high], origin)
        deviation = math.sqrt(max(squares / n - (total / n) ** 2, 0.0))
        start, stop = _find_range(values, median - sigma * deviation, median + sigma * deviation)
        start, stop = max(low, start), min(high, stop)
        if not remaining or (start, stop) == (low, high):
            break
        low, high = start, stop
    return median, deviation, n


def _sum_offsets(values, origin):
    """Sum and sum of squares of float32 values less an origin, in pieces that stay in the processor's cache."""
    total = squares = 0.0
    for start in range(0, len(values), PIECE):
        offsets = values[start : start + PIECE] - np.float64(origin)
        total += float(offsets.sum())
        squares += float(offsets @ offsets)
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
    """Median of each box and its neighbours."""
    padded = np.pad(mesh, 1, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.nanmedian(windows, axis=(2, 3))


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
