"""World coordinate systems: evaluation, inversion, trees, and what gwcs makes of them."""

import io

import asdf
import numpy as np
import pytest
from astropy.io import fits
from naive_wcs import distortion_node

from jwcal.errors import JwcalError
from jwcal.wcs import decode_tree, encode_tree, from_tree, nodes
from jwcal.wcs.pipeline import WCS

DETECTOR, SKY = nodes.frame2d("detector", ("x", "y"), "pixel"), nodes.sky_frame()
MIDDLE = nodes.frame2d("v2v3", ("v2", "v3"), "arcsec")
BOX = ((-0.5, 99.5), (-0.5, 49.5))


def tangent_plane(ra=30.0, dec=-40.0):
    return nodes.fitswcs(crpix=(50, 25), crval=(ra, dec), cdelt=(1e-5, 1e-5), pc=np.identity(2))


def make_wcs(*transforms):
    frames = (DETECTOR, MIDDLE)[: len(transforms)]
    nodes.bound(transforms[0], *BOX)
    return WCS(nodes.wcs(*zip(frames, transforms), (SKY, None), pixel_shape=(100, 50)))


@pytest.fixture
def pixels():
    return np.random.default_rng(3).uniform(0, 49, (2, 40))


@pytest.mark.parametrize("ra, dec", [(30, -40), (0, 0), (359.9999, 10), (120, 89.9999), (10, -90)])
def test_inverse_undoes_forward(pixels, ra, dec):
    wcs = make_wcs(tangent_plane(ra, dec))
    np.testing.assert_allclose(wcs.inverse(*wcs.forward(*pixels)), pixels, atol=1e-7)


def test_reference_pixel_is_at_the_reference_position():
    np.testing.assert_allclose(make_wcs(tangent_plane()).forward(50, 25), (30, -40), rtol=1e-14)


@pytest.mark.parametrize("ra", [30.0, 0.0])
def test_newton_inverts_what_has_no_inverse(pixels, ra):
    plane = tangent_plane(ra)
    wcs = make_wcs(nodes.compose(distortion_node(), nodes.shift(-90, 500)), plane)
    np.testing.assert_allclose(wcs.inverse(*wcs.forward(*pixels)), pixels, atol=1e-8)
    x, y = wcs.inverse(*(float(value) for value in wcs.forward(3.0, 4.0)))
    np.testing.assert_allclose((x, y), (3, 4), atol=1e-8)


def test_inverse_of_the_file_is_preferred(pixels):
    exact = make_wcs(distortion_node(), tangent_plane())
    fitted = make_wcs(distortion_node(inverse=True), tangent_plane())
    difference = np.subtract(fitted.inverse(*exact.forward(*pixels)), pixels)
    assert 0 < np.abs(difference).max() < 0.01


def test_transform_between_frames(pixels):
    wcs = make_wcs(nodes.scale(2, 3), tangent_plane())
    np.testing.assert_allclose(wcs.pixel_to_v2v3(*pixels), pixels * [[2], [3]])
    np.testing.assert_allclose(wcs.transform("v2v3", "detector", *wcs.pixel_to_v2v3(*pixels)), pixels)
    with pytest.raises(JwcalError, match="no frame slit_frame; it has detector, v2v3, world"):
        wcs.transform("detector", "slit_frame", 0, 0)


def test_bounding_box_by_name_and_in_old_files():
    wcs = make_wcs(tangent_plane())
    assert wcs.bounding_box == BOX and wcs.pixel_shape == [100, 50]
    transform = wcs.node["steps"][0]["transform"]
    transform["bounding_box"]["intervals"] = dict(reversed(transform["bounding_box"]["intervals"].items()))
    assert wcs.bounding_box == BOX
    transform["bounding_box"] = [list(BOX[1]), list(BOX[0])]
    assert wcs.bounding_box == BOX
    del transform["bounding_box"]
    assert wcs.bounding_box is None


def test_footprint_goes_round_the_corners():
    wcs = make_wcs(tangent_plane(ra=0.0))
    corners = wcs.footprint()
    expected = [wcs.forward(x, y) for x, y in ((-0.5, -0.5), (-0.5, 49.5), (99.5, 49.5), (99.5, -0.5))]
    np.testing.assert_allclose(corners, [(ra % 360, dec) for ra, dec in expected])
    assert corners[:2, 0].min() > 300 and corners[2:, 0].max() < 1


def test_tree_or_node():
    wcs = make_wcs(tangent_plane())
    assert from_tree(wcs.tree).node is from_tree(wcs.node).node
    for tree in (None, {}, {"meta": {}}):
        with pytest.raises(JwcalError, match="assign_wcs"):
            from_tree(tree)


def test_encoded_tree_keeps_the_wcs_and_nothing_else(pixels):
    wcs = make_wcs(distortion_node(inverse=True), tangent_plane())
    content = encode_tree(wcs.tree)
    assert encode_tree(wcs.node) == content == encode_tree(decode_tree(content))
    cluttered = {"meta": {**wcs.tree["meta"], "filename": "a"}, "data": [1, 2], "slits": [{"a": 1}, wcs.tree]}
    tree = decode_tree(encode_tree(cluttered))
    assert list(tree) == ["meta", "slits"] and list(tree["meta"]) == ["wcs"] and tree["slits"][0] is None
    np.testing.assert_array_equal(from_tree(tree).forward(*pixels), wcs.forward(*pixels))
    assert decode_tree(encode_tree({"meta": {"filename": "a"}})) == {}


@pytest.mark.filterwarnings("error")
def test_gwcs_reads_our_tree(pixels):
    wcs = make_wcs(distortion_node(inverse=True), tangent_plane())
    with asdf.open(io.BytesIO(encode_tree(wcs.tree)), lazy_load=False, memmap=False) as file:
        theirs = file["meta"]["wcs"]
    assert theirs.available_frames == wcs.frames
    assert theirs.bounding_box.bounding_box(order="F") == wcs.bounding_box
    assert theirs.pixel_shape == (100, 50)
    np.testing.assert_allclose(theirs(*pixels), wcs.forward(*pixels), rtol=1e-14)
    np.testing.assert_allclose(theirs.invert(*theirs(*pixels)), wcs.inverse(*theirs(*pixels)), atol=1e-9)
    np.testing.assert_allclose(theirs.footprint(), wcs.footprint(), rtol=1e-14)
    assert theirs.pixel_to_world(1, 2).frame.name == "icrs"


@pytest.mark.filterwarnings("ignore")
def test_wcs_of_the_archive(real_data):
    path = next((real_data / "miri_image_jw01288").glob("*_i2d.fits"))
    content = fits.getdata(path, "ASDF").field(0).tobytes()
    header = fits.getheader(path, "SCI")
    wcs = from_tree(decode_tree(content))
    with asdf.open(io.BytesIO(content), lazy_load=False, memmap=False) as file:
        theirs = file["meta"]["wcs"]
    x, y = np.random.default_rng(1).uniform(1, 120, (2, 50))
    np.testing.assert_allclose(wcs.forward(x, y), theirs(x, y), rtol=1e-13)
    np.testing.assert_allclose(wcs.inverse(*wcs.forward(x, y)), (x, y), atol=1e-7)
    reference = wcs.forward(header["CRPIX1"] - 1, header["CRPIX2"] - 1)
    np.testing.assert_allclose(reference, (header["CRVAL1"], header["CRVAL2"]), rtol=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_spectral_wcs_of_the_archive(real_data):
    path = real_data / "nirspec_mos_jw02565" / "jw02565007001_03101_00002_nrs2_cal.fits"
    content = fits.getdata(path, "ASDF").field(0).tobytes()
    pytest.importorskip("stdatamodels")  # defines some of its transforms
    wcs = from_tree(decode_tree(content)["slits"][0])
    with asdf.open(io.BytesIO(content), lazy_load=False, memmap=False) as file:
        theirs = file["slits"][0]["meta"]["wcs"]
    (x0, x1), (y0, y1) = wcs.bounding_box
    x, y = np.random.default_rng(1).uniform((x0, y0), (x1, y1), (30, 2)).T
    np.testing.assert_allclose(wcs.forward(x, y), theirs(x, y, with_bounding_box=False), rtol=1e-11)
