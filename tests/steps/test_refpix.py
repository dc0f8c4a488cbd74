"""refpix: drifts of outputs and rows come off, whichever way the detector is read."""

import numba
import numpy as np
import pytest
from naive_detector import make_ramp, naive_clipped_mean, naive_four_outputs, turn

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.steps.refpix import refpix

ORIENTATIONS = [(-1, 2), (1, -2), (-2, -1), (2, -1), (-2, 1), (2, 1)]


def noisy_ramp(shape, x0, y0, seed=0, **keywords):
    rng = np.random.default_rng(seed)
    data = rng.normal(0, 10, shape).round().astype(np.float32)
    ramp = make_ramp(data, SUBSTRT1=x0 + 1, SUBSTRT2=y0 + 1, **keywords)
    ramp.pixeldq[rng.random(shape[-2:]) < 0.02] = dq.DO_NOT_USE
    y, x = np.mgrid[y0 : y0 + shape[-2], x0 : x0 + shape[-1]]
    edge = (y < 4) | (y >= 2044) | (x < 4) | (x >= 2044)
    ramp.pixeldq[edge] |= dq.REFERENCE_PIXEL
    return ramp


@pytest.mark.parametrize(("fast", "slow"), ORIENTATIONS)
@pytest.mark.parametrize(("x0", "y0", "shape"), [(0, 0, (60, 70)), (1990, 2000, (48, 58)), (1000, 2030, (18, 40))])
def test_four_outputs_naive_twin(fast, slow, x0, y0, shape):
    ramp = noisy_ramp((1, 2, *shape), x0, y0, NOUTPUTS=4, FASTAXIS=fast, SLOWAXIS=slow)
    bad = (ramp.pixeldq & dq.DO_NOT_USE) != 0
    expected = [naive_four_outputs(image, bad, x0, y0, fast, slow) for image in ramp.data[0]]
    np.testing.assert_allclose(refpix(ramp).data[0], expected, atol=1e-4)


def drifts(fast, slow):
    """A whole detector's pattern: a step for each output and parity of columns, and a slow wave along the rows."""
    rng = np.random.default_rng(1)
    column = np.arange(2048)
    steps = rng.normal(0, 50, (4, 2))[column // 512, column % 2]
    wave = 30 * np.sin(np.arange(2048) / 200)
    return turn(np.add.outer(wave, steps), fast, slow, back=True), turn(np.tile(wave, (2048, 1)).T, fast, slow, True)


@pytest.mark.parametrize(("fast", "slow"), [(-1, 2), (-2, -1)])
def test_whole_detector_gets_flat(fast, slow):
    pattern, _ = drifts(fast, slow)
    ramp = make_ramp(pattern[None, None], pattern[None], NOUTPUTS=4, FASTAXIS=fast, SLOWAXIS=slow)
    ramp.zeroframe[0, 900, 900] = 0
    refpix(ramp)
    assert np.abs(ramp.data - np.median(ramp.data)).max() < 1.0  # the wave within a window of the median
    assert ramp.zeroframe[0, 900, 900] == 0
    ramp.zeroframe[0, 900, 900] = ramp.data[0, 0, 900, 900]
    np.testing.assert_array_equal(ramp.zeroframe[0], ramp.data[0, 0])


def test_rows_are_left_alone_without_side_pixels():
    pattern, wave = drifts(-1, 2)
    ramp = refpix(make_ramp(pattern[None, None], NOUTPUTS=4), use_side_ref_pixels=False)
    np.testing.assert_allclose(np.ptp(ramp.data[0, 0] - wave), 0, atol=1e-3)
    half = refpix(make_ramp(pattern[None, None], NOUTPUTS=4), side_gain=0.5)
    np.testing.assert_allclose(np.ptp(half.data[0, 0] - wave / 2), 0, atol=1.0)


def test_even_and_odd_columns_together():
    pattern, _ = drifts(-1, 2)
    ramp = refpix(make_ramp(pattern[None, None], NOUTPUTS=4), odd_even_columns=False)
    means = ramp.data[0, 0].reshape(2048, 4, 512).mean(axis=(0, 2))
    np.testing.assert_allclose(means, means[0], atol=0.1)
    assert np.ptp(ramp.data[0, 0, 1000]) > 20


@pytest.mark.parametrize(("fast", "slow"), ORIENTATIONS)
@pytest.mark.parametrize("apart", [True, False])
def test_one_output(fast, slow, apart):
    x0, y0 = 1, 2030
    ramp = noisy_ramp((2, 2, 18, 21), x0, y0, FASTAXIS=fast, SLOWAXIS=slow, SUBARRAY="SUB")
    ramp.data[0, 0, -1, 5] = 4000  # an outlier among the reference pixels
    good = ((ramp.pixeldq & dq.REFERENCE_PIXEL) != 0) & ((ramp.pixeldq & dq.DO_NOT_USE) == 0)
    number = np.indices((18, 21))[1] + x0 if abs(fast) == 1 else np.indices((18, 21))[0] + y0
    number = number if fast > 0 else 2047 - number
    parity = number % 2 if apart else np.zeros_like(number)
    expected = ramp.data.copy()
    for i, g in np.ndindex(2, 2):
        for p in np.unique(parity):
            mean = naive_clipped_mean(ramp.data[i, g][good & (parity == p)], 3.0)
            expected[i, g][parity == p] -= mean
    np.testing.assert_allclose(refpix(ramp, odd_even_columns=apart).data, expected, atol=1e-4)


def test_zeroframe_of_a_subarray():
    ramp = noisy_ramp((1, 1, 16, 16), 0, 0)
    ramp.data += np.float32(0.5)  # no sample is exactly zero
    ramp.zeroframe = ramp.data[:, 0].copy()
    ramp.zeroframe[0, 9, 9] = 0
    refpix(ramp)
    assert ramp.zeroframe[0, 9, 9] == 0
    ramp.zeroframe[0, 9, 9] = ramp.data[0, 0, 9, 9]
    np.testing.assert_array_equal(ramp.zeroframe[0], ramp.data[0, 0])


def test_any_number_of_threads():
    before, results = numba.get_num_threads(), []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        results.append(refpix(noisy_ramp((2, 3, 60, 70), 0, 0, NOUTPUTS=4)).data)
    numba.set_num_threads(before)
    np.testing.assert_array_equal(*results)


def test_nan_among_the_reference_pixels_is_left_out():
    ramp = noisy_ramp((1, 1, 16, 16), 0, 0)
    ramp.data[0, 0, 0, 0] = np.nan
    assert np.isnan(refpix(ramp).data).sum() == 1


def test_nirspec_edgeless_subarray_uses_its_outer_columns():
    keywords = {"INSTRUME": "NIRSPEC", "SUBARRAY": "SUB32", "FASTAXIS": 2, "SLOWAXIS": 1}
    ramp = noisy_ramp((1, 1, 32, 32), 900, 1000, **keywords)
    ramp.data += 500
    ramp.data[..., 10, 10] += 1e4
    assert np.abs(np.median(refpix(ramp).data)) < 3


@pytest.mark.parametrize("outputs", [1, 4])
def test_subarray_without_reference_pixels_is_skipped(outputs):
    ramp = noisy_ramp((1, 1, 16, 16), 500, 500, NOUTPUTS=outputs)
    before = ramp.data.copy()
    with pytest.raises(StepSkipped, match="no good reference pixels"):
        refpix(ramp)
    np.testing.assert_array_equal(ramp.data, before)


@pytest.mark.parametrize(
    ("settings", "keywords", "message"),
    [
        ({"side_smoothing_length": 0}, {}, "side_smoothing_length = 0"),
        ({"siglimit": 0}, {}, "siglimit = 0"),
        ({}, {"MSTR_RD1": 4}, "MSTR_RD1"),
        ({}, {"SUBSTRT1": 2045}, "over the edge"),
    ],
)
def test_refusals(settings, keywords, message):
    with pytest.raises(JwcalError, match=message):
        refpix(make_ramp(np.zeros((1, 1, 8, 8)), **keywords), **settings)
