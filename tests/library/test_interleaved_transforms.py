"""Fourier transforms of interleaved series against numpy's."""

import numpy as np

from jwcal.readout.interleaved.transforms import LENGTH, list_frequencies, transform, transform_back


def test_spectrum_is_numpys_at_the_listed_frequencies():
    series = np.random.default_rng(1).normal(0, 1, LENGTH).astype(np.float32)
    expected = np.fft.rfft(series.astype(float))
    frequency = list_frequencies()
    below = frequency <= LENGTH // 2
    wanted = np.where(
        below, expected[np.where(below, frequency, 0)], expected[np.where(below, 0, LENGTH - frequency)].conj()
    )
    spectrum = transform(series)
    assert np.abs(spectrum - wanted).max() < 1e-5 * np.abs(expected).std() * 10
    back = np.empty_like(series)
    transform_back(spectrum, back)
    np.testing.assert_allclose(back, series, atol=5e-6)


def test_every_frequency_or_its_opposite_is_listed():
    frequency = list_frequencies()
    assert np.unique(np.minimum(frequency, LENGTH - frequency)).size == LENGTH // 2 + 1
