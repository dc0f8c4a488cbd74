"""Segments and their separation: the results of photutils, pixel for pixel; and cases by eye."""

import warnings

import numba
import numpy as np
import pytest
from naive_sources import paint

from jwcal.catalog.detection import Field, find_segments
from jwcal.kernels.deblending import flood_downhill
from jwcal.kernels.segments import enclose_segments, label_pixels
from jwcal.kernels.segments import find_segments as number_segments

RNG = np.random.default_rng(77)
SPLIT = {"npixels": 5, "connectivity": 8, "deblend": True, "nlevels": 32, "contrast": 0.001, "mode": "exponential"}


def make_field(shape=(150, 170), number=60, noise=0.4, lift=0.0, seed=1):
    """A crowded image, some of it without data."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, shape[1], number), rng.uniform(0, shape[0], number)
    sizes = rng.uniform(1.2, 4, (2, number))
    sources = zip(x, y, 10 ** rng.uniform(1.5, 4, number), *sizes, rng.uniform(0, 180, number))
    image = (paint(shape, list(sources)) + rng.normal(lift, noise, shape)).astype(np.float32)
    outside = np.zeros(shape, bool)
    outside[40:60, 70:73] = True
    image[100, 100:103] = np.nan
    return Field(image, np.full(shape, lift + 3 * noise, np.float32), outside)


def with_photutils(field, npixels, connectivity, deblend, nlevels, contrast, mode):
    from photutils.segmentation import deblend_sources, detect_sources

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = detect_sources(field.image, field.threshold, npixels, connectivity=connectivity, mask=field.outside)
        if not deblend:
            return found.data
        options = {"n_levels": nlevels, "contrast": contrast, "mode": mode, "connectivity": connectivity}
        return deblend_sources(field.image, found, npixels, progress_bar=False, **options).data


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"deblend": False},
        {"deblend": False, "connectivity": 4},
        {"connectivity": 4, "npixels": 3},
        {"mode": "linear"},
        {"mode": "sinh", "nlevels": 10},
        {"contrast": 0.05},
        {"contrast": 0.0, "npixels": 1},
        {"contrast": 0.5},
        {"nlevels": 1},
        {"npixels": 30},
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_results_are_those_of_photutils(settings, seed):
    field = make_field(seed=seed)
    ours = find_segments(field, field.image, **SPLIT | settings)
    assert ours.dtype == np.int32 and ours.max() > 5
    np.testing.assert_array_equal(ours, with_photutils(field, **SPLIT | settings))


def test_negative_values_and_very_many_parts():
    field = make_field(lift=-5.0)  # exponential levels need positive values: even ones are taken
    np.testing.assert_array_equal(find_segments(field, field.image, **SPLIT), with_photutils(field, **SPLIT))
    field = make_field((150, 150), noise=5.0, lift=60.0)
    field = field._replace(threshold=np.full((150, 150), 20, np.float32))
    settings = SPLIT | {"npixels": 1, "contrast": 0.0}
    assert find_segments(field, field.image, **settings | {"deblend": False}).max() < 5
    ours = find_segments(field, field.image, **settings)
    assert ours.max() > 200
    np.testing.assert_array_equal(ours, with_photutils(field, **settings))


def test_numbers_are_in_the_order_of_the_first_pixels():
    picture = np.array(
        [[0, 1, 0, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 1, 1], [1, 0, 1, 1, 0], [1, 0, 0, 0, 0]], np.float32
    )
    nothing, threshold = np.zeros(picture.shape, bool), np.full(picture.shape, 0.5, np.float32)
    found = number_segments(picture, threshold, nothing, 2, True)
    expected = [[0, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 2, 2], [3, 0, 2, 2, 0], [3, 0, 0, 0, 0]]
    assert found.tolist() == expected
    assert enclose_segments(found, 3).tolist() == [[0, 0, 2, 2, 3], [2, 2, 4, 5, 4], [3, 0, 5, 1, 2]]
    picture[1, 2] = picture[2, 1] = 0
    picture[0, 0], picture[1, 0] = 1, 0
    assert number_segments(picture, threshold, nothing, 1, False)[0].tolist() == [1, 1, 0, 0, 2]


def test_corners_join_or_not():
    pixels = np.where(np.eye(4, dtype=bool), -1, 0).astype(np.int32)
    places, queue = np.arange(16), np.empty(4, np.int64)
    assert label_pixels(pixels.copy(), places, queue, 1, True) == 1
    assert label_pixels(pixels.copy(), places, queue, 1, False) == 4
    assert label_pixels(pixels.copy(), places, queue, 5, True) == 0


def test_floods_meet_in_the_valley():
    values = np.array([[9, 8, 7, 2, 5, 6, 4]], np.float32)
    parts = np.array([[1, 0, 0, 0, 0, 2, 0]], np.int32)
    flood_downhill(values, np.ones(values.shape, bool), parts, 8)
    assert parts.tolist() == [[1, 1, 1, 1, 2, 2, 2]]
    inside, parts = np.array([[1, 1, 0, 1, 1, 1, 1]], bool), np.array([[1, 0, 0, 0, 0, 2, 0]], np.int32)
    flood_downhill(values, inside, parts, 8)
    assert parts.tolist() == [[1, 1, 0, 2, 2, 2, 2]]


def test_threads_do_not_matter():
    field, threads = make_field(number=90), numba.get_num_threads()
    results = []
    for number in (1, min(2, threads)):
        numba.set_num_threads(number)
        results.append(find_segments(field, field.image, **SPLIT))
    numba.set_num_threads(threads)
    np.testing.assert_array_equal(*results)
