"""Medians of the lines of a read-out, and what they rest on: sorting by bits, clipping, masks."""

import numba
import numpy as np
import pytest
from naive_flicker import naive_clip, naive_stripes

from jwcal.kernels.clipping import clip_mirrored, clip_sorted
from jwcal.kernels.flicker_lines import fit_stripes, narrow_mask, take_difference
from jwcal.kernels.hermitian import solve_hermitian
from jwcal.kernels.radix import sort_values
from jwcal.kernels.time_medians import median_over_integrations


@pytest.mark.parametrize("n", [0, 1, 2, 5, 1000])
def test_sorts_by_bits(n):
    values = np.random.default_rng(n).normal(0, 1e3, n).astype(np.float32)
    values[: n // 5] = 0.5
    values[n // 5 : n // 4] = -np.inf
    kept = values.copy()
    np.testing.assert_array_equal(sort_values(values), np.sort(values))
    np.testing.assert_array_equal(values, kept)


@pytest.mark.parametrize("seed", range(4))
def test_clips_as_by_the_book(seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(5, 2, 500), rng.uniform(-100, 300, 40)]).astype(np.float32)
    np.testing.assert_allclose(clip_sorted(np.sort(values), 3.0, 5), naive_clip(values, 3, 5), rtol=1e-6)


def test_scatter_of_the_lower_half():
    rng = np.random.default_rng(5)
    values = np.sort(np.concatenate([rng.normal(0, 2, 20000), rng.uniform(0, 50, 4000)]).astype(np.float32))
    centre = 0.0
    low = values[values <= centre].astype(float)
    expected = naive_clip(np.concatenate([low, -low]), 3, 5)[2]
    np.testing.assert_allclose(clip_mirrored(values, centre, 3.0, 5), expected, rtol=1e-6)
    assert np.isnan(clip_mirrored(values, values[0] - 1.0, 3.0, 5))


@pytest.mark.parametrize(("axis", "width"), [(1, 40), (1, 10), (0, 37), (0, 9)])
def test_medians_of_lines(axis, width):
    rng = np.random.default_rng(1)
    signal = rng.normal(0, 3, (37, 40)).astype(np.float32)
    mask = rng.random(signal.shape) < 0.6
    mask[5], mask[:, 7] = False, False
    expected = naive_stripes(signal, mask, axis, width)
    for threads in (1, 2):
        numba.set_num_threads(threads)
        found = fit_stripes(signal, mask, axis, width)
        np.testing.assert_allclose(found, expected, rtol=2e-7)
        assert found.dtype == np.float32
    alone = signal.copy()
    alone[~mask] = 1e9
    np.testing.assert_array_equal(fit_stripes(alone, mask, axis, width), found)


def test_difference_of_groups_and_its_background():
    before, after = np.zeros((2, 3), np.float32), np.arange(6, dtype=np.float32).reshape(2, 3)
    after[0, 1] = np.nan
    flags = np.array([[0, 0, 4], [1, 2, 0]], np.uint8)
    scene = np.array([[True, True, True], [True, True, False]])
    signal, mask = take_difference(after, before, flags, scene, np.zeros((0, 0), np.float32))
    np.testing.assert_array_equal(signal, [[0, 0, 2], [3, 4, 5]])
    np.testing.assert_array_equal(mask, [[True, False, False], [False, True, False]])
    signal, _ = take_difference(after, before, flags, scene, np.full((2, 3), 2, np.float32))
    np.testing.assert_array_equal(signal, [[0, 0, 1], [1.5, 2, 2.5]])


def test_narrowing_keeps_the_limits():
    mask = np.array([[True, True, True, False]])
    narrow_mask(np.array([[1, 2, 3, 2]], np.float32), mask, 1.0, 2.0)
    assert mask.tolist() == [[True, True, False, False]]


def test_median_over_integrations():
    data = np.random.default_rng(2).normal(0, 1, (5, 3, 6, 7)).astype(np.float32)
    data[1, 2, 3, 3] = data[:, 2, 0, 0] = np.nan
    expected = np.full((6, 7), np.nan, np.float32)
    known = ~np.isnan(data[:, 2]).all(axis=0)
    expected[known] = np.nanmedian(data[:, 2].astype(float)[:, known], axis=0)
    np.testing.assert_allclose(median_over_integrations(data, 2), expected, rtol=1e-6)


def test_solves_hermitian_systems():
    rng = np.random.default_rng(3)
    roots = rng.normal(size=(4, 6, 6)) + 1j * rng.normal(size=(4, 6, 6))
    matrices = roots @ roots.conj().transpose(0, 2, 1)
    right = rng.normal(size=(4, 6)) + 1j * rng.normal(size=(4, 6))
    expected = np.linalg.solve(matrices, right[..., None])[..., 0]
    matrices[2] = np.ones((6, 6))
    found = solve_hermitian(matrices.copy(), right)
    for k in (0, 1, 3):
        np.testing.assert_allclose(found[k], expected[k], rtol=1e-8)
    assert np.isnan(found[2]).all()
