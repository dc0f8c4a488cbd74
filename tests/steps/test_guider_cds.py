"""guider_cds: rates and errors of every guider mode."""

import numpy as np
import pytest
from naive_detector import make_ramp, write_reference

from jwcal import products
from jwcal.errors import JwcalError
from jwcal.models import GuiderImage
from jwcal.steps.guider_cds import guider_cds

TIME = 0.5


@pytest.fixture
def references(tmp_path):
    gain = write_reference(tmp_path / "gain.fits", "gain", SCI=np.full((4, 5), 2.0))
    return gain, write_reference(tmp_path / "readnoise.fits", "readnoise", SCI=np.full((4, 5), 3.0))


def guide(data, exp_type, references):
    keywords = {"INSTRUME": "FGS", "DETECTOR": "GUIDER1", "EXP_TYPE": exp_type, "TGROUP": TIME}
    ramp = make_ramp(np.array(data)[..., None, None] * np.ones((4, 5)), **keywords)
    ramp.pixeldq[1, 1] = 5
    ramp.tables["Pointing"] = np.zeros(2)
    return guider_cds(ramp, *references)


def error(rate):
    return np.sqrt(2 * (3.0 / TIME) ** 2 + max(rate, 0) / (2.0 * TIME))


@pytest.mark.parametrize(
    ("exp_type", "data", "rates"),
    [
        ("FGS_ACQ1", [[10, 110], [10, 5]], [200, -10]),
        ("FGS_ACQ2", [[10, 110], [10, 5]], [200, -10]),
        ("FGS_TRACK", [[0, 1], [0, 2], [0, 3]], [2, 4, 6]),
        ("FGS_FINEGUIDE", [[1, 2, 3, 6, 99, 21, 22, 23, 26]], [40]),
        ("FGS_ID-IMAGE", [[10, 110], [10, 60]], [100]),
        ("FGS_ID-STACK", [[10, 60], [10, 110]], [100]),
        ("FGS_ID-STACK", [[10, 60]], [100]),
    ],
)
def test_rates_and_errors(exp_type, data, rates, references):
    image = guide(data, exp_type, references)
    assert isinstance(image, GuiderImage) and image.data.dtype == image.err.dtype == np.float32
    assert image.data.shape == image.err.shape == (len(rates), 4, 5)
    np.testing.assert_allclose(image.data[:, 0, 0], rates, rtol=1e-6)
    np.testing.assert_allclose(image.err[:, 0, 0], [error(rate) for rate in rates], rtol=1e-6)
    assert image.sci_header["BUNIT"] == "DN/s" and image.dq[1, 1] == 5 and "Pointing" in image.tables


def test_useless_gain(references, tmp_path):
    gain = np.full((4, 5), 2.0)
    gain[0, 0], gain[0, 1] = np.nan, 0
    bad = write_reference(tmp_path / "bad.fits", "gain", SCI=gain)
    image = guide([[10, 110]], "FGS_ACQ1", (bad, references[1]))
    assert not np.isfinite(image.err[0, 0, :2]).any() and np.isfinite(image.err[0, 0, 2:]).all()


def test_stacked_image_off_the_detector_takes_means(tmp_path):
    gain = write_reference(tmp_path / "gain.fits", "gain", SCI=[[1.0, 3.0]])
    noise = write_reference(tmp_path / "readnoise.fits", "readnoise", SCI=[[2.0, 4.0]])
    image = guide([[10, 110], [10, 110]], "FGS_ID-STACK", (gain, noise))
    np.testing.assert_allclose(image.err, error(200), rtol=1e-6)
    with pytest.raises(JwcalError, match="does not cover"):
        guide([[10, 110], [10, 110]], "FGS_ID-IMAGE", (gain, noise))


def test_one_group_is_too_few(references):
    with pytest.raises(JwcalError, match="two at least"):
        guide([[10]], "FGS_ACQ1", references)


def test_real_acquisition(real_data, tmp_path):
    """A flight exposure: rates are the difference of its two groups; shape, unit and flags as the archive has them."""
    ramp = products.read_ramp(real_data / "exposures" / "jw01019001001_gs-acq1_2022117003102_uncal.fits")
    shape = ramp.data.shape[-2:]
    gain = write_reference(tmp_path / "gain.fits", "gain", (887, 1022), SCI=np.full(shape, 1.8))
    noise = write_reference(tmp_path / "readnoise.fits", "readnoise", (887, 1022), SCI=np.full(shape, 12.0))
    raw = ramp.data.copy()
    image = guider_cds(ramp, gain, noise)
    assert image.data.shape == (6, 128, 128)
    np.testing.assert_allclose(image.data, (raw[:, 1] - raw[:, 0]) / 0.364, rtol=1e-6)
    products.write(tmp_path / "cal.fits", image)
    again = products.read(tmp_path / "cal.fits", GuiderImage)
    np.testing.assert_array_equal(again.err, image.err)
