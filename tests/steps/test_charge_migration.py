"""charge_migration: flags from the first full group on, with neighbours; what it leaves alone."""

import numpy as np
import pytest
from naive_detector import make_ramp

from jwcal import dq
from jwcal.errors import StepSkipped
from jwcal.steps.charge_migration import charge_migration

LOST = dq.CHARGELOSS | dq.DO_NOT_USE


def expose(n_groups=5):
    return make_ramp(np.full((1, n_groups, 4, 5), 100.0))


def test_flags_from_the_full_group_on():
    ramp = expose()
    ramp.data[0, 2, 1, 2] = 1000.1
    before = ramp.data.copy()
    assert charge_migration(ramp, signal_threshold=1000.0) is ramp
    cross = np.array([[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]])
    assert not ramp.groupdq[0, :2].any()
    for group in ramp.groupdq[0, 2:]:
        np.testing.assert_array_equal(group, cross * LOST)
    np.testing.assert_array_equal(ramp.data, before)


def test_corner_and_other_flags():
    ramp = expose()
    ramp.data[0, 3, 3, 4] = 2000.0
    ramp.groupdq[0, :, 3, 4] = dq.JUMP_DET
    charge_migration(ramp, signal_threshold=1000.0)
    assert ramp.groupdq[0, 3, 3, 4] == LOST | dq.JUMP_DET and ramp.groupdq[0, 2, 3, 4] == dq.JUMP_DET
    np.testing.assert_array_equal(np.argwhere(ramp.groupdq[0, 4] & dq.CHARGELOSS), [[2, 4], [3, 3], [3, 4]])


def test_threshold_lost_groups_and_nan_do_not_count():
    ramp = expose()
    ramp.data[0, :, 0, 0] = 1000.0
    ramp.data[0, :, 1, 1] = np.nan
    ramp.data[0, 1, 2, 2], ramp.groupdq[0, 1, 2, 2] = 5000.0, dq.DO_NOT_USE
    ramp.data[0, 1, 2, 3], ramp.groupdq[0, 1, 2, 3] = 5000.0, dq.DO_NOT_USE | dq.PERSISTENCE
    before = ramp.groupdq.copy()
    np.testing.assert_array_equal(charge_migration(ramp, signal_threshold=1000.0).groupdq, before)


def test_integrations_are_apart():
    ramp = make_ramp(np.full((2, 4, 3, 3), 100.0))
    ramp.data[1, 0] = 3000.0
    charge_migration(ramp, signal_threshold=1000.0)
    assert not ramp.groupdq[0].any() and (ramp.groupdq[1] == LOST).all()


def test_needs_three_groups():
    ramp = expose(2)
    ramp.data[:] = 1e5
    with pytest.raises(StepSkipped, match="3 groups"):
        charge_migration(ramp)
    assert not ramp.groupdq.any()
