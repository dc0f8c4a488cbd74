"""Kernels of interleaved frames: small cases read by eye, and their plain twins."""

import numpy as np

from jwcal.kernels.interleaved_references import bridge_gaps, lay_out, subtract_series

ROWS = np.array([[2, -1, 0], [1, 1, -1]])
CLOCKS = np.array([[0, -1, 2], [1, 1, -1]])  # the second output shows the sample of its clock 1 twice


def make_frame():
    rng = np.random.default_rng(0)
    return rng.normal(0, 10, (3, 16)).astype(np.float32), rng.normal(0, 1, (3, 16))


def naive_value(plane, mean, row, column, line, time):
    value = np.float32(plane[row, column] - mean[row, column])
    return value - (line[0] + line[1] * time) if value != 0 else 0.0


def test_series_of_a_small_frame():
    plane, mean = make_frame()
    plane[1, 3], plane[2, 4] = mean[1, 3], np.nan
    mean[1, 3] = plane[1, 3]
    columns, lines = np.arange(16)[::-1].copy(), np.array([[1.0, 0.1], [-2.0, 0.2]])
    series = np.full((2, 16, 3), np.nan, np.float32)
    lay_out(plane, mean, ROWS, CLOCKS, columns, lines, series)
    for (output, s, clock), found in np.ndenumerate(series):
        row = ROWS[output, clock]
        time = 3 * s + CLOCKS[output, clock] - 23.5
        expected = 0.0 if row < 0 else naive_value(plane, mean, row, columns[s], lines[output], time)
        assert np.isclose(found, np.nan_to_num(expected), rtol=1e-5)
    assert not series[:, :, [1]][0].any() and series[1, 15 - 3, 0] == 0 and series[0, 15 - 4, 0] == 0


def test_gaps_are_bridged_by_neighbours_across_the_ends():
    rng = np.random.default_rng(1)
    series = rng.normal(5, 1, 200).astype(np.float32)
    series[[0, 1, 50, 51, 52, 199]] = 0
    weights = np.sin(np.pi * np.arange(1, 32) / 32)
    found = bridge_gaps(series, weights)
    for i, value in enumerate(series):
        near = np.roll(series.astype(float), 15 - i)[:31]
        expected = value if value else (weights * near).sum() / weights[near != 0].sum()
        assert np.isclose(found[i], expected, rtol=1e-6)
    assert (bridge_gaps(np.zeros(40, np.float32), weights) == 0).all()


def test_subtraction_in_the_same_memory():
    plane, mean = make_frame()
    mean[2, 5] = plane[2, 5]
    before = plane.copy()
    order, lines = np.roll(np.arange(16), 3), np.array([[9.0, 9.0], [1.0, 0.1], [-2.0, 0.3]])
    series = np.random.default_rng(2).normal(0, 1, (2, 16, 3)).astype(np.float32)
    places = np.array([[1, 2, 0], [2, 1, 2]])
    target = plane[:2]
    subtract_series(plane, target, mean, places, order, lines, series)
    for (k, x), found in np.ndenumerate(target):
        row, output, clock = places[k]
        line = lines[output] if before[row, x] != mean[row, x] else (0.0, 0.0)
        noise = series[output - 1, order[x], clock] + line[0] + line[1] * (3 * order[x] + clock - 23.5)
        assert np.isclose(found, before[row, x] - noise, atol=1e-5)
