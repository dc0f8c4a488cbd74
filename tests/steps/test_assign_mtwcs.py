"""Moving targets: their coordinates stand still, those of the stars do not."""

import numpy as np
import pytest
from naive_alignment import make_exposure

from jwcal import models, products
from jwcal.alignment.solutions import apply_alignment, find_entry, name_of, read_alignment, write_alignment
from jwcal.findings import Findings
from jwcal.steps.assign_mtwcs import assign_mtwcs
from jwcal.wcs import from_tree

X, Y = np.random.default_rng(1).uniform(0, 299, (2, 20))


def make_exposures(places):
    images = [make_exposure(number) for number in range(1, len(places) + 1)]
    for image, (ra, dec) in zip(images, places):
        image.sci_header["MT_RA"], image.sci_header["MT_DEC"] = ra, dec
    return images


def test_by_eye():
    solution = assign_mtwcs(make_exposures([(110.0, -33.0), (110.002, -33.004)]))
    assert solution["status"] == "COMPLETE" and len(solution["members"]) == 2
    first, second = solution["members"].values()
    assert first["moving_target"]["position"] == [110.0, -33.0]
    assert first["moving_target"]["average"] == pytest.approx([110.001, -33.002], abs=1e-12)
    assert first["moved"] == pytest.approx(3600 * np.hypot(0.001 * np.cos(np.radians(33.002)), 0.002))
    assert second["group"] != first["group"] and second["status"] == "COMPLETE"


def test_the_target_stands_still():
    places = [(110.0005, -33.0003), (109.9998, -32.9998), (110.0002, -33.0001)]
    images = make_exposures(places)
    solution = assign_mtwcs(images)
    average = np.mean(places, axis=0)
    for image, place in zip(images, places):
        before = from_tree(image.wcs)
        x, y = before.inverse(*place)
        stars = np.array(before.forward(X, Y))
        apply_alignment(image, find_entry(solution, image), "assign_mtwcs")
        after = from_tree(image.wcs)
        assert after.frames[-2:] == ["world", "moving_target"]
        np.testing.assert_allclose(after.forward(x, y), average, rtol=0, atol=1e-10)
        motion = np.broadcast_to((average - place)[:, None], (2, 20))
        np.testing.assert_allclose(after.forward(X, Y) - stars, motion, rtol=0, atol=1e-12)
        np.testing.assert_allclose(after.inverse(*after.forward(X, Y)), [X, Y], atol=1e-5)
        corners = np.array(image.sci_header["S_REGION"].split()[2:], float).reshape(4, 2)
        np.testing.assert_allclose(corners, after.footprint(), atol=1e-9)
        assert (image.sci_header["MT_AVRA"], image.sci_header["MT_AVDEC"]) == pytest.approx(tuple(average), abs=1e-11)
        assert image.header["S_MTWCS"] == "COMPLETE" and "S_TWKREG" not in image.header


def test_fits_keywords_follow():
    from astropy.wcs import WCS

    image = make_exposures([(110.0, -33.0), (110.002, -33.004)])[0]
    apply_alignment(image, find_entry(assign_mtwcs(make_exposures([(110.0, -33.0), (110.002, -33.004)])), image))
    approximate = WCS(image.sci_header, relax=True).all_pix2world(X, Y, 0)
    assert np.abs(np.subtract(approximate, from_tree(image.wcs).forward(X, Y)) * 3600 / 0.031).max() < 0.01


def test_twice_is_once():
    images = make_exposures([(110.0, -33.0), (110.002, -33.004)])
    solution = assign_mtwcs(images)
    for _ in range(2):
        apply_alignment(images[0], find_entry(solution, images[0]))
        sky = np.array(from_tree(images[0].wcs).forward(X, Y))
    fresh = make_exposures([(110.0, -33.0)])[0]
    np.testing.assert_array_equal(sky, from_tree(apply_alignment(fresh, find_entry(solution, fresh)).wcs).forward(X, Y))


def test_across_right_ascension_0():
    solution = assign_mtwcs(make_exposures([(359.9999, 10.0), (0.0003, 10.0)]))
    average = next(iter(solution["members"].values()))["moving_target"]["average"]
    assert average == pytest.approx([0.0001, 10.0], abs=1e-12)
    image = make_exposures([(359.9999, 10.0)])[0]
    before = np.array(from_tree(image.wcs).forward(X, Y))
    apply_alignment(image, find_entry(solution, image))
    np.testing.assert_allclose(from_tree(image.wcs).forward(X, Y)[0] - before[0], 0.0002, atol=1e-11)


@pytest.mark.parametrize("keyword", ["MT_RA", "MT_DEC"])
def test_without_a_keyword_it_is_skipped(keyword):
    images = make_exposures([(110.0, -33.0), (110.002, -33.004)])
    del images[1].sci_header[keyword]
    solution = assign_mtwcs(images)
    assert solution["status"] == "SKIPPED" and name_of(images[1]) in solution["reasons"][0]
    tree = images[0].wcs
    apply_alignment(images[0], find_entry(solution, images[0]), "assign_mtwcs")
    assert images[0].wcs is tree and images[0].header["S_MTWCS"] == "SKIPPED"
    assert "MT_AVRA" not in images[0].sci_header


def test_put_back_from_the_file(tmp_path):
    """The file says of which step it is; products hold the frame as data models read it."""
    images = make_exposures([(110.0, -33.0), (110.002, -33.004)])
    write_alignment(tmp_path / "a_mtwcs.json", assign_mtwcs(images))
    assert read_alignment(tmp_path / "a_mtwcs.json")["step"] == "assign_mtwcs"
    image = images[0]
    image.header["TELESCOP"] = "JWST"
    image.data, image.dq = np.ones((300, 320), np.float32), np.zeros((300, 320), np.uint32)
    Findings(tmp_path / "a_mtwcs.json").note(image)
    assert image.header["S_MTWCS"] == "COMPLETE"
    products.write(tmp_path / "x_crf.fits", image)
    again = products.read(tmp_path / "x_crf.fits", models.Image, only=())
    np.testing.assert_array_equal(from_tree(again.wcs).forward(X, Y), from_tree(image.wcs).forward(X, Y))
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    with datamodels.ImageModel(tmp_path / "x_crf.fits") as model:
        assert model.meta.wcs.output_frame.name == "moving_target" and model.meta.wcsinfo.mt_avra == pytest.approx(
            110.001
        )
        np.testing.assert_allclose(model.meta.wcs(10.0, 20.0), from_tree(image.wcs).forward(10.0, 20.0), atol=1e-12)
