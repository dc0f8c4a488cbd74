"""Measures at given positions against slow twins."""

import numpy as np
import pytest
from naive_sources import naive_heights, naive_sky, paint

from jwcal.catalog import photometry

RNG = np.random.default_rng(8)


def test_sums_in_circles():
    data, err = np.full((30, 40), 2.0, np.float32), np.full((30, 40), 0.5, np.float32)
    positions = photometry.place([12.3, 20.0, 0.0, np.nan], [14.8, 9.5, 5.0, 4.0])
    sums, errors = photometry.sum_circles(data, err, positions, (1.5, 4.0))
    for k, radius in enumerate((1.5, 4.0)):
        np.testing.assert_allclose(sums[k, :2], 2 * np.pi * radius**2, rtol=1e-10)
        np.testing.assert_allclose(errors[k, :2], 0.5 * np.sqrt(np.pi) * radius, rtol=1e-10)
        assert sums[k, 2] < 0.8 * sums[k, 0]  # cut by the edge
    assert np.isnan(sums[:, 3]).all()
    data[9, 20] = np.nan
    assert np.isnan(photometry.sum_circles(data, None, positions, (1.5,))[0][0]).tolist()[:2] == [False, True]


def test_sky_of_annuli_against_the_slow_twin():
    data = RNG.normal(5, 1, (60, 70)).astype(np.float32)
    data[RNG.random(data.shape) < 0.03] += 40
    data[RNG.random(data.shape) < 0.03] = np.nan
    x, y = np.array([30.2, 5.5, 69.0, 41.0]), np.array([30.7, 2.0, 58.3, 20.5])
    sky, err = photometry.measure_sky(data, photometry.place(x, y), 6.6, 9.9)
    for k in range(len(x)):
        np.testing.assert_allclose((sky[k], err[k]), naive_sky(data, x[k], y[k], 6.6, 9.9), rtol=1e-10)


def test_no_sky_off_the_image_and_many_sources_in_parts(monkeypatch):
    data = RNG.normal(5, 1, (40, 40)).astype(np.float32)
    positions = photometry.place(RNG.uniform(5, 35, 23), RNG.uniform(5, 35, 23))
    whole = photometry.measure_sky(data, positions, 3, 6), photometry.measure_sharpness(data, positions, 0.85)
    monkeypatch.setattr(photometry, "AT_ONCE", 5)
    parts = photometry.measure_sky(data, positions, 3, 6), photometry.measure_sharpness(data, positions, 0.85)
    np.testing.assert_array_equal(whole, parts)
    assert np.isnan(photometry.measure_sky(data, photometry.place([np.nan], [3]), 3, 6)).all()
    for nothing in (
        photometry.measure_sky(data, positions[:0], 3, 6),
        photometry.measure_sharpness(data, positions[:0], 1),
    ):
        assert [len(values) for values in nothing] == [0, 0]


@pytest.mark.parametrize("sigma", [0.85, 1.6])
def test_sharpness_and_roundness_against_the_slow_twin(sigma):
    sources = [
        (15.3, 16.8, 900, 1.2, 1.2, 0),
        (37, 20, 900, 2.5, 1.0, 0),
        (25, 38, 900, 2.5, 1.0, 90),
        (1, 47, 500, 1, 1, 0),
    ]
    data = (paint((48, 50), sources) + RNG.normal(0, 0.1, (48, 50))).astype(np.float32)
    positions = np.array([source[:2] for source in sources], float)
    sharpness, roundness = photometry.measure_sharpness(data, positions, sigma)
    heights, reach = np.pad(naive_heights(data, sigma), 4), int(max(2.0, 1.5 * sigma))
    for k, (x, y) in enumerate(np.ceil(positions - 0.5).astype(int)):
        part = heights[y + 4 - reach : y + 5 + reach, x + 4 - reach : x + 5 + reach].copy()
        j, i = np.indices(part.shape) - reach
        near = (j**2 + i**2 <= max(2.0, 1.5 * sigma) ** 2) & ((j != 0) | (i != 0))
        around = [data[y + b, x + a] if 0 <= y + b < 48 and 0 <= x + a < 50 else 0 for b, a in zip(j[near], i[near])]
        assert sharpness[k] == pytest.approx((data[y, x] - np.mean(around)) / part[reach, reach], rel=1e-5)
        part[reach, reach] = 0
        up, right = ((i <= 0) & (j < 0)) | ((i >= 0) & (j > 0)), ((i > 0) & (j <= 0)) | ((i < 0) & (j >= 0))
        assert roundness[k] == pytest.approx(2 * (part[up].sum() - part[right].sum()) / np.abs(part).sum(), abs=1e-6)
    assert abs(roundness[0]) < 0.3 and roundness[1] * roundness[2] < 0
    assert np.isnan(photometry.measure_sharpness(data, photometry.place([np.nan], [1]), sigma)).all()
    assert np.isnan(photometry.measure_sharpness(data, positions, 0.0)).all()


def test_neighbours():
    positions = photometry.place([0, 3, 10, np.nan], [0, 4, 10, 5])
    index, distance = photometry.find_neighbours(positions)
    assert index[:3].tolist() == [1, 0, 1]
    np.testing.assert_allclose(distance, [5, 5, np.hypot(7, 6), np.nan])
    assert np.isnan(photometry.find_neighbours(positions[:1])[1]).all()


def test_magnitudes():
    magnitude, error = photometry.find_magnitudes(np.array([1.0, 3631e-3, -1.0, np.nan]), np.array([0.1, 0.0, 0.1, 1]))
    np.testing.assert_allclose(magnitude, [8.9, 7.5, np.nan, np.nan], atol=1e-3)
    np.testing.assert_allclose(error, [2.5 * np.log10(1.1), 0, np.nan, np.nan], atol=1e-12)
