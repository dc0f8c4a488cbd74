"""The likelihood fit: coefficients and results against dense matrices, statistics, threads, without the compiler."""

import subprocess
import sys

import numba
import numpy as np
import pytest
from naive_ramps import DNU, JUMP, SAT, make_nasty, naive_covariance, naive_likely_pixel

from jwcal import dq
from jwcal.kernels import ramp_covariance, ramp_likelihood
from jwcal.kernels.ramp_covariance import tabulate_covariance
from jwcal.kernels.ramp_likelihood import fit_likeliest

TFRAME, THRESHOLDS = 2.0, (20.25, 23.8)


def list_times(n_groups, nframes=1, gap=0):
    return [TFRAME * (g * (nframes + gap) + np.arange(1, nframes + 1)) for g in range(n_groups)]


def fit(data, groupdq, pixeldq, gain, noise, nframes=1, thresholds=THRESHOLDS, zeroframe=None, split_hits=False):
    """Results and flags; `groupdq` gets the jumps."""
    times = list_times(data.shape[1], nframes)
    if zeroframe is None:
        zeroframe = np.zeros((0, 0, 0), np.float32)
    else:
        times = [times[0][:1], times[0][1:], *times[1:]]
    maps = gain, noise, np.zeros(gain.shape, np.float32)
    rules = (float(nframes), *thresholds, 0.0)
    extra = np.zeros(data.shape[1], np.uint8)
    n_integrations, _, ny, nx = data.shape
    results = np.empty((5, n_integrations, ny, nx), np.float32), np.empty((n_integrations, ny, nx), np.uint32)
    inputs = data, groupdq, pixeldq, zeroframe, maps, extra, tabulate_covariance(times, split_hits), rules
    for first in range(0, ny, 7):  # rows are fitted by themselves
        fit_likeliest(*inputs, (first, min(first + 7, ny)), *results)
    return results


def make_ramps(seed, shape, rate, gain=2.0, noise=8.0, nframes=1):
    """Ramps of known rates (DN/s) whose frames follow without gaps, and their maps."""
    rng = np.random.default_rng(seed)
    n_integrations, n_groups, *image = shape
    frames = rng.poisson(rate * gain * TFRAME, (n_integrations, n_groups * nframes, *image)).cumsum(axis=1) / gain
    frames = frames + rng.normal(0, noise / np.sqrt(2), frames.shape)
    data = frames.reshape(n_integrations, n_groups, nframes, *image).mean(axis=2).astype(np.float32)
    maps = np.full(image, gain, np.float32), np.full(image, noise, np.float32)
    return data, np.zeros(shape, np.uint8), np.zeros(image, np.uint32), *maps


@pytest.mark.parametrize("times", [list_times(5), list_times(6, 4, 1), [np.array([2.0]), *list_times(4, 8)[1:]]])
def test_coefficients_are_those_of_the_covariance_summed_read_by_read(times):
    table = tabulate_covariance(times)
    rate, gain, noise = 7.0, 2.0, 5.0
    covariance, *_ = naive_covariance(rate, gain, noise, times)
    alpha, beta = (table[k] * rate / gain + table[k + 1] * noise**2 for k in (0, 2))
    np.testing.assert_allclose(np.diag(covariance), alpha, rtol=1e-12)
    np.testing.assert_allclose(np.diag(covariance, 1), beta[:-1], rtol=1e-12)
    assert beta[-1] == 0 and np.abs(np.triu(covariance, 2)).max() < 1e-9 * alpha.max()


def test_constants_are_the_standard_ones():
    assert ramp_likelihood.NO_GAIN_VALUE == dq.NO_GAIN_VALUE
    assert tabulate_covariance(list_times(3, 2))[ramp_covariance.STEP].tolist() == [4, 4]


@pytest.mark.parametrize("split_hits", [False, True])
@pytest.mark.parametrize(("seed", "n_groups", "nframes"), [(1, 4, 1), (2, 5, 4), (3, 9, 1), (4, 9, 4), (5, 24, 2)])
def test_equals_the_naive_twin(seed, n_groups, nframes, split_hits):
    arrays = make_nasty(seed, (2, n_groups, 7, 9), nframes)
    before = arrays[1].copy()
    results, flags = fit(*arrays, nframes=nframes, split_hits=split_hits)
    data, groupdq, _, gain, noise = arrays
    for i, y, x in np.ndindex(2, 7, 9):
        ramp, own = data[i, :, y, x].astype(float), before[i, :, y, x]
        if not gain[y, x] > 0 or noise[y, x] == 0:
            continue
        lost = (own & 223 != 0) | np.isnan(ramp)
        times = list_times(n_groups, nframes)
        rules = times, THRESHOLDS, split_hits
        expected, jumps = naive_likely_pixel(ramp, lost, float(gain[y, x]), float(noise[y, x]), *rules)
        assert (groupdq[i, 1:, y, x] & JUMP != 0).tolist() == (jumps | (own[1:] & JUMP != 0)).tolist()
        if np.isnan(expected[0]):
            assert np.isnan(results[[0, 4], i, y, x]).all() and flags[i, y, x] & DNU
        else:
            np.testing.assert_allclose(results[:, i, y, x], expected, rtol=2e-4, atol=1e-6)
        assert bool(flags[i, y, x] & SAT) == bool((own & SAT).any())


@pytest.mark.parametrize(("rate", "nframes"), [(8.0, 1), (30.0, 4), (3000.0, 1)])
def test_slopes_are_unbiased_and_errors_and_chi_squared_right(rate, nframes):
    arrays = make_ramps(int(rate), (1, 10, 100, 120), rate, nframes=nframes)
    results, flags = fit(*arrays, nframes=nframes)
    clean = flags[0] == 0
    pulls = ((results[0, 0] - rate) / results[1, 0])[clean]
    assert abs(pulls.mean()) < 0.04 and abs(pulls.std() - 1) < 0.03 and clean.mean() > 0.998
    assert abs(results[4, 0][clean].mean() / 8 - 1) < 0.03


def test_first_frames_sharpen_the_slope():
    rate, nframes = 20.0, 4
    rng = np.random.default_rng(3)
    shape, gain, noise = (1, 6, 60, 60), 2.0, 8.0
    frames = rng.poisson(rate * gain * TFRAME, (1, 24, 60, 60)).cumsum(axis=1) / gain
    frames = (frames + rng.normal(0, noise / np.sqrt(2), frames.shape)).astype(np.float32)
    data = frames.reshape(1, 6, 4, 60, 60).mean(axis=2)
    maps = np.full((60, 60), gain, np.float32), np.full((60, 60), noise, np.float32)
    flags = np.zeros((60, 60), np.uint32)
    without, _ = fit(data, np.zeros(shape, np.uint8), flags, *maps, nframes=nframes)
    results, _ = fit(data, np.zeros(shape, np.uint8), flags, *maps, nframes=nframes, zeroframe=frames[:, 0].copy())
    pulls = (results[0, 0] - rate) / results[1, 0]
    assert abs(pulls.mean()) < 0.06 and abs(pulls.std() - 1) < 0.05
    assert np.median(results[1] / without[1]) < 0.995 and abs(results[4].mean() / 5 - 1) < 0.05


def test_long_ramps_do_not_overflow():
    results, _ = fit(*make_ramps(4, (1, 300, 3, 4), 1e5, noise=200.0))
    assert np.isfinite(results).all() and abs(results[4].mean() / 298 - 1) < 0.1


def test_threads_change_nothing():
    found, before = [], numba.get_num_threads()
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        arrays = make_nasty(9, (2, 6, 20, 300))
        found.append((*fit(*arrays), arrays[1]))
    numba.set_num_threads(before)
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


def test_integrations_may_be_fitted_one_by_one():
    arrays = make_nasty(7, (3, 8, 9, 140))
    single = [array.copy() for array in arrays]
    results, flags = fit(*arrays)
    for i in range(3):
        own, own_flags = fit(single[0][i : i + 1], single[1][i : i + 1], *single[2:])
        np.testing.assert_array_equal(own[:, 0], results[:, i])
        np.testing.assert_array_equal(own_flags[0], flags[i])
    np.testing.assert_array_equal(single[1], arrays[1])


def test_works_without_the_compiler(tmp_path):
    names, arrays = ("data", "groupdq", "pixeldq", "gain", "noise"), make_nasty(6, (1, 6, 4, 5))
    np.savez(tmp_path / "case.npz", **dict(zip(names, arrays, strict=True)))
    results, flags = fit(*arrays)
    np.savez(tmp_path / "results.npz", results=results, flags=flags)
    code = (
        "import numpy as np, test_ramp_likelihood as t\n"
        f"case, found = (dict(np.load({str(tmp_path)!r} + name)) for name in ('/case.npz', '/results.npz'))\n"
        f"results, flags = t.fit(*(case[name] for name in {names}))\n"
        "np.testing.assert_allclose(results, found['results'], rtol=1e-4, atol=1e-5)\n"
        "np.testing.assert_array_equal(flags, found['flags'])\n"
    )
    environment = {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": ":".join(sys.path), "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
