"""Segments, slopes and their averages: cases read by eye, the naive twin, statistics, threads, without the compiler."""

import subprocess
import sys

import numba
import numpy as np
import pytest
from naive_ramps import CHARGELOSS, DNU, JUMP, NO_GAIN, PERSISTENCE, SAT, make_nasty, naive_pixel, naive_segments

from jwcal import dq
from jwcal.kernels import ramp_ols, ramp_segments
from jwcal.kernels.ramp_ols import fit_ramps
from jwcal.kernels.ramp_segments import find_segments
from jwcal.kernels.ramp_slopes import LIMITS, POWERS, choose_power, fit_line, tabulate_coefficients

TGROUP = 10.0


def fit(data, groupdq, pixeldq, gain, noise, nframes=1, suppress=True, zeroframe=None, window=None, dark=0.0):
    """Results and flags of an exposure whose frames follow without gaps."""
    n_integrations, n_groups, ny, nx = data.shape
    if zeroframe is None:
        zeroframe = np.zeros((n_integrations, ny, nx), np.float32)
    timing = (TGROUP, TGROUP / nframes, (nframes + 1) * TGROUP / nframes / 2, 1 / np.sqrt(2 * nframes))
    maps = (gain, noise, np.full((ny, nx), dark, np.float32))
    rules = (*(window or (0, n_groups)), suppress and n_groups > 1)
    extra = np.zeros(n_groups, np.uint8)
    results = np.empty((4, n_integrations + 1, ny, nx), np.float32), np.empty((n_integrations + 1, ny, nx), np.uint32)
    inputs = data, groupdq, pixeldq, zeroframe, maps, extra, timing, rules, tabulate_coefficients(n_groups)
    for first in range(0, ny, 7):  # rows are fitted by themselves
        fit_ramps(*inputs, (first, min(first + 7, ny)), *results)
    return results


def fit_pixel(values, flags=None, gain=2.0, noise=6.0, **settings):
    """[slope, error, photons, read] of each integration and of all, and their flags, for one pixel."""
    data = np.array(values, np.float32)
    data = data.reshape(1, *data.shape, 1, 1) if data.ndim == 1 else data[..., None, None]
    groupdq = np.zeros(data.shape, np.uint8) if flags is None else np.array(flags, np.uint8).reshape(data.shape)
    maps = np.full((1, 1), gain, np.float32), np.full((1, 1), noise, np.float32)
    results, flags = fit(data, groupdq, np.zeros((1, 1), np.uint32), *maps, **settings)
    return results[:, :, 0, 0].T, flags[:, 0, 0].tolist()


def test_flags_are_the_standard_ones():
    for name in ("DO_NOT_USE", "SATURATED", "JUMP_DET", "PERSISTENCE", "CHARGELOSS"):
        assert getattr(ramp_segments, name) == dq.FLAGS[name]
    assert ramp_ols.NO_GAIN_VALUE == dq.NO_GAIN_VALUE and ramp_segments.BLOCKING == 255 - dq.PERSISTENCE


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([0, 0, 0, 0], [(0, 4)]),
        ([0, 0, JUMP, 0, 0], [(0, 2), (2, 3)]),  # the jump starts the next segment
        ([0, 0, DNU, 0, 0], [(0, 2), (3, 2)]),
        ([0, 0, JUMP | DNU, 0, 0], [(0, 2), (3, 2)]),
        ([0, 0, JUMP | PERSISTENCE, PERSISTENCE, 0], [(0, 2), (2, 3)]),
        ([0, 0, JUMP, JUMP, 0], [(0, 2), (3, 2)]),
        ([0, JUMP, DNU, 0, 0, DNU, 0], [(3, 2)]),  # single groups give way to longer segments
        ([0, DNU, 0, DNU, 0], [(0, 1)]),  # ... else the first serves
        ([DNU, 0, SAT, SAT], [(1, 1)]),
        ([JUMP, JUMP, JUMP], []),
        ([JUMP], []),
        ([0], [(0, 1)]),
    ],
)
def test_segments(flags, expected):
    column, segments = np.array(flags, np.uint8)[:, None], np.zeros((2, len(flags) + 1), np.int64)
    count = find_segments(column, 0, len(flags), 0, segments)
    assert list(map(tuple, segments[:, :count].T.tolist())) == expected == naive_segments(flags)


def test_powers_grow_with_the_signal_to_noise_ratio():
    for k, limit in enumerate(LIMITS):
        rise = (limit**2 + np.sqrt(limit**4 + 4 * limit**2 * 49)) / 2 / 2  # DN, of that ratio with noise 7, gain 2
        assert (choose_power(rise * 0.999, 2.0, 7.0), choose_power(rise * 1.001, 2.0, 7.0)) == (k, k + 1)
    assert choose_power(-500.0, 2.0, 7.0) == 0 and choose_power(np.nan, 2.0, 7.0) == len(POWERS) - 1


@pytest.mark.parametrize("n", [3, 4, 7, 40])
def test_coefficients_recover_a_line_with_any_weights(n):
    table = tabulate_coefficients(n)
    values = (5 - 3.5 * np.arange(n, dtype=np.float32))[:, None]
    for power in range(len(POWERS)):
        np.testing.assert_allclose(fit_line(values, 0, n, 0, table, power), -3.5, rtol=1e-12)


def test_first_and_last_group_count_most_at_high_signal():
    table = tabulate_coefficients(9)
    assert table[9, 0, 0] < table[9, -1, 0] <= 1 / 8 + 1e-12 and table[9, -1, 1] < 0.1 * table[9, -1, 0]


@pytest.mark.parametrize("shape", [(1, 10, 8, 270), (3, 5, 8, 20), (2, 3, 8, 20), (1, 2, 8, 20), (1, 40, 6, 12)])
@pytest.mark.parametrize("nframes", [1, 4])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_agrees_with_the_naive_twin(shape, nframes):
    data, groupdq, pixeldq, gain, noise = make_nasty(sum(shape), shape, nframes)
    results, flags = fit(data, groupdq, pixeldq, gain, noise, nframes)
    for y, x in np.ndindex(gain.shape):
        if pixeldq[y, x] or not gain[y, x] > 0 or not noise[y, x] > 0:
            continue
        pixel = np.float64(gain[y, x]), np.float64(noise[y, x])
        expected = naive_pixel(data[:, :, y, x], groupdq[:, :, y, x], *pixel, nframes, TGROUP)
        np.testing.assert_allclose(results[:, :, y, x].T, expected, rtol=3e-5, atol=1e-6)
        if not np.isnan(data[:, :, y, x]).any():
            np.testing.assert_array_equal(flags[:, y, x] & DNU != 0, [np.isnan(row[0]) for row in expected])


def test_flags_of_the_results():
    flags = [[0, JUMP, 0, 0, SAT, SAT], [SAT] * 6, [0, 0, PERSISTENCE, 0, 0, 0], [DNU] * 6]
    results, found = fit_pixel(np.arange(24.0).reshape(4, 6), flags)
    assert found == [JUMP | SAT, SAT | DNU, PERSISTENCE, DNU, JUMP | SAT | PERSISTENCE]
    assert np.isnan(results[[1, 3], 0]).all() and np.isfinite(results[[0, 2, 4], 0]).all()
    assert not results[[1, 3], 1:].any()


def test_bad_pixels_and_bad_gains_have_no_slope():
    data, groupdq = np.cumsum(np.ones((1, 4, 2, 2), np.float32), axis=1), np.zeros((1, 4, 2, 2), np.uint8)
    gain = np.array([[2.0, 0.0], [np.nan, -1.0]], np.float32)
    pixeldq = np.array([[DNU, 0], [0, 0]], np.uint32)
    results, flags = fit(data, groupdq, pixeldq, gain, np.ones((2, 2), np.float32))
    assert np.isnan(results[0]).all() and not results[1:].any()
    assert flags.tolist() == [[[DNU, DNU | NO_GAIN], [DNU | NO_GAIN] * 2]] * 2


def test_a_single_good_group_is_suppressed_or_counts_from_the_reset():
    flags = [0, SAT, SAT, SAT]
    results, found = fit_pixel([60, 0, 0, 0], flags, nframes=4)
    assert np.isnan(results[:, 0]).all() and found == [DNU | SAT] * 2
    results, found = fit_pixel([60, 0, 0, 0], flags, nframes=4, suppress=False)
    elapsed = 2.5 * TGROUP / 4  # mean of four frames, since the reset
    np.testing.assert_allclose(results[:, 0], 60 / elapsed, rtol=1e-6)
    np.testing.assert_allclose(results[:, 3], 2 * (6 / np.sqrt(8) / elapsed) ** 2, rtol=1e-6)
    assert found == [SAT, SAT]


def test_the_first_frame_serves_where_all_groups_are_lost():
    flags, zeroframe = [SAT] * 4, np.full((1, 1, 1), 30, np.float32)
    results, found = fit_pixel([60, 0, 0, 0], flags, nframes=4, suppress=False, zeroframe=zeroframe)
    np.testing.assert_allclose(results[:, 0], 30 / (TGROUP / 4), rtol=1e-6)
    assert found == [SAT, SAT]
    assert np.isnan(fit_pixel([60, 0, 0, 0], flags, suppress=False)[0][0, 0])


def test_one_group():
    results, found = fit_pixel([50.0])
    np.testing.assert_allclose(results[:, 0], 50 / TGROUP, rtol=1e-6)
    assert found == [0, 0] and (results[:, 1:] > 0).all()
    assert fit_pixel([50.0], [SAT])[1] == [SAT | DNU] * 2


def test_negative_rates_have_no_photon_noise_but_the_dark_current_s():
    values = [0, -10, -20, -30, -40]
    assert not fit_pixel(values)[0][:, 2].any()
    np.testing.assert_allclose(fit_pixel(values, dark=0.8)[0][:, 2], 0.8 / (2 * TGROUP * 4), rtol=1e-6)


def test_leading_and_trailing_groups_left_out():
    flags = [DNU, JUMP, 0, 0, 0, DNU]
    results, _ = fit_pixel([-900, 0, 20, 40, 60, 500], flags, window=(1, 5))
    np.testing.assert_allclose(results[:, 0], 20 / TGROUP, rtol=1e-6)
    np.testing.assert_allclose(results[:, 3], 12 * 18 / ((4**3 - 4) * TGROUP**2), rtol=1e-6)


def test_first_group_left_by_miri_may_stand_alone():
    flags = [DNU, JUMP, SAT, SAT, SAT, DNU]  # the hit came before the group that is now the first
    results, _ = fit_pixel([0, 30, 0, 0, 0, 0], flags, nframes=4, window=(1, 5), suppress=False)
    np.testing.assert_allclose(results[:, 0], 30 / (2.5 * TGROUP / 4), rtol=1e-6)


def test_charge_loss_keeps_the_read_noise_variance_of_the_whole_ramp():
    lost = CHARGELOSS | DNU
    values = 20.0 * np.arange(16).reshape(2, 8)
    results, _ = fit_pixel(values, [[0] * 5 + [lost] * 3, [0] * 8])
    whole, _ = fit_pixel(values)
    np.testing.assert_allclose(results[:, 3], whole[:, 3], rtol=1e-6)
    np.testing.assert_allclose(results[:, 0], 20 / TGROUP, rtol=1e-6)
    assert results[0, 2] > whole[0, 2]  # photons are not restored


@pytest.mark.parametrize("rate", [1.0, 30.0, 1000.0])
def test_slopes_are_unbiased_and_their_errors_right(rate):
    rng = np.random.default_rng(int(rate))
    shape, gain, noise = (1, 12, 60, 60), 2.0, 8.0
    electrons = rng.poisson(rate * gain * TGROUP, shape).cumsum(axis=1)
    data = (electrons / gain + rng.normal(0, noise / np.sqrt(2), shape)).astype(np.float32)
    groupdq = np.where(rng.random(shape) < 0.03, JUMP, 0).astype(np.uint8)
    data += np.where(groupdq, 500.0, 0).cumsum(axis=1).astype(np.float32)
    maps = np.full(shape[2:], gain, np.float32), np.full(shape[2:], noise, np.float32)
    results, _ = fit(data, groupdq, np.zeros(shape[2:], np.uint32), *maps)
    pulls = (results[0, -1] - rate) / results[1, -1]
    assert abs(pulls.mean()) < 0.06 and 0.9 < pulls.std() < 1.1


def test_threads_and_read_only_input_change_nothing():
    arrays = make_nasty(9, (2, 6, 20, 300))
    for array in arrays:
        array.flags.writeable = False
    found, before = [], numba.get_num_threads()
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        found.append(fit(*arrays))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_works_without_the_compiler(tmp_path):
    names, arrays = ("data", "groupdq", "pixeldq", "gain", "noise"), make_nasty(6, (2, 5, 4, 5))
    arrays[1][0, 3:, 3, 3] |= CHARGELOSS | DNU
    results, flags = fit(*arrays)
    np.savez(tmp_path / "case.npz", results=results, flags=flags, **dict(zip(names, arrays, strict=True)))
    code = (
        "import numpy as np, test_ramp_ols as t\n"
        f"case = dict(np.load({str(tmp_path / 'case.npz')!r}))\n"
        f"results, flags = t.fit(*(case[name] for name in {names}))\n"
        "np.testing.assert_allclose(results, case['results'], rtol=1e-5)\n"
        "np.testing.assert_array_equal(flags, case['flags'])\n"
    )
    environment = {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": ":".join(sys.path), "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
