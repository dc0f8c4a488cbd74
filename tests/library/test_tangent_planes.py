"""Corrections in the tangent plane: what they do to the sky, and that gwcs and tweakwcs read them."""

import io

import asdf
import numpy as np
import pytest
from naive_alignment import make_exposure

from jwcal.alignment.pointings import Pointing
from jwcal.alignment.solutions import plane_of
from jwcal.wcs import encode_tree, from_tree
from jwcal.wcs.tangent_planes import (
    ARCSEC,
    IDENTITY,
    Affine,
    TangentPlane,
    insert_correction,
    linearise,
    split_correction,
)

PLANE = TangentPlane(100.0, -480.0, 38.0)
X, Y = np.random.default_rng(1).uniform(0, 299, (2, 30))


def turn(degrees, shift=(0.0, 0.0)):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return Affine(np.array([[c, -s], [s, c]]), np.array(shift))


def test_the_plane_touches_at_its_reference_point():
    np.testing.assert_allclose(PLANE.project(100.0, -480.0), (0, 0), atol=1e-9)
    x, y = PLANE.project(np.array([100.0, 100.0 + 1 / np.cos(np.radians(480 / 3600))]), np.array([-479.0, -480.0]))
    # V3 points to the position angle 38 degrees.
    np.testing.assert_allclose((x[0], y[0]), (np.sin(np.radians(38)), np.cos(np.radians(38))), atol=1e-6)
    np.testing.assert_allclose((x[1], y[1]), (np.cos(np.radians(38)), -np.sin(np.radians(38))), atol=1e-6)


def test_deprojection_undoes_projection():
    v2, v3 = np.random.default_rng(2).uniform(-600, 600, (2, 5, 4))
    np.testing.assert_allclose(PLANE.deproject(*PLANE.project(v2, v3)), (v2, v3), atol=1e-9)


def test_affine_algebra():
    a, b = turn(20, (1, 2)), Affine(np.array([[2.0, 0.1], [0.0, 1.0]]), np.array([3.0, 4.0]))
    np.testing.assert_allclose(a.after(b)(5.0, 6.0), a(*b(5.0, 6.0)))
    np.testing.assert_allclose(a.inverse()(*a(5.0, 6.0)), (5, 6))
    found = linearise(lambda x, y: b(x, y))
    np.testing.assert_allclose(found.matrix, b.matrix, atol=1e-12)
    np.testing.assert_allclose(found.shift, b.shift, atol=1e-12)
    np.testing.assert_allclose(a.carried(b)(*b(5.0, 6.0)), b(*a(5.0, 6.0)))


def test_a_shift_moves_the_sky_east_and_north():
    image = make_exposure()
    before = from_tree(image.wcs)
    ra, dec = np.subtract(insert_correction(before, plane_of(image), Affine(np.identity(2), [0.5, 0.25])).forward(X, Y),
                          before.forward(X, Y)) * 3600  # fmt: skip
    np.testing.assert_allclose(ra * np.cos(np.radians(-33.0)), 0.5, rtol=1e-4)
    np.testing.assert_allclose(dec, 0.25, rtol=1e-4)


def test_a_correction_comes_out_as_it_went_in():
    image, correction = make_exposure(), turn(0.01, (0.02, -0.03))
    wcs = insert_correction(from_tree(image.wcs), plane_of(image), correction, "FIT-LVL3-stars")
    assert wcs.frames == ["detector", "v2v3", "v2v3vacorr", "v2v3corr", "world"]
    assert wcs.node["name"] == "FIT-LVL3-stars"
    bare, plane, affine = split_correction(wcs)
    np.testing.assert_allclose(plane, plane_of(image), rtol=1e-14)
    np.testing.assert_allclose(affine.matrix, correction.matrix, rtol=1e-15)
    np.testing.assert_allclose(affine.shift, correction.shift, rtol=1e-15)
    np.testing.assert_array_equal(bare.forward(X, Y), from_tree(image.wcs).forward(X, Y))
    np.testing.assert_allclose(wcs.inverse(*wcs.forward(X, Y)), (X, Y), atol=1e-5)
    again = insert_correction(wcs, plane, IDENTITY)
    assert again.frames == wcs.frames
    np.testing.assert_allclose(again.forward(X, Y), bare.forward(X, Y), rtol=0, atol=1e-12)
    assert split_correction(bare) == (bare, None, None)


def test_gwcs_and_tweakwcs_read_it():
    from tweakwcs.correctors import JWSTWCSCorrector

    image, correction = make_exposure(), turn(0.01, (0.02, -0.03))
    wcs = insert_correction(from_tree(image.wcs), plane_of(image), correction)
    with asdf.open(io.BytesIO(encode_tree(wcs.tree)), lazy_load=False, memmap=False) as file:
        official = file["meta"]["wcs"]
    np.testing.assert_allclose(official(X, Y), wcs.forward(X, Y), rtol=0, atol=1e-12)
    np.testing.assert_allclose(official.invert(*official(X, Y)), wcs.inverse(*wcs.forward(X, Y)), atol=1e-8)
    info = {name: image.keyword(name.upper()) for name in ("v2_ref", "v3_ref", "roll_ref")}
    corrector = JWSTWCSCorrector(official, info)
    found = corrector._tpcorr["tp_affine"]
    np.testing.assert_allclose(found.matrix.value, correction.matrix)
    np.testing.assert_allclose(found.translation.value, correction.shift * ARCSEC)


@pytest.mark.parametrize("corrected", [False, True])
def test_pointings_agree_with_the_wcs_that_they_stand_for(corrected):
    image, correction = make_exposure(), turn(0.01, (0.02, -0.03))
    wcs = from_tree(image.wcs)
    if corrected:
        wcs = insert_correction(wcs, plane_of(image), turn(-0.02, (0.1, 0.1)))
    pointing = Pointing(wcs, plane_of(image))
    sky = wcs.forward(X, Y)
    np.testing.assert_allclose(pointing.pixels_to_sky(X, Y), sky, rtol=0, atol=1e-11)
    np.testing.assert_allclose(pointing.from_plane(*pointing.from_sky(*sky)), (X, Y), atol=1e-5)
    assert pointing.pixel_scale() == pytest.approx(0.031, rel=1e-3)
    kept, start = Pointing.frozen(pointing), pointing.corners()
    pointing.correct(correction, pointing)
    now = insert_correction(wcs, pointing.plane, pointing.affine)
    np.testing.assert_allclose(pointing.pixels_to_sky(X, Y), now.forward(X, Y), rtol=0, atol=1e-11)
    np.testing.assert_allclose(kept.pixels_to_sky(X, Y), sky, rtol=0, atol=1e-11)
    np.testing.assert_allclose(pointing.original_corners(), start, rtol=0, atol=1e-12)
    assert np.abs(pointing.corners() - start).max() > 1e-6
