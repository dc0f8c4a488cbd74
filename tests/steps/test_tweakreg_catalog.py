"""tweakreg_catalog: stars that were put there are found; settings reach the finders."""

import numpy as np
import pytest
from naive_drizzle import make_image

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.steps.tweakreg_catalog import tweakreg_catalog

SHAPE = (200, 220)
PLACES = np.array([(30.3, 40.2), (100.6, 150.4), (180.1, 60.7), (60.9, 120.5), (150.2, 20.3)])
FLUXES = np.array([500.0, 400.0, 300.0, 200.0, 100.0])
FINDERS = ("iraf", "dao", "segmentation")
ROUND = {"dao": {"roundlo": -1.0, "roundhi": 1.0, "sharplo": 0.2}}


def make_exposure(level=0.3):
    rng = np.random.default_rng(1)
    y, x = np.indices(SHAPE)
    data = level + rng.normal(0, 0.1, SHAPE)
    for (sx, sy), flux in zip(PLACES, FLUXES, strict=True):
        data += flux / (2 * np.pi * 1.1**2) * np.exp(-((x - sx) ** 2 + (y - sy) ** 2) / 2 / 1.1**2)
    return make_image([data, *np.ones((3, *SHAPE))])


@pytest.mark.parametrize("finder", FINDERS)
def test_stars_are_found(finder):
    found = tweakreg_catalog(make_exposure(), starfinder=finder, bkg_boxsize=100, **ROUND.get(finder, {}))
    assert len(found) == 5 and found["id"].tolist() == [1, 2, 3, 4, 5]
    if finder != "segmentation":
        assert (np.diff(found["flux"]) < 0).all()
    found = found[np.argsort(-found["flux"])]
    np.testing.assert_allclose(np.column_stack([found["x"], found["y"]]), PLACES, atol=0.12)


@pytest.mark.parametrize("finder", FINDERS)
def test_the_background_does_not_matter(finder):
    settings = {"starfinder": finder, "bkg_boxsize": 100, **ROUND.get(finder, {})}
    low, high = (tweakreg_catalog(make_exposure(level), **settings) for level in (0.0, 5.0))
    np.testing.assert_allclose(low["x"], high["x"], atol=1e-3)


@pytest.mark.parametrize("finder", FINDERS)
def test_what_is_flagged_is_not_found(finder):
    image = make_exposure()
    image.dq[148:154, 98:104] = dq.DO_NOT_USE
    image.dq[38:43, 28:33] = dq.NON_SCIENCE
    image.data[38:43, 28:33] = np.nan
    image.dq[58:64, 177:184] = dq.SATURATED
    found = tweakreg_catalog(image, starfinder=finder, bkg_boxsize=100, **ROUND.get(finder, {}))
    assert len(found) == 3 and np.hypot(found["x"] - 180, found["y"] - 61).min() < 1


def test_settings_of_the_star_finders():
    image = make_exposure()
    assert len(tweakreg_catalog(image, brightest=2)) == 2
    assert len(tweakreg_catalog(image, brightest=None)) == 5
    assert len(tweakreg_catalog(image, peakmax=30.0)) == 2
    assert len(tweakreg_catalog(image, snr_threshold=300.0)) < 5
    assert len(tweakreg_catalog(image, sharphi=0.6)) == 0
    assert len(tweakreg_catalog(image, roundlo=0.5, roundhi=2.0)) == 0
    assert len(tweakreg_catalog(image, minsep_fwhm=60.0)) < 5


def test_settings_of_segmentation():
    image = make_exposure()
    y, x = np.indices(SHAPE)
    image.data += (200 / 7.6 * np.exp(-((x - 38.3) ** 2 + (y - 40.2) ** 2) / 2 / 1.1**2)).astype(np.float32)
    common = {"starfinder": "segmentation", "bkg_boxsize": 100}
    assert len(tweakreg_catalog(image, **common)) == 6
    assert len(tweakreg_catalog(image, deblend=False, **common)) == 5
    assert len(tweakreg_catalog(image, npixels=500, **common)) == 0
    assert len(tweakreg_catalog(image, contrast=0.9, **common)) == 5


def test_sources_beyond_the_bounding_box_are_left_out():
    image = make_exposure()
    transform = image.wcs["meta"]["wcs"]["steps"][0]["transform"]
    transform["bounding_box"]["intervals"]["x"][1] = 120.0
    assert len(tweakreg_catalog(image)) == 3


def test_nothing_to_be_found():
    image = make_exposure()
    image.data[:] = np.random.default_rng(2).normal(0, 0.1, SHAPE)
    for finder in FINDERS:
        assert len(tweakreg_catalog(image, starfinder=finder)) == 0
    image.dq[:] = dq.DO_NOT_USE
    assert len(tweakreg_catalog(image)) == 0


def test_what_is_refused():
    image = make_exposure()
    with pytest.raises(JwcalError, match="starfinder is 'sextractor'; it must be iraf, dao or segmentation"):
        tweakreg_catalog(image, starfinder="sextractor")
    image.data = image.data[None]
    with pytest.raises(StepSkipped, match="two-dimensional"):
        tweakreg_catalog(image)
