"""Random maps that depend on the place only: a pixel has the same properties in every subarray that reads it."""

import hashlib
import math

import numpy as np
from numba import njit, prange

RECIPROCALS = 1 / np.arange(64.0).clip(1)  # a product is quicker than a division


def make_key(*parts):
    """64-bit key of a random map from anything printable (seed, detector, name of the map)."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def make_generator(*parts):
    """Generator of random numbers for one purpose, so that switching off one effect leaves the others' draws alone."""
    return np.random.Generator(np.random.SFC64(int(make_key(*parts))))


@njit(cache=True)
def _hash(key, counter):
    """SplitMix64 (Steele et al. 2014): a uniform number in (0, 1) from a key and a counter."""
    z = key + (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (np.float64(z >> np.uint64(11)) + 0.5) / 9007199254740992.0


@njit(cache=True, parallel=True)
def _fill_uniform(result, key, x0, y0):
    for row in prange(result.shape[0]):
        for column in range(result.shape[1]):
            counter = np.uint64((y0 + row) * 4096 + x0 + column)
            result[row, column] = _hash(key, counter)


@njit(cache=True, parallel=True)
def _fill_normal(result, key, x0, y0):
    """Box-Muller: the two normal numbers of a pair go to an even column and its odd neighbour."""
    ny, nx = result.shape
    for row in prange(ny):
        for pair in range(x0 // 2, (x0 + nx - 1) // 2 + 1):
            counter = np.uint64(2) * np.uint64((y0 + row) * 4096 + pair)
            radius = np.sqrt(-2 * np.log(_hash(key, counter)))
            angle = 2 * np.pi * _hash(key, counter + np.uint64(1))
            column = 2 * pair - x0
            if column >= 0:
                result[row, column] = radius * np.cos(angle)
            if column + 1 < nx:
                result[row, column + 1] = radius * np.sin(angle)


def draw_uniform(key, region):
    """Uniform numbers in (0, 1) for the pixels of a region.

    Parameters
    ----------
    key : numpy.uint64
        From `make_key`.
    region : object with x0, y0, nx, ny
        Zero-based place and size on the full frame.

    Returns
    -------
    float32 [y, x]
    """
    result = np.empty((region.ny, region.nx), np.float32)
    _fill_uniform(result, key, region.x0, region.y0)
    return result


def draw_normal(key, region):
    """Standard normal numbers for the pixels of a region; arguments and result as `draw_uniform`."""
    result = np.empty((region.ny, region.nx), np.float32)
    _fill_normal(result, key, region.x0, region.y0)
    return result


def draw_smooth(key, region, cells=6):
    """A smooth random field of zero mean and about unit variance: a few low-order waves over the full frame.

    Parameters
    ----------
    key, region
        As `draw_uniform`.
    cells : int
        Highest number of half waves across the detector.

    Returns
    -------
    float32 [y, x]
    """
    rng = np.random.default_rng(int(key))
    x = (np.arange(region.nx) + region.x0) / 2048 * np.pi
    y = (np.arange(region.ny) + region.y0) / 2048 * np.pi
    orders = np.arange(1, cells + 1)
    waves_x = np.cos(np.outer(x, orders) + rng.uniform(0, 2 * np.pi, cells))
    waves_y = np.cos(np.outer(y, orders) + rng.uniform(0, 2 * np.pi, cells))
    weights = rng.standard_normal((cells, cells)) / np.add.outer(orders, orders)
    weights *= 2 / np.sqrt((weights**2).sum())
    return (waves_y @ weights @ waves_x.T).astype(np.float32)


@njit(cache=True)
def _poisson_small(mean, uniform):
    """Poisson number by inversion: walk up the cumulative distribution until it passes a uniform number."""
    term = np.exp(-mean)
    total, count = term, 0
    while uniform > total and count < RECIPROCALS.size - 1:
        count += 1
        term *= mean * RECIPROCALS[count]
        total += term
    return count


@njit(cache=True)
def _poisson_large(mean, key, counter):
    """Poisson number by transformed rejection (algorithm PTRS, Hoermann 1993), for means above 10."""
    root = np.sqrt(mean)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    shape = 1.1239 + 1.1328 / (b - 3.4)
    log_mean = np.log(mean)
    for trial in range(64):
        place = counter + np.uint64(2 * trial)
        u, v = _hash(key, place) - 0.5, _hash(key, place + np.uint64(1))
        us = 0.5 - abs(u)
        k = np.floor((2 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= 0.9277 - 3.6224 / (b - 2):
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        if np.log(v) + np.log(shape) - np.log(a / (us * us) + b) <= -mean + k * log_mean - math.lgamma(k + 1):
            return k
    return np.floor(mean)


@njit(cache=True, parallel=True)
def _fill_poisson(means, key):
    for row in prange(means.shape[0]):
        for column in range(means.shape[1]):
            mean = np.float64(means[row, column])
            counter = np.uint64(128) * np.uint64(row * means.shape[1] + column)
            if mean >= 10:
                means[row, column] = _poisson_large(mean, key, counter)
            elif mean > 0:
                means[row, column] = _poisson_small(mean, _hash(key, counter))
            else:
                means[row, column] = 0


def draw_poisson(means, key):
    """Replace means by Poisson numbers, in place; the same for any number of threads.

    Parameters
    ----------
    means : float32 [y, x]
        Means; negative ones count as zero.
    key : numpy.uint64
        What the draws follow from.
    """
    _fill_poisson(means, key)
