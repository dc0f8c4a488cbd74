"""ramp_fit: slopes and their errors recovered, jumps, lost and saturated groups, one group, ZEROFRAME, settings."""

import numpy as np
import pytest
from naive_detector import make_ramp, write_reference

from jwcal import dq
from jwcal.errors import JwcalError
from jwcal.steps.ramp_fit import ramp_fit

RATE, NOISE, GAIN, TGROUP, TFRAME = 3.0, 6.0, 2.0, 10.0, 2.0  # DN/s, DN, e-/DN, s, s
TIMES = {"TGROUP": TGROUP, "TFRAME": TFRAME}


@pytest.fixture
def references(tmp_path):
    gain = write_reference(tmp_path / "gain.fits", "gain", SCI=np.full((4, 5), GAIN))
    return write_reference(tmp_path / "readnoise.fits", "readnoise", SCI=np.full((4, 5), NOISE)), gain


def expose(n_groups=8, n_integrations=1, rate=RATE, **keywords):
    times = TGROUP * np.arange(1, n_groups + 1)
    data = np.broadcast_to(rate * times[:, None, None], (n_integrations, n_groups, 4, 5))
    return make_ramp(data, **(TIMES | keywords))


def test_recovers_a_slope_and_its_variances(references):
    n = 8
    rates = ramp_fit(expose(n), *references)
    for image in (rates.rate, rates.rateints):
        np.testing.assert_allclose(image.data, RATE, rtol=1e-5)
        np.testing.assert_allclose(image.var_poisson, RATE / (GAIN * TGROUP * (n - 1)), rtol=1e-5)
        np.testing.assert_allclose(image.var_rnoise, 12 * NOISE**2 / 2 / ((n**3 - n) * TGROUP**2), rtol=1e-5)
        np.testing.assert_allclose(image.err, np.sqrt(image.var_poisson + image.var_rnoise), rtol=1e-5)
        assert not image.dq.any() and image.sci_header["BUNIT"] == "DN/s"
    assert rates.rate.data.shape == (4, 5) and rates.rateints.data.shape == (1, 4, 5)
    assert rates.rate.data.dtype == np.float32 and rates.rate.dq.dtype == np.uint32


def test_leaves_the_ramp_unchanged(references):
    ramp = expose()
    ramp.data.flags.writeable = ramp.groupdq.flags.writeable = False
    ramp_fit(ramp, *references)


def test_averages_integrations(references):
    ramp = expose(n_integrations=2)
    ramp.data[1] *= 3
    rates = ramp_fit(ramp, *references)
    np.testing.assert_allclose(rates.rateints.data[0], RATE, rtol=1e-5)
    np.testing.assert_allclose(rates.rateints.data[1], 3 * RATE, rtol=1e-5)
    np.testing.assert_allclose(rates.rate.data, 2 * RATE, rtol=1e-4)
    np.testing.assert_allclose(rates.rate.var_rnoise, rates.rateints.var_rnoise[0] / 2, rtol=1e-5)


def test_steps_over_jumps_and_lost_groups(references):
    ramp = expose()
    ramp.data[0, 4:, 1, 1] += 500.0
    ramp.groupdq[0, 4, 1, 1] = dq.JUMP_DET
    ramp.data[0, 3, 2, 2] = -1000.0
    ramp.groupdq[0, 3, 2, 2] = dq.DO_NOT_USE
    ramp.data[0, 5:, 3, 3] = 60000.0
    ramp.groupdq[0, 5:, 3, 3] = dq.SATURATED
    rate = ramp_fit(ramp, *references).rate
    np.testing.assert_allclose(rate.data, RATE, rtol=1e-4)
    assert rate.dq[1, 1] & dq.JUMP_DET and rate.dq[3, 3] & dq.SATURATED and not rate.dq[0].any()
    assert (rate.var_rnoise[[1, 2, 3], [1, 2, 3]] > rate.var_rnoise[0, 0]).all()


def test_saturated_pixels_have_no_slope(references):
    ramp = expose()
    ramp.groupdq[0, :, 1, 2] = dq.SATURATED
    rate = ramp_fit(ramp, *references).rate
    assert np.isnan(rate.data[1, 2]) and rate.dq[1, 2] & dq.DO_NOT_USE and rate.dq[1, 2] & dq.SATURATED
    assert np.isfinite(rate.data).sum() == 19


def test_everything_saturated(references):
    ramp = expose()
    ramp.groupdq[:] = dq.SATURATED
    with pytest.raises(JwcalError, match="saturated"):
        ramp_fit(ramp, *references)


def test_pixels_without_gain_are_not_used(references, tmp_path):
    gains = np.full((4, 5), GAIN)
    gains[0, 0], gains[1, 1], gains[2, 2] = 0, -1, np.nan
    gain = write_reference(tmp_path / "holes.fits", "gain", SCI=gains)
    rate = ramp_fit(expose(), references[0], gain).rate
    np.testing.assert_array_equal(np.argwhere(rate.dq & dq.NO_GAIN_VALUE), [[0, 0], [1, 1], [2, 2]])
    assert np.isnan(rate.data[[0, 1, 2], [0, 1, 2]]).all() and np.isfinite(rate.data).sum() == 17


def test_exposure_of_one_group(references):
    rate = ramp_fit(expose(1), *references).rate
    assert np.isfinite(rate.data).all() and (rate.err > 0).all()
    signal, elapsed = RATE * TGROUP, TFRAME  # one frame since the reset
    np.testing.assert_allclose(rate.data, signal / elapsed, rtol=1e-5)


@pytest.mark.parametrize("n_groups", [2, 3])
def test_short_exposures(references, n_groups):
    np.testing.assert_allclose(ramp_fit(expose(n_groups), *references).rate.data, RATE, rtol=1e-5)


def test_a_single_good_group_counts_only_if_asked(references):
    ramp = expose()
    ramp.groupdq[0, 1:, 1, 2] = dq.SATURATED
    rate = ramp_fit(ramp, *references).rate
    assert np.isnan(rate.data[1, 2]) and rate.dq[1, 2] & dq.DO_NOT_USE
    rate = ramp_fit(ramp, *references, suppress_one_group=False).rate
    np.testing.assert_allclose(rate.data[1, 2], RATE * TGROUP / TFRAME, rtol=1e-5)


def test_zeroframe_serves_where_the_first_group_is_saturated(references):
    ramp = expose(NFRAMES=4)
    ramp.groupdq[0, :, 1, 2] = dq.SATURATED
    ramp.zeroframe = np.full((1, 4, 5), 50.0, np.float32)
    rate = ramp_fit(ramp, *references, suppress_one_group=False).rate
    np.testing.assert_allclose(rate.data[1, 2], 50.0 / TFRAME, rtol=1e-5)
    np.testing.assert_allclose(rate.data[0], RATE, rtol=1e-5)
    assert np.isnan(ramp_fit(ramp, *references).rate.data[1, 2])


def test_first_and_last_group(references):
    ramp = expose()
    ramp.data[0, :2] -= 40.0
    ramp.data[0, 6:] += 300.0
    rate = ramp_fit(ramp, *references, firstgroup=2, lastgroup=5).rate
    np.testing.assert_allclose(rate.data, RATE, rtol=1e-4)
    np.testing.assert_allclose(rate.var_rnoise, 12 * NOISE**2 / 2 / ((4**3 - 4) * TGROUP**2), rtol=1e-5)


def test_miri_drops_groups_nobody_may_use(references):
    ramp = expose(INSTRUME="MIRI")
    ramp.groupdq[0, [0, -1]] = dq.DO_NOT_USE
    ramp.data[0, 0], ramp.data[0, -1] = -500.0, 9000.0
    np.testing.assert_allclose(ramp_fit(ramp, *references).rate.data, RATE, rtol=1e-4)
    ramp.groupdq[0, 1:] = dq.DO_NOT_USE
    with pytest.raises(JwcalError, match="two groups"):
        ramp_fit(ramp, *references)


def test_charge_loss_keeps_the_read_noise_variance(references):
    ramp = expose()
    ramp.groupdq[0, 5:, 1, 2] = dq.CHARGELOSS | dq.DO_NOT_USE
    ramp.data[0, 5:, 1, 2] *= 0.9
    rate = ramp_fit(ramp, *references).rate
    np.testing.assert_allclose(rate.data, RATE, rtol=1e-4)
    np.testing.assert_allclose(rate.var_rnoise, rate.var_rnoise[0, 0], rtol=1e-5)


def test_noise_agrees_with_its_variance(references):
    rng = np.random.default_rng(7)
    ramp = expose(n_integrations=400)
    electrons = rng.poisson(RATE * TGROUP * GAIN, ramp.data.shape).cumsum(axis=1)
    ramp.data[:] = electrons / GAIN + rng.normal(0, NOISE / np.sqrt(2), ramp.data.shape)
    rates = ramp_fit(ramp, *references)
    pulls = (rates.rateints.data - RATE) / rates.rateints.err
    assert abs(pulls.mean()) < 0.1 and 0.8 < pulls.std() < 1.2


def test_rejects_what_it_does_not_know(references):
    with pytest.raises(JwcalError, match="LIKELY"):
        ramp_fit(expose(), *references, algorithm="OLS")


@pytest.mark.parametrize("algorithm", ["OLS_C", "LIKELY"])
def test_dark_current_counts_in_electrons(references, algorithm):
    n, dark = 8, 5.0
    ramp = expose(n)
    without = ramp_fit(ramp, *references, algorithm=algorithm).rate
    ramp.average_dark_current = np.full((4, 5), dark, np.float32)
    rate = ramp_fit(ramp, *references, algorithm=algorithm).rate
    np.testing.assert_allclose(rate.data, RATE, rtol=1e-5)
    gained = rate.var_poisson / without.var_poisson
    if algorithm == "OLS_C":
        np.testing.assert_allclose(gained, (RATE + dark / GAIN) / RATE, rtol=1e-5)
    else:  # the weights change as well
        assert (gained > 1.5).all() and (gained < (RATE + dark / GAIN) / RATE).all()


def test_keeps_the_results_of_segments_if_asked(references):
    ramp = expose(n_integrations=2, GROUPGAP=0, DRPFRMS1=0)
    ramp.data[1, 4:, 1, 1] += 500.0
    ramp.groupdq[1, 4, 1, 1] = dq.JUMP_DET
    fitopt = ramp_fit(ramp, *references, save_opt=True).fitopt
    assert fitopt["SLOPE"].shape == (2, 2, 4, 5) and fitopt["CRMAG"].shape == (2, 1, 4, 5)
    np.testing.assert_allclose(fitopt["SLOPE"][1, :, 1, 1], RATE, rtol=1e-4)
    np.testing.assert_allclose(fitopt["CRMAG"][1, 0, 1, 1], 500.0 + RATE * TGROUP, rtol=1e-5)
    np.testing.assert_allclose(fitopt["PEDESTAL"], 0.0, atol=1e-4)  # the signal is zero at the reset
    assert np.count_nonzero(fitopt["SLOPE"]) == 41 and ramp_fit(ramp, *references).fitopt is None


def test_headers_and_tables(references, tmp_path):
    keywords = {"GAINFACT": 1.9}
    gain = write_reference(tmp_path / "other.fits", "gain", keywords=keywords, SCI=np.full((4, 5), GAIN))
    ramp = expose(n_integrations=2)
    ramp.tables = {"GROUP": "groups", "INT_TIMES": "times"}
    rates = ramp_fit(ramp, references[0], gain)
    assert rates.rate.tables == {} and rates.rateints.tables == {"INT_TIMES": "times"}
    assert rates.rate.header["GAINFACT"] == rates.rateints.header["GAINFACT"] == 1.9
    rates.rate.header["S_RAMP"] = "COMPLETE"
    assert "S_RAMP" not in rates.rateints.header and "GAINFACT" not in ramp.header
