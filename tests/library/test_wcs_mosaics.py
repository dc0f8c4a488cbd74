"""The frame of a mosaic."""

import io

import asdf
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS as FitsWCS

from jwcal.errors import JwcalError
from jwcal.wcs import encode_tree, fits_keywords, mean_pixel_area, nodes, output_wcs, scale_at
from jwcal.wcs.mosaics import parse_footprint
from jwcal.wcs.pipeline import WCS

SCALE = 1.75e-5  # degrees
HEADER = {"RA_REF": 30.0, "DEC_REF": -40.0, "ROLL_REF": 100.0, "V3I_YANG": 10.0, "VPARITY": -1}
FRAMES = nodes.frame2d("detector", ("x", "y"), "pixel"), nodes.sky_frame()
ANGLE = 110.0  # position angle of y: ROLL_REF - VPARITY V3I_YANG


def make_input(ra=30.0, dec=-40.0, angle=ANGLE, size=200):
    """A detector of `size` pixels a side about a position, its x axis mirrored, y axis at a position angle."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    centre = (size - 1) / 2
    plane = nodes.fitswcs((centre, centre), (ra, dec), (SCALE, SCALE), [[-c, s], [s, c]])
    return WCS(nodes.wcs((FRAMES[0], nodes.bound(plane, *2 * [(-0.5, size - 0.5)])), (FRAMES[1], None)))


def frame(*inputs, header=HEADER, **settings):
    return output_wcs(inputs, [wcs.footprint() for wcs in inputs], header, **settings)


@pytest.mark.parametrize("ra, dec", [(30.0, -40.0), (0.0, 0.0), (200.0, 89.9)])
def test_one_exposure_comes_back_pixel_for_pixel(ra, dec):
    wcs_in = make_input(ra, dec)
    wcs, shape = frame(wcs_in, header={**HEADER, "RA_REF": ra, "DEC_REF": dec})
    assert shape == (199, 199) or shape == (200, 200)
    x, y = np.random.default_rng(0).uniform(0, 199, (2, 30))
    mapped = np.array(wcs.inverse(*wcs_in.forward(x, y)))
    # The frame starts half a pixel outside the first pixel's centre; the scale is measured at the reference point.
    np.testing.assert_allclose(mapped, np.array([x, y]) + 0.5, atol=2e-5)


def test_all_corners_of_all_inputs_are_inside():
    inputs = [make_input(), make_input(30.003, -40.001, 60.0), make_input(29.999, -40.004)]
    wcs, shape = frame(*inputs)
    for item in inputs:
        x, y = wcs.inverse(*item.footprint().T)
        assert x.min() > -1e-6 and y.min() > -1e-6 and x.max() < shape[1] + 0.5 and y.max() < shape[0] + 0.5
    assert wcs.bounding_box == ((-0.5, shape[1] - 0.5), (-0.5, shape[0] - 0.5))
    assert wcs.pixel_shape == [shape[1], shape[0]]


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_scale_is_that_of_the_first_input(ratio):
    wcs, shape = frame(make_input(), make_input(30.001), pixel_scale_ratio=ratio)
    assert fits_keywords(wcs)["CDELT1"] == pytest.approx(ratio * SCALE, rel=1e-8)
    assert mean_pixel_area(wcs, shape) == pytest.approx(np.radians(ratio * SCALE) ** 2, rel=1e-6)
    assert scale_at(wcs, 30, -40) == pytest.approx(ratio * SCALE, rel=1e-7)


def test_pixel_scale_in_arcseconds_wins():
    wcs, _ = frame(make_input(), pixel_scale=0.036, pixel_scale_ratio=3)
    assert fits_keywords(wcs)["CDELT2"] == pytest.approx(1e-5, rel=1e-12)


@pytest.mark.parametrize("rotation, expected", [(None, ANGLE), (0.0, 0.0), (35.0, 35.0)])
def test_position_angle_of_y(rotation, expected):
    wcs, shape = frame(make_input(), rotation=rotation)
    y, x = (size / 2 for size in shape)
    (ra, dec), (ra1, dec1) = wcs.forward(x, y), wcs.forward(x, y + 1)
    angle = np.degrees(np.arctan2((ra1 - ra) * np.cos(np.radians(dec)), dec1 - dec))
    assert angle == pytest.approx(expected, abs=1e-3)
    pc = np.array([[fits_keywords(wcs)[f"PC{i}_{j}"] for j in (1, 2)] for i in (1, 2)])
    np.testing.assert_allclose(pc @ pc.T, np.identity(2), atol=1e-15)
    assert np.linalg.det(pc) == pytest.approx(-1)


def test_place_and_size_on_request():
    wcs, shape = frame(make_input(), crval=(30.0005, -40.0), crpix=(20.25, 30.5), output_shape=(150, 300))
    assert shape == (150, 300)
    np.testing.assert_allclose(wcs.forward(20.25, 30.5), (30.0005, -40.0), rtol=1e-14)
    keywords = fits_keywords(wcs)
    assert (keywords["CRPIX1"], keywords["CRPIX2"]) == (21.25, 31.5)
    (x0, x1), (y0, y1) = wcs.bounding_box
    assert (x0, y0) == (-0.5, -0.5) and x1 < 299.5 and y1 < 149.5  # the part that inputs reach


def test_keywords_mean_the_same_to_astropy():
    wcs, _ = frame(make_input(), make_input(30.002))
    header = fits.Header(fits_keywords(wcs).items())
    x, y = np.random.default_rng(2).uniform(0, 200, (2, 20))
    np.testing.assert_allclose(FitsWCS(header).all_pix2world(x, y, 0), wcs.forward(x, y), rtol=1e-13)


def test_gwcs_reads_the_frame():
    wcs, shape = frame(make_input())
    with asdf.open(io.BytesIO(encode_tree(wcs.tree)), lazy_load=False, memmap=False) as file:
        theirs = file["meta"]["wcs"]
    assert theirs.array_shape == shape
    np.testing.assert_allclose(theirs(3.0, 4.0), wcs.forward(3.0, 4.0), rtol=1e-14)


def test_regions_are_parsed():
    text = "POLYGON ICRS  1.0 2.0 3.0 4.0 5.0 6.5POLYGON ICRS  7 8 9 10 11 12"
    first, second = parse_footprint(text)
    np.testing.assert_array_equal(first, [[1, 2], [3, 4], [5, 6.5]])
    np.testing.assert_array_equal(second, [[7, 8], [9, 10], [11, 12]])
    wcs = make_input()
    region = "POLYGON ICRS  " + " ".join(f"{value:.9f}" for value in wcs.footprint().ravel())
    (a, _), (b, _) = output_wcs([wcs], [region], HEADER), frame(wcs)
    np.testing.assert_allclose(a.forward(0, 0), b.forward(0, 0), atol=1e-9)


@pytest.mark.parametrize("name", sorted(HEADER))
def test_missing_keyword_is_named(name):
    with pytest.raises(JwcalError, match=name):
        frame(make_input(), header={key: value for key, value in HEADER.items() if key != name})


def test_nonsense_is_refused():
    with pytest.raises(JwcalError, match="VPARITY is 0"):
        frame(make_input(), header={**HEADER, "VPARITY": 0})
    with pytest.raises(JwcalError, match="1x1 pixels"):
        frame(make_input(), pixel_scale=20.0)


def test_pixel_area_inside_the_bounding_box():
    wcs = make_input(size=64)
    assert mean_pixel_area(wcs, (64, 64)) == pytest.approx(np.radians(SCALE) ** 2, rel=1e-6)
    nodes.bound(wcs.node["steps"][0]["transform"], (10.5, 40.5), (-0.5, 63.5))
    assert mean_pixel_area(wcs, (64, 64)) == pytest.approx(np.radians(SCALE) ** 2, rel=1e-6)
