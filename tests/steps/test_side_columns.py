"""refpix, MIRI: drifts since the first group come off each output."""

import numba
import numpy as np
import pytest
from naive_miri import make_miri_ramp, naive_side_columns

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.steps.refpix import refpix

SHAPE = (1024, 1032)


def make_noisy_ramp(groups=3, integrations=1):
    rng = np.random.default_rng(8)
    data = rng.normal(5000, 10, (integrations, groups, *SHAPE)).round().astype(np.float32)
    ramp = make_miri_ramp(data, SUBARRAY="FULL")
    ramp.pixeldq[rng.random(SHAPE) < 0.02] = dq.DO_NOT_USE
    ramp.data[:, :, ramp.pixeldq != 0] = 9e4
    return ramp


@pytest.mark.parametrize("odd_even", [True, False])
def test_naive_twin(odd_even):
    ramp = make_noisy_ramp()
    bad = (ramp.pixeldq & dq.DO_NOT_USE) != 0
    expected = naive_side_columns(ramp.data[0].copy(), bad, odd_even)
    refpix(ramp, odd_even_rows=odd_even)
    np.testing.assert_allclose(ramp.data[0], expected, rtol=1e-6)


def test_drifts_of_outputs_and_parities_come_off():
    rng = np.random.default_rng(0)
    ramp = make_miri_ramp(np.tile(rng.integers(100, 900, SHAPE), (2, 4, 1, 1)), SUBARRAY="FULL")
    expected = ramp.data.copy()
    drift = rng.integers(-50, 50, (2, 4, 2, 4))
    drift[:, 0] = 0
    for parity, output in np.ndindex(2, 4):
        ramp.data[:, :, parity::2, output::4] += drift[:, :, parity, output, None, None]
    np.testing.assert_array_equal(refpix(ramp).data, expected)


def test_one_side_serves_where_the_other_is_bad():
    ramp = make_miri_ramp(np.zeros((1, 2, *SHAPE)), SUBARRAY="FULL")
    ramp.data[0, 1] = 7
    ramp.data[0, 1, 5, 0] = np.nan
    ramp.pixeldq[:, 1029] = ramp.pixeldq[::2, 3] = ramp.pixeldq[::2, 1031] = dq.DO_NOT_USE
    refpix(ramp)
    left = np.zeros(SHAPE)
    left[::2, 3::4] = 7  # no good pixel on either side
    left[5, 0] = np.nan
    np.testing.assert_array_equal(ramp.data[0, 1], left)


def test_without_good_pixels_or_in_subarrays_it_is_skipped():
    ramp = make_miri_ramp(np.zeros((1, 2, *SHAPE)), SUBARRAY="FULL")
    ramp.pixeldq[:] = dq.DO_NOT_USE
    with pytest.raises(StepSkipped, match="no good reference pixels"):
        refpix(ramp)
    with pytest.raises(StepSkipped, match="subarrays are not corrected"):
        refpix(make_miri_ramp(np.zeros((1, 2, 64, 72))))


def test_refusal():
    with pytest.raises(JwcalError, match="siglimit = -1"):
        refpix(make_miri_ramp(np.zeros((1, 2, 64, 72))), siglimit=-1)


def test_a_single_group_stays():
    ramp = make_noisy_ramp(groups=1)
    before = ramp.data.copy()
    np.testing.assert_array_equal(refpix(ramp).data, before)


def test_any_number_of_threads():
    before, results = numba.get_num_threads(), []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        results.append(refpix(make_noisy_ramp(2)).data)
    numba.set_num_threads(before)
    np.testing.assert_array_equal(*results)
