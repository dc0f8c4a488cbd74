"""The alignment file: which entry holds for which exposure, and what it does to it."""

import json

import numpy as np
import pytest
from naive_alignment import make_exposure

from jwcal.alignment.solutions import (
    FORMAT,
    apply_alignment,
    correct_wcs,
    find_entry,
    group_of,
    name_of,
    plane_of,
    read_alignment,
    write_alignment,
)
from jwcal.errors import JwcalError
from jwcal.wcs import from_tree

X, Y = np.random.default_rng(1).uniform(0, 299, (2, 20))


def entry(image, shift=(0.1, -0.2), angle=0.01, **more):
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    plane, matrix = list(plane_of(image)), [[c, -s], [s, c]]
    found = {"status": "COMPLETE", "reasons": [], "group": group_of(image), "plane": plane, "matrix": matrix}
    return found | {"shift": list(shift), "name": None, "sip": {"sip_degree": 3}} | more


def solution(**members):
    return {"format": FORMAT, "status": "COMPLETE", "reasons": [], "reference": None, "members": members}


def test_names_and_groups():
    image = make_exposure(7, "nrcb1")
    assert name_of(image) == "jw01234001001_02101_00007_nrcb1"
    assert group_of(image) == "jw01234001001_02101_00007" == group_of(make_exposure(7, "nrcblong"))
    del image.header["VISITGRP"]
    assert group_of(image) == name_of(image)


def test_which_entry_holds():
    image = make_exposure(1, "nrcb1")
    name, group, visit = name_of(image), group_of(image), "jw01234001001"
    other = {"status": "SKIPPED", "group": group}
    assert find_entry(solution(**{name: 1, group: 2, visit: 3}), image) == 1
    assert find_entry(solution(**{visit: 3, group: 2}), image) == 2
    assert find_entry(solution(**{visit: 3}), image) == 3
    sibling = entry(image)
    assert find_entry(solution(a=other, b=sibling), image) is sibling
    assert find_entry(solution(a=other), image) is other
    assert find_entry(solution(a=entry(make_exposure(2))), image) is None


def test_the_correction_gets_into_the_image():
    image = make_exposure()
    before = from_tree(image.wcs).forward(X, Y)
    expected = correct_wcs(image, entry(image))
    np.testing.assert_array_equal(from_tree(image.wcs).forward(X, Y), before)
    assert apply_alignment(image, entry(image)) is image
    wcs = from_tree(image.wcs)
    np.testing.assert_array_equal(wcs.forward(X, Y), expected.forward(X, Y))
    moved = np.subtract(wcs.forward(X, Y), before) * 3600
    np.testing.assert_allclose(moved[0] * np.cos(np.radians(-33)), 0.1, atol=0.002)
    np.testing.assert_allclose(moved[1], -0.2, atol=0.002)
    assert image.header["S_TWKREG"] == "COMPLETE" and image.sci_header["A_ORDER"] == 3
    corners = np.array(image.sci_header["S_REGION"].split()[2:], float).reshape(4, 2)
    np.testing.assert_allclose(corners, wcs.footprint(), atol=1e-9)
    apply_alignment(image, entry(image))
    np.testing.assert_allclose(from_tree(image.wcs).forward(X, Y), expected.forward(X, Y), rtol=0, atol=1e-13)


def test_fits_keywords_follow():
    from astropy.wcs import WCS

    image = make_exposure()
    apply_alignment(image, entry(image))
    approximate = WCS(image.sci_header, relax=True).all_pix2world(X, Y, 0)
    difference = np.subtract(approximate, from_tree(image.wcs).forward(X, Y)) * 3600 / 0.031
    assert np.abs(difference).max() < 0.01


@pytest.mark.parametrize("left_alone", [None, {"status": "SKIPPED"}])
def test_nothing_to_apply(left_alone):
    image = make_exposure()
    tree = image.wcs
    apply_alignment(image, left_alone)
    assert image.wcs is tree and image.header["S_TWKREG"] == "SKIPPED" and "S_REGION" not in image.sci_header


def test_a_neutral_correction_leaves_the_wcs():
    image = make_exposure()
    tree = image.wcs
    apply_alignment(image, entry(image, (0, 0), 0.0))
    assert image.wcs is tree and image.header["S_TWKREG"] == "COMPLETE"


def test_another_detector_moves_along():
    first, second = make_exposure(detector="nrcb1"), make_exposure(detector="nrcb2", shift_v2=40.0)
    # Both look at one position: the second's, which is outside the first's pixels but in its plane.
    x, y = from_tree(first.wcs).inverse(*from_tree(second.wcs).forward(X, Y))
    np.testing.assert_allclose(from_tree(first.wcs).forward(x, y), from_tree(second.wcs).forward(X, Y), atol=1e-9)
    measured = entry(first, angle=0.05)
    assert find_entry(solution(a=measured), second) is measured
    ours = correct_wcs(second, measured).forward(X, Y)
    theirs = correct_wcs(first, measured).forward(x, y)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    moved = np.subtract(ours, from_tree(second.wcs).forward(X, Y)) * 3600
    assert np.abs(moved[1] + 0.2).max() > 0.02  # turned about the first one's reference point


def test_written_and_read(tmp_path):
    image = make_exposure()
    content = solution(**{name_of(image): entry(image)})
    write_alignment(tmp_path / "a.json", content)
    assert read_alignment(tmp_path / "a.json") == content


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"format": FORMAT, "members": 3})])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(JwcalError, match=r"a.json: is no alignment file; give one that tweakreg wrote"):
        read_alignment(tmp_path / "a.json")
    with pytest.raises(JwcalError, match="b.json: file not found"):
        read_alignment(tmp_path / "b.json")


def test_data_models_read_an_aligned_product(tmp_path):
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    from jwcal import products

    image = make_exposure(shape=(40, 50))
    image.header["TELESCOP"] = "JWST"
    image.data, image.dq = np.ones((40, 50), np.float32), np.zeros((40, 50), np.uint32)
    apply_alignment(image, entry(image, name="FIT-LVL3-stars.ecsv"))
    products.write(tmp_path / "x_crf.fits", image)
    with datamodels.ImageModel(tmp_path / "x_crf.fits") as model:
        wcs = model.meta.wcs
        assert wcs.available_frames == ["detector", "v2v3", "v2v3vacorr", "v2v3corr", "world"]
        assert wcs.name == "FIT-LVL3-stars.ecsv" and model.meta.cal_step.tweakreg == "COMPLETE"
        np.testing.assert_allclose(wcs(10.0, 20.0), from_tree(image.wcs).forward(10.0, 20.0), rtol=0, atol=1e-12)
    again = products.read(tmp_path / "x_crf.fits", type(image), only=())
    np.testing.assert_array_equal(from_tree(again.wcs).forward(X, Y), from_tree(image.wcs).forward(X, Y))
    assert again.data.shape == (40, 50) and again.dq is None
