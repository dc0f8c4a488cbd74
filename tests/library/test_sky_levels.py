"""Typical values of the sky: what is known of normal noise, and cases by eye."""

import numpy as np
import pytest

from jwcal.sky import statistics
from jwcal.sky.populations import Population
from jwcal.sky.statistics import Statistic, clip_differences, measure_sky


def statistic(kind="mean", **changes):
    options = {"lower": None, "upper": None, "nclip": 5, "lsigma": 4.0, "usigma": 4.0, "binwidth": 0.1} | changes
    return Statistic(kind, **options)


def noise(count=200_000, level=0.3, sigma=0.1, seed=1):
    return np.random.default_rng(seed).normal(level, sigma, count).astype(np.float32)


@pytest.mark.parametrize("kind, error", [("mean", 1e-3), ("median", 1e-3), ("midpt", 6e-3), ("mode", 2e-2)])
def test_level_of_noise(kind, error):
    level, count = measure_sky(Population(noise()), statistic(kind))
    assert level == pytest.approx(0.3, abs=error) and count > 0.999 * 200_000


@pytest.mark.parametrize("kind, error", [("mean", 0.02), ("median", 2e-3), ("midpt", 8e-3), ("mode", 2e-2)])
def test_outliers_are_clipped(kind, error):
    values = noise()
    values[::100] += 50
    level, count = measure_sky(Population(values), statistic(kind))
    assert level == pytest.approx(0.3, abs=error) and count <= 198_000
    assert measure_sky(Population(values), statistic("mean", nclip=0))[0] == pytest.approx(0.8, abs=0.01)


def test_limits():
    values = np.array([1, 2, 3, 4, 100], np.float32)
    assert measure_sky(Population(values), statistic(upper=10.0, nclip=0)) == (2.5, 4)
    assert measure_sky(Population(values), statistic("median", lower=1.5, upper=4.0, nclip=0)) == (3, 3)
    assert measure_sky(Population(values), statistic(lower=200.0)) == (None, 0)
    assert measure_sky(Population(values[:0]), statistic()) == (None, 0)


def test_clipping_is_about_the_mean():
    values = np.append(np.zeros(99), 10).astype(np.float32)  # mean 0.1, deviation 1
    assert measure_sky(Population(values), statistic(nclip=1, usigma=9.0)) == (pytest.approx(0, abs=1e-12), 99)
    assert measure_sky(Population(values), statistic(nclip=1, usigma=10.0))[1] == 100


def test_mode_by_eye():
    # Deviation 1.5, bins 1.5 wide: 5 bins over 0 to 6, the highest with its neighbours 2, 6, 3.
    values = np.array([0, 1.6, 1.8, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 4.6, 4.8, 5.0, 6], np.float32)
    deviation = values.std(ddof=1)
    level, _ = measure_sky(Population(values), statistic("mode", nclip=0, binwidth=1.499999 / float(deviation)))
    assert level == pytest.approx(1.5 * (2.5 + 0.5 * (4 - 3) / (4 + 3)), rel=1e-5)


@pytest.mark.parametrize(("first", "least", "greatest"), [(2.0, 1.0, 4.0), (0.0, 0.5, 4.0), (9.0, 1.0, 4.5)])
def test_the_histogram_reaches_to_where_the_first_pixel_was_clipped(first, least, greatest, monkeypatch):
    """As that of stsci.imagestats does."""
    reach = []
    monkeypatch.setattr(statistics, "_read_histogram", lambda *given: reach.append(given[-2:]) or 0.0)
    values = np.array([first, 1, 2, 3, 4], np.float32)
    measure_sky(Population(values), statistic("mode", nclip=0, lower=0.5, upper=4.5))
    assert reach == [(least, greatest)]


@pytest.mark.parametrize("kind", ["mode", "midpt"])
def test_all_values_are_equal(kind):
    assert measure_sky(Population(np.full(10, 0.25, np.float32)), statistic(kind))[0] == pytest.approx(0.25)


def test_differences_without_outliers():
    rng = np.random.default_rng(2)
    differences = rng.normal(0.1, 0.01, 2000)
    differences[::50] += 3
    assert clip_differences(differences, np.ones(2000), statistic()) == pytest.approx(0.1, abs=1e-3)
    assert clip_differences(np.array([1.0, 2.0]), np.array([3.0, 1.0]), statistic()) == 1.25
    assert clip_differences(np.zeros(0), np.zeros(0), statistic()) is None
    assert clip_differences(np.zeros(0), np.zeros(0), statistic(nclip=0)) is None
