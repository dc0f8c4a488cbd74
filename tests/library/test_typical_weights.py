"""The clipped mean of weights, against sigma clipping with sorted values."""

import numba
import numpy as np
import pytest
from astropy.stats import sigma_clip

from jwcal.outliers.weights import Ranking, average_positive


def make_weights(seed, size=20011):
    rng = np.random.default_rng(seed)
    weights = rng.normal(30, 2, size) if seed % 2 else rng.lognormal(3, 1.2, size)
    weights[rng.random(size) < 0.1] = 0
    weights[rng.random(size) < 0.05] *= rng.uniform(0, 3)
    weights[::97], weights[1::97] = np.nan, np.inf
    return weights.astype(np.float32)


def expect(weights, sigma, rounds):
    good = weights[np.isfinite(weights) & (weights > 0)].astype(float)
    return np.mean(sigma_clip(good, sigma=sigma, maxiters=rounds, masked=False) if rounds else good)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("sigma", "rounds"), [(3.0, 5), (2.0, 1), (1.5, 50), (3.0, 0)])
def test_agrees_with_clipping_of_sorted_values(seed, sigma, rounds):
    weights = make_weights(seed)
    expected = (
        expect(weights, sigma, rounds) if rounds else weights[np.isfinite(weights) & (weights > 0)].mean(dtype=float)
    )
    assert average_positive(weights, sigma, rounds) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("values", [[5.0], [1.0, 1.0, 1.0, 9.0], [1e-38, 1e-38], [3e38, 2e38], [1.0, 2.0]])
def test_few_values(values):
    assert average_positive(np.float32(values), 3.0, 5) == pytest.approx(expect(np.float32(values), 3.0, 5), rel=1e-6)


def test_what_does_not_count():
    assert np.isnan(average_positive(np.float32([0, -1, np.nan, np.inf, -np.inf]), 3.0, 5))
    assert np.isnan(average_positive(np.zeros((0, 4), np.float32), 3.0, 5))
    image = make_weights(1, 120).reshape(8, 15)
    assert average_positive(image, 3.0, 5) == average_positive(image.ravel(), 3.0, 5)
    assert average_positive(image[:, ::2], 3.0, 5) == average_positive(image[:, ::2].copy(), 3.0, 5)


def test_ranks_are_those_of_the_sorted_values():
    weights = make_weights(2)
    ordered = np.sort(weights[np.isfinite(weights) & (weights > 0)].astype(float))
    ranking = Ranking(weights)
    assert ranking.count == ordered.size
    for rank in (0, 1, 777, ordered.size - 1):
        assert ranking.value(rank) == ordered[rank]
    for limit in (-1.0, 0.0, ordered[500], np.nextafter(ordered[500], 99), 11.0, 1e30, 1e300):
        for side in ("left", "right"):
            assert ranking.rank(limit, side) == np.searchsorted(ordered, limit, side)
    total, squares = ranking.moments(17, 12345, 5.0)
    part = ordered[17:12345] - 5.0
    assert total == pytest.approx(part.sum(), rel=1e-12) and squares == pytest.approx((part**2).sum(), rel=1e-12)


def test_the_same_with_any_number_of_threads():
    weights, before = make_weights(3, 300001), numba.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            numba.set_num_threads(min(threads, before))
            results.append(average_positive(weights, 3.0, 5))
    finally:
        numba.set_num_threads(before)
    assert results[0] == results[1]
