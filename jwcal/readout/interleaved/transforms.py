"""Fourier transforms of the series of an interleaved frame, whose length is 2048 x 712 = 89 x 16384.

General libraries are slow at the prime 89. Since it has no divisor in common with 16384 the transform of length N is
one of 89 by 16384 (Good 1958, Thomas 1963), without factors in between: sample n of the series lies at (n1, n2) with
n = 16384 n1 + 89 n2 modulo N, frequency k at (k mod 89, k mod 16384). That along the 89 is done by a kernel, the other
one by the library. Of a real series the frequencies with k mod 89 from 0 to 44 suffice. Measured: a quarter of the time
of scipy.fft.rfft.
"""

from functools import cache

import numpy as np

from jwcal.kernels.prime_factor import HALF, PRIME, mix_samples, unmix_samples

POWER = 16384
LENGTH = PRIME * POWER


@cache
def _tabulate():
    """Cosines and sines of the 89 samples, float32 [45, 44]."""
    angle = 2 * np.pi / PRIME * (np.outer(np.arange(HALF + 1), np.arange(1, HALF + 1)) % PRIME)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def list_frequencies():
    """Frequency (0 to N - 1) of each element of a spectrum, int64 [45, 16384]."""
    k1, k2 = np.ogrid[: HALF + 1, :POWER]
    return (k1 * POWER * pow(POWER, -1, PRIME) + k2 * PRIME * pow(PRIME, -1, POWER)) % LENGTH


def transform(series):
    """Spectrum of a real series.

    Parameters
    ----------
    series : float32 [N]
        Values in time.

    Returns
    -------
    complex64 [45, 16384]
        sum of series[n] exp(-2 pi i k n / N), at the frequencies of `list_frequencies`.
    """
    from numba import get_num_threads
    from scipy import fft

    spectrum = np.empty((HALF + 1, POWER), np.complex64)
    mix_samples(series, *_tabulate(), spectrum.view(np.float32))
    return fft.fft(spectrum, axis=1, overwrite_x=True, workers=get_num_threads())


def transform_back(spectrum, series):
    """Write the real series float32 [N] of a spectrum; the inverse of `transform`. The spectrum is overwritten."""
    from numba import get_num_threads
    from scipy import fft

    rows = fft.ifft(spectrum, axis=1, overwrite_x=True, workers=get_num_threads())
    unmix_samples(np.ascontiguousarray(rows).view(np.float32), *_tabulate(), series)
