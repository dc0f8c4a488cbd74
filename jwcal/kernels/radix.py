"""Sort millions of numbers, or find the median of thousands, by their bits and without comparing them in pairs.

A float32 is turned into an unsigned integer of the same order, its key: its bits, with the sign bit flipped, or all
bits where it is negative. To sort, the keys are distributed three times by eleven bits, from the lowest to the highest;
each pass keeps the order of the one before. This takes a third of the time of a sort by comparison. The median is built
bit by bit from the highest: a bit is set if enough keys lie below; the counting has no branches (2048 values: 4 us
instead of 120 us for a selection that swaps).

Reference: Knuth, The Art of Computer Programming 3, 5.2.5.
"""

import numpy as np

from jwcal.kernels import leaf, pixel

BITS, BINS, PASSES = np.uint32(11), 2048, 3
SIGN, ALL = np.uint32(0x80000000), np.uint32(0xFFFFFFFF)


@pixel
def sort_values(values):
    """Sorted copy of many values.

    Parameters
    ----------
    values : float32 [n]
        Values without NaN.

    Returns
    -------
    float32 [n]
        The same values, ascending (-0 before 0).
    """
    keys, counts = _make_keys(values.view(np.uint32))
    other = np.empty_like(keys)
    for step in range(PASSES):
        _distribute(keys, other, counts[step], BITS * np.uint32(step))
        keys, other = other, keys
    for i in range(keys.size):
        keys[i] = bits_of(keys[i])
    return keys.view(np.float32)


@leaf
def key_of(bits):
    """Key (uint32) of a float32's bits."""
    return bits ^ (ALL if bits & SIGN else SIGN)


@leaf
def bits_of(key):
    """Bits of the float32 that has a key."""
    return key ^ (SIGN if key & SIGN else ALL)


@leaf
def select_median(keys, pair):
    """Find the median of values by their keys.

    Parameters
    ----------
    keys : uint32 [n]
        Keys of the values, at least one.
    pair : uint32 [2]
        Gets the bits of the two middle values, which are the same where n is odd; the median is their mean.
    """
    wanted = (keys.size - 1) // 2
    low = np.uint32(0)
    for step in range(32):
        trial = low | (SIGN >> np.uint32(step))
        below = 0
        for i in range(keys.size):
            below += keys[i] < trial
        low = trial if below <= wanted else low
    up_to, high = 0, ALL
    for i in range(keys.size):
        up_to += keys[i] <= low
        high = min(high, keys[i]) if keys[i] > low else high
    pair[0] = bits_of(low)
    pair[1] = bits_of(low if up_to > keys.size // 2 else high)


@pixel
def _make_keys(bits):
    """Integers of the same order, and how many fall into each bin of each pass."""
    keys, counts = np.empty_like(bits), np.zeros((PASSES, BINS), np.int64)
    for i in range(bits.size):
        key = key_of(bits[i])
        keys[i] = key
        for step in range(PASSES):
            counts[step, (key >> (BITS * np.uint32(step))) & np.uint32(BINS - 1)] += 1
    return keys, counts


@pixel
def _distribute(keys, other, counts, shift):
    """Copy the keys into their bins, one bin after the other; turns the bins' counts into their ends."""
    start = 0
    for k in range(BINS):
        counts[k], start = start, start + counts[k]
    for key in keys:
        k = (key >> shift) & np.uint32(BINS - 1)
        other[counts[k]] = key
        counts[k] += 1
