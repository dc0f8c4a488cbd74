"""The search for jumps: cases read by eye, the naive twin, neighbours, threads, without the compiler."""

import subprocess
import sys

import numba
import numpy as np
import pytest
from naive_ramps import DNU, JUMP, SAT, make_nasty, naive_jumps

from jwcal import dq
from jwcal.kernels import jump_differences
from jwcal.kernels.jump_neighbours import flag_neighbours
from jwcal.kernels.jump_twopoint import find_jumps

LIMITS, NONE = (10.0, 1000.0), (np.inf, np.inf)


def search(data, groupdq, gain, noise, nframes=1, limits=LIMITS, at_once=False, thresholds=(4.0, 5.0, 6.0)):
    """Flags and the number of jumps."""
    flags = groupdq.copy()
    spread = np.zeros((*data.shape[:3], (data.shape[3] + 7) // 8), np.uint8)
    maps, rules = (gain, noise), (*thresholds, float(at_once))
    found = find_jumps(data, flags, maps, float(nframes), rules, limits, spread)
    if limits[0] < np.inf:
        flag_neighbours(flags, spread)
    return flags, found.sum()


def search_pixel(values, flags=None, noise=1.0, **settings):
    data = np.array(values, np.float32).reshape(1, -1, 1, 1)
    groupdq = np.zeros(data.shape, np.uint8) if flags is None else np.array(flags, np.uint8).reshape(data.shape)
    gain, noise = np.ones((1, 1), np.float32), np.full((1, 1), noise, np.float32)
    return search(data, groupdq, gain, noise, **settings)[0].ravel().tolist()


def test_flags_are_the_standard_ones():
    assert jump_differences.DO_NOT_USE == dq.DO_NOT_USE and jump_differences.SATURATED == dq.SATURATED
    assert jump_differences.JUMP_DET == dq.JUMP_DET
    assert jump_differences.UNUSABLE == dq.DO_NOT_USE | dq.SATURATED


@pytest.mark.parametrize("at_once", [False, True])
def test_jump_is_flagged_in_the_group_after_the_hit(at_once):
    assert search_pixel([0, 10, 20, 1030, 1040, 1050, 1060], at_once=at_once) == [0, 0, 0, JUMP, 0, 0, 0]


def test_negative_jump():
    assert search_pixel([0, 10, 20, 30, -500, -490, -480]) == [0, 0, 0, 0, JUMP, 0, 0]


def test_several_jumps_are_found_one_after_the_other():
    assert search_pixel([0, 500, 510, 5000, 5010, 5020, 5030]) == [0, JUMP, 0, JUMP, 0, 0, 0]


def test_thresholds_of_short_ramps():
    # noise 10: differences 0, 0, 70: 7 sigma with three groups' difference left, the smaller of two is the reference
    assert search_pixel([0, 0, 70], noise=10) == [0, 0, JUMP]
    assert search_pixel([0, 0, 59], noise=10) == [0, 0, 0]
    assert search_pixel([0, 0, 0, 51], noise=10) == [0, 0, 0, JUMP]
    assert search_pixel([0, 0, 0, 49], noise=10) == [0, 0, 0, 0]
    assert search_pixel([0, 0, 0, 0, 41], noise=10) == [0, 0, 0, 0, JUMP]
    assert search_pixel([0, 500], noise=10) == [0, 0]


def test_lost_groups_hide_jumps():
    assert search_pixel([0, 10, 20, 1030, 1040, 1050], [0, 0, 0, SAT, SAT, SAT]) == [0, 0, 0, SAT, SAT, SAT]
    assert search_pixel([0, 10, 20, 1030, 1040, 1050, 1060], [0, 0, 0, DNU, 0, 0, 0]) == [0, 0, 0, DNU, 0, 0, 0]
    assert search_pixel([0, 10, np.nan, 1030, 1040, 1050, 1060]) == [0] * 7


def test_pixels_without_noise_have_no_jumps():
    assert search_pixel([0, 0, 0, 0, 900, 900], noise=0) == [0] * 6
    assert search_pixel([0] * 12 + [900], noise=0, at_once=True) == [0] * 13


def test_earlier_jumps_are_kept_unless_the_group_is_lost():
    flags = [0, JUMP, JUMP | DNU, JUMP | SAT, 0, 0, 0]
    assert search_pixel([0, 10, 20, 30, 40, 50, 60], flags) == [0, JUMP, DNU, SAT, 0, 0, 0]


@pytest.mark.parametrize("shape", [(1, 10, 13, 300), (1, 5, 9, 40), (3, 4, 9, 40), (2, 3, 9, 40), (2, 14, 9, 40)])
@pytest.mark.parametrize("nframes", [1, 4])
def test_agrees_with_the_naive_twin(shape, nframes):
    data, groupdq, _, gain, noise = make_nasty(sum(shape), shape, nframes)
    for limits in (LIMITS, NONE):
        for at_once in (False, True):
            thresholds = (4.0, 5.0, 6.0)
            expected = naive_jumps(data, groupdq, gain, noise, nframes, thresholds, limits, at_once)
            flags, _ = search(data, groupdq, gain, noise, nframes, limits, at_once)
            np.testing.assert_array_equal(flags, expected)


def test_neighbours_across_bytes_and_at_the_border():
    data, flags = np.zeros((1, 5, 4, 20), np.float32), np.zeros((1, 5, 4, 20), np.uint8)
    for y, x in ((0, 0), (1, 7), (3, 16), (2, 19)):
        data[0, 2:, y, x] = 100
    flags[0, :, 1, 8] = DNU
    gain = np.ones((4, 20), np.float32)
    flags, found = search(data, flags, gain, gain)
    expected = {(0, 0), (0, 1), (1, 0), (1, 6), (1, 7), (0, 7), (2, 7)}
    expected |= {(3, 15), (3, 16), (3, 17), (2, 16), (2, 18), (2, 19), (1, 19), (3, 19)}
    assert {tuple(at) for at in np.argwhere(flags[0, 2] & JUMP)} == expected and found == 4
    assert not (flags[0, [0, 1, 3, 4]] & JUMP).any()


def test_small_and_huge_jumps_leave_neighbours_alone():
    data = np.zeros((1, 5, 1, 9), np.float32)
    data[0, 2:, 0, 1], data[0, 2:, 0, 7] = 9, 1001
    flags, _ = search(data, np.zeros(data.shape, np.uint8), np.ones((1, 9), np.float32), np.ones((1, 9), np.float32))
    assert np.argwhere(flags[0, 2, 0]).ravel().tolist() == [1, 7]


def test_threads_and_read_only_data_change_nothing():
    data, groupdq, _, gain, noise = make_nasty(5, (2, 6, 30, 70))
    data.flags.writeable = gain.flags.writeable = noise.flags.writeable = False
    results, before = [], numba.get_num_threads()
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        results.append(search(data, groupdq, gain, noise))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


def test_works_without_the_compiler(tmp_path):
    data, groupdq, _, gain, noise = make_nasty(6, (1, 5, 4, 5))
    expected, found = search(data, groupdq, gain, noise)
    np.savez(tmp_path / "case.npz", data=data, groupdq=groupdq, gain=gain, noise=noise, expected=expected, found=found)
    code = (
        "import numpy as np, test_jump_twopoint as t\n"
        f"case = dict(np.load({str(tmp_path / 'case.npz')!r}))\n"
        "flags, found = t.search(*(case[k] for k in ('data', 'groupdq', 'gain', 'noise')))\n"
        "assert (flags == case['expected']).all() and found == case['found']\n"
    )
    environment = {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": ":".join(sys.path), "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
