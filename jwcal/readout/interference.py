"""Electromagnetic interference in MIRI's ramps: when each pixel is read, and what is fitted and subtracted."""

from typing import NamedTuple

import numpy as np

from jwcal.kernels.interference import OUTPUTS, fold_ramps, measure_scatter, subtract_wave, weigh_phases
from jwcal.kernels.interference_folding import flatten_ramps, fold_samples, subtract_table
from jwcal.memory.mapping import list_stretches, release, walk

CLOCK = 1e-5  # s, of one sample
DETECTOR_ROWS, DETECTOR_COLUMNS = 1024, 1032
IDLE_CLOCKS = 7  # that a row outside of the subarray takes
REFERENCE_CLOCKS = 3  # that the last column, of reference pixels, is late
NOISIEST = 2.0  # times the median scatter of ramps: more is signal or a defect
MOST_BINS = 500


class Wave(NamedTuple):
    """One interference.

    Attributes
    ----------
    name : str
        Its name in the reference.
    period : float
        Clocks.
    shape : float64 [phase] or None
        Signal over one period, in bins of equal width, DN; None where it is to be measured.
    """

    name: str
    period: float
    shape: np.ndarray | None


class Clocks(NamedTuple):
    """When pixels are read, in clocks.

    Attributes
    ----------
    pixels : int64 [y, x / 4]
        After the start of the group.
    group : int
        From group to group.
    pause : int
        Between integrations.
    """

    pixels: np.ndarray
    group: int
    pause: int

    @classmethod
    def of(cls, ramp, rowclocks, pause):
        """Clocks of a ramp whose rows follow each other after `rowclocks`."""
        ny, nx = ramp.data.shape[-2:]
        columns = np.arange(nx // OUTPUTS) * int(ramp.keyword("NSAMPLES", 1))
        pixels = np.arange(ny)[:, None] * int(rowclocks) + columns
        return cls(pixels, ny * int(rowclocks) + (DETECTOR_ROWS - ny) * IDLE_CLOCKS, int(pause))

    def starts(self, n_integrations, n_groups):
        """Start of each group, int64 [integration, group]."""
        integrations = np.arange(n_integrations)[:, None] * (n_groups * self.group + self.pause)
        return integrations + np.arange(n_groups) * self.group


def subtract_jointly(ramp, wave, clocks, separately):
    """Fit amplitude and phase of a wave together with straight ramps, and subtract it, in place.

    Ramps count whose scatter is at most twice the median and whose pixels have no flag; see
    `jwcal.kernels.interference`. The wave's phase is followed exactly from one integration to the next, and the
    amplitude is that at the best phase (in the official package both at the next trial phase above, a 500th of a cycle
    away at most). The parabola through the best of the trial phases is closed where these begin anew.

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        MIRI ramp, DN.
    wave : Wave
        With a shape.
    clocks : Clocks
        When pixels are read.
    separately : bool
        Fit each integration by itself.

    Returns
    -------
    float64 [integration]
        Amplitudes, relative to the shape.
    """
    n_integrations, n_groups = ramp.data.shape[:2]
    phases, step = _find_phase(clocks.pixels, wave.period), _find_phase(clocks.group, wave.period)
    starts = _find_phase(clocks.starts(n_integrations, n_groups)[:, 0], wave.period)
    coefficients, bins = _fit_spline(wave.shape), wave.shape.size
    scatter = _measure(ramp.data)
    usable = (scatter < np.float32(NOISIEST) * np.median(scatter)) & (ramp.pixeldq == 0)
    del scatter
    folded = (*_fold(ramp.data, usable, phases, bins), coefficients, step)
    squares, products = weigh_phases(*folded, starts, bins)
    if not separately:
        squares, products = (np.tile(table.sum(axis=0), (n_integrations, 1)) for table in (squares, products))
    starts = starts + [_find_best(a, b) for a, b in zip(squares, products, strict=True)]
    squares, products = (table[:, 0] for table in weigh_phases(*folded, starts, 1))
    if not separately:
        squares, products = (np.full(n_integrations, table.sum()) for table in (squares, products))
    amplitudes = _divide(-0.5 * products, squares)
    for some in list_stretches(ramp.data):
        subtract_wave(ramp.data[some], phases, coefficients, step, starts[some], amplitudes[some])
        release(ramp.data)
    return amplitudes


def _measure(data):
    """Of `measure_scatter`, a stretch of integrations at a time."""
    scatter = np.empty((data.shape[0], *data.shape[2:]), np.float32)
    for some in list_stretches(data):
        scatter[some] = measure_scatter(data[some])
        release(data)
    return scatter


def _fold(data, usable, phases, bins):
    """Of `fold_ramps`, a stretch of integrations at a time."""
    sums, counts = np.empty((*data.shape[:2], bins)), np.empty((data.shape[0], bins))
    for some in list_stretches(data):
        sums[some], counts[some] = fold_ramps(data[some], usable[some], phases, bins)
        release(data)
    return sums, counts


def _find_phase(clock, period):
    """Phase, cycles, of times in clocks."""
    return np.asarray(clock) / period % 1


def _fit_spline(shape):
    """Coefficients of the periodic cubic B-spline through a wave."""
    response = (4 + 2 * np.cos(2 * np.pi * np.arange(shape.size) / shape.size)) / 6
    return np.ascontiguousarray(np.fft.ifft(np.fft.fft(shape) / response).real)


def _divide(numerator, denominator):
    """Quotient; 0 where the denominator is (nearly) 0 or anything is not finite."""
    usable = np.isfinite(numerator) & np.isfinite(denominator) & (np.abs(denominator) > 1e-8)
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=usable)


def _find_best(squares, products):
    """Phase, cycles, of the least chi^2: vertex of the parabola through the best trial and its neighbours."""
    chi = -0.25 * _divide(products**2, squares)
    best = int(np.argmin(chi))
    before, here, after = (chi[(best + k) % chi.size] for k in (-1, 0, 1))
    curvature = before - 2 * here + after
    return (best + (0.5 * (before - after) / curvature if curvature > 0 else 0.0)) / chi.size


def subtract_folded(ramp, wave, clocks, integrations, bins, scaled):
    """Fold what is left of the ramps by a wave's phase, and subtract the wave that shows, in place.

    The wave of the reference, where there is one, is turned to the phase of the measured one; else the measured one
    serves. See `jwcal.kernels.interference_folding`. Waves that change little within a frame (10 Hz in small
    subarrays) go with each group's median, and stay. Empty bins count as 0 (in the official package one of them leaves
    the exposure uncorrected), and the last column of the full frame is three clocks late (there 2^32 more).

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        MIRI ramp, DN.
    wave : Wave
        With or without a shape.
    clocks : Clocks
        When pixels are read.
    integrations : int
        How many integrations are folded, from the first on.
    bins : int or None
        Number of bins; None takes one for every other clock, at most 500.
    scaled : bool
        Give the reference's wave the amplitude of the measured one.

    Returns
    -------
    float64 [bin]
        The measured wave, DN.
    """
    starts = clocks.starts(*ramp.data.shape[:2])
    pixels = clocks.pixels.copy()
    if ramp.subarray.x0 + ramp.data.shape[-1] == DETECTOR_COLUMNS:
        pixels[:, -1] += REFERENCE_CLOCKS
    bins = bins or int(wave.period / 2)
    bins = bins if bins <= MOST_BINS + 1 else MOST_BINS
    flat = np.stack([_flatten(integration) for integration in walk(ramp.data[:integrations])])
    measured = fold_samples(flat, pixels, starts[:integrations], wave.period, bins)
    measured = np.nan_to_num(measured - np.nanmedian(measured), nan=0.0)
    table = _rebin(measured, wave.period) if wave.shape is None else _align(wave, measured, scaled)
    for some in list_stretches(ramp.data):
        subtract_table(ramp.data[some], pixels, starts[some], wave.period, table)
        release(ramp.data)
    return measured


def _flatten(integration):
    """Samples of an integration without ramps, float32 [group, y, x / 4], each group around 0."""
    flat = flatten_ramps(integration)
    for group in flat:
        group -= np.median(group)
    return flat


def _rebin(values, size):
    """Values at so many equal steps (a whole number or not): those of the nearest place below."""
    step = values.size / size
    return values[(np.arange(int(np.ceil(values.size / step))) * step).astype(int)]


def _align(wave, measured, scaled):
    """The reference's wave, a value each clock, at the phase where it goes best with the measured one."""
    rebinned = _rebin(measured, wave.shape.size)
    best = int(np.argmax([np.dot(np.roll(wave.shape, k), rebinned) for k in range(wave.shape.size)]))
    table = _rebin(np.roll(wave.shape, best), wave.period)
    if not scaled:
        return table
    centred = table - table.mean()
    return table * (np.dot(centred, _rebin(measured, wave.period)) / np.dot(centred, centred))
