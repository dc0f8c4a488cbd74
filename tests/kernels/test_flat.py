"""Dividing by the flat field, and scaling: pixel by pixel against plain numpy."""

import numpy as np
import pytest

from jwcal.kernels.flat import divide_flat, divide_guider_flat
from jwcal.kernels.flux_scale import scale_flux

DNU, NO_FLAT, HOT = 1, 1 << 18, 1 << 11
RNG = np.random.default_rng(21)
SHAPE = (2, 4, 5)


def make(shape=SHAPE, low=1.0, high=3.0):
    return RNG.uniform(low, high, shape).astype(np.float32)


def no_flags(shape=SHAPE[1:]):
    return np.zeros(shape, np.uint32)


def test_division_and_its_errors():
    data, var_p, var_r, flat, flat_err = make(), make(), make(), make(SHAPE[1:]), make(SHAPE[1:], 0.01, 0.1)
    out, err, p, r, f, dq = divide_flat((data, var_p, var_r), no_flags(SHAPE), flat, flat_err, no_flags(), False)
    np.testing.assert_allclose(out, data / flat, rtol=1e-6)
    np.testing.assert_allclose(p, var_p / flat**2, rtol=1e-6)
    np.testing.assert_allclose(r, var_r / flat**2, rtol=1e-6)
    np.testing.assert_allclose(f, (data * flat_err / flat**2) ** 2, rtol=1e-5)
    np.testing.assert_allclose(err, np.sqrt(p + r + f), rtol=1e-6)
    assert not dq.any()


def test_inverse_undoes_it():
    exposure = (make(), make(), make())
    flat, flat_err = make(SHAPE[1:]), make(SHAPE[1:])
    out, _, p, r, _, dq = divide_flat(exposure, no_flags(SHAPE), flat, flat_err, no_flags(), False)
    back = divide_flat((out, p, r), dq, flat, flat_err, no_flags(), True)
    for array, before in zip((back[0], back[2], back[3]), exposure, strict=True):
        np.testing.assert_allclose(array, before, rtol=1e-6)
    assert not back[4].any()
    np.testing.assert_allclose(back[1], np.sqrt(exposure[1] + exposure[2]), rtol=1e-6)


def test_a_flat_of_ones_changes_nothing():
    exposure = (make(), make(), make())
    flat = np.ones(SHAPE[1:], np.float32)
    out, err, p, r, f, _ = divide_flat(exposure, no_flags(SHAPE), flat, 0 * flat, no_flags(), False)
    for array, before in zip((out, p, r), exposure, strict=True):
        np.testing.assert_array_equal(array, before)
    np.testing.assert_allclose(err, np.sqrt(p + r), rtol=1e-6)
    assert not f.any()


@pytest.mark.parametrize(
    ("flat", "flags", "expected"),
    [(np.nan, 0, DNU | NO_FLAT), (0.0, HOT, DNU | NO_FLAT | HOT), (2.0, NO_FLAT, DNU | NO_FLAT), (2.0, DNU, DNU)],
)
def test_unusable_flat(flat, flags, expected):
    flats, flat_dq, dq = np.ones(SHAPE[1:], np.float32), no_flags(), no_flags(SHAPE)
    flats[1, 2], flat_dq[1, 2], dq[:, 1, 2] = flat, flags, 4
    *planes, out_dq = divide_flat((make(), make(), make()), dq, flats, 0 * flats, flat_dq, False)
    assert (out_dq[:, 1, 2] == expected | 4).all() and (out_dq != 0).sum() == 2
    for plane in planes:
        assert np.isnan(plane[:, 1, 2]).all() and np.isnan(plane).sum() == 2


def test_nan_and_do_not_use_agree_afterwards():
    exposure, flat = (make(), make(), make()), np.ones(SHAPE[1:], np.float32)
    dq = no_flags(SHAPE)
    exposure[0][0, 0, 0] = exposure[1][0, 1, 1] = exposure[2][1, 2, 2] = np.nan
    exposure[1][1, 3, 3] = -9  # no error can be given
    dq[1, 3, 4] = DNU | HOT
    *planes, flags = divide_flat(exposure, dq, flat, 0 * flat, no_flags(), False)
    for plane in planes:
        np.testing.assert_array_equal(np.isnan(plane), flags & DNU != 0)
    assert (flags & DNU != 0).sum() == 5 and flags[1, 3, 4] == DNU | HOT


def test_guider():
    data, err, flat, flat_err = make(), make(), make(SHAPE[1:]), make(SHAPE[1:], 0.01, 0.1)
    flat[0, 0], data[0, 1, 1] = np.nan, np.nan
    dq = no_flags()
    dq[2, 2] = HOT
    out, error, flags = divide_guider_flat(data, err, dq, flat, flat_err, no_flags(), False)
    good = np.isfinite(flat) & np.isfinite(data)
    np.testing.assert_allclose(out[good], (data / flat)[good], rtol=1e-6)
    expected = np.hypot(err / flat, data / flat * flat_err / flat)
    np.testing.assert_allclose(error[good], expected[good], rtol=1e-5)
    np.testing.assert_array_equal(out[:, 0, 0], data[:, 0, 0])
    assert np.isnan(out[0, 1, 1]) and np.isnan(error[0, 1, 1]) and np.isfinite(out[1, 1, 1])
    assert flags[0, 0] == DNU | NO_FLAT and flags[2, 2] == HOT and not dq[0, 0]


@pytest.mark.parametrize("with_flat", [True, False])
def test_scaling(with_flat):
    planes = [make() for _ in range(5)]
    planes[0][0, 0, 0] = planes[3][1, 1, 1] = np.nan
    dq = no_flags(SHAPE)
    dq[0, 3, 3] = DNU
    if not with_flat:
        planes[4] = np.zeros((0, *SHAPE[1:]), np.float32)
    *scaled, flags = scale_flux(tuple(planes), dq, 3.0)
    bad = flags & DNU != 0
    assert bad.sum() == 3 and bad[0, 0, 0] and bad[1, 1, 1] and bad[0, 3, 3]
    for plane, before, factor in zip(scaled[:4], planes[:4], (3, 3, 9, 9), strict=True):
        np.testing.assert_allclose(plane[~bad], factor * before[~bad], rtol=1e-6)
        assert np.isnan(plane[bad]).all()
    assert scaled[4].shape == planes[4].shape
    if with_flat:
        np.testing.assert_allclose(scaled[4][~bad], 9 * planes[4][~bad], rtol=1e-6)
