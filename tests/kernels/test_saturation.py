"""Saturation kernel: cases read by eye, the naive twin, threads, read-only input."""

import numba
import numpy as np
import pytest
from naive_detector import DNU, FLOOR, SAT, naive_saturation

from jwcal.kernels.saturation import UNCHECKED, flag_saturation


def flag(data, threshold, bias=None, grow=0, nframes=1, groupdq=None):
    flags = np.zeros(data.shape, np.uint8) if groupdq is None else groupdq.copy()
    bias = np.zeros_like(threshold) if bias is None else bias
    flag_saturation(data, flags, np.arange(data.shape[2]), threshold, bias, grow, nframes)
    return flags


def pixel_ramp(values, level=100.0, **settings):
    data = np.array(values, np.float32).reshape(1, -1, 1, 1)
    return flag(data, np.full((1, 1), level, np.float32), **settings)[0, :, 0, 0].tolist()


def test_saturated_from_the_first_group_at_the_threshold_on():
    assert pixel_ramp([10, 99, 100, 50]) == [0, 0, SAT, SAT]


def test_floor_flags_only_its_own_group():
    assert pixel_ramp([0, 50, -3, 60]) == [FLOOR | DNU, 0, FLOOR | DNU, 0]


def test_nan_is_neither_saturated_nor_floored():
    assert pixel_ramp([np.nan, 50, 120]) == [0, 0, SAT]


def test_unchecked_pixel_is_never_saturated():
    assert pixel_ramp([10, 65535, 65535], level=UNCHECKED, nframes=4) == [0, 0, 0]


def test_average_with_saturated_reads_is_not_used():
    # four reads: in group 2 (reads 5 to 8) the mean of a steady source is 6.5 / 8 of its last read
    assert pixel_ramp([30, 82, 100], nframes=4) == [0, DNU, SAT]
    assert pixel_ramp([30, 81, 100], nframes=4, bias=np.full((1, 1), -500, np.float32)) == [0, 0, SAT]
    assert pixel_ramp([30, 82, 100], nframes=1) == [0, 0, SAT]


def test_surprise_in_group_two_is_not_used():
    # a cosmic ray late in group 2: the first group foretells 3 * 4 / 2.5 * 10 = 48 < 100 by group 3
    assert pixel_ramp([10, 40, 120], nframes=4) == [0, DNU, SAT]
    assert pixel_ramp([10, 30, 120], nframes=4) == [0, 0, SAT]


def test_growth_to_a_box_up_to_the_edge():
    data = np.zeros((1, 2, 5, 5), np.float32) + 1
    data[0, 1, 0, 1] = 200
    flags = flag(data, np.full((5, 5), 100, np.float32), grow=1)
    expected = np.zeros((5, 5), np.uint8)
    expected[:2, :3] = SAT
    assert not flags[0, 0].any()
    np.testing.assert_array_equal(flags[0, 1], expected)


@pytest.mark.parametrize(("grow", "nframes"), [(0, 1), (1, 1), (1, 4), (2, 8), (30, 2)])
def test_naive_twin(grow, nframes):
    rng = np.random.default_rng(grow + nframes)
    data = np.cumsum(rng.exponential(9000, (2, 6, 19, 23)), axis=1).astype(np.float32)
    data[rng.random(data.shape) < 0.01] = 0
    data[rng.random(data.shape) < 0.01] = np.nan
    threshold = rng.uniform(3e4, 6e4, (19, 23)).astype(np.float32)
    threshold[rng.random(threshold.shape) < 0.05] = UNCHECKED
    bias = rng.uniform(0, 9000, (19, 23)).astype(np.float32)
    bias[3, 4] = np.nan
    groupdq = (rng.random(data.shape) < 0.02).astype(np.uint8)
    with np.errstate(invalid="ignore"):
        expected = naive_saturation(data, groupdq, threshold, bias, grow, nframes)
    np.testing.assert_array_equal(flag(data, threshold, bias, grow, nframes, groupdq), expected)


def test_read_only_input_and_any_number_of_threads():
    rng = np.random.default_rng(3)
    data = rng.uniform(0, 200, (1, 4, 40, 30)).astype(np.float32)
    threshold = np.full((40, 30), 190, np.float32)
    before = numba.get_num_threads()
    results = []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        results.append(flag(data, threshold, grow=1, nframes=4))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(*results)
