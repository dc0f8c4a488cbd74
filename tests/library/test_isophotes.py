"""Light, position and shape of sources from their pixels."""

import numpy as np
import pytest
from naive_sources import paint

from jwcal.catalog.detection import FWHM, Field, find_segments, smooth
from jwcal.catalog.isophotes import Boundary, describe_stars, measure_isophotes, measure_kron, measure_local_sky

SOURCES = [(30.3, 40.7, 1000, 3.0, 2.0, 30), (70.0, 25.5, 700, 2.5, 2.0, 120), (60.0, 70.0, 900, 2.2, 2.2, 0)]
SHAPE = (100, 110)
RNG = np.random.default_rng(12)


def make_segments():
    y, x = np.indices(SHAPE)
    segments = np.zeros(SHAPE, np.int32)
    for k, source in enumerate(SOURCES, 1):
        segments[np.hypot(x - source[0], y - source[1]) < 14] = k
    return segments


def test_truth_of_gaussians():
    data, segments = paint(SHAPE, SOURCES).astype(np.float32), make_segments()
    found = measure_isophotes(data, np.full(SHAPE, 0.3, np.float32), data, segments)
    truth = np.array(SOURCES)
    np.testing.assert_allclose(found.x, truth[:, 0], atol=1e-3)
    np.testing.assert_allclose(found.y, truth[:, 1], atol=1e-3)
    np.testing.assert_allclose(found.flux, truth[:, 2], rtol=1e-4)
    np.testing.assert_allclose(found.semimajor, truth[:, 3], rtol=1e-3)
    np.testing.assert_allclose(found.semiminor, truth[:, 4], rtol=1e-3)
    np.testing.assert_allclose((found.orientation[:2] - truth[:2, 5] + 90) % 180, 90, atol=0.1)
    np.testing.assert_allclose(found.flux_err, 0.3 * np.sqrt(found.area))
    assert found.area.tolist() == [np.count_nonzero(segments == k) for k in (1, 2, 3)]
    for k, box in enumerate(found.box, 1):
        y, x = np.nonzero(segments == k)
        assert box.tolist() == [x.min(), x.max(), y.min(), y.max()]


def test_against_photutils():
    photutils = pytest.importorskip("photutils.segmentation")
    segments = make_segments()
    data = (paint(SHAPE, SOURCES) + RNG.normal(0, 0.5, SHAPE)).astype(np.float32)
    smoothed = (data + RNG.normal(0, 0.1, SHAPE)).astype(np.float32)
    err = RNG.uniform(0.4, 0.6, SHAPE).astype(np.float32)
    data[41, 30], segments[5, 5:8] = np.nan, 4  # a pixel without data, and a source of one row
    found = measure_isophotes(data, err, smoothed, segments)
    theirs = photutils.SourceCatalog(data, photutils.SegmentationImage(segments), convolved_data=smoothed, error=err)
    pairs = {"x": "x_centroid", "y": "y_centroid", "flux": "segment_flux", "flux_err": "segment_flux_err"}
    pairs |= {"semimajor": "semimajor_axis", "semiminor": "semiminor_axis"}
    pairs |= {"area": "area", "orientation": "orientation"}
    for ours, name in pairs.items():
        values = getattr(theirs, name)
        np.testing.assert_allclose(getattr(found, ours), getattr(values, "value", values), rtol=2e-5, err_msg=ours)


def test_errors_of_positions():
    truth, segments = paint(SHAPE, SOURCES), make_segments()
    err = np.full(SHAPE, 0.4, np.float32)
    positions, predicted = [], None
    for _ in range(300):
        data = (truth + RNG.normal(0, 0.4, SHAPE)).astype(np.float32)
        # The light that positions are weighted by is smooth, and never negative here: lift it above the noise.
        found = measure_isophotes(data, err, (data + 3).astype(np.float32), segments)
        positions.append([found.x, found.y])
        predicted = found.covariance
    scatter = np.array(positions).std(axis=0)
    np.testing.assert_allclose(scatter, np.sqrt(predicted[:, :2].T), rtol=0.15)


@pytest.mark.parametrize("peak", [15.0, 60.0, 500.0])
def test_noise_moves_the_end_of_a_source_too(peak):
    """Stars in a row, above a threshold: without what the moving end adds the errors are much too small."""
    rng, shape, radius, sigma = np.random.default_rng(3), (40, 1640), 1.3, 0.68
    stars = [(20.5 + 40 * k + rng.uniform(-0.5, 0.5), 20 + rng.uniform(-0.5, 0.5)) for k in range(40)]
    truth = paint(shape, [(x, y, 2 * np.pi * radius**2 * peak, radius, radius, 0) for x, y in stars])
    err, threshold = np.ones(shape, np.float32), np.full(shape, 3.0, np.float32)
    pulls, bare = [], []
    for _ in range(12):
        data = (truth + rng.normal(0, 1, shape)).astype(np.float32)
        field = Field(data, threshold, np.zeros(shape, bool))
        smoothed = smooth(field, sigma * FWHM)
        segments = find_segments(field, smoothed, npixels=8, connectivity=8, deblend=False, nlevels=1, contrast=1.0,
                                 mode="exponential")  # fmt: skip
        for kept, boundary in ((pulls, Boundary(threshold, np.hypot(sigma, 12**-0.5))), (bare, None)):
            found = measure_isophotes(data, err, smoothed, segments, boundary)
            assert len(found.x) == len(stars)
            star = ((found.x - 0.5) // 40).astype(int)
            offsets = np.column_stack([found.x, found.y]) - np.array(stars)[star]
            kept.append(offsets / np.sqrt(found.covariance[:, :2]))
    assert np.std(pulls) == pytest.approx(1, abs=0.25)
    assert np.std(bare) > 1.25


def test_nothing_and_bad_pixels():
    nothing = measure_isophotes(
        np.zeros(SHAPE, np.float32), None, np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.int32)
    )
    assert [len(values) for values in nothing] == [0] * len(nothing)
    segments = make_segments()
    bad = np.where(segments == 2, np.nan, 1).astype(np.float32)
    found = measure_isophotes(bad, None, bad, segments)
    assert np.isnan([found.x[1], found.flux[1], found.area[1], found.semimajor[1]]).all()
    assert np.isfinite([found.x[0], found.flux[0], found.area[0]]).all() and np.isnan(found.flux_err[0])


def test_stars_have_no_isophotes():
    from astropy.table import Table

    found = describe_stars(Table({"x_centroid": [1.5], "y_centroid": [2.5], "flux": [9.0]}))
    assert (found.x[0], found.y[0], found.flux[0], found.label[0]) == (1.5, 2.5, 9.0, 1)
    assert np.isnan(found.area[0]) and np.isnan(found.orientation[0])
    assert len(describe_stars(None).label) == 0


def test_sky_in_frames_and_kron_fluxes():
    segments = make_segments()
    image = (paint(SHAPE, SOURCES) + 0.7).astype(np.float32)
    field = Field(image, image * 0, np.zeros(SHAPE, bool))
    np.testing.assert_allclose(measure_local_sky(field, segments, 10), 0.7, atol=0.02)
    clean = paint(SHAPE, SOURCES).astype(np.float32)
    flux, err = measure_kron(field._replace(image=clean), 0 * clean + 0.1, clean, segments, (2.5, 1.4, 0.0), "correct")
    np.testing.assert_allclose(flux, [1000, 700, 900], rtol=0.03)
    assert (err > 0).all()
    empty = np.zeros_like(segments)
    assert (
        len(measure_local_sky(field, empty, 10))
        == len(measure_kron(field, None, clean, empty, (2.5, 1.4), "none")[0])
        == 0
    )
