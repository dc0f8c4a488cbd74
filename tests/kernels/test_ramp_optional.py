"""Results of each segment: one ramp read by eye, what numpy's fit says, room for the most of any ramp."""

import numpy as np
import pytest
from naive_ramps import DNU, JUMP, SAT, make_nasty, naive_segments

from jwcal.kernels.ramp_optional import describe_segments
from jwcal.kernels.ramp_slopes import tabulate_coefficients

TGROUP, SINCE_RESET, GAIN, NOISE = 10.0, 4.0, 2.0, 6.0
SLOPE, SLOPE_ERROR, PHOTONS, READ, INTERCEPT, INTERCEPT_ERROR, WEIGHT = range(7)


def describe(data, groupdq, gain=None, noise=None, room=None):
    """Counts, results of segments, jumps and pedestals; `room` is for (segments, jumps), by default what is needed."""
    n_integrations, n_groups, ny, nx = data.shape
    gain = np.full((ny, nx), GAIN, np.float32) if gain is None else gain
    noise = np.full((ny, nx), NOISE, np.float32) if noise is None else noise
    zero, extra = np.zeros((n_integrations, ny, nx), np.float32), np.zeros(n_groups, np.uint8)
    timing, rules = (TGROUP, TGROUP, TGROUP, 1 / np.sqrt(2)), (0, n_groups, n_groups > 1)
    maps = gain, noise, np.zeros((ny, nx), np.float32)
    inputs = (data, groupdq, np.zeros((ny, nx), np.uint32), zero, maps, extra, timing, rules)
    counts = room or (0, 0)
    for _ in range(1 if room else 2):
        results = np.zeros((7, n_integrations, counts[0], ny, nx), np.float32)
        jumps = np.zeros((n_integrations, counts[1], ny, nx), np.float32)
        pedestals = np.zeros((n_integrations, ny, nx), np.float32)
        outputs = results, jumps, pedestals
        counts = describe_segments(*inputs, tabulate_coefficients(n_groups), SINCE_RESET, outputs)
    return counts, results, jumps, pedestals


def describe_pixel(values, flags):
    data = np.array(values, np.float32).reshape(1, -1, 1, 1)
    counts, results, jumps, pedestals = describe(data, np.array(flags, np.uint8).reshape(data.shape))
    return counts, results[:, 0, :, 0, 0], jumps[0, :, 0, 0], pedestals[0, 0, 0]


def test_two_segments_and_the_jump_between():
    values = [7, 9, 11, 13, 115, 117, 119]  # 2 DN a group, and 100 DN by a cosmic ray
    counts, results, jumps, pedestal = describe_pixel(values, [0, 0, 0, 0, JUMP, 0, 0])
    assert counts == (2, 1) and jumps.tolist() == [102]
    np.testing.assert_allclose(results[SLOPE], 2 / TGROUP, rtol=1e-6)
    np.testing.assert_allclose(results[INTERCEPT], [7, 107], rtol=1e-5)
    read = 12 * NOISE**2 / 2 / (np.array([4**3 - 4, 3**3 - 3]) * TGROUP**2)
    np.testing.assert_allclose(results[READ], read, rtol=1e-6)
    np.testing.assert_allclose(results[WEIGHT], 1 / read, rtol=1e-6)
    np.testing.assert_allclose(results[PHOTONS], 0.2 / (GAIN * TGROUP * np.array([3, 2])), rtol=1e-6)
    np.testing.assert_allclose(pedestal, 7 - 0.2 * SINCE_RESET, rtol=1e-6)


def test_errors_of_an_unweighted_line():
    _, results, _, _ = describe_pixel(np.arange(6.0), [0] * 6)
    noise = GAIN * NOISE / np.sqrt(2)
    np.testing.assert_allclose(results[SLOPE_ERROR], noise / np.sqrt(17.5), rtol=1e-6)
    np.testing.assert_allclose(results[INTERCEPT_ERROR], noise * np.sqrt(55 / (6 * 17.5)), rtol=1e-6)


def test_two_groups_and_one():
    _, results, _, _ = describe_pixel([5, 8, 0, 0], [0, 0, SAT, SAT])
    np.testing.assert_allclose(results[[SLOPE, INTERCEPT], 0], [3 / TGROUP, 5], rtol=1e-6)
    counts, results, _, pedestal = describe_pixel([5], [0])
    assert counts == (1, 0) and not results[[SLOPE_ERROR, INTERCEPT, INTERCEPT_ERROR]].any()
    np.testing.assert_allclose(pedestal, 5 - 0.5 * SINCE_RESET, rtol=1e-6)


def test_nothing_to_describe():
    counts, results, jumps, pedestal = describe_pixel([5, 8, 9], [DNU, JUMP | SAT, SAT])
    assert counts == (0, 1) and results.shape == (7, 0) and np.isnan(jumps).all() and pedestal == 0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_room_is_that_of_the_longest_list():
    data, groupdq, _, gain, noise = make_nasty(4, (2, 12, 9, 20))
    counts, results, jumps, _ = describe(data, groupdq, gain, noise)
    most = 0
    for i, y, x in np.ndindex(2, 9, 20):
        flags = groupdq[i, :, y, x]
        single = (flags & 223 == 0).sum() == 1
        found = [] if flags[0] & SAT or (flags & (DNU | SAT) != 0).all() or single else naive_segments(flags)
        most = max(most, len(found))
        slopes = results[SLOPE, i, :, y, x]
        assert np.count_nonzero(slopes) == len(found) or noise[y, x] == 0 or np.isnan(slopes).any()
    assert counts == (most, (groupdq[:, 1:] & 4 != 0).sum(axis=1).max())
    fewer = describe(data, groupdq, gain, noise, room=(1, 1))
    assert fewer[0] == counts
    np.testing.assert_array_equal(fewer[1], results[:, :, :1])
    np.testing.assert_array_equal(fewer[2], jumps[:, :1])
