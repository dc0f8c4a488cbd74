"""Mean of an image's positive values without outliers: typical weight of a resampled image.

Values further than `sigma` standard deviations from the median are left out, and again with the median and standard
deviation of the rest. The median of millions of values needs no sorting: positive float32 numbers are ordered as the
integers that their bits spell, so that counting the upper 16 bits and then, within one bin, the lower 16 finds it
exactly in two passes (radix selection; Knuth, The Art of Computer Programming 3, 5.2.5).
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel

BINS = 1 << 16
BLOCKS = 16  # stretches that are counted side by side


@image
def count_halves(bits, limits, prefix):
    """Histogram of half the bits of values between two limits.

    Parameters
    ----------
    bits : uint32 [n]
        Bits of float32 values.
    limits : (uint32, uint32)
        Smallest and largest value that counts, as bits.
    prefix : int
        -1 to count the upper halves; otherwise to count the lower halves of those with this upper half.

    Returns
    -------
    int64 [65536]
    """
    counts = np.zeros((BLOCKS, BINS), np.int64)
    step = (bits.size + BLOCKS - 1) // BLOCKS
    for block in prange(BLOCKS):
        mine = counts[block]
        for k in range(block * step, min(bits.size, (block + 1) * step)):
            value = bits[k]
            if limits[0] <= value <= limits[1]:
                upper = np.int64(value >> np.uint32(16))
                if prefix < 0:
                    mine[upper] += 1
                elif upper == prefix:
                    mine[np.int64(value & np.uint32(BINS - 1))] += 1
    return counts.sum(axis=0)


@image
def sum_powers(values, bits, limits, origin):
    """Number, sum and sum of squares of ``values - origin`` between two limits; arguments as for `count_halves`."""
    sums = np.zeros((BLOCKS, 3))
    step = (values.size + BLOCKS - 1) // BLOCKS
    for block in prange(BLOCKS):
        count, total, squares = 0, 0.0, 0.0
        for k in range(block * step, min(values.size, (block + 1) * step)):
            if limits[0] <= bits[k] <= limits[1]:
                offset = float(values[k]) - origin
                count += 1
                total += offset
                squares += offset * offset
        sums[block, 0], sums[block, 1], sums[block, 2] = count, total, squares
    return sums.sum(axis=0)


@pixel
def find_rank(counts, rank):
    """Bin that holds the value of a rank (from 0), and the rank within that bin."""
    k = 0
    while rank >= counts[k]:
        rank -= counts[k]
        k += 1
    return k, rank


@pixel
def select_pair(bits, limits, count):
    """Bits of the two middle values; twice the same where their number is odd."""
    upper = count_halves(bits, limits, np.int64(-1))
    low, low_rank = find_rank(upper, (count - 1) // 2)
    high, high_rank = find_rank(upper, count // 2)
    lower = count_halves(bits, limits, np.int64(low))
    first, _ = find_rank(lower, low_rank)
    if high != low:
        lower = count_halves(bits, limits, np.int64(high))
    second, _ = find_rank(lower, high_rank)
    return np.uint32(low * BINS + first), np.uint32(high * BINS + second)


def average_positive(values, sigma, rounds):
    """Clipped mean of the positive finite values.

    Parameters
    ----------
    values : float32 array
        Zeros, negative values, NaN and infinity do not count.
    sigma : float
        Clipping limit in standard deviations about the median.
    rounds : int
        Greatest number of clipping rounds.

    Returns
    -------
    float
        NaN where no value counts.
    """
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    bits = flat.view(np.uint32)
    limits = _read_bits(np.float32(0), 1), _read_bits(np.float32(np.inf), -1)
    count, total, _ = sum_powers(flat, bits, limits, 0.0)
    for _ in range(rounds):
        if count == 0:
            return np.nan
        pair = np.array(select_pair(bits, limits, np.int64(count)), np.uint32).view(np.float32)
        median = 0.5 * (float(pair[0]) + float(pair[1]))
        _, offset, squares = sum_powers(flat, bits, limits, median)
        reach = sigma * np.sqrt(max(squares / count - (offset / count) ** 2, 0.0))
        limits = _enclose(median - reach, median + reach, limits)
        before = count
        count, total, _ = sum_powers(flat, bits, limits, 0.0)
        if count == before:
            break
    return total / count if count else np.nan


def _enclose(low, high, limits):
    """Bits of the smallest and the largest float32 between two numbers, and within the limits that hold already."""
    first, last = np.float32(max(low, 0.0)), np.float32(high)
    return (
        max(_read_bits(first, 1 if first < low else 0), limits[0]),
        min(_read_bits(last, -1 if last > high else 0), limits[1]),
    )


def _read_bits(value, step):
    return np.uint32(int(np.asarray(value, np.float32).view(np.uint32)) + step)
