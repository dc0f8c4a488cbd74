"""background: what is subtracted, what becomes of errors and flags, which exposures count."""

import numpy as np
import pytest
from naive_drizzle import make_image

from jwcal.errors import StepSkipped
from jwcal.steps.background import background

RNG = np.random.default_rng(51)
SHAPE = (7, 9)
KEYWORDS = {"INSTRUME": "NIRCAM", "SUBSTRT1": 101, "SUBSTRT2": 201}


def expose(level=1.0, shape=SHAPE, variance=0.1, **keywords):
    planes = [RNG.normal(level, 0.01, shape), np.full(shape, variance), np.full(shape, 2 * variance), np.zeros(shape)]
    image = make_image(planes, **KEYWORDS | keywords)
    image.var_flat = None
    return image


def stack(count, **settings):
    """An image with one plane an integration."""
    images = [expose(**settings) for _ in range(count)]
    for name in ("data", "err", "dq", "var_poisson", "var_rnoise"):
        setattr(images[0], name, np.stack([getattr(image, name) for image in images]))
    return images[0]


def test_subtracts_the_mean_and_adds_its_variance():
    image, skies = expose(5.0), [expose(variance=v) for v in (0.1, 0.2, 0.3)]
    mean = np.mean([sky.data for sky in skies], axis=0)
    before = image.data.copy()
    image = background(image, skies)
    np.testing.assert_allclose(image.data, before - mean, rtol=1e-5)
    np.testing.assert_allclose(image.var_poisson, 0.1 + 0.6 / 9, rtol=1e-6)
    np.testing.assert_allclose(image.var_rnoise, 0.2 + 1.2 / 9, rtol=1e-6)
    np.testing.assert_allclose(image.err, np.sqrt(0.3 + 1.8 / 9), rtol=1e-6)


def test_errors_can_be_left_alone():
    image = expose()
    err, variance = image.err.copy(), image.var_poisson.copy()
    image = background(image, [expose()], propagate_variances=False)
    np.testing.assert_array_equal(image.err, err)
    np.testing.assert_array_equal(image.var_poisson, variance)


def test_leaves_the_inputs_alone():
    image, skies = expose(), [expose(), expose()]
    arrays = [image.data, image.dq, image.var_poisson, skies[0].data, skies[0].dq]
    before = [array.copy() for array in arrays]
    background(image, skies)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_clips_stars_and_joins_flags():
    skies = [expose() for _ in range(12)]
    skies[3].data[2, 2] = 1e4
    skies[4].dq[1, 1], skies[5].dq[1, 1] = 4, 2048
    image = background(expose(), skies, save_combined_background=True)
    assert abs(image.data[2, 2]) < 0.1 and image.dq[1, 1] == 2052 and (image.dq != 0).sum() == 1
    assert image.combined_background.data[2, 2] == pytest.approx(1, abs=0.05)
    kept = background(expose(), skies, sigma=99.0)
    assert kept.data[2, 2] < -800 and kept.combined_background is None


def test_pixels_without_background_keep_their_value():
    sky = expose()
    sky.data[3, 3] = np.nan
    image = expose()
    before = image.data[3, 3]
    assert background(image, [sky]).data[3, 3] == before


def test_integrations_are_averaged_first():
    image, sky = stack(3), stack(4, variance=0.4)
    before, mean = image.data.copy(), sky.data.mean(axis=0)
    sky.dq[2, 5, 5] = 4
    image = background(image, [sky])
    np.testing.assert_allclose(image.data, before - mean, atol=1e-6)
    np.testing.assert_allclose(image.var_poisson, 0.1 + 0.4 / 4, rtol=1e-6)
    assert (image.dq[:, 5, 5] == 4).all() and image.dq.shape == image.data.shape
    single = background(expose(), [sky])
    assert single.data.shape == SHAPE and single.dq[5, 5] == 4


def test_only_common_pixels_of_other_subarrays():
    image = expose()
    before = image.data.copy()
    sky = expose(1.0, (20, 30), SUBSTRT1=104, SUBSTRT2=203)  # begins after the science
    image = background(image, [sky])
    np.testing.assert_array_equal(image.data[:2], before[:2])
    np.testing.assert_array_equal(image.data[:, :3], before[:, :3])
    np.testing.assert_allclose(image.data[2:, 3:], before[2:, 3:] - sky.data[:5, :6], rtol=1e-5, atol=1e-6)
    image = expose()
    before = image.data.copy()
    sky = expose(1.0, (20, 30), SUBSTRT1=91, SUBSTRT2=196)  # holds it
    np.testing.assert_allclose(background(image, [sky]).data, before - sky.data[5:12, 10:19], atol=1e-6)


def test_what_it_leaves_alone():
    with pytest.raises(StepSkipped, match="no background"):
        background(expose(), [])
    with pytest.raises(StepSkipped, match="covers"):
        background(expose(), [expose(SUBSTRT1=900)])
    tilted = [expose(INSTRUME="NIRSPEC", GWA_XTIL=0.3, GWA_YTIL=tilt) for tilt in (0.1, 0.1, 0.1001)]
    background(tilted[0], tilted[1:2])
    with pytest.raises(StepSkipped, match="GWA_YTIL"):
        background(tilted[0], tilted[1:])
