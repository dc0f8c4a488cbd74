"""ramp_fit by likelihood: slopes, errors, chi squared, its own jumps, and where it differs from the official code."""

import numpy as np
import pytest
from naive_detector import make_ramp, write_reference

from jwcal import dq
from jwcal.ramps.averages import average_integrations
from jwcal.ramps.groups import gather_maps
from jwcal.ramps.likelihood import ONE, TWO, fit_likelihood
from jwcal.steps.ramp_fit import ramp_fit

RATE, NOISE, GAIN, TGROUP = 3.0, 6.0, 2.0, 10.0  # DN/s, DN, e-/DN, s
NY, NX = 4, 5


@pytest.fixture
def references(tmp_path):
    gain = write_reference(tmp_path / "gain.fits", "gain", SCI=np.full((NY, NX), GAIN))
    return write_reference(tmp_path / "readnoise.fits", "readnoise", SCI=np.full((NY, NX), NOISE)), gain


def expose(n_groups=8, n_integrations=1, rate=RATE, **keywords):
    data = np.broadcast_to(
        rate * TGROUP * np.arange(1, n_groups + 1)[:, None, None], (n_integrations, n_groups, NY, NX)
    )
    return make_ramp(data, **({"TGROUP": TGROUP, "TFRAME": TGROUP} | keywords))


def fit(ramp, references, **settings):
    return ramp_fit(ramp, *references, algorithm="LIKELY", save_opt=True, **settings)


def test_recovers_a_slope_without_flags(references):
    rates = fit(expose(n_integrations=2), references)
    for image in (rates.rate, rates.rateints):
        np.testing.assert_allclose(image.data, RATE, rtol=1e-6)
        np.testing.assert_allclose(image.err**2, image.var_poisson + image.var_rnoise, rtol=1e-5)
        assert not image.dq.any() and image.sci_header["BUNIT"] == "DN/s"
    np.testing.assert_allclose(rates.rate.var_rnoise, rates.rateints.var_rnoise[0] / 2, rtol=1e-5)
    np.testing.assert_allclose(rates.extras["likely_chisq"].data, 0, atol=1e-5)
    assert rates.fitopt is None and "BUNIT" not in rates.extras["likely_chisq"].sci_header


def test_read_noise_alone_is_fitted_as_a_straight_line(references):
    n = 8
    rate = fit(expose(n, rate=0.0), references).rate
    np.testing.assert_allclose(rate.var_rnoise, 12 * NOISE**2 / 2 / ((n**3 - n) * TGROUP**2), rtol=1e-6)
    assert not rate.var_poisson.any()


def test_photon_noise_alone_is_that_of_all_photons(references, tmp_path):
    quiet = write_reference(tmp_path / "quiet.fits", "readnoise", SCI=np.full((NY, NX), 1e-3))
    rate = fit(expose(8), (quiet, references[1])).rate
    np.testing.assert_allclose(rate.var_poisson, RATE / GAIN / (7 * TGROUP), rtol=1e-5)


def test_few_groups_are_fitted_by_least_squares(references):
    rates = ramp_fit(expose(3), *references, algorithm="LIKELY", save_opt=True)
    assert rates.fitopt is not None and "likely_chisq" not in rates.extras
    np.testing.assert_allclose(rates.rate.data, RATE, rtol=1e-5)


def test_finds_jumps_and_flags_their_groups(references):
    ramp = expose()
    ramp.data[0, 4:, 1, 1] += 500.0
    ramp.data[0, 1:, 2, 2] += 300.0
    ramp.data[0, 6:, 2, 2] += 400.0
    rate = fit(ramp, references).rate
    np.testing.assert_allclose(rate.data, RATE, rtol=1e-4)
    assert np.argwhere(rate.dq).tolist() == [[1, 1], [2, 2]] and set(rate.dq[rate.dq > 0]) == {dq.JUMP_DET}
    assert np.argwhere(ramp.groupdq[0]).tolist() == [[1, 2, 2], [4, 1, 1], [6, 2, 2]]


def test_a_jump_within_the_frames_of_a_group_spoils_two_differences(references):
    ramp = expose(NFRAMES=4, TFRAME=TGROUP / 4)
    ramp.data[0, 4:, 1, 1] += 250.0
    ramp.data[0, 5:, 1, 1] += 250.0
    rate = fit(ramp, references).rate
    np.testing.assert_allclose(rate.data, RATE, rtol=1e-4)
    assert np.argwhere(ramp.groupdq[0]).tolist() == [[4, 1, 1], [5, 1, 1]]


def test_leaves_flagged_groups_out(references):
    ramp = expose(10)
    ramp.data[0, 5, 1, 1], ramp.groupdq[0, 5, 1, 1] = -900.0, dq.DO_NOT_USE
    ramp.data[0, 6:, 2, 2], ramp.groupdq[0, 6:, 2, 2] = 60000.0, dq.SATURATED
    ramp.data[0, 0], ramp.data[0, 9] = 0.0, 9000.0
    rate = fit(ramp, references, firstgroup=1, lastgroup=8).rate
    np.testing.assert_allclose(rate.data, RATE, rtol=1e-4)
    assert rate.dq[2, 2] == dq.SATURATED and not ramp.groupdq[0, :, 1, 1][6:].any()


def test_first_frames_are_groups_of_their_own(references):
    keywords = {"NFRAMES": 4, "TFRAME": TGROUP / 4}
    without = fit(expose(6, **keywords), references).rate
    ramp = expose(6, **keywords)
    ramp.data -= RATE * TGROUP * 3 / 8  # the mean of frames 1 to 4 of each group
    ramp.zeroframe = np.full((1, NY, NX), RATE * TGROUP / 4, np.float32)
    ramp.zeroframe[0, 0, 0] = 0.0  # none
    ramp.groupdq[0, 1:, 1, 1] = dq.SATURATED
    rate = fit(ramp, references).rate
    np.testing.assert_allclose(rate.data, RATE, rtol=1e-5)
    assert (rate.err[2:] < without.err[2:]).all() and rate.err[0, 0] > without.err[0, 0]


# Where the official package is wrong.


def test_ramps_that_saturate_early_keep_their_groups(references):
    rng = np.random.default_rng(5)
    rate, shape = 400.0, (1, 20, NY, NX)
    ramp = expose(20)
    ramp.data[:] = rng.poisson(rate * TGROUP * GAIN, shape).cumsum(axis=1) / GAIN
    ramp.data[0, 8:], ramp.groupdq[0, 8:] = ramp.data[0, 7], dq.SATURATED
    image = fit(ramp, references).rate
    assert not (image.dq & dq.JUMP_DET).any()
    assert np.abs(np.mean((image.data - rate) / image.err)) < 0.7
    maps, extra = gather_maps(ramp, *references), np.zeros(20, np.uint8)
    assert (fit_likelihood(ramp, maps, extra, guess_from_all=True)[1] & dq.JUMP_DET).any()


def test_lost_samples_and_persistence_cost_little(references):
    ramp = expose(10)
    ramp.data[0, 5, 1, 1] = np.nan
    ramp.groupdq[0, :, 2, 2] = dq.PERSISTENCE
    rate = fit(ramp, references).rate
    np.testing.assert_allclose(rate.data, RATE, rtol=1e-5)
    assert rate.dq[2, 2] == dq.PERSISTENCE and rate.err[2, 2] == rate.err[0, 0] < rate.err[1, 1]


def test_pixels_without_slope_or_gain_are_flagged(references, tmp_path):
    gains = np.full((NY, NX), GAIN)
    gains[0, 0], gains[1, 1], gains[2, 2] = 0, -1, np.nan
    gain = write_reference(tmp_path / "holes.fits", "gain", SCI=gains)
    ramp = expose(6, 2)
    ramp.groupdq[:, 1:, 3, 3] = dq.SATURATED
    ramp.groupdq[0, :, 3, 4] = dq.SATURATED
    rates = fit(ramp, (references[0], gain))
    lost = [[0, 0], [1, 1], [2, 2], [3, 3]]
    assert (
        np.argwhere(np.isnan(rates.rate.data)).tolist() == lost == np.argwhere(rates.rate.dq & dq.DO_NOT_USE).tolist()
    )
    assert np.argwhere(rates.rate.dq & dq.NO_GAIN_VALUE).tolist() == lost[:3] and rates.rate.err[3, 3] == 0
    assert np.isfinite(rates.extras["likely_chisq"].data[3, 4])  # of the other integration
    assert np.isnan(rates.rateints.data[0, 3, 4]) and rates.rateints.dq[0, 3, 4] & dq.DO_NOT_USE


@pytest.mark.parametrize("n_groups", [6, 7, 8, 9])
def test_jumps_are_found_in_the_dark(references, n_groups):
    ramp = expose(n_groups, rate=-0.05)
    ramp.data[0, 3:, 1, 1] += 300.0
    fit(ramp, references)
    assert np.argwhere(ramp.groupdq[0]).tolist() == [[3, 1, 1]]


def test_of_two_differences_none_is_a_jump(references):
    ramp = expose(8)
    ramp.groupdq[0, 3:] = dq.SATURATED
    ramp.data[0, 2:, 1, 1] += 500.0
    rate = fit(ramp, references).rate
    assert not ramp.groupdq[0, :3].any() and np.isfinite(rate.data).all() and rate.data[1, 1] > 5 * RATE


def test_integrations_are_averaged_with_the_noise_of_their_mean_rate():
    results = np.zeros((5, 3, 1, 2), np.float32)
    results[0, :, 0, 0] = 1.0, 2.0, 3.0
    results[2, :, 0, 0] = 0.1, 0.2, 0.3  # photon noise alone: all count alike
    results[:, :, 0, 1] = np.array([[2.0, np.nan, 4.0], [1, 0, 1], [0, 0, 0], [1.0, 0, 1.0], [5, np.nan, 6]])
    flags = np.array([4, 1, 2], np.uint32)[:, None, None] * np.ones((1, 2), np.uint32)
    mean, mean_flags = np.empty((5, 1, 2), np.float32), np.empty((1, 2), np.uint32)
    average_integrations(results, flags, mean, mean_flags)
    np.testing.assert_allclose(mean[[0, 2, 3], 0, 0], [2.0, 0.2 / 3, 0], rtol=1e-5)
    np.testing.assert_allclose(mean[:, 0, 1], [3.0, np.sqrt(0.5), 0, 0.5, 11], rtol=1e-6)
    assert mean_flags.tolist() == [[6, 6]] and (ONE, TWO) == (20.25, 23.8)
