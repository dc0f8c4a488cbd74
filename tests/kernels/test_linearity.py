"""Linearity kernels: polynomials by hand, identity, the naive twin, reads averaged on board."""

import numpy as np
from naive_detector import SAT, naive_linearize_reads

from jwcal.kernels.linearity import find_unusable, linearize, linearize_reads


def polynomials(ny, nx, seed=0):
    rng = np.random.default_rng(seed)
    size = (ny, nx)
    terms = [rng.normal(0, 1, size), np.ones(size), rng.normal(1e-6, 1e-7, size), rng.normal(1e-12, 1e-13, size)]
    return np.array(terms, np.float32)


def ramp(shape, seed=1):
    rng = np.random.default_rng(seed)
    data = np.cumsum(rng.uniform(1e3, 8e3, shape), axis=1).astype(np.float32)
    flags = np.where(data > 4e4, SAT, 0).astype(np.uint8)
    return data, flags


def test_polynomial_by_hand():
    data = np.array([0, 1, 2, 3], np.float32).reshape(1, 4, 1, 1)
    flags = np.array([0, 0, 0, SAT], np.uint8).reshape(1, 4, 1, 1)
    coefficients = np.array([1, 2, 3], np.float32).reshape(3, 1, 1)
    linearize(data, flags, coefficients, 0)
    assert data.ravel().tolist() == [1, 6, 17, 3]


def test_naive_twin():
    data, flags = ramp((2, 5, 7, 9))
    data[0, 1, 2, 3] = np.nan
    coefficients = polynomials(7, 9)
    expected = np.where(flags & SAT, data, sum(c * data.astype(float) ** k for k, c in enumerate(coefficients)))
    for own in (slice(0, 3), slice(3, 7)):  # some rows at a time
        linearize(data, flags, coefficients[:, own].copy(), own.start)
    np.testing.assert_allclose(data, expected, rtol=2e-7)


def test_unusable_polynomials():
    coefficients = polynomials(3, 4)
    coefficients[1, 0, 1] = 0
    coefficients[3, 2, 2] = np.nan
    assert np.argwhere(find_unusable(coefficients)).tolist() == [[0, 1], [2, 2]]


def test_reads_naive_twin():
    data, flags = ramp((2, 6, 4, 5))
    flags[0, :, 1, 1] = SAT  # never good
    flags[0, 1:, 2, 2] = SAT  # one good group
    coefficients, inverse = polynomials(4, 5), polynomials(4, 5, 2)
    inverse[2:] *= -1
    expected = data.astype(float)
    for i, y, x in np.ndindex(2, 4, 5):
        expected[i, :, y, x] = naive_linearize_reads(
            data[i, :, y, x], flags[i, :, y, x], coefficients[:, y, x], inverse[:, y, x], 4
        )
    for first in (0, 2):  # some rows at a time
        own = slice(first, first + 2)
        linearize_reads(data, flags, coefficients[:, own].copy(), inverse[:, own].copy(), first, 4)
    np.testing.assert_allclose(data, expected, rtol=2e-7)


def test_reads_give_the_mean_of_the_linear_reads():
    """A steady source seen through ``s + b s**2`` and averaged comes back exactly; group by group it would not."""
    b, nframes, rate = 2e-6, 8, 700.0
    linear = rate * np.arange(1, 5 * nframes + 1)
    shown = (-1 + np.sqrt(1 + 4 * b * linear)) / (2 * b)
    groups, truth = (a.reshape(5, nframes).mean(axis=1) for a in (shown, linear))
    data = groups.astype(np.float32).reshape(1, 5, 1, 1)
    flags = np.zeros(data.shape, np.uint8)
    coefficients = np.array([0, 1, b], np.float32).reshape(3, 1, 1)
    series = np.polynomial.Polynomial.fit(linear, shown, 7).convert().coef
    single = data.copy()
    linearize(single, flags, coefficients, 0)
    linearize_reads(data, flags, coefficients, series.astype(np.float32).reshape(-1, 1, 1), 0, nframes)
    assert np.abs(data.ravel() - truth).max() < 0.3 < 5 < np.abs(single.ravel() - truth).max()


def test_one_read_a_group_is_the_plain_correction():
    data, flags = ramp((1, 4, 3, 3))
    coefficients = polynomials(3, 3)
    plain = data.copy()
    linearize(plain, flags, coefficients, 0)
    linearize_reads(data, flags, coefficients, polynomials(3, 3, 5), 0, 1)
    np.testing.assert_allclose(data, plain, rtol=1e-6)
