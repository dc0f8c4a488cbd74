"""Windows after a bright source."""

import numpy as np
from naive_detector import SAT, naive_persistence

from jwcal.kernels.persistence import flag_windows


def test_window_by_eye():
    data = np.zeros((2, 4, 1, 1), np.float32)
    flags = np.zeros(data.shape, np.uint8)
    flags[0, 2:] = SAT
    times = np.array([[10.0, 20, 30, 40], [60, 70, 80, 90]])
    flag_windows(data, flags, times, 45.0, np.inf, 32, np.zeros((1, 1)))
    assert flags.ravel().tolist() == [0, 0, SAT | 32, SAT | 32, 32, 32, 0, 0]


def test_naive_twin():
    rng = np.random.default_rng(4)
    data = rng.uniform(0, 100, (3, 7, 6, 5)).astype(np.float32)
    data[0, 0, 0, 0] = np.nan
    flags = np.where(rng.random(data.shape) < 0.05, SAT, 0).astype(np.uint8)
    times = np.cumsum(rng.uniform(5, 10, (3, 7)).ravel()).reshape(3, 7)
    result = flags.copy()
    flag_windows(data, result, times, 22.0, 93.0, 33, np.zeros((6, 5)))
    for y, x in np.ndindex(6, 5):
        expected = naive_persistence(data[:, :, y, x], flags[:, :, y, x], times, 22.0, 93.0)
        np.testing.assert_array_equal(result[:, :, y, x] & 33 == 33, expected)


def test_windows_carried_on():
    rng = np.random.default_rng(5)
    data = rng.uniform(0, 100, (4, 5, 6, 7)).astype(np.float32)
    flags = np.where(rng.random(data.shape) < 0.05, SAT, 0).astype(np.uint8)
    times = np.cumsum(rng.uniform(5, 10, (4, 5)).ravel()).reshape(4, 5)
    whole, parts, carried = flags.copy(), flags.copy(), np.zeros((6, 7))
    flag_windows(data, whole, times, 30.0, 97.0, 32, np.zeros((6, 7)))
    for some in (slice(0, 1), slice(1, 4)):
        flag_windows(data[some], parts[some], times[some], 30.0, 97.0, 32, carried)
    np.testing.assert_array_equal(parts, whole)
    assert 0 < np.count_nonzero(carried) < carried.size and carried.max() <= times[-1, -1] + 30


def test_windows_from_before():
    flags = np.zeros((1, 3, 1, 4), np.uint8)
    ends = np.array([[0.0, 5.0, 25.0, 300.0]])  # none, over, open, later than could be
    flag_windows(np.zeros(flags.shape, np.float32), flags, np.array([[10.0, 20, 30]]), 100.0, np.inf, 32, ends)
    assert flags[0, :, 0].T.tolist() == [[0, 0, 0], [0, 0, 0], [32, 32, 0], [0, 0, 0]] and not ends.any()
