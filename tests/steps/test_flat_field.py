"""flat_field: undoes a response, cuts the reference to the subarray, guiders, what it leaves alone."""

import numpy as np
import pytest
from naive_detector import write_reference
from naive_drizzle import make_image

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.models import GuiderImage
from jwcal.steps.flat_field import flat_field

RNG = np.random.default_rng(31)
CLEAN = RNG.uniform(1, 9, (4, 8, 6)).astype(np.float32)
KEYWORDS = {"INSTRUME": "NIRCAM", "EXP_TYPE": "NRC_IMAGE", "SUBSTRT1": 3, "SUBSTRT2": 2}


@pytest.fixture
def flat(tmp_path):
    response = RNG.uniform(0.8, 1.2, (12, 11)).astype(np.float32)
    flags = np.zeros((12, 11), np.uint32)
    flags[5, 5] = dq.NO_FLAT_FIELD
    return write_reference(tmp_path / "flat.fits", "flat", SCI=response, ERR=0 * response + 0.01, DQ=flags)


def expose(flat, planes=CLEAN):
    """An image of `planes` as a detector with that response sees it."""
    response = flat.image("SCI")[1:9, 2:8].astype(float)
    image = make_image(planes * np.stack([response, response**2, response**2, response]), **KEYWORDS)
    image.var_flat = None
    return image


def test_undoes_the_response(flat):
    image = flat_field(expose(flat), flat)
    bad = image.dq & dq.DO_NOT_USE != 0
    np.testing.assert_array_equal(np.argwhere(bad), [[4, 3]])
    assert image.dq[4, 3] == dq.DO_NOT_USE | dq.NO_FLAT_FIELD and np.isnan(image.data[4, 3])
    np.testing.assert_allclose(image.data[~bad], CLEAN[0][~bad], rtol=1e-6)
    np.testing.assert_allclose(image.var_poisson[~bad], CLEAN[1][~bad], rtol=1e-6)
    response = flat.image("SCI", like=image)
    np.testing.assert_allclose(image.var_flat[~bad], (CLEAN[0] * 0.01 / response)[~bad] ** 2, rtol=1e-5)
    total = image.var_poisson + image.var_rnoise + image.var_flat
    np.testing.assert_allclose(image.err, np.sqrt(total), rtol=1e-6)


def test_inverse_undoes_the_step(flat):
    image = expose(flat)
    before = image.data.copy()
    image = flat_field(flat_field(image, flat), flat, inverse=True)
    good = np.isfinite(image.data)
    np.testing.assert_allclose(image.data[good], before[good], rtol=1e-6)
    assert not image.var_flat[good].any()


def test_integrations_share_the_flat(flat):
    image = expose(flat)
    cube = expose(flat)
    for name in ("data", "err", "var_poisson", "var_rnoise", "dq"):
        setattr(cube, name, np.stack([getattr(cube, name)] * 3))
    image, cube = flat_field(image, flat), flat_field(cube, flat)
    for name in ("data", "err", "dq", "var_flat"):
        assert getattr(cube, name).shape == (3, 8, 6)
        np.testing.assert_array_equal(getattr(cube, name)[2], getattr(image, name))


def test_a_flat_of_ones_is_the_identity(tmp_path):
    neutral = write_reference(tmp_path / "flat.fits", "flat", SCI=np.ones((12, 11)))
    image = flat_field(make_image(CLEAN, **KEYWORDS), neutral)
    np.testing.assert_array_equal(image.data, CLEAN[0])
    assert not image.dq.any() and not image.var_flat.any()


def test_a_flat_of_the_users_own(tmp_path, flat):
    write_reference(tmp_path / "own.fits", "flat", SCI=np.full((12, 11), 2.0))
    for reference in (flat, None):
        image = flat_field(make_image(CLEAN, **KEYWORDS), reference, user_supplied_flat=str(tmp_path / "own.fits"))
        np.testing.assert_array_equal(image.data, CLEAN[0] / 2)


def test_guider(flat):
    image = expose(flat)
    guider = GuiderImage(image.header, image.sci_header, data=image.data[None], err=image.err[None], dq=image.dq)
    result = flat_field(guider, flat)
    response = flat.image("SCI", like=guider)
    good = result.dq == 0
    np.testing.assert_allclose(result.data[0][good], CLEAN[0][good], rtol=1e-6)
    expected = np.hypot(image.err / response, CLEAN[0] * 0.01 / response)
    np.testing.assert_allclose(result.err[0][good], expected[good], rtol=1e-5)


@pytest.mark.parametrize(
    "keywords", [{"INSTRUME": "NIRSPEC", "EXP_TYPE": "NRS_MSASPEC"}, {"INSTRUME": "FGS", "EXP_TYPE": "FGS_ID-STACK"}]
)
def test_leaves_alone_what_it_cannot_correct(flat, keywords):
    image = make_image(CLEAN, **KEYWORDS | keywords)
    with pytest.raises(StepSkipped):
        flat_field(image, flat)
    np.testing.assert_array_equal(image.data, CLEAN[0])


def test_no_flat():
    with pytest.raises(StepSkipped, match="no flat"):
        flat_field(make_image(CLEAN, **KEYWORDS), None)


def test_a_flat_that_does_not_cover_the_subarray(flat):
    with pytest.raises(JwcalError, match="does not cover"):
        flat_field(make_image(CLEAN, **KEYWORDS | {"SUBSTRT1": 9}), flat)
