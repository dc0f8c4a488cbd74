"""SIRS: an optimal filter over the side reference pixels takes the noise of rows off."""

import numpy as np
import pytest
from naive_detector import make_ramp, turn

from jwcal.errors import JwcalError
from jwcal.readout import sirs
from jwcal.steps.refpix import refpix


class Kernels:
    """A sirskernel reference in memory."""

    path = "sirs.asdf"

    def __init__(self, **branches):
        self.tree = {"meta": {}} | branches


def make_series(width, share=0.5, frequencies=1025):
    """Fourier series of low-pass filters of the four outputs."""
    frequency = np.arange(frequencies) / (frequencies - 1)
    return share / (1 + (frequency / width) ** 2) * np.array([1.0, 0.9, 0.8, 0.7])[:, None]


def naive_noise(frame, gamma, zeta, gaussmooth, halfwidth, sigreject):
    """Noise [output, row] of a frame as it is read, sum by sum."""
    nrow = len(frame)
    bell = [np.exp(-(k**2) / (2 * gaussmooth**2)) for k in range(-halfwidth, halfwidth + 1)]
    noise = np.zeros((4, nrow))
    for side, series in ((frame[:, :4], gamma), (frame[:, -4:], zeta)):
        middle = np.median(side)
        good = np.abs(side - middle) <= sigreject * 1.48 * np.median(np.abs(side - middle))
        for output in range(4):
            period = 2 * (series.shape[1] - 1)
            lags = np.fft.irfft(series[output])
            kernel = {k: lags[k % period] for k in range(-halfwidth, halfwidth + 1)}
            smooth = {k: sum(kernel.get(k - j, 0) * bell[j + halfwidth] for j in kernel) / sum(bell) for k in kernel}
            for row in range(nrow):
                near = [k for k in smooth if 0 <= row - k < nrow]
                total = sum(smooth[k] * side[row - k][good[row - k]].sum() / 4 for k in near)
                weight = sum(smooth[k] * good[row - k].mean() for k in near)
                noise[output, row] += total * sum(smooth[k] for k in near) / weight
    return noise


def test_naive_twin():
    frame = np.random.default_rng(0).normal(10, 2, (60, 40)).astype(np.float32)
    frame[7, 1], frame[8, -2] = 100, -100
    gamma, zeta = make_series(0.1, frequencies=33), make_series(0.3, frequencies=33)
    kernels = sirs.read_kernels(Kernels(nrs1={"gamma": gamma, "zeta": zeta}), "NRS1", 1.5, 10)
    expected = naive_noise(frame, gamma, zeta, 1.5, 10, 4.0)
    np.testing.assert_allclose(sirs.filter_sides(frame, kernels, 4.0), expected, rtol=1e-6)


@pytest.mark.parametrize(("fast", "slow"), [(2, 1), (-2, -1), (-1, 2)])
def test_noise_of_rows_comes_off(fast, slow):
    wave = 5 * np.sin(np.arange(2048) / 60)
    frame = turn(np.repeat(wave[:, None], 2048, axis=1) + 100, fast, slow, back=True)
    ramp = make_ramp(frame[None, None], frame[None], NOUTPUTS=4, FASTAXIS=fast, SLOWAXIS=slow, DETECTOR="NRS1")
    ramp.zeroframe[0, 700, 900] = 0
    series = np.full((4, 1025), 0.5)
    kernels = Kernels(NRS1={"gamma": series, "zeta": series})
    refpix(ramp, sirskernel=kernels, refpix_algorithm="sirs", gaussmooth=0.5)
    left = turn(ramp.data[0, 0], fast, slow)[5:-5]  # at the ends a part of the filter sees nothing
    assert np.abs(left).max() < 0.1
    assert ramp.zeroframe[0, 700, 900] == 0
    ramp.zeroframe[0, 700, 900] = ramp.data[0, 0, 700, 900]
    np.testing.assert_array_equal(ramp.zeroframe[0], ramp.data[0, 0])


def test_nan_and_outliers_are_left_out():
    frame = np.full((2048, 2048), 3, np.float32)
    frame[::2] += 1
    frame[100, 0], frame[200, 2045] = np.nan, 1e5
    kernels = np.full((2, 4, 3), 1 / 6)
    noise = sirs.filter_sides(frame, kernels, 4.0)
    assert np.isfinite(noise).all() and np.abs(noise[:, 1:-1] - 3.5).max() < 0.4


def test_the_running_median_serves_other_detectors_and_subarrays():
    data = np.random.default_rng(1).normal(0, 1, (1, 1, 2048, 2048))
    kernels = Kernels(nrs2={"gamma": make_series(0.1), "zeta": make_series(0.1)})
    ramps = [make_ramp(data, NOUTPUTS=4, DETECTOR="NRS1") for _ in range(3)]
    refpix(ramps[0])
    refpix(ramps[1], sirskernel=kernels, refpix_algorithm="sirs")
    refpix(ramps[2], refpix_algorithm="sirs")
    np.testing.assert_array_equal(ramps[1].data, ramps[0].data)
    np.testing.assert_array_equal(ramps[2].data, ramps[0].data)


@pytest.mark.parametrize("settings", [{"gaussmooth": 0.0}, {"halfwidth": 2000}])
def test_refusals(settings):
    series = make_series(0.1)
    arguments = {"gaussmooth": 1.0, "halfwidth": 30} | settings
    with pytest.raises(JwcalError, match="out of range"):
        sirs.read_kernels(Kernels(nrs1={"gamma": series, "zeta": series}), "NRS1", **arguments)
