"""The part of a Fourier transform that runs along 89 samples, for series of 89 x 16384.

See `jwcal.readout.interleaved.transforms`. Sample n of a series lies at (n1, n2) with n = 16384 n1 + 89 n2 modulo the
length. Along n1 the transform is a sum over 89 samples with cosines and sines, of which n1 and 89 - n1 share theirs.
Sums are float32, as those of the rest of the transform. Samples are taken where they lie, 64 values of n2 at a time;
measured: as quick as products of matrices by BLAS.

Reference: Good 1958, J. R. Stat. Soc. B 20, 361; Thomas 1963.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel

PRIME = 89
HALF = PRIME // 2
TILE = 64


@image
def mix_samples(series, cosines, sines, rows):
    """Transform along n1.

    Parameters
    ----------
    series : float32 [89 m]
        Real values; m is a multiple of 64 without the factor 89.
    cosines, sines : float32 [45, 44]
        Of 2 pi k j / 89, for j from 1.
    rows : float32 [45, 2 m]
        Overwritten: real and imaginary part for each k and n2, in turn.
    """
    for tile in prange(series.size // PRIME // TILE):
        _mix_tile(series, cosines, sines, np.int64(tile) * TILE, rows)


@pixel
def _mix_tile(series, cosines, sines, first, rows):
    size = series.size
    zero, total, difference = np.empty(TILE, np.float32), np.empty(TILE, np.float32), np.empty(TILE, np.float32)
    totals, differences = np.empty((HALF, TILE), np.float32), np.empty((HALF, TILE), np.float32)
    _take(series, PRIME * first % size, zero)
    for j in range(HALF):
        _take(series, (size // PRIME * (j + 1) + PRIME * first) % size, total)
        _take(series, (size // PRIME * (PRIME - 1 - j) + PRIME * first) % size, difference)
        for i in range(TILE):
            totals[j, i] = total[i] + difference[i]
            differences[j, i] = difference[i] - total[i]
    for k in range(HALF + 1):
        for i in range(TILE):
            total[i], difference[i] = zero[i], 0
        _add_products(total, totals, cosines[k])
        _add_products(difference, differences, sines[k])
        for i in range(TILE):
            rows[k, 2 * (first + i)] = total[i]
            rows[k, 2 * (first + i) + 1] = difference[i]


@image
def unmix_samples(rows, cosines, sines, series):
    """The inverse of `mix_samples`; `series` is overwritten."""
    for tile in prange(series.size // PRIME // TILE):
        _unmix_tile(rows, cosines, sines, np.int64(tile) * TILE, series)


@pixel
def _unmix_tile(rows, cosines, sines, first, series):
    size = series.size
    real, imaginary = np.empty((HALF + 1, TILE), np.float32), np.empty((HALF + 1, TILE), np.float32)
    even, odd = np.zeros(TILE, np.float32), np.empty(TILE, np.float32)
    for k in range(HALF + 1):
        weight = np.float32((1 if k == 0 else 2) / PRIME)
        for i in range(TILE):
            real[k, i] = weight * rows[k, 2 * (first + i)]
            imaginary[k, i] = weight * rows[k, 2 * (first + i) + 1]
            even[i] += real[k, i]
    _put(series, PRIME * first % size, even, odd, np.float32(0))
    for j in range(HALF):
        for i in range(TILE):
            even[i] = odd[i] = 0
        _add_products(even, real, cosines[:, j])
        _add_products(odd, imaginary, sines[:, j])
        _put(series, (size // PRIME * (j + 1) + PRIME * first) % size, even, odd, np.float32(-1))
        _put(series, (size // PRIME * (PRIME - 1 - j) + PRIME * first) % size, even, odd, np.float32(1))


@leaf
def _take(series, place, values):
    """Samples 89 apart, from a place on; the series closes to a ring."""
    for i in range(values.size):
        values[i] = series[place]
        place += PRIME
        if place >= series.size:
            place -= series.size


@leaf
def _put(series, place, even, odd, sign):
    """Write even + sign odd where `_take` would read."""
    for i in range(even.size):
        series[place] = even[i] + sign * odd[i] if sign != 0 else even[i]
        place += PRIME
        if place >= series.size:
            place -= series.size


@leaf
def _add_products(sums, values, factors):
    """Add the products of rows and factors, in this order.

    Four at a time, so that sums stay in registers meanwhile (measured: a seventh of the time less).
    """
    for k in range(0, factors.size - 3, 4):
        a, b, c, d = factors[k], factors[k + 1], factors[k + 2], factors[k + 3]
        for i in range(TILE):
            partial = (sums[i] + a * values[k, i]) + b * values[k + 1, i]
            sums[i] = (partial + c * values[k + 2, i]) + d * values[k + 3, i]
    for k in range(factors.size - factors.size % 4, factors.size):
        for i in range(TILE):
            sums[i] += factors[k] * values[k, i]
