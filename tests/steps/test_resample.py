"""resample: frames, weights, errors, many exposures, keywords."""

import asdf
import numpy as np
import pytest
from naive_drizzle import NO_FLAGS, SCALE, make_image, naive_coadd

from jwcal import dq, products
from jwcal.asdffiles import encode
from jwcal.errors import JwcalError, StepSkipped
from jwcal.kernels.drizzle import drizzle
from jwcal.kernels.drizzle_drops import SQUARE
from jwcal.models import Mosaic
from jwcal.mosaics import Frame, find_common_pixels
from jwcal.steps.resample import resample
from jwcal.wcs import from_tree, pixel_map

RNG = np.random.default_rng(61)
SHAPE = (30, 26)
GROUP = {"PROGRAM": "01234", "OBSERVTN": "001", "VISIT": "001", "VISITGRP": "02", "SEQ_ID": "1", "ACT_ID": "01"}


def planes(level=1.0, shape=SHAPE):
    return np.array([RNG.normal(level, 0.1, shape), *RNG.uniform(0.01, 0.05, (3, *shape))], np.float32)


def frame_of(mosaic):
    return Frame(from_tree(mosaic.wcs), mosaic.data.shape, 0.0, 1.0)


def directly(image, mosaic, weight):
    """The drizzle of an image onto a mosaic's frame."""
    pixmap = pixel_map(from_tree(image.wcs), from_tree(mosaic.wcs), image.data.shape, tolerance=1e-4)
    rows, weight, columns = (
        find_common_pixels(from_tree(image.wcs), frame_of(mosaic), SHAPE),
        weight.copy(),
        np.arange(SHAPE[1]),
    )
    weight[(columns < rows[:, :1]) | (columns > rows[:, 1:])] = 0
    exposure = (image.data, image.var_poisson, image.var_rnoise, image.var_flat, np.float32(weight))
    return drizzle(exposure, NO_FLAGS, pixmap, mosaic.data.shape, (SQUARE, 1.0, 1.0, 1.0))


def test_one_exposure():
    image = make_image(planes())
    image.dq[5, 5], image.dq[6, 6], image.dq[7, 7] = dq.DO_NOT_USE, dq.NON_SCIENCE, dq.SATURATED
    weight = 1 / image.var_rnoise
    weight[[5, 6], [5, 6]] = 0
    mosaic = resample(image)
    expected, total, hits, _ = directly(image, mosaic, weight)
    np.testing.assert_array_equal(mosaic.data, expected[0])
    np.testing.assert_array_equal(mosaic.weight, total)
    np.testing.assert_array_equal(mosaic.context, hits[None].astype(np.int32))
    for name, plane in zip(("var_poisson", "var_rnoise", "var_flat"), expected[1:], strict=True):
        np.testing.assert_array_equal(getattr(mosaic, name), plane)
    np.testing.assert_allclose(mosaic.err, np.sqrt(expected[1:].sum(axis=0)), rtol=1e-6)
    assert mosaic.dq is None and image.data.shape == SHAPE


def test_the_own_frame_gives_the_image_back():
    image = make_image(planes())
    box = {"crpix": (12.5, 14.5), "crval": (30.0, -40.0), "output_shape": (26, 30), "pixel_scale": SCALE * 3600}
    mosaic = resample(image, **box)
    np.testing.assert_allclose(mosaic.data, image.data, rtol=1e-3)
    np.testing.assert_allclose(mosaic.data[1:-1, 1:-1], image.data[1:-1, 1:-1], rtol=1e-5, atol=1e-6)
    assert (mosaic.context == 1).all()


def test_nan_in_any_plane_excludes_a_pixel():
    clean = planes()
    marred = clean.copy()
    for k in range(4):
        marred[k, 3 * k + 5, 8] = np.nan
    flagged = make_image(clean)
    flagged.dq[[5, 8, 11, 14], 8] = dq.DO_NOT_USE
    np.testing.assert_array_equal(resample(make_image(marred)).weight, resample(flagged).weight)
    assert np.isfinite(resample(make_image(marred)).data).sum() == np.isfinite(resample(flagged).data).sum()


@pytest.mark.parametrize(("weight_type", "value"), [("exptime", 9.0), (None, 1.0)])
def test_constant_weights(weight_type, value):
    mosaic = resample(make_image(planes()), weight_type=weight_type)
    assert mosaic.weight.max() == pytest.approx(value, rel=1e-5)
    assert np.isfinite(mosaic.err[mosaic.weight > 0]).all()
    assert mosaic.header.get("RESWHT") == weight_type


def test_exposure_time_where_the_measurement_time_is_not_known():
    image = make_image(planes())
    del image.header["TMEASURE"]
    mosaic = resample(image, weight_type="exptime")
    assert mosaic.weight.max() == pytest.approx(10.0, rel=1e-5) and "TMEASURE" not in mosaic.header


@pytest.mark.parametrize("weight_type", ["ivm", "exptime"])
def test_many_exposures(weight_type):
    images = [make_image(planes(k), 30 + k * 4 * SCALE, -40 + k * 7 * SCALE, angle=30 + 5 * k) for k in range(3)]
    for image, time in zip(images, (9.0, 3.0, 5.0), strict=True):
        image.header["TMEASURE"] = time
    mosaic = resample(images, weight_type=weight_type)
    shape = mosaic.data.shape
    assert shape[0] > 40 and shape[1] > 30
    times = [image.header["TMEASURE"] for image in images]
    weights = [
        1 / i.var_rnoise if weight_type == "ivm" else np.full(SHAPE, t) for i, t in zip(images, times, strict=True)
    ]
    parts = [directly(image, mosaic, weight) for image, weight in zip(images, weights, strict=True)]
    reached = np.array([part[2] for part in parts])
    np.testing.assert_array_equal(mosaic.context, (reached * [[[1]], [[2]], [[4]]]).sum(axis=0)[None])
    every = reached.all(axis=0)
    noise = [
        1 / part[0][2] if weight_type == "ivm" else np.full(shape, t) for part, t in zip(parts, times, strict=True)
    ]
    exposures, totals = np.array([part[0] for part in parts]), np.array([part[1] for part in parts])
    data, variances = naive_coadd(exposures[..., every], totals[..., every], np.array(noise)[..., every])
    np.testing.assert_allclose(mosaic.data[every], data, rtol=1e-5)
    np.testing.assert_allclose(mosaic.var_poisson[every], variances[0], rtol=1e-5)
    np.testing.assert_allclose(mosaic.err[every], np.sqrt(variances.sum(axis=0)), rtol=1e-5)
    np.testing.assert_allclose(mosaic.weight, totals.sum(axis=0), rtol=1e-5)
    assert np.isnan(mosaic.data[~reached.any(axis=0)]).all()


def test_files_are_read_one_at_a_time(tmp_path):
    images = [make_image(planes(k), 30 + k * 4 * SCALE) for k in range(2)]
    paths = [tmp_path / f"e{k}_cal.fits" for k in range(2)]
    for path, image in zip(paths, images, strict=True):
        products.write(path, image)
    one, two = resample(images), resample(paths)
    np.testing.assert_array_equal(one.data, two.data)
    np.testing.assert_array_equal(one.err, two.err)


def test_more_exposures_than_bits_of_a_plane():
    image = make_image(planes(shape=(6, 6)))
    mosaic = resample([image] * 34)
    assert mosaic.context.shape[0] == 2
    middle = mosaic.context[:, 3, 3]
    assert middle[0] == -1 and middle[1] == 3  # all 32 bits, and two more
    assert mosaic.var_poisson[3, 3] * 34 == pytest.approx(resample(image).var_poisson[3, 3], rel=1e-5)


def test_a_coarser_grid_has_smaller_errors():
    constant = np.ones((4, 60, 60), np.float32)
    mosaic = resample(make_image(constant), pixel_scale_ratio=2.0)
    assert mosaic.data.shape == (30, 30) and mosaic.header["PXSCLRT"] == 2
    inside = mosaic.weight > 0
    np.testing.assert_allclose(mosaic.var_flat[inside], 0.25, rtol=1e-5)
    np.testing.assert_allclose(mosaic.err[inside], np.sqrt(0.75), rtol=1e-5)
    assert mosaic.sci_header["PIXAR_A2"] == pytest.approx((2 * SCALE * 3600) ** 2, rel=1e-4)


def test_rotation_turns_the_frame():
    mosaic = resample(make_image(planes(), angle=77.0), rotation=0.0)
    header = mosaic.sci_header
    assert header["PC1_1"] == pytest.approx(-1) and header["PC2_2"] == pytest.approx(1) and abs(header["PC1_2"]) < 1e-9


def test_a_measured_background_is_subtracted():
    image = make_image(planes(5.0), BKGLEVEL=2.0, BKGSUB=False)
    before = image.data.copy()
    lower, same = resample(image), resample(make_image([before, *planes()[1:]], BKGLEVEL=2.0, BKGSUB=True))
    assert np.nanmean(same.data) - np.nanmean(lower.data) == pytest.approx(2.0, abs=0.01)
    assert "BKGLEVEL" not in lower.header
    np.testing.assert_array_equal(image.data, before)


def test_what_can_be_left_out(tmp_path):
    image = make_image(planes())
    image.dq[9, 9] = dq.SATURATED
    bare = resample(image, enable_ctx=False, enable_err=False, fillval="-3")
    assert bare.context is None and bare.err is None and bare.var_poisson is None
    assert (bare.data[bare.weight == 0] == -3).all() and np.isfinite(bare.data).all()
    full = resample(image, report_var=False, propagate_dq=True)
    assert full.err is not None and full.var_flat is None
    assert 1 <= (full.dq == dq.SATURATED).sum() <= 9 and set(np.unique(full.dq)) == {0, dq.SATURATED}
    products.write(tmp_path / "x_i2d.fits", full)
    np.testing.assert_array_equal(products.read(tmp_path / "x_i2d.fits", Mosaic).dq, full.dq)


def test_without_variances():
    image = make_image(planes())
    image.var_poisson = image.var_rnoise = None
    mosaic = resample(image)
    assert mosaic.weight.max() == pytest.approx(1, rel=1e-5) and np.isnan(mosaic.var_rnoise).all()
    np.testing.assert_allclose(mosaic.err, np.sqrt(mosaic.var_flat), rtol=1e-6)


def test_times_of_groups():
    images = [make_image(planes(), **GROUP, EXPOSURE=str(k)) for k in (1, 1, 2)]
    images[2].header.update({"EXPSTART": 58999.0, "EXPEND": 59003.0, "DURATION": 20.0})
    mosaic = resample(images)
    header = mosaic.header
    assert [header[k] for k in ("NDRIZ", "EFFEXPTM", "DURATION", "TMEASURE")] == [2, 20.0, 32.0, 18.0]
    assert (header["EXPSTART"], header["EXPEND"]) == (58999.0, 59003.0)
    assert (mosaic.sci_header["XPOSURE"], mosaic.sci_header["TELAPSE"]) == (20.0, 32.0)


def test_keywords_of_the_frame():
    image = make_image(planes())
    header = resample(image).sci_header
    for keyword in ("CD1_1", "A_ORDER", "RA_REF", "V3I_YANG", "VPARITY"):
        assert keyword not in header and keyword in image.sci_header
    assert header["CTYPE1"] == "RA---TAN" and header["S_REGION"].startswith("POLYGON ICRS  ")
    assert header["PIXAR_SR"] == pytest.approx(np.radians(SCALE) ** 2, rel=1e-4)


def test_a_frame_of_the_users_own(tmp_path):
    image = make_image(planes())
    first = resample(image, rotation=10.0)
    (tmp_path / "frame.asdf").write_bytes(encode({"wcs": first.wcs["meta"]["wcs"]}))
    with asdf.open(tmp_path / "frame.asdf") as file:
        assert file["wcs"].pixel_shape == first.data.shape[::-1]
    second = resample(image, output_wcs=str(tmp_path / "frame.asdf"))
    np.testing.assert_array_equal(first.data, second.data)
    assert second.sci_header["PIXAR_SR"] == pytest.approx(first.sci_header["PIXAR_SR"], rel=1e-4)
    smaller = resample(image, output_wcs=str(tmp_path / "frame.asdf"), output_shape=(20, 10))
    np.testing.assert_allclose(smaller.data[:8, :18], first.data[:8, :18], rtol=1e-5)


def test_pixels_that_stick_out_take_no_part():
    wcs = from_tree(make_image(planes(), angle=0.0).wcs)
    whole = find_common_pixels(wcs, Frame(wcs, SHAPE, 0.0, 1.0), SHAPE)
    np.testing.assert_array_equal(whole, [[0, SHAPE[1] - 1]] * SHAPE[0])
    part = find_common_pixels(wcs, Frame(wcs, (20, 10), 0.0, 1.0), SHAPE)
    np.testing.assert_array_equal(part[:20], [[0, 9]] * 20)
    assert (part[20:, 1] < part[20:, 0]).all()
    shifted = from_tree(resample(make_image(planes()), crpix=(-200, 0), output_shape=(9, 9)).wcs)
    none = find_common_pixels(wcs, Frame(shifted, (9, 9), 0.0, 1.0), SHAPE)
    assert (none[:, 1] < none[:, 0]).all()


def test_a_turned_frame_is_left_with_the_pixels_inside():
    image = make_image(planes(shape=(60, 60)))
    mosaic = resample(image, rotation=50.0, crpix=(12, 10), output_shape=(26, 22), crval=(30.0, -40.0))
    wcs, frame = from_tree(image.wcs), frame_of(mosaic)
    rows, (y, x) = find_common_pixels(wcs, frame, (60, 60)), np.indices((60, 60))
    used = (x >= rows[:, :1]) & (x <= rows[:, 1:])
    u, v = frame.wcs.inverse(*wcs.forward(x, y))
    outside = np.max([-0.5 - u, u - 25.5, -0.5 - v, v - 21.5], axis=0)
    assert not used[outside > 0.1].any() and used[outside < -1].all()


def test_footprint_is_cut_to_the_mosaic():
    image = make_image(planes())
    whole, part = resample(image), resample(image, crpix=(5, 5), output_shape=(10, 11))
    for mosaic in (whole, part):
        numbers = np.array(mosaic.sci_header["S_REGION"].split()[2:], float).reshape(-1, 2)
        x, y = from_tree(mosaic.wcs).inverse(*numbers.T)
        ny, nx = mosaic.data.shape
        assert (x > -0.51).all() and (y > -0.51).all() and (x < nx - 0.49).all() and (y < ny - 0.49).all()
    assert x.max() - x.min() == pytest.approx(10, abs=0.01) and y.max() - y.min() == pytest.approx(11, abs=0.01)


@pytest.mark.parametrize(("pixfrac", "ratio", "count"), [(1.0, 1.0, 4), (1.0, 0.5, 2), (0.3, 0.5, 12)])
def test_noise_in_empty_apertures(pixfrac, ratio, count):
    rng, shape, side = np.random.default_rng(7), (400, 400), round(16 / ratio)
    sums, scatter, errors = [], [], []
    for _ in range(6):
        places, flat = rng.uniform(-1.5, 1.5, (count, 3)), np.full((3, *shape), 1 / 3)
        images = [
            make_image([rng.normal(0, 1, shape), *flat], 30 + x * SCALE, -40 + y * SCALE, 30 + turn)
            for x, y, turn in places
        ]
        mosaic = resample(images, pixfrac=pixfrac, pixel_scale_ratio=ratio)
        inside = tuple(slice(size // 8, size // 8 + 3 * size // 4 // side * side) for size in mosaic.data.shape)
        data = np.nan_to_num(mosaic.data[inside].astype(float))  # hardly any pixel is missed
        sums.extend(data.reshape(-1, side, data.shape[1] // side, side).sum(axis=(1, 3)).ravel())
        scatter.append(data.std())
        errors.append(np.sqrt(np.nanmean(mosaic.err[inside].astype(float) ** 2)))
    noise = np.std(sums) / side  # for a pixel
    assert noise == pytest.approx(np.mean(errors) * mosaic.header["CORRERR"], rel=0.05)
    assert noise == pytest.approx(np.mean(scatter) * mosaic.header["CORRRMS"], rel=0.05)


def test_correlation_of_noise_by_hand():
    mosaic = resample(make_image(planes()))
    assert mosaic.header["CORRRMS"] == pytest.approx(1.5) and mosaic.header["CORRERR"] == 1
    mosaic = resample(make_image(planes()), pixfrac=0.5)
    assert mosaic.header["CORRRMS"] == pytest.approx(1.2)
    assert "CORRRMS" not in resample(make_image(planes()), kernel="gaussian").header


def test_what_it_refuses():
    with pytest.raises(JwcalError, match="no image"):
        resample([])
    cube = make_image(planes())
    cube.data = cube.data[None]
    with pytest.raises(StepSkipped, match="two-dimensional"):
        resample(cube)
    lost = make_image(planes())
    lost.wcs = None
    with pytest.raises(JwcalError, match="assign_wcs"):
        resample(lost)
    with pytest.raises(JwcalError, match="fillval"):
        resample(make_image(planes()), fillval="nought")
