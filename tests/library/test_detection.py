"""The sky under an image, its smoothing, and what rises above it."""

import warnings

import numpy as np
import pytest
from naive_sources import paint

from jwcal.catalog.detection import find_field, find_segments, find_stars, smooth

RNG = np.random.default_rng(31)
SPLIT = {"npixels": 5, "connectivity": 8, "deblend": True, "nlevels": 32, "contrast": 0.001, "mode": "exponential"}


def make_image(shape=(230, 310), sources=(), slope=0.002):
    y, x = np.indices(shape)
    return (3 + 2 * slope * x + slope * y + RNG.normal(0, 0.1, shape) + paint(shape, sources)).astype(np.float32)


@pytest.mark.parametrize(("box", "hidden"), [(50, 12), (100, 60), (75, 5), (1000, 30)])
def test_the_sky_is_that_of_photutils(box, hidden):
    from astropy.stats import SigmaClip
    from photutils.background import Background2D, MedianBackground

    shape = (200, 300) if box != 75 else (220, 290)
    data, outside = make_image(shape), np.zeros(shape, bool)
    outside[:hidden, :hidden], data[100:103, 50] = True, np.nan
    field = find_field(data, outside, box, 3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"coverage_mask": outside, "sigma_clip": SigmaClip(sigma=3), "bkg_estimator": MedianBackground()}
        theirs = Background2D(data, box if box < 200 else shape, **options)
        # SciPy's spline through two or three boxes misses even a constant, by 6e-4.
        meshes = theirs.background_mesh, theirs.background_rms_mesh
        level, noise = (7e-4 * np.abs(mesh).max() for mesh in meshes)
        np.testing.assert_allclose(field.image[~outside], (data - theirs.background)[~outside], atol=level)
        np.testing.assert_allclose(field.threshold, 3 * theirs.background_rms, atol=3 * noise)
    assert (field.image.dtype, field.threshold.dtype) == (np.float32, np.float32)


def test_an_image_mostly_without_data_is_one_box():
    data, outside = make_image(), np.ones((230, 310), bool)
    outside[20:60, 20:60] = False
    field = find_field(data, outside, 100, 2.0)
    assert np.ptp(field.threshold[~outside]) == 0
    assert abs(np.median(field.image[~outside])) < 0.01


@pytest.mark.parametrize("value", [np.nan, 1.0])
def test_an_image_without_any_data_has_no_sources(value):
    data = np.full((40, 50), value, np.float32)
    field = find_field(data, np.full(data.shape, value == 1.0), 1000, 3.0)
    assert not find_segments(field, smooth(field, 2.0), **SPLIT).any()
    assert find_stars(field, "dao", 2.0) is None


@pytest.mark.parametrize("fwhm", [2.0, 3.7])
def test_smoothing_is_that_of_astropy(fwhm):
    from astropy.convolution import Gaussian2DKernel, convolve

    data, outside = make_image((60, 80)), np.zeros((60, 80), bool)
    outside[:, :9], data[20:23, 40], data[RNG.random(data.shape) < 0.02] = True, np.nan, np.nan
    field = find_field(data, outside, 1000, 3.0)
    ours = smooth(field, fwhm)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = convolve(field.image, Gaussian2DKernel(fwhm / 2.3548200450309493), mask=outside)
    np.testing.assert_allclose(ours[~outside], theirs[~outside], atol=1e-6)
    assert smooth(field, 0) is field.image


def test_smoothing_keeps_flux():
    data = paint((50, 50), [(25.2, 24.9, 100, 2, 2, 0)]).astype(np.float32)
    field = find_field(data, np.zeros(data.shape, bool), 1000, 3.0)._replace(image=data)
    assert smooth(field, 2.0).sum() == pytest.approx(100, rel=1e-5)


def test_blended_sources_are_separated():
    sources = [(60.0, 60.0, 400, 2, 2, 0), (70.0, 60.0, 300, 2, 2, 0), (200.0, 150.0, 300, 2, 2, 0)]
    data = make_image(sources=sources, slope=0)
    field = find_field(data, np.zeros(data.shape, bool), 100, 3.0)
    smoothed = smooth(field, 2.0)
    together = find_segments(field, smoothed, **SPLIT | {"deblend": False})
    apart = find_segments(field, smoothed, **SPLIT)
    assert together.max() == 2 and apart.max() == 3 and apart.dtype == np.int32
    np.testing.assert_array_equal(together > 0, apart > 0)
    assert len({apart[60, 60], apart[60, 70], apart[150, 200]}) == 3
    assert (find_segments(field, smoothed, **SPLIT | {"contrast": 0.9}) == together).all()


@pytest.mark.parametrize("finder", ["dao", "iraf"])
def test_stars_are_found(finder):
    positions = [(40.3, 50.6), (120.0, 99.5), (220.8, 180.2)]
    data = make_image(sources=[(x, y, 300, 1.1, 1.1, 0) for x, y in positions], slope=0)
    field = find_field(data, np.zeros(data.shape, bool), 100, 10.0)
    table = find_stars(field, finder, 2.5, sharpness_range=(0.2, 2.0), roundness_range=(-1.0, 1.0))
    found = sorted(zip(table["x_centroid"], table["y_centroid"]))
    np.testing.assert_allclose(found, positions, atol=0.2)
