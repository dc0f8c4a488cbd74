"""Each effect of the simulated detector, alone."""

import numpy as np
import pytest
from scipy import stats

from jwcal.simulate import cosmicrays, effects
from jwcal.simulate.detectors import Region, draw_detector
from jwcal.simulate.instruments import get_instrument
from jwcal.simulate.randoms import draw_normal, draw_poisson, draw_smooth, draw_uniform, make_generator, make_key

CHIP = get_instrument("NIRCAM").chip("NRCB1")
GUIDER = get_instrument("FGS").chip("GUIDER2")


def zeros(*shape):
    return np.zeros(shape, np.float32)


def test_nonlinearity_solves_the_polynomial_exactly():
    detector = draw_detector(CHIP, Region(300, 400, 9, 7), seed=1)
    true = np.linspace(-50, 48000, 4 * 7 * 9, dtype=np.float32).reshape(4, 7, 9)
    measured = effects.add_nonlinearity(true.copy(), detector.coefficients)
    restored = sum(c.astype(float) * measured.astype(float) ** k for k, c in enumerate(detector.coefficients))
    assert np.allclose(restored, true, rtol=1e-6, atol=1e-3)
    assert 0.02 < 1 - measured[-1, -1, -1] / true[-1, -1, -1] < 0.06


def test_identity_polynomial_changes_nothing():
    coefficients = np.stack([zeros(3, 3), np.ones((3, 3), np.float32), zeros(3, 3), zeros(3, 3)])
    signal = np.arange(9, dtype=np.float32).reshape(3, 3) * 5000
    assert np.array_equal(effects.add_nonlinearity(signal.copy(), coefficients), signal)


def test_saturation_holds_the_signal():
    signal = np.array([[10.0, 500.0]], np.float32)
    assert effects.add_saturation(signal, np.array([[100.0, 100.0]], np.float32)).tolist() == [[10, 100]]


def test_coupling_spares_reference_pixels_and_keeps_the_sum():
    signal, science = zeros(9, 9), np.ones((9, 9), bool)
    science[:2] = False
    signal[:2] = 77
    signal[5, 4] = 1000
    effects.add_coupling(signal, science)
    assert (signal[:2] == 77).all()
    assert signal[2:].sum() == pytest.approx(1000, rel=1e-6)
    side, up = effects.INTER_PIXEL
    assert signal[5, 5] == pytest.approx(1000 * side, rel=1e-5)
    assert signal[6, 4] == pytest.approx(1000 * up, rel=1e-5)


@pytest.mark.parametrize(("chip", "first_row"), [(CHIP, np.s_[-1, :]), (GUIDER, np.s_[:, -1])])
def test_detector_view_follows_the_readout(chip, first_row):
    image = np.arange(12).reshape(3, 4)
    view = effects.detector_view(image, chip)
    assert np.array_equal(view[0], image[first_row])
    assert np.shares_memory(view, image)


def test_drift_and_odd_even_steps_act_on_whole_columns_of_an_output():
    frame = effects.add_bias_drift(zeros(4, 8), CHIP, 2, [1.0, -2.0])
    assert (frame[:, :4] == 1).all() and (frame[:, 4:] == -2).all()
    frame = effects.add_odd_even_steps(zeros(4, 8), CHIP, 2, np.random.default_rng(0))
    assert np.ptp(frame, axis=0).max() == 0
    assert len(np.unique(frame[0])) == 4


def test_flicker_noise_has_the_stated_size_and_reddens():
    rng = np.random.default_rng(1)
    frames = np.array([effects.add_flicker_noise(zeros(256, 64), CHIP, 4, rng) for _ in range(20)])
    expected = np.hypot(effects.FLICKER_COMMON, effects.FLICKER_OUTPUT)
    assert frames.std() == pytest.approx(expected, rel=0.1)
    rows = frames.mean(axis=2)
    assert rows.std() > 0.5 * expected  # neighbours in a row are alike
    power = np.abs(np.fft.rfft(effects.draw_flicker(1 << 14, rng))) ** 2
    low, high = power[4:40].mean(), power[400:4000].mean()
    assert 10 < low / high < 300


def test_white_and_flicker_noise_add_up_to_the_reference():
    rng = np.random.default_rng(2)
    cds = np.full((128, 64), 7.7, np.float32)
    noise = effects.white_noise(cds)
    frames = np.array(
        [effects.add_flicker_noise(effects.add_read_noise(zeros(128, 64), noise, rng), CHIP, 1, rng) for _ in range(30)]
    )
    assert np.diff(frames, axis=0).std() == pytest.approx(7.7, rel=0.05)


def test_telegraph_noise_jumps_only_where_asked():
    where = np.zeros((4, 4), bool)
    where[1, 2] = True
    frames = effects.add_telegraph_noise(zeros(40, 4, 4), where, np.random.default_rng(0))
    assert set(np.unique(frames[:, 1, 2])) == {0, effects.TELEGRAPH}
    assert not frames[:, ~where].any()


def test_settling_and_persistence_add_up_over_frames():
    amplitude = np.full((2, 2), 100.0, np.float32)
    whole = effects.add_settling(zeros(2, 2), amplitude, 0, 5)
    parts = sum(effects.add_settling(zeros(2, 2), amplitude, n, n + 1) for n in range(5))
    assert np.allclose(whole, parts, rtol=1e-5)
    whole = effects.add_persistence(zeros(2, 2), amplitude, 0.0, 30.0, 400.0)
    parts = sum(effects.add_persistence(zeros(2, 2), amplitude, t, t + 10.0, 400.0) for t in (0, 10, 20))
    assert np.allclose(whole, parts, rtol=1e-5)
    assert np.allclose(whole, 100 * (1 - np.exp(-30 / 400)), rtol=1e-5)


def test_converter_and_averaging_cut_to_whole_numbers():
    assert effects.convert(np.array([-3.0, 1.9, 70000.0])).tolist() == [0, 1, 65535]
    assert effects.average_frames(np.array([7, 8, 9], np.uint32), 4).tolist() == [1, 2, 2]


@pytest.mark.parametrize("mean", [0.3, 4.0, 9.9, 10.1, 60.0, 3000.0])
def test_poisson_numbers_follow_the_distribution(mean):
    draws = np.full((400, 500), mean, np.float32)
    draw_poisson(draws, make_key("poisson", mean))
    values, counts = np.unique(draws, return_counts=True)
    expected = stats.poisson.pmf(values, float(np.float32(mean))) * draws.size
    usual = expected > 20
    assert ((counts - expected)[usual] ** 2 / expected[usual]).sum() < stats.chi2.ppf(0.99999, usual.sum())
    assert draws.mean(dtype=float) == pytest.approx(mean, abs=5 * np.sqrt(mean / draws.size))


def test_poisson_of_nothing_is_nothing():
    draws = np.array([[0.0, -3.0]], np.float32)
    draw_poisson(draws, make_key(1))
    assert not draws.any()


def test_a_pixel_is_the_same_in_every_subarray():
    whole, part = Region(0, 0, 2048, 64), Region(101, 7, 33, 20)
    cut = np.s_[7:27, 101:134]
    for draw in (draw_uniform, draw_normal, draw_smooth):
        assert np.allclose(draw(make_key(5), whole)[cut], draw(make_key(5), part), atol=1e-6)
    ours, theirs = draw_detector(CHIP, part, seed=3), draw_detector(CHIP, whole, seed=3)
    for name in ("gain", "bias", "dark", "well", "response", "cds_noise"):
        assert np.allclose(getattr(ours, name), getattr(theirs, name)[cut], rtol=1e-5, equal_nan=True)
    assert all(np.array_equal(ours.flags[key], theirs.flags[key][cut]) for key in ours.flags)


def test_normal_numbers_are_normal():
    numbers = draw_normal(make_key("normal"), Region(1, 0, 501, 400)).ravel()
    assert stats.kstest(numbers[::7], "norm").pvalue > 1e-3


def test_no_defects_means_none():
    detector = draw_detector(CHIP, Region(500, 500, 64, 64), seed=1, defects=0)
    assert not any(flags.any() for flags in detector.flags.values())


def test_cosmic_rays_come_at_their_rate():
    rng = make_generator("rays")
    hits = cosmicrays.draw_hits((512, 512), 100.0, rng, snowball_rate=0)
    number = cosmicrays.RATE * 1e-8 * cosmicrays.PIXEL**2 * 512 * 512 * 100
    assert number < len(hits) < 6 * number  # tracks cover a few pixels each
    assert 200 < np.median(hits["electrons"]) < 5000
    assert len(np.unique(hits[["y", "x"]])) == len(hits)
    charge = effects.add_cosmic_rays(zeros(512, 512), hits)
    assert charge.sum(dtype=float) == pytest.approx(hits["electrons"].sum(dtype=float), rel=1e-5)


def test_snowballs_are_round_and_saturate():
    charge = zeros(200, 200)
    cosmicrays.deposit_snowball(charge, 100.5, 60.5, 5.0)
    core, halo = charge > cosmicrays.FULL_WELL, charge > 0
    assert np.array_equal(charge, np.roll(charge[::-1], 1, axis=0))  # the same above and below row 100
    assert core.sum() == pytest.approx(np.pi * 5**2, rel=0.15)
    assert halo.sum() > 5 * core.sum()


def test_snowballs_come_now_and_then():
    rng = np.random.default_rng(8)
    seen = [len(cosmicrays.draw_hits((200, 200), 1.0, rng, rate=0, snowball_rate=1 / 40000)) > 0 for _ in range(200)]
    assert np.mean(seen) == pytest.approx(1 - np.exp(-1), abs=0.12)
