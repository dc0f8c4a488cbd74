"""1/f noise as a Fourier series in time, fitted to the background pixels that are left between the spectra (NSClean).

The pixels of a line (or, in subarrays, of some lines with the pauses between them) are samples of one time series, most
of which is hidden by light. A few Fourier components are fitted to what is visible, by least squares with weights
that are the inverse of the local density of samples, so that no well-covered stretch dominates; their sum is the noise
of all pixels. With d the samples at ticks m, p the weights and e_k(m) = exp(2 pi i k m / n), the amplitudes solve

    sum_l a_l sum_m p^2 conj(e_k) e_l = sum_m p^2 conj(e_k) d

whose matrix depends on l - k only: both sides are Fourier transforms, of p^2 and of p^2 d.

Two deliberate differences from the official package: its kernels for the density of samples and for smoothing over
lines sit one tick and one line off their centre (`OFF_CENTRE`), so that a line is cleaned with its neighbour's noise;
and in subarrays of NRS2 it runs along each line backwards. It also works in single precision.

Reference: Rauscher 2024, PASP 136, 015001.
"""

import logging
from typing import NamedTuple

import numpy as np

from jwcal.kernels.flicker_lines import fit_stripes
from jwcal.kernels.hermitian import solve_hermitian

log = logging.getLogger("jwcal")

MAD_TO_SIGMA = 1.4826
OFF_CENTRE = 0  # ticks and lines by which the smoothing kernels are displaced; 1 in the official package

# Whole detector: one series for each line.
HALF_POWER = 1 / 256  # cycles a pixel, where the low-pass filter has fallen to one half
ROLL_OFF = HALF_POWER / 4  # cycles a pixel, over which it falls
DENSITY_WIDTH = 32  # pixels; standard deviation of the kernel that measures the density of samples
LINE_WIDTH = 1.5  # lines; standard deviation of the smoothing over lines
EDGE = 4  # lines of reference pixels, left alone
LINE_OUTLIERS = 3.0  # standard deviations beyond which a sample is replaced by the line's median

# Subarrays: one series over several lines.
PAUSE = 12  # ticks between lines
TICK = 1e-5  # s
SAMPLES = 512  # samples that a series should have
LEAST_SHARE = 0.05  # of a series' pixels that must be samples
OUTLIERS = 4.0  # standard deviations beyond which a pixel and its four neighbours are no samples


class Band(NamedTuple):
    """Frequencies fitted in subarrays, Hz: all up to `low`, none from `low_end` to `high`, all from `high_end`."""

    low: float
    low_end: float
    high: float
    high_end: float


BANDS = {"ALLSLITS": Band(150, 200, 49943, 49957)}
BAND = Band(1061, 1211, 49943, 49957)


def fit_whole(signal, mask):
    """Noise of a whole detector.

    Parameters
    ----------
    signal : float32 [line, tick]
        Values in the order of read-out.
    mask : bool [line, tick]
        Background pixels.

    Returns
    -------
    float32 [line, tick]
    """
    weights = _weigh(mask, DENSITY_WIDTH)
    weights *= weights
    filled = _replace_outliers(signal, mask)
    count = mask.shape[1]
    gains = _low_pass(count)
    lags = _transform(weights, gains.size)
    sums = _transform(weights * filled, gains.size)
    place = np.subtract.outer(np.arange(gains.size), np.arange(gains.size))
    amplitudes = solve_hermitian(np.ascontiguousarray(lags[:, np.maximum(place, 0)]), sums)
    amplitudes[~np.isfinite(amplitudes).all(axis=1)] = 0
    amplitudes[:EDGE] = amplitudes[-EDGE:] = 0
    return _smooth_lines(_synthesise(amplitudes * gains, count)).astype(np.float32)


def _low_pass(count):
    """Gain of the Fourier components of a line that are fitted."""
    frequency = np.fft.rfftfreq(count)
    fall = (1 + np.cos(np.pi * (frequency - HALF_POWER) / ROLL_OFF + np.pi / 2)) / 2
    gain = np.where(frequency <= HALF_POWER - ROLL_OFF / 2, 1.0, fall)
    gain[frequency > HALF_POWER + ROLL_OFF / 2] = 0
    return gain[gain > 0]


def _weigh(mask, width):
    """Inverse of the density of samples about each sample along the last axis, which is periodic; 0 elsewhere."""
    from scipy import fft

    count = mask.shape[-1]
    kernel = _gaussian(count, width)
    density = fft.irfft(fft.rfft(mask.astype(np.float64)) * fft.rfft(kernel), count)
    if OFF_CENTRE and mask.ndim == 2:
        density = np.roll(density, OFF_CENTRE, axis=0)
    with np.errstate(divide="ignore"):
        weights = np.where(mask, 1 / density, 0.0)
    weights[~np.isfinite(weights)] = 0
    return weights


def _gaussian(count, width):
    """Periodic Gaussian of unit sum about the first element."""
    distance = (np.arange(count) - OFF_CENTRE + count // 2) % count - count // 2
    return np.exp(-0.5 * (distance / width) ** 2) / (width * np.sqrt(2 * np.pi))


def _replace_outliers(signal, mask):
    """Signal with the samples that lie far off a line's median replaced by it."""
    count = signal.shape[1]
    middle = fit_stripes(signal, mask, 1, count)
    deviation = np.abs(signal - middle)
    limit = LINE_OUTLIERS * MAD_TO_SIGMA * fit_stripes(deviation, mask, 1, count)
    return np.where(deviation <= limit, signal, middle)


def _transform(series, number):
    """First `number` Fourier components along the last axis."""
    from scipy import fft

    return np.ascontiguousarray(fft.rfft(series)[..., :number])


def _synthesise(amplitudes, count):
    """Real series of `count` ticks with the given amplitudes at the lowest frequencies."""
    from scipy import fft

    return fft.irfft(amplitudes * count, count)


def _smooth_lines(model):
    """Smooth over neighbouring lines; the first and the last are neighbours."""
    from scipy import fft

    count = model.shape[0]
    kernel = fft.rfft(_gaussian(count, LINE_WIDTH))
    smooth = fft.irfft(fft.rfft(model, axis=0) * kernel[:, None], count, axis=0)
    return np.roll(smooth, OFF_CENTRE, axis=1) if OFF_CENTRE else smooth


def fit_subarray(signal, mask, band):
    """Noise of a subarray that is read through one output; arguments and result as in `fit_whole`.

    Series of neighbouring lines that hold some 500 samples overlap by half, and are blended. Where too few pixels are
    samples there is no correction.
    """
    mask = _drop_outliers(signal, mask)
    total, weights = np.zeros(signal.shape), np.zeros((signal.shape[0], 1))
    for start, stop in _choose_series(mask.sum(axis=1)):
        part = slice(start, stop)
        weight = 1.001 - np.abs(np.linspace(-1, 1, stop - start))[:, None]
        if mask[part].mean() > LEAST_SHARE:
            total[part] += weight * _fit_series(signal[part], mask[part], band)
        else:
            log.info("clean_flicker_noise: too few background pixels about line %d; it is left as it is", start)
        weights[part] += weight
    return np.divide(total, weights, out=total, where=weights > 0).astype(np.float32)


def _drop_outliers(signal, mask):
    """Mask without the pixels far off the median, and their neighbours."""
    if not mask.any():
        return mask
    deviation = np.abs(signal - np.median(signal[mask]))
    outlier = mask & (deviation > OUTLIERS * 1.4825 * np.median(deviation[mask]))
    mask = mask & ~outlier
    mask[1:] &= ~outlier[:-1]
    mask[:-1] &= ~outlier[1:]
    mask[:, 1:] &= ~outlier[:, :-1]
    mask[:, :-1] &= ~outlier[:, 1:]
    return mask


def _choose_series(samples):
    """First and last-plus-one line of each series, from the number of samples in each line."""
    lines = np.flatnonzero(samples)
    if not lines.size:
        return
    sums, start, end = np.concatenate([[0], np.cumsum(samples)]), lines[0], lines[-1] + 1
    while start < end:
        stop = end
        if sums[-1] - sums[start] > 1.5 * SAMPLES:
            stop = min(int(np.searchsorted(sums, sums[start] + SAMPLES, side="right")), end)
        yield start, stop
        if stop == end:
            return
        start += max(int(np.round((stop - start) / 2)), 1)


def _fit_series(signal, mask, band):
    """Noise of some lines taken as one series with a pause after each line."""
    lines, columns = signal.shape
    count = lines * (columns + PAUSE)
    visible = np.pad(mask, ((0, 0), (0, PAUSE))).ravel()
    samples = np.pad(np.where(mask, signal, 0), ((0, 0), (0, PAUSE))).ravel().astype(np.float64)
    width = 1 / ((band.low + band.low_end) / 2) / TICK / 8
    weights = _weigh(visible, width) ** 2
    gains = _select_band(count, band)
    chosen = np.flatnonzero(gains)
    lags = _all_components(weights)[np.subtract.outer(chosen, chosen) % count]
    sums = _all_components(weights * samples)[chosen]
    amplitudes = solve_hermitian(lags[None], sums[None])[0]
    if not np.isfinite(amplitudes).all():
        log.info("clean_flicker_noise: the background pixels of some lines do not determine their noise; left as it is")
        return np.zeros(signal.shape)
    spectrum = np.zeros(gains.size, complex)
    spectrum[chosen] = amplitudes * gains[chosen]
    return _synthesise(spectrum, count).reshape(lines, -1)[:, :columns]


def _all_components(series):
    """All Fourier components, of negative frequencies too."""
    from scipy import fft

    return fft.fft(series)


def _select_band(count, band):
    """Gain of each non-negative frequency of a series of `count` ticks."""
    frequency = np.fft.rfftfreq(count, TICK)
    falling = np.clip((frequency - band.low) / (band.low_end - band.low), 0, 1)
    rising = np.clip((frequency - band.high) / (band.high_end - band.high), 0, 1)
    return np.where(frequency < band.high, 0.5 * (1 + np.cos(np.pi * falling)), 0.5 * (1 - np.cos(np.pi * rising)))
