"""Linear fits: the truth comes back, and clipping is tweakwcs'."""

import numpy as np
import pytest

from jwcal.alignment.linear_fits import FEWEST, fit_linear

RNG = np.random.default_rng(8)
P = RNG.uniform(-60, 60, (40, 2)) + [3, -200]
MATRICES = {
    "shift": np.identity(2),
    "rshift": np.array([[0.6, -0.8], [0.8, 0.6]]),
    "rscale": 1.02 * np.array([[0.6, -0.8], [0.8, 0.6]]),
    "general": np.array([[1.01, 0.02], [-0.03, 0.99]]),
}
SHIFT = np.array([0.3, -0.7])


@pytest.mark.parametrize("geometry", FEWEST)
@pytest.mark.parametrize("weighted", [False, True])
def test_exact_positions(geometry, weighted):
    q = P @ MATRICES[geometry].T + SHIFT
    fit = fit_linear(P, q, geometry, weights=RNG.uniform(0.1, 2, 40) if weighted else None)
    np.testing.assert_allclose(fit.affine.matrix, MATRICES[geometry], atol=1e-12)
    np.testing.assert_allclose(fit.affine.shift, SHIFT, atol=1e-10)
    assert fit.rms < 1e-12


@pytest.mark.parametrize("geometry", FEWEST)
@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_as_tweakwcs(geometry, accumulate, weighted):
    from tweakwcs.linearfit import iter_linear_fit

    q = P @ MATRICES[geometry].T + SHIFT + RNG.normal(0, 0.01, P.shape)
    q[::9] += RNG.normal(0, 0.1, (5, 2))
    weights = RNG.uniform(0.1, 2, 40) if weighted else None
    expected = iter_linear_fit(q, P, wuv=weights, fitgeom=geometry, nclip=3, sigma=(2.0, "rmse"), clip_accum=accumulate)
    centre = expected["center_ld"]
    shift = expected["shift_ld"] + centre - centre @ expected["matrix_ld"].T
    fit = fit_linear(P, q, geometry, weights=weights, nclip=3, sigma=2.0, accumulate=accumulate)
    np.testing.assert_array_equal(fit.used, expected["fitmask"])
    np.testing.assert_allclose(fit.affine.matrix, expected["matrix"], atol=1e-12)
    np.testing.assert_allclose(fit.affine.shift, shift.astype(float), atol=1e-10)
    assert fit.rms == pytest.approx(expected["rmse"]) and fit.mae == pytest.approx(expected["mae"])
    np.testing.assert_allclose(fit.residuals[fit.used], -expected["resids"], atol=1e-10)


def test_outliers_stay_out():
    q = P + SHIFT + RNG.normal(0, 0.01, P.shape)
    q[3] += 1.0
    q[7] += 0.08
    stays, returns = (fit_linear(P, q, "shift", nclip=2, accumulate=accumulate) for accumulate in (True, False))
    assert not stays.used[3] and not stays.used[7]
    assert returns.used[3]  # when the second is clipped, the first comes back
    assert np.abs(stays.affine.shift - SHIFT).max() < 0.005 < np.abs(returns.affine.shift - SHIFT).max()


@pytest.mark.parametrize("geometry", ["shift", "rshift", "general"])
def test_a_swarm_of_false_matches(geometry):
    """One in seven is off by the same, as next to cores of stars: the rms swells until they pass, not the median."""
    rng = np.random.default_rng(6)
    positions = rng.uniform(-10, 10, (140, 2))
    reference = positions + SHIFT + rng.normal(0, 0.002, positions.shape)
    reference[::7] += [0.1, 0.05]
    swollen, robust = (fit_linear(positions, reference, geometry, median=median) for median in (False, True))
    true = np.arange(140) % 7 != 0
    assert np.array_equal(robust.used, robust.used & true) and robust.used.sum() > 115
    assert np.abs(robust.affine.shift - SHIFT).max() < 0.001 and robust.rms < 0.004
    assert np.abs(swollen.affine.shift - SHIFT).max() > 0.005


def test_clipping_by_the_median_of_a_turned_list():
    """Large residuals of all to begin with, for the list is turned; a false match; exact ones."""
    turn = np.radians(0.5)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    q = P @ matrix.T + SHIFT
    q[5] += 0.3 * np.ptp(P)
    fit = fit_linear(P, q, "rshift", median=True)
    np.testing.assert_allclose(fit.affine.matrix, matrix, atol=1e-9)
    assert not fit.used[5]
    assert fit_linear(P, q, "rshift", median=True, nclip=0).used.all()


def test_positions_without_weight_take_no_part():
    q = P + SHIFT
    q[:10] += 5
    weights = np.where(np.arange(40) < 10, 0.0, 1.0)
    np.testing.assert_allclose(fit_linear(P, q, "rshift", weights=weights).affine.shift, SHIFT, atol=1e-10)


def test_a_mirror_image_is_not_fitted_by_a_mirror():
    fit = fit_linear(P - P.mean(axis=0), (P - P.mean(axis=0)) * [1, -1], "rscale", nclip=0)
    assert np.linalg.det(fit.affine.matrix) > 0 and fit.rms > 1


@pytest.mark.parametrize("geometry", FEWEST)
def test_too_few_positions(geometry):
    assert fit_linear(P[: FEWEST[geometry] - 1], P[: FEWEST[geometry] - 1], geometry) is None
    assert fit_linear(P[: FEWEST[geometry]], P[: FEWEST[geometry]] + 1, geometry).affine.shift == pytest.approx([1, 1])


def test_positions_that_determine_nothing():
    line = np.column_stack([np.arange(5.0), 2 * np.arange(5.0)])
    assert fit_linear(line, line, "general") is None
    assert fit_linear(np.ones((5, 2)), np.ones((5, 2)), "rscale") is None
