"""Interference: waves, sums by phase, chi^2 and folded samples against plain numpy."""

import numba
import numpy as np
from scipy.interpolate import CubicSpline

from jwcal.kernels.interference import evaluate_wave, fold_ramps, measure_scatter, subtract_wave, weigh_phases
from jwcal.kernels.interference_folding import flatten_ramps, fold_samples, subtract_table
from jwcal.readout.interference import _fit_spline

RNG = np.random.default_rng(12)
DATA = RNG.normal(100, 20, (2, 6, 5, 24)).astype(np.float32)
PHASES = RNG.uniform(0, 1, (5, 6))
SHAPE = RNG.normal(0, 1, 40)
STEP, STARTS = 0.37, np.array([0.11, 0.83])


def draw(phase):
    """The wave at phases in cycles, by scipy."""
    knots = (np.arange(SHAPE.size + 1) + 0.5) / SHAPE.size
    spline = CubicSpline(knots, np.append(SHAPE, SHAPE[0]), bc_type="periodic")
    return spline((np.asarray(phase) - knots[0]) % 1 + knots[0])


def test_wave_is_the_periodic_spline():
    coefficients = _fit_spline(SHAPE)
    phases = np.append(RNG.uniform(-2, 3, 200), [0.0, 1.0, 0.5 / SHAPE.size])
    np.testing.assert_allclose([evaluate_wave(coefficients, p) for p in phases], draw(phases), atol=1e-12)


def test_scatter():
    np.testing.assert_allclose(measure_scatter(DATA), DATA.std(axis=1, dtype=float), rtol=1e-6)


def test_folding_leaves_out_bad_columns_and_pixels():
    usable = RNG.random((2, 5, 24)) < 0.8
    sums, counts = fold_ramps(DATA, usable, PHASES, 7)
    expected, numbers = np.zeros_like(sums), np.zeros_like(counts)
    for i, y, x in np.ndindex(usable.shape):
        if usable[i, y, x] and x // 4 not in (1, 2):
            k = int(PHASES[y, x // 4] * 7)
            expected[i, :, k] += DATA[i, :, y, x]
            numbers[i, k] += 1
    np.testing.assert_allclose(sums, expected, rtol=1e-12)
    np.testing.assert_array_equal(counts, numbers)


def test_chi_square_is_that_of_lines_and_a_wave():
    """The least chi^2 at each trial phase, -b^2 / 4a, is what a fit of line and wave to the sums gains over a line."""
    bins = SHAPE.size
    sums, counts = RNG.normal(0, 1, (2, 6, bins)), np.ones((2, bins))
    squares, products = weigh_phases(sums, counts, _fit_spline(SHAPE), STEP, STARTS, 5)
    line = np.stack([np.ones(6), np.arange(6)], axis=1)
    project = np.eye(6) - line @ np.linalg.pinv(line)
    centres = (np.arange(bins) + 0.5) / bins
    for i, m in np.ndindex(2, 5):
        wave = project @ draw(centres + STARTS[i] + m / bins + STEP * np.arange(6)[:, None])
        np.testing.assert_allclose(squares[i, m], (wave**2).sum(), rtol=1e-9)
        np.testing.assert_allclose(products[i, m], -2 * (sums[i] * wave).sum(), rtol=1e-9, atol=1e-9)


def test_wave_is_subtracted_from_all_outputs():
    data, amplitudes = DATA.copy(), np.array([2.0, -0.5])
    subtract_wave(data, PHASES, _fit_spline(SHAPE), STEP, STARTS, amplitudes)
    for i, g in np.ndindex(2, 6):
        wave = amplitudes[i] * draw(PHASES + STARTS[i] + g * STEP)
        np.testing.assert_allclose(data[i, g], DATA[i, g] - np.repeat(wave, 4, axis=1), rtol=1e-5)


def test_flattening_takes_slope_and_level_off():
    groups = np.arange(6)[:, None, None]
    ramps = (RNG.uniform(10, 20, (5, 24)) * groups + RNG.uniform(100, 200, (5, 24))).astype(np.float32)
    spike = ramps.copy()
    spike[0] += 8  # the first group counts neither for the slope nor for the level
    np.testing.assert_allclose(flatten_ramps(ramps), 0, atol=1e-4)
    np.testing.assert_allclose(flatten_ramps(spike)[0], 8, atol=1e-4)
    few = np.array([0, 3, 5, 0], np.float32)[:, None, None] * np.ones((2, 24), np.float32)
    np.testing.assert_allclose(flatten_ramps(few)[:, 0, 0], [-1, 0, 0, -7])  # slope 2, level 1


def test_folded_samples_and_their_table():
    flat = RNG.normal(0, 1, (2, 3, 5, 6)).astype(np.float32)
    flat[0, 0, 0, 1] = 1e4  # clipped
    clocks = np.arange(30).reshape(5, 6) * 3
    starts = np.array([[0, 100, 200], [301, 401, 501]])
    phase = (starts[:, :, None, None] + clocks) / 17.3 % 1
    measured = fold_samples(flat, clocks, starts, 17.3, 4)
    for k in range(4):
        chosen = flat[(phase > k / 4) & (phase <= (k + 1) / 4)].astype(float)
        np.testing.assert_allclose(measured[k], chosen[chosen < 1e3].mean(), rtol=1e-9)
    assert np.isnan(fold_samples(flat, 0 * clocks, 0 * starts + 1, 17.3, 4)[1:]).all()
    table, data = RNG.normal(0, 1, 17), np.zeros((2, 3, 5, 24), np.float32)
    subtract_table(data, clocks, starts, 17.3, table)
    expected = -table[np.minimum((phase * 17.3).astype(int), 16)]
    np.testing.assert_allclose(data, np.repeat(expected, 4, axis=-1), rtol=1e-6)


def test_threads_do_not_matter():
    def run():
        data = DATA.copy()
        folded = fold_ramps(data, data[:, 0] > 90, PHASES, SHAPE.size)
        terms = weigh_phases(*folded, _fit_spline(SHAPE), STEP, STARTS, 8)
        subtract_wave(data, PHASES, _fit_spline(SHAPE), STEP, STARTS, np.ones(2))
        flat = np.stack([flatten_ramps(integration) for integration in data])
        clocks, starts = np.arange(30).reshape(5, 6), np.arange(12).reshape(2, 6) * 50
        return (data, measure_scatter(data), *folded, *terms, flat, fold_samples(flat, clocks, starts, 9.7, 4))

    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = run()
    finally:
        numba.set_num_threads(threads)
    for one, several in zip(alone, run(), strict=True):
        np.testing.assert_array_equal(one, several)
