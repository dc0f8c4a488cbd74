"""Random maps that depend on the place only: a pixel has the same properties in every subarray that reads it."""

import hashlib

import numpy as np
from numba import njit, prange


def make_key(*parts):
    """64-bit key of a random map from anything printable (seed, detector, name of the map)."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def make_generator(*parts):
    """Generator of random numbers for one purpose: switching off one effect leaves the draws of the others unchanged."""
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
    for row in prange(result.shape[0]):
        for column in range(result.shape[1]):
            counter = np.uint64(2) * np.uint64((y0 + row) * 4096 + x0 + column)
            radius = np.sqrt(-2 * np.log(_hash(key, counter)))
            result[row, column] = radius * np.cos(2 * np.pi * _hash(key, counter + np.uint64(1)))


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
