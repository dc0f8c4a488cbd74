"""clean_flicker_noise: stripes that are put in come out, sources and means stay; masks, settings, what is refused."""

import numba
import numpy as np
import pytest
from astropy.io import fits
from naive_detector import write_reference
from naive_flicker import make_striped_ramp, naive_series

from jwcal import products
from jwcal.errors import JwcalError, StepSkipped
from jwcal.flicker import choice, fourier, levels, scene
from jwcal.models import Image
from jwcal.steps.clean_flicker_noise import clean_flicker_noise

SHAPE = 40, 48
SOURCE = np.s_[10:16, 12:18]


@pytest.fixture
def references(tmp_path):
    """Read noise and gain of a small array."""
    noise = write_reference(tmp_path / "readnoise.fits", "readnoise", SCI=np.full(SHAPE, 2.0))
    gain = write_reference(tmp_path / "gain.fits", "gain", SCI=np.full(SHAPE, 2.0))
    return noise, gain


@pytest.mark.parametrize(("axis", "slow"), [(1, 2), (1, -2), (0, 1), (0, -1)])
@pytest.mark.parametrize("settings", [{}, {"single_mask": False}, {"background_method": "model"}])
def test_stripes_come_out(references, axis, slow, settings):
    ramp, clean = make_striped_ramp(np.random.default_rng(1), axis=axis, stripes=3.0, SLOWAXIS=slow)
    striped = ramp.data.copy()
    assert clean_flicker_noise(ramp, *references, n_sigma=4, **settings) is ramp
    # Medians of 42 differences of noise 1.4, added up over 4 groups. The level of a group is no stripe.
    residual = ramp.data - clean
    residual -= residual.mean(axis=(2, 3), keepdims=True)
    assert residual.std() < 0.6 < (striped - clean).std() / 3
    np.testing.assert_array_equal(ramp.data[:, 0], striped[:, 0])
    # The source's stripe is that of its line: what it shines is kept.
    assert abs(np.mean(residual[..., *SOURCE])) < 0.5


def test_same_bits_for_any_number_of_threads(references):
    results = []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        ramp, _ = make_striped_ramp(np.random.default_rng(1))
        results.append(clean_flicker_noise(ramp, *references).data)
    np.testing.assert_array_equal(*results)


def test_the_draft_does_not_use_up_the_ramp(tmp_path):
    size = 256, 512  # an eighth of its rows are whole pages of memory
    noise, gain = (write_reference(tmp_path / f"{n}.fits", n, SCI=np.full(size, 2.0)) for n in ("readnoise", "gain"))
    ramp, _ = make_striped_ramp(np.random.default_rng(1), shape=(1, 5, *size))
    before, ramp.spendable = ramp.data.copy(), True
    scene.draft_rates(ramp, noise, gain)
    np.testing.assert_array_equal(ramp.data, before)


def make_rate(data, **keywords):
    cards = {"EXP_TYPE": "NRC_IMAGE", "SUBARRAY": "SUB64P", "FASTAXIS": -1, "SLOWAXIS": 2}
    data = np.array(data, np.float32)
    header = fits.Header(list((cards | keywords).items()))
    return Image(header=header, sci_header=fits.Header(), data=data, dq=np.zeros(data.shape, np.uint32))


def test_a_tiny_case_by_eye():
    rate = make_rate([[11, 11, 11, 99], [7, 7, 7, np.nan], [9, 9, 9, 9]])
    clean_flicker_noise(rate, n_sigma=0, background_method=None)
    np.testing.assert_array_equal(rate.data, [[0, 0, 0, 88], [0, 0, 0, np.nan], [0, 0, 0, 0]])
    rate = make_rate([[11, 11, 11, 99], [7, 7, 7, np.nan], [9, 9, 9, 9]])
    clean_flicker_noise(rate)  # 99 is no background; the median of all others is 9
    np.testing.assert_array_equal(rate.data, [[9, 9, 9, 97], [9, 9, 9, np.nan], [9, 9, 9, 9]])


def test_nan_and_groups_without_background(references):
    ramp, _ = make_striped_ramp(np.random.default_rng(2), stripes=3.0)
    ramp.data[0, 2, 5, 5] = np.nan
    ramp.groupdq[1, 3] = 4
    before = ramp.data.copy()
    clean_flicker_noise(ramp, *references)
    assert np.argwhere(np.isnan(ramp.data)).tolist() == [[0, 2, 5, 5]]
    change = (before - ramp.data)[1]
    np.testing.assert_allclose(change[3], change[2], atol=1e-3)  # nothing new is known of the group that is lost


def test_what_is_kept(references, tmp_path):
    ramp, _ = make_striped_ramp(np.random.default_rng(3), stripes=3.0)
    striped = ramp.data.copy()
    clean_flicker_noise(ramp, *references, save_mask=True, save_background=True, save_noise=True)
    assert set(ramp.extras) == {"mask", "flicker_bkg", "flicker_noise"}
    np.testing.assert_allclose(ramp.extras["flicker_noise"].data, ramp.data - striped, atol=1e-3)
    np.testing.assert_allclose(ramp.extras["flicker_bkg"].data[:, 1:], 20, atol=3)
    mask = ramp.extras["mask"].data
    assert mask.shape == SHAPE and not mask[SOURCE].any() and mask.mean() > 0.7
    for suffix, extra in ramp.extras.items():
        products.write(tmp_path / f"x_{suffix}.fits", extra)
        with fits.open(tmp_path / f"x_{suffix}.fits") as file:
            np.testing.assert_array_equal(file["SCI"].data, extra.data)


@pytest.mark.parametrize("cube", [False, True])
def test_mask_of_the_users_own(tmp_path, cube):
    data = np.zeros((2, *SHAPE)) + np.arange(48)
    data[:, :, 24:] += 500
    mask = np.zeros(data.shape, np.int16)
    mask[:, :, 20:24] = 1
    fits.ImageHDU(mask if cube else mask[0], name="SCI").writeto(tmp_path / "mask.fits")
    rate = clean_flicker_noise(
        make_rate(data), background_method=None, n_sigma=0, user_mask=str(tmp_path / "mask.fits")
    )
    np.testing.assert_allclose(rate.data, data - 21.5)
    fits.ImageHDU(mask[0, 1:], name="SCI").writeto(tmp_path / "small.fits")
    with pytest.raises(JwcalError, match="user_mask has shape"):
        clean_flicker_noise(make_rate(data), user_mask=str(tmp_path / "small.fits"))


def test_flat_field_is_taken_out_while_the_noise_is_sought(tmp_path):
    rng = np.random.default_rng(4)
    response = rng.uniform(0.8, 1.2, SHAPE).astype(np.float32)
    response[3, 3] = np.nan
    flat = write_reference(tmp_path / "flat.fits", "flat", SCI=response)
    sky = 100 * np.where(np.isnan(response), 1, response)
    stripes = rng.normal(0, 2, (SHAPE[0], 1))
    rate = clean_flicker_noise(make_rate(sky + stripes), flat=flat, apply_flat_field=True, n_sigma=0)
    assert np.std(rate.data - sky) < np.std(clean_flicker_noise(make_rate(sky + stripes), n_sigma=0).data - sky) / 2


def test_outputs_are_cleaned_one_by_one():
    data = np.zeros((2048, 2048), np.float32)
    data += 10  # 0 is no data
    data[:, :1024] += (np.arange(2048) % 7 - 3)[:, None]
    kept = make_rate(data, SUBARRAY="FULL")
    clean_flicker_noise(kept, background_method=None, n_sigma=0, fit_by_channel=True)
    np.testing.assert_array_equal(kept.data, 0)
    kept = clean_flicker_noise(make_rate(data, SUBARRAY="FULL"), background_method=None, n_sigma=0)
    assert np.abs(kept.data[:, :512]).max() > 1


def test_time_series_are_compared_with_their_median():
    rng = np.random.default_rng(5)
    star = 5000 * np.exp(-(((np.mgrid[:40, :48] - 20.0) / 6) ** 2).sum(axis=0))
    scale = np.array([1.0, 0.98, 1.01, 0.99, 1.0, 1.02, 1.0])[:, None, None]
    stripes = rng.normal(0, 20, (7, 40, 1))
    clean = star * scale + rng.normal(0, 1, (7, *SHAPE))
    rate = clean_flicker_noise(make_rate(clean + stripes, EXP_TYPE="NRC_TSIMAGE"), background_method="median_image")
    residual = rate.data - clean
    residual -= np.median(residual, axis=0)
    assert residual.std() < 0.75 * (stripes - np.median(stripes, axis=0)).std()
    with pytest.raises(StepSkipped, match="several integrations"):
        clean_flicker_noise(make_rate(clean[0]), background_method="median_image")


# ---- Fourier series ----


def make_series(rng, lines=24, ticks=2048):
    """Slow noise along each line, and a mask with gaps."""
    phase, place = rng.uniform(0, 2 * np.pi, (3, 1, 1)), np.arange(ticks) / ticks
    noise = sum((5 / k) * np.cos(2 * np.pi * k * place + p) for k, p in zip((1, 2, 4), phase, strict=True))
    mask = rng.random((lines, ticks)) < 0.7
    mask[:, 300:380] = False
    return np.broadcast_to(noise, mask.shape).astype(np.float32), mask


def test_fourier_series_of_whole_detectors():
    noise, mask = make_series(np.random.default_rng(6))
    signal = np.where(mask, noise, np.float32(1000))
    found = fourier.fit_whole(signal, mask)
    inner = np.s_[10:-10]  # the reference pixels' lines next to the edges are not fitted, and smoothed in
    assert np.std((found - noise)[inner]) < 0.3


def test_amplitudes_are_those_of_least_squares():
    rng = np.random.default_rng(7)
    mask = rng.random((1, 256)) < 0.5
    samples = rng.normal(0, 1, (1, 256))
    weights = fourier._weigh(mask, 32)
    lags, sums = fourier._transform(weights**2, 5), fourier._transform(weights**2 * samples, 5)
    place = np.maximum(np.subtract.outer(np.arange(5), np.arange(5)), 0)
    found = fourier.solve_hermitian(np.ascontiguousarray(lags[:, place]), sums)
    np.testing.assert_allclose(found[0], naive_series(samples[0], mask[0], weights[0], 5), rtol=1e-8)


def test_lines_that_are_hardly_seen_stay():
    noise, mask = make_series(np.random.default_rng(8))
    mask[:] = False
    mask[:, 100:108] = True
    np.testing.assert_array_equal(fourier.fit_whole(noise + 7, mask), 0)


def test_fourier_series_of_subarrays():
    rng = np.random.default_rng(9)
    lines, ticks = 40, 60
    time = np.arange(lines)[:, None] * (ticks + fourier.PAUSE) + np.arange(ticks)
    noise = 5 * np.cos(2 * np.pi * 300.0 * fourier.TICK * time)
    mask = rng.random(time.shape) < 0.8
    signal = np.where(mask, noise + rng.normal(0, 0.1, time.shape), 0).astype(np.float32)
    found = fourier.fit_subarray(signal, mask, fourier.BAND)
    assert np.std((found - noise)[5:-5]) < 0.5


def test_fourier_series_in_the_order_of_readout():
    rng = np.random.default_rng(10)
    stripes = rng.normal(0, 3, (1, 64))
    data = 10 + stripes + rng.normal(0, 0.5, (96, 64))
    keywords = {"EXP_TYPE": "NRS_FIXEDSLIT", "FASTAXIS": 2, "SLOWAXIS": 1, "SUBARRAY": "SUBS200A1"}
    rate = clean_flicker_noise(make_rate(data, **keywords), fit_method="fft", n_sigma=0)
    assert np.std(np.median(rate.data, axis=0)) < 0.3


# ---- where light is expected ----


def test_soss_traces_are_left_out():
    class Pastasoss:
        name = "pastasoss.asdf"
        trace = np.column_stack([np.arange(0, 48, 2.0), np.full(24, 20.0)])
        tree = {
            "meta": {"pwcpos_cmd": 245.0, "pwcpos_bounds": [244.0, 246.0], "wavemap_wlmin": 0.5, "wavemap_wlmax": 3.0,
                     "wavemap_nwl": 50, "subarray_ymin": 1792},
            "traces": [{"spectral_order": 1, "trace": trace, "pivot_x": 24.0, "pivot_y": 20.0}],
            "wavecal_models": [{"spectral_order": 1, "scale_extents": [[0.0, -1.0], [47.0, 1.0]],
                                "coefficients": [0.5, 2.5, 0.0]}],
        }  # fmt: skip

    image = make_rate(np.ones(SHAPE), EXP_TYPE="NIS_SOSS", SUBARRAY="SUBSTRIP256", PWCPOS=245.0)
    dark = scene.find_regions(image, Pastasoss())
    np.testing.assert_array_equal(np.flatnonzero(dark.all(axis=1)), [0, 1, 2, 3, 37, 38, 39])
    np.testing.assert_array_equal(dark.any(axis=1), dark.all(axis=1))
    with pytest.raises(StepSkipped, match="pastasoss"):
        scene.find_regions(image)
    image.header["PWCPOS"] = 250.0
    with pytest.raises(JwcalError, match="PWCPOS"):
        scene.find_regions(image, Pastasoss())


def test_nothing_is_known_of_images_but_miris(tmp_path):
    assert scene.find_regions(make_rate(np.ones(SHAPE))) is None
    image = make_rate(np.ones(SHAPE), EXP_TYPE="MIR_IMAGE")
    image.dq[4, 4], image.dq[5, 5] = 1, 4
    assert np.argwhere(~scene.find_regions(image)).tolist() == [[4, 4]]


# ---- choice of settings ----


def test_steep_backgrounds_are_modelled():
    rng = np.random.default_rng(11)
    y, x = np.mgrid[:128, :128]
    flat = (1 + rng.normal(0, 0.01, (128, 128))).astype(np.float32)
    steep = (flat + 1e-3 * x + 1e-3 * y).astype(np.float32)
    for data, method in ((flat, "median"), (steep, "model")):
        chosen = choice.choose_settings(data, 2, None, "NRC_IMAGE")
        assert chosen == {"apply_flat_field": False, "background_method": method, "fit_by_channel": False}


def test_outputs_that_differ_are_cleaned_apart():
    rng = np.random.default_rng(12)
    data = (1 + rng.normal(0, 0.01, (64, 2048))).astype(np.float32)
    data[:, 1024:] += 0.1
    look = choice._measure(data, np.ones(data.shape, bool), "NRC_IMAGE")
    assert look.step == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    ("look", "method", "by_output"),
    [
        (choice.Look(0.2, 0.0, 0.0, 1.0, 0.0), "median", False),
        (choice.Look(0.2, 0.0, 1.0, 1.0, 0.0), "model", False),
        (choice.Look(0.0, 0.1, 1.0, 1.0, 0.0), "median", True),
        (choice.Look(0.0, 0.0, 1.0, 1.0, 0.0), "model", False),
        (choice.Look(0.0, 0.01, 0.0, 1.0, 0.05), "median", True),
    ],
)
def test_decisions(look, method, by_output):
    expected = {"background_method": method, "fit_by_channel": by_output}
    assert choice._decide(look, choice.LIMITS["NRC_IMAGE"]) == expected


# ---- levels ----


def test_boxes_divide_the_image():
    assert levels.choose_boxes((2048, 40)) == (32, 20)
    assert levels.choose_boxes((37, 64)) == (1, 32)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("keywords", "settings", "error", "message"),
    [
        ({}, {"fit_method": "mean"}, JwcalError, "fit_method = mean"),
        ({}, {"background_method": "mode"}, JwcalError, "background_method = mode"),
        ({}, {"fit_method": "fft"}, StepSkipped, "not for NRC_IMAGE"),
        ({"EXP_TYPE": "MIR_MRS"}, {}, StepSkipped, "MIR_MRS is not supported"),
    ],
)
def test_refused(keywords, settings, error, message):
    with pytest.raises(error, match=message):
        clean_flicker_noise(make_rate(np.ones(SHAPE), **keywords), **settings)


def test_a_single_group_is_skipped(references):
    ramp, _ = make_striped_ramp(np.random.default_rng(1), shape=(2, 1, *SHAPE))
    with pytest.raises(StepSkipped, match="single group"):
        clean_flicker_noise(ramp, *references)
