"""picture_frame: the glow towards the edges comes off, whatever stands in the middle stays."""

import numpy as np
import pytest
from astropy.io import fits
from naive_detector import make_ramp, write_reference

from jwcal.errors import StepSkipped
from jwcal.models import Image
from jwcal.steps.picture_frame import picture_frame

KEYWORDS = {"INSTRUME": "NIRSPEC", "DETECTOR": "NRS1", "EXP_TYPE": "NRS_IFU", "SUBARRAY": "FULL", "FASTAXIS": 2,
            "SLOWAXIS": 1, "TGROUP": 10.0, "NINTS": 1}  # fmt: skip
SIZE = 2048


@pytest.fixture(scope="module")
def shape():
    along = np.abs(np.arange(SIZE) - 1023.5) / 1024
    return np.maximum(along[:, None], along[None, :]) ** 8


@pytest.fixture(scope="module")
def references(tmp_path_factory, shape):
    """Picture frame, read noise and gain."""
    folder, plane = tmp_path_factory.mktemp("references"), np.ones((SIZE, SIZE), np.float32)
    return (
        write_reference(folder / "pictureframe.fits", "pictureframe", SCI=shape + 2),
        write_reference(folder / "readnoise.fits", "readnoise", SCI=plane),
        write_reference(folder / "gain.fits", "gain", SCI=plane),
    )


def make_rates(data, **keywords):
    header = fits.Header(list((KEYWORDS | keywords).items()))
    data = np.array(data, np.float32)
    return Image(header=header, sci_header=fits.Header(), data=data, dq=np.zeros(data.shape, np.uint32))


def test_glow_comes_off_a_ramp(references, shape):
    rng = np.random.default_rng(0)
    clean = rng.normal(100, 0.5, (1, 3, SIZE, SIZE)).astype(np.float32)
    clean[:, 1:, 900:920, 300:1500] += np.array([200, 400])[:, None, None]
    data = clean.copy()
    for g, (height, level) in enumerate(((0, 0), (3, 1), (-2, 4)), 0):
        data[0, g] += height * shape + level
    ramp = make_ramp(data, **KEYWORDS, NGROUPS=3)
    first = ramp.data[:, 0].copy()
    assert picture_frame(ramp, *references, mask_science_regions=False, save_mask=True, save_correction=True) is ramp
    np.testing.assert_array_equal(ramp.data[:, 0], first)
    left = ramp.data - clean
    # The draft rates' brightest pixels at the rim are no background, which tells the height from a part of them.
    assert np.abs(left).max() < 0.3 and (data - clean).std() > 1.0
    mask, correction = ramp.extras["pctfrm_mask"].data, ramp.extras["pctfrm_correction"].data
    assert mask.shape == (SIZE, SIZE) and not mask[905, 500]
    np.testing.assert_allclose(correction, ramp.data - data, atol=1e-4)


@pytest.mark.parametrize("planes", [(), (2,)])
def test_rates_are_corrected_directly(references, shape, planes):
    height = np.broadcast_to(np.array([3.0, -1.0])[:, None, None] if planes else 3.0, (*planes, 1, 1))
    rates = make_rates(5 + height * shape)
    picture_frame(rates, references[0], mask_science_regions=False, n_sigma=0)
    assert np.abs(rates.data).max() < 1e-5


def test_by_hand():
    """The level is the median of the rim, the height that of the middle over it."""
    from jwcal.steps import picture_frame as module

    planes = np.array([[[0, 0, 0, 0.0]], [[1, 2, 6, 9]]], np.float32)
    module.picture_frame.__globals__["_correct"](
        planes, True, np.array([0, 1]), np.array([2]), np.array([1, 0.5, 0, 0])
    )
    np.testing.assert_allclose(planes[1], [[1 - 1.5, 2 - 3.75, 0, 3]])


@pytest.mark.parametrize(
    ("keywords", "groups", "settings", "message"),
    [
        ({"INSTRUME": "NIRCAM"}, 2, {}, "only full frames"),
        ({"SUBARRAY": "SUB512"}, 2, {}, "only full frames"),
        ({}, 1, {}, "single group"),
        ({}, 2, {"mask_science_regions": True}, "needs the references camera"),
    ],
)
def test_what_is_skipped(references, keywords, groups, settings, message):
    ramp = make_ramp(np.ones((1, groups, 8, 8)), **(KEYWORDS | keywords))
    with pytest.raises(StepSkipped, match=message):
        picture_frame(ramp, None, *references[1:], **({"mask_science_regions": False} | settings))


def test_no_background_or_a_flat_reference(references, tmp_path):
    flat = write_reference(tmp_path / "flat.fits", "pictureframe", SCI=np.ones((SIZE, SIZE)))
    for data, reference in ((np.full((SIZE, SIZE), np.nan), references[0]), (np.ones((SIZE, SIZE)), flat)):
        with pytest.raises(StepSkipped, match="no background"):
            picture_frame(make_rates(data), reference, mask_science_regions=False, n_sigma=0)
