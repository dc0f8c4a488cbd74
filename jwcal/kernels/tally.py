"""Tally positive float32 numbers by the upper half of their bits.

Such numbers are ordered as the integers that their bits spell, so that the tally nearly sorts them: 128 bins to a
factor of two.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image

INFINITY = 0x7F800000  # bits
BINS = INFINITY >> 16
BLOCKS = 8  # stretches that are tallied side by side


@image
def tally_values(values, bits):
    """Tally the positive finite values by the upper half of their bits.

    Parameters
    ----------
    values : float32 [n]
        Values.
    bits : uint32 [n]
        Their bits.

    Returns
    -------
    float64 [32640, 3]
        Number, sum and sum of squares of the offsets from each bin's smallest value.
    """
    tallies = np.zeros((BLOCKS, BINS, 3))
    edges = (np.arange(BINS, dtype=np.uint32) << np.uint32(16)).view(np.float32)
    step = (bits.size + BLOCKS - 1) // BLOCKS
    for block in prange(BLOCKS):
        mine = tallies[block]
        for k in range(block * step, min(bits.size, (block + 1) * step)):
            if 0 < bits[k] < INFINITY:
                b = np.int64(bits[k] >> np.uint32(16))
                offset = float(values[k]) - float(edges[b])
                mine[b, 0] += 1.0
                mine[b, 1] += offset
                mine[b, 2] += offset * offset
    return tallies.sum(axis=0)
