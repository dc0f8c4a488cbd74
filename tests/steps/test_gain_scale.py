"""gain_scale: factor from the exposure or the reference, variances by its square."""

import numpy as np
import pytest
from astropy.io import fits
from naive_detector import write_reference

from jwcal.errors import StepSkipped
from jwcal.models import Image, Rates
from jwcal.steps.gain_scale import gain_scale


def make_image(shape, **keywords):
    planes = np.random.default_rng(3).uniform(1, 2, (4, *shape)).astype(np.float32)
    names = ("data", "err", "var_poisson", "var_rnoise")
    arrays = dict(zip(names, planes, strict=True))
    return Image(header=fits.Header(keywords), sci_header=fits.Header(), dq=np.zeros(shape, np.uint32), **arrays)


def make_rates(**keywords):
    return Rates(rate=make_image((4, 5), **keywords), rateints=make_image((2, 4, 5), **keywords))


def make_gain(folder, **keywords):
    return write_reference(folder / "gain.fits", "gain", keywords=keywords, SCI=np.ones((4, 5)))


@pytest.mark.parametrize("exposure, reference, factor", [({"GAINFACT": 1.5}, {}, 1.5), ({}, {"GAINFACT": 2.0}, 2.0)])
def test_scales(tmp_path, exposure, reference, factor):
    before, rates = make_rates(), make_rates(**exposure)
    assert gain_scale(rates, make_gain(tmp_path, **reference)) is rates
    for old, new in ((before.rate, rates.rate), (before.rateints, rates.rateints)):
        for name, power in (("data", 1), ("err", 1), ("var_poisson", 2), ("var_rnoise", 2)):
            np.testing.assert_allclose(getattr(new, name), getattr(old, name) * factor**power, rtol=1e-6)
            assert getattr(new, name).dtype == np.float32
        assert new.header["GAINFACT"] == factor


def test_exposure_goes_before_reference(tmp_path):
    rates = gain_scale(make_rates(GAINFACT=1.5), make_gain(tmp_path, GAINFACT=2.0))
    assert rates.rate.header["GAINFACT"] == 1.5


def test_standard_gain_needs_no_scale(tmp_path):
    before, rates = make_rates(), make_rates()
    with pytest.raises(StepSkipped, match="GAINFACT"):
        gain_scale(rates, make_gain(tmp_path))
    np.testing.assert_array_equal(rates.rate.data, before.rate.data)
