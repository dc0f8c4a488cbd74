"""Pixels in order of their value: all that is asked of a region, against numpy on its pixels."""

import numpy as np
import pytest

from jwcal.sky.populations import Pixels, Population
from jwcal.sky.regions import complement, order_spans

SIZE = 20_000


def make_values(steps=None, size=SIZE):
    """Noise with outliers and, with `steps`, few different values."""
    rng = np.random.default_rng(1)
    values = rng.normal(3, 1, size)
    values[rng.random(size) < 0.01] = 1e8
    return (values if steps is None else np.round(values * steps) / steps).astype(np.float32)


def make_population(values, share):
    """`Population` of the values that a region has, and these; it is made without the part outside."""
    inside = np.random.default_rng(2).random(len(values)) < share
    return Population(values, values[~inside]), values[inside]


@pytest.mark.parametrize("steps", [None, 8])
@pytest.mark.parametrize("share", [1.0, 0.7, 0.02])
@pytest.mark.parametrize("low, high", [(-np.inf, np.inf), (2.4, 3.5), (-1.0, 2.99), (3.0, 3.0001), (8.1, 8.2)])
def test_measures(steps, share, low, high):
    population, values = make_population(make_values(steps), share)
    low, high = max(low, float(values.min())), min(high, float(values.max()))
    kept = values[(values >= np.float64(low)) & (values <= np.float64(high))]
    count, mean, deviation, least, greatest = population.measure(low, high)
    assert len(population) == len(values) and count == len(kept)
    if not count:
        assert np.isnan(mean)
        return
    assert mean == pytest.approx(kept.mean(dtype=float), rel=1e-12)
    assert deviation == pytest.approx(kept.std(ddof=1, dtype=float) if count > 1 else 0, rel=1e-9, abs=1e-12)
    assert (least, greatest) == (kept.min(), kept.max()) == population.extremes(low, high)
    assert population.median(low, high) == np.median(kept)


def test_small_scatter_on_a_high_level():
    values = (1e4 + np.random.default_rng(3).normal(0, 0.01, 10_000)).astype(np.float32)
    values[:5] = -1e10  # below the limits
    population, kept = make_population(values, 0.8)
    kept = kept[kept > 0]
    assert population.measure(9e3, 2e4)[2] == pytest.approx(kept.std(ddof=1, dtype=float), rel=1e-7)


@pytest.mark.parametrize("steps, width", [(None, 0.25), (8, 0.25), (10, 0.1), (10, 0.3)])
def test_histogram(steps, width):
    population, values = make_population(make_values(steps), 0.6)
    origin = float(np.float32(1.1))
    positions = (values.astype(float) - origin) / width
    expected = np.bincount(positions[(positions >= 0) & (positions < 16)].astype(int), minlength=16)
    np.testing.assert_array_equal(population.count_in_bins(origin, width, 16), expected)


def test_extremes_where_all_that_is_low_is_outside():
    values = np.arange(1000, dtype=np.float32)
    assert Population(values, values[:700]).extremes() == (700.0, 999.0)
    assert Population(values, values[5:]).extremes() == (0.0, 4.0)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_regions_of_an_exposure(share):
    rng = np.random.default_rng(4)
    data = rng.normal(0, 1, (50, 70)).astype(np.float32)
    flags = (rng.random(data.shape) < 0.1).astype(np.uint32)
    spans = np.zeros((3, 50, 2), np.int32)
    spans[..., 0] = rng.integers(0, 60, (3, 50))
    spans[..., 1] = np.minimum(spans[..., 0] + rng.integers(-5, int(70 * share), (3, 50)), 69)
    inside = np.zeros(data.shape, bool)
    for span in spans:
        for y, (first, last) in enumerate(span):
            inside[y, first : last + 1] = True
    population, kept = Pixels(data, flags, 1).inside(spans), np.sort(data[inside & (flags == 0)])
    assert len(population) == len(kept)
    found = population.measure(-10, 10)
    assert found[1] == pytest.approx(kept.mean(dtype=float), rel=1e-12) and found[3:] == (kept[0], kept[-1])
    assert population.first == data[inside & (flags == 0)][0]


def test_complement():
    spans = np.array([[[2, 5], [0, -1]], [[4, 7], [1, 9]], [[3, 3], [5, 6]]], np.int32)
    rest = complement(order_spans(spans), 10)
    columns = [[x for first, last in rest[:, y] for x in range(first, last + 1)] for y in (0, 1)]
    assert columns == [[0, 1, 8, 9], [0]]
