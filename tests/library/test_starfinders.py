"""The star finders: photutils' results, and where stars were put."""

import warnings

import numpy as np
import pytest

from jwcal.alignment.starfinders import Limits, convolve, daofind, find_peaks, make_kernel, starfind

SHAPE = (120, 140)
ANY = Limits((-np.inf, np.inf), (-np.inf, np.inf), None)


def make_field(seed=1, count=40, noise=1.0):
    """Image with Gaussian stars; their x, y, and pixels that are excluded."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(SHAPE)
    stars = np.column_stack([rng.uniform(0, SHAPE[1] - 1, count), rng.uniform(0, SHAPE[0] - 1, count)])
    image = rng.normal(0, noise, SHAPE)
    for (sx, sy), flux in zip(stars, rng.uniform(100, 3000, count), strict=True):
        image += flux * np.exp(-((x - sx) ** 2 + (y - sy) ** 2) / 2 / 1.06**2) / 2 / np.pi / 1.06**2
    excluded = rng.random(SHAPE) < 0.01
    image[excluded & (rng.random(SHAPE) < 0.3)] = np.nan
    return image.astype(np.float32), stars, excluded


@pytest.mark.parametrize("fwhm, sigma_radius, separation", [(2.5, 1.5, 2), (1.5, 1.5, 3), (3.5, 2.5, 5)])
@pytest.mark.parametrize("name", ["iraf", "dao"])
def test_as_photutils(name, fwhm, sigma_radius, separation):
    from photutils import use_future_column_names
    from photutils.detection import DAOStarFinder, IRAFStarFinder

    image, _, excluded = make_field()
    ranges = {"iraf": ((0.3, 2.5), (0.0, 0.4)), "dao": ((0.1, 1.5), (-0.6, 0.6))}[name]
    options = {"sigma_radius": sigma_radius, "min_separation": separation, "peak_max": 400.0}
    options |= {"sharpness_range": ranges[0], "roundness_range": ranges[1]}
    finder = {"iraf": IRAFStarFinder, "dao": DAOStarFinder}[name](8.0, fwhm, **options)
    with warnings.catch_warnings(), use_future_column_names():
        warnings.simplefilter("ignore")
        expected = finder(image, mask=excluded)
    ours = {"iraf": starfind, "dao": daofind}[name]
    x, y, flux = ours(image, excluded, 8.0, separation, make_kernel(fwhm, sigma_radius), Limits(*ranges, 400.0))
    assert len(x) == len(expected) > 10
    np.testing.assert_allclose(x, expected["x_centroid"], atol=1e-5)
    np.testing.assert_allclose(y, expected["y_centroid"], atol=1e-5)
    np.testing.assert_allclose(flux, expected["flux"], rtol=1e-5)


def test_blended_stars():
    """Where the fit fails the centroid counts, which photutils mirrors along x; the sky has no preferred axis."""
    from photutils import use_future_column_names
    from photutils.detection import DAOStarFinder

    image, _, excluded = make_field(0, 300)
    options = {"sigma_radius": 1.5, "min_separation": 2, "sharpness_range": (-9, 9), "roundness_range": (-9, 9)}
    with warnings.catch_warnings(), use_future_column_names():
        warnings.simplefilter("ignore")
        expected = DAOStarFinder(8.0, 2.8, **options)(image, mask=excluded)
    settings = 8.0, 2, make_kernel(2.8, 1.5), Limits((-9, 9), (-9, 9), None)
    x, y, _ = daofind(image, excluded, *settings)
    np.testing.assert_allclose(y, expected["y_centroid"], atol=1e-5)
    mirrored = np.abs(x - expected["x_centroid"]) > 1e-3
    assert 0 < mirrored.sum() < 10
    twice = (x + expected["x_centroid"])[mirrored]
    np.testing.assert_allclose(twice, np.rint(twice), atol=1e-3)
    down, right, _ = daofind(image.T.copy(), excluded.T, *settings)
    order, turned = np.lexsort((x, y)), np.lexsort((right, down))
    np.testing.assert_allclose(np.column_stack([x, y])[order], np.column_stack([right, down])[turned], atol=1e-4)


@pytest.mark.parametrize("finder", [starfind, daofind])
def test_stars_are_where_they_were_put(finder):
    y, x = np.indices(SHAPE)
    image = np.zeros(SHAPE, np.float32)
    places = np.array([(20.3, 30.7), (60.0, 61.45), (100.25, 15.1)])
    for sx, sy in places:
        image += 100 * np.exp(-((x - sx) ** 2 + (y - sy) ** 2) / 2 / 1.06**2).astype(np.float32)
    found = np.column_stack(finder(image, np.zeros(SHAPE, bool), 5.0, 2, make_kernel(2.5, 1.5), ANY)[:2])
    found = found[np.argsort(found[:, 0])]
    assert len(found) == 3
    np.testing.assert_allclose(found, places, atol=0.1)


def test_nothing_found():
    blank = np.zeros(SHAPE, np.float32)
    for finder in (starfind, daofind):
        assert all(len(c) == 0 for c in finder(blank, blank > 0, 1.0, 2, make_kernel(2.5, 1.5), ANY))


def test_the_kernel_sees_no_background_and_measures_heights():
    kernel = make_kernel(2.5, 1.5)
    assert kernel.weights.sum() == pytest.approx(0, abs=1e-12)
    image = np.full(SHAPE, 7, np.float32)
    image[40:45, 50:55] += 10 * kernel.gaussian.astype(np.float32)
    found = convolve(image, kernel)
    assert found[42, 52] == pytest.approx(10, rel=1e-6)
    assert np.abs(found[10:30, 10:30]).max() < 1e-4


def test_convolution_as_scipy():
    from scipy.ndimage import convolve as scipy_convolve

    image, _, _ = make_field()
    for kernel in (make_kernel(2.5, 1.5), make_kernel(4.0, 2.0)):
        expected = scipy_convolve(image, kernel.weights, mode="constant", cval=0.0)
        # NaN times a weight of zero is NaN in scipy; here what is outside of the kernel does not matter.
        both = np.isfinite(expected)
        assert both.mean() > 0.9
        np.testing.assert_allclose(convolve(image, kernel)[both], expected[both], rtol=1e-5, atol=1e-4)


def test_peaks_by_eye():
    image = np.zeros((7, 9), np.float32)
    image[2, 2], image[2, 4], image[5, 7], image[0, 8] = 5, 6, 4, -1
    excluded = np.zeros(image.shape, bool)
    assert find_peaks(image, 1.0, 1, excluded).tolist() == [[2, 2], [2, 4], [5, 7]]
    assert find_peaks(image, 1.0, 2, excluded).tolist() == [[2, 4], [5, 7]]
    assert find_peaks(image, 4.5, 1, excluded).tolist() == [[2, 2], [2, 4]]
    excluded[5, 7] = True
    image[2, 4] = np.nan
    assert find_peaks(image, 1.0, 2, excluded).tolist() == [[2, 2]]
    # Beyond the edges there is zero.
    assert [0, 0] not in find_peaks(np.full((3, 3), -1, np.float32), -2.0, 1, np.zeros((3, 3), bool)).tolist()
