"""Small pictures: means of blocks, stretch, colours, encoding."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from jwcal.report import pictures

RNG = np.random.default_rng(3)


def decode(address):
    kind, _, content = address.partition(",")
    assert kind == "data:image/webp;base64"
    return np.array(Image.open(io.BytesIO(base64.b64decode(content))))


def test_blocks_are_means_without_nan():
    image = np.arange(35.0).reshape(5, 7)
    image[0, 0], image[4, 6] = np.nan, np.nan
    small = pictures.shrink(image, 4)
    assert small.shape == (3, 4)
    assert small[0, 0] == pytest.approx(np.nanmean(image[:2, :2]))
    assert small[1, 2] == pytest.approx(image[2:4, 4:6].mean())
    assert small[2, 0] == pytest.approx(image[4, :2].mean()) and np.isnan(small[2, 3])
    np.testing.assert_array_equal(pictures.shrink(image, 10), image)


def test_levels_hold_the_sky_and_the_sources():
    image = RNG.normal(5.0, 0.1, (100, 100))
    image[50, 50:55] = 1000
    low, high, softening = pictures.find_levels(image)
    assert 4.7 < low < 4.95 and 5.5 < high <= 1000 and softening > 1
    assert pictures.find_levels(np.full((4, 4), np.nan)) == (0.0, 1.0, 1.0)
    low, high, _ = pictures.find_levels(np.full((4, 4), 7.0))
    assert high > low


def test_colours_grow_with_the_value_and_the_sky_is_seen():
    values = np.linspace(0, 1, 50)[None]
    shades = pictures.paint(values, (0, 1, 100.0)).astype(int)
    lightness = shades[0, :, :3] @ [0.299, 0.587, 0.114]
    assert (np.diff(lightness) >= -1).all() and lightness[-1] > 200 and lightness[0] < 20
    assert lightness[5] > 2 * pictures.paint(values, (0, 1, 0))[0, 5, :3].astype(int) @ [0.299, 0.587, 0.114]
    assert pictures.paint(np.array([[np.nan, 1.0]]))[0, :, 3].tolist() == [0, 255]


def test_the_first_row_is_at_the_bottom():
    image = np.zeros((3, 2))
    image[0] = 1
    assert pictures.paint(image, (0, 1, 0))[2, 0, 0] > pictures.paint(image, (0, 1, 0))[0, 0, 0]
    flags = np.zeros((4, 4), np.uint32)
    flags[0, 0] = 4
    picture = pictures.map_flags(flags, {4: (0, 0, 255)}, 4)
    assert picture[3, 0].tolist() == [0, 0, 255] and picture[0, 0].tolist() == [16, 16, 16]


def test_flags_of_blocks_shine_through():
    flags = np.zeros((8, 8), np.uint32)
    flags[0, 0], flags[4:, 4:] = 2, 4
    picture = pictures.map_flags(flags, {4: (0, 0, 240), 2: (255, 0, 0)}, 2)
    assert picture.shape == (2, 2, 3)
    assert picture[1, 0, 0] > 60 and picture[0, 1].tolist() == [0, 0, 240]


@pytest.mark.parametrize("lossless", [True, False])
def test_encoded_pictures_are_pictures(lossless):
    pixels = pictures.paint(RNG.normal(size=(40, 60)))
    found = decode(pictures.encode(pixels, lossless=lossless))
    assert found.shape[:2] == (40, 60)
    if lossless:
        np.testing.assert_array_equal(found[..., :3], pixels[..., :3])
    assert pictures.gradient(((0, 0, 0), (255, 16, 1))) == "linear-gradient(90deg,#000000,#ff1001)"
