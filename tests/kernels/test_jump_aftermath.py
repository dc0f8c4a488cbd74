"""Groups after large jumps, and jumps found by comparing integrations."""

import numpy as np
import pytest
from naive_ramps import DNU, JUMP, SAT, make_nasty, naive_differences

from jwcal.kernels.jump_aftermath import flag_aftermath
from jwcal.kernels.jump_clipping import clip_jumps


def flag_pixel(values, flags, amplitudes=(100.0, 1000.0), lengths=(1, 3)):
    data = np.array(values, np.float32).reshape(1, -1, 1, 1)
    groupdq = np.array(flags, np.uint8).reshape(data.shape)
    flag_aftermath(data, groupdq, np.ones((1, 1), np.float32), amplitudes, lengths)
    return groupdq.ravel().tolist()


def test_groups_after_a_large_jump():
    assert flag_pixel([0, 0, 500, 500, 500, 500], [0, 0, JUMP, 0, 0, 0]) == [0, 0, JUMP, JUMP, 0, 0]


def test_more_groups_after_a_very_large_jump():
    assert flag_pixel([0, 0, 5000, 5000, 5000, 5000, 5000], [0, 0, JUMP] + [0] * 4) == [0, 0, *[JUMP] * 4, 0]


def test_small_and_unflagged_jumps_leave_no_trace():
    assert flag_pixel([0, 0, 99, 99, 99, 99], [0, 0, JUMP, 0, 0, 0]) == [0, 0, JUMP, 0, 0, 0]
    assert flag_pixel([0, 0, 5000, 5000, 5000, 5000], [0] * 6) == [0] * 6


def test_flags_do_not_propagate_themselves():
    assert flag_pixel([0, 0, 500, 1000, 1000, 1000, 1000], [0, 0, JUMP, 0, 0, 0, 0]) == [0, 0, JUMP, JUMP, 0, 0, 0]


def test_lost_groups_are_passed_over():
    flags = [0, 0, 0, JUMP, DNU, 0, SAT]
    assert flag_pixel([0, 0, 0, 5000, 5000, 5000, 9], flags) == [0, 0, 0, JUMP, DNU, JUMP, SAT]


def naive_clip(values, threshold):
    """Outliers of a sample by clipping, in plain words."""
    kept = values[~np.isnan(values)]
    for _ in range(5):
        if not len(kept):
            return np.zeros(values.shape, bool)
        low, high = np.median(kept) - threshold * kept.std(), np.median(kept) + threshold * kept.std()
        inside = kept[(kept >= low) & (kept <= high)]
        if len(inside) == len(kept):
            break
        kept = inside
    return (values < low) | (values > high)


@pytest.mark.parametrize("together", [False, True])
def test_clipping_agrees_with_the_naive_twin(together):
    data, groupdq, _, gain, _ = make_nasty(3, (30, 4, 6, 9))
    expected = groupdq.copy()
    differences = naive_differences(data, groupdq, gain)
    for y, x in np.ndindex(gain.shape):
        values = differences[:, :, y, x]
        outside = naive_clip(values, 3.0) if together else np.stack([naive_clip(v, 3.0) for v in values.T], axis=1)
        expected[:, 1:, y, x][outside] |= JUMP
    clip_jumps(data, groupdq, gain, 3.0, together)
    np.testing.assert_array_equal(groupdq, expected)


def test_clipping_finds_the_odd_integration():
    rng = np.random.default_rng(2)
    data = np.cumsum(100 + rng.normal(0, 1, (50, 5, 2, 3)), axis=1).astype(np.float32)
    data[17, 3:, 1, 2] += 40
    groupdq = np.zeros(data.shape, np.uint8)
    clip_jumps(data, groupdq, np.ones((2, 3), np.float32), 6.0, False)
    assert np.argwhere(groupdq).tolist() == [[17, 3, 1, 2]]
