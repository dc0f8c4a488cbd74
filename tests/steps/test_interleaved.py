"""refpix of interleaved frames (NIRSpec's IRS2): noise comes out, bad references are found; the steps before it."""

import numba
import numpy as np
import pytest
from naive_detector import make_ramp, write_reference
from naive_interleaved import (
    AXES,
    CLOCKS,
    COLUMNS,
    NIRSPEC,
    ROWS,
    SAMPLES,
    Filters,
    make_interleaved,
    naive_noise,
)

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.readout.interleaved import bad_references, correction, layout, noise
from jwcal.steps.ipc import ipc
from jwcal.steps.refpix import refpix
from jwcal.steps.saturation import saturation

BAD = dq.FLAGS["BAD_REF_PIXEL"] | dq.DO_NOT_USE


def random_data(groups=2, seed=0, integrations=1):
    rng = np.random.default_rng(seed)
    return rng.normal(100, 10, (integrations, groups, ROWS, COLUMNS)).astype(np.float32)


def add_drifts(data, detector, drifts):
    """Add a drift [output, column, clock], DN, to one frame."""
    fast, slow = AXES[detector]
    for output, rows in enumerate(layout.schedule_rows(fast)):
        read = rows >= 0
        columns = np.argsort(layout.schedule_columns(slow))
        data[rows[read]] += drifts[output][columns][:, read].T


def make_drift(cycles, phase=0.0):
    """A wave of so many cycles a frame, 3 DN high."""
    time = np.arange(SAMPLES) / SAMPLES
    return (3 * np.sin(2 * np.pi * (cycles * time + phase))).reshape(COLUMNS, CLOCKS).astype(np.float32)


@pytest.mark.parametrize("detector", AXES)
def test_layout(detector):
    fast, slow = AXES[detector]
    rows = layout.schedule_rows(fast)
    assert np.unique(rows[rows >= 0]).size == ROWS == (rows >= 0).sum()
    normal, interleaved = layout.find_normal(fast), layout.find_interleaved(fast)
    assert normal.size == 2048 and interleaved.sum() == 640 and not interleaved[normal].any()
    # The first output reads its rows forwards, the reference output backwards; a clock passes at each jump.
    first = np.argsort(np.arange(ROWS)[:: np.sign(fast)])
    assert rows[1, :15].tolist() == [*first[640:648], -1, *first[648:652], -1, first[652]]
    assert rows[0, :2].tolist() == [first[639], first[638]] and (rows[:, -8:] == -1).all()
    assert layout.schedule_columns(slow)[0] == (0 if slow > 0 else COLUMNS - 1)


def test_packing_moves_rows_to_the_front_of_the_memory():
    ramp = make_interleaved(random_data(2, integrations=2), "NRS2")
    normal, before = layout.find_normal(-2), ramp.data.copy()
    ramp.groupdq[1, 1, normal[7], 3] = 4
    memory = ramp.data
    layout.drop_interleaved(ramp)
    np.testing.assert_array_equal(ramp.data, before[:, :, normal])
    assert np.shares_memory(ramp.data, memory) and ramp.pixeldq.shape == (2048, 2048)
    assert np.argwhere(ramp.groupdq).tolist() == [[1, 1, 7, 3]]


def test_naive_twin(detector="NRS2"):
    rng = np.random.default_rng(2)
    data = random_data()
    frequency = np.abs(np.fft.fftfreq(SAMPLES)) * 300
    filters = {}
    for k in range(4):  # no symmetry: the noise is real all the same
        filters[f"alpha_{k}"] = ((0.4 + 0.1j * k) / (1 + frequency) * rng.normal(1, 0.1, SAMPLES)).astype(np.complex64)
        filters[f"beta_{k}"] = ((2 - 0.3j) / (1 + frequency**2) * rng.normal(1, 0.1, SAMPLES)).astype(np.complex64)
    expected = naive_noise(data[0], detector, filters)
    ramp = refpix(make_interleaved(data, detector), Filters(**filters), ovr_corr_mitigation_ftr=100.0)
    np.testing.assert_allclose(ramp.data[0], expected, atol=2e-4)
    assert np.abs(expected - data[0][:, layout.find_normal(AXES[detector][0])]).std() > 0.1


def test_drifts_come_off(detector="NRS1"):
    """The reference output sees the common part everywhere, an output's own references see all of it now and then."""
    clean = np.full((1, 2, ROWS, COLUMNS), 50, np.float32)
    data, common, own = clean.copy(), make_drift(4000.3), [make_drift(5 + k, 0.1 * k) for k in range(5)]
    own[0][:] = 0
    for sign, frame in zip((1, -1), data[0]):
        add_drifts(frame, detector, sign * (common + np.array(own)))
    frequency = np.minimum(np.arange(SAMPLES), SAMPLES - np.arange(SAMPLES))
    slow = (frequency < 500).astype(np.complex64)
    filters = {f"alpha_{k}": 1 - slow for k in range(4)} | {f"beta_{k}": slow * 22 / 8 for k in range(4)}
    ramp = refpix(make_interleaved(data, detector), Filters(**filters))
    left = ramp.data[0, :, :, 40:-40] - 50
    assert left.std() < 0.15 < 2.5 < (data - 50).std()


def test_filters_that_pass_nothing_leave_all_but_a_straight_line():
    data = random_data(3)
    data[0, 1] += 5  # a step from frame to frame
    normal = layout.find_normal(2)
    ramp = refpix(make_interleaved(data), Filters())
    change = (ramp.data[0] - data[0][:, normal]).mean(axis=(1, 2))
    np.testing.assert_allclose(change, [5 / 3, -10 / 3, 5 / 3], atol=0.5)
    ramp = refpix(make_interleaved(data[:, :1]), Filters())  # nothing changes within a single group
    np.testing.assert_array_equal(ramp.data, data[:, :1, normal])


def test_same_bits_for_any_number_of_threads():
    filters = Filters(alpha_0=np.full(SAMPLES, 0.3, np.complex64), beta_3=np.full(SAMPLES, 0.5, np.complex64))
    before, results = numba.get_num_threads(), []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        results.append(refpix(make_interleaved(random_data(2)), filters).data.copy())
    numba.set_num_threads(before)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("detector", AXES)
def test_bad_references_are_found(detector):
    ramp = make_interleaved(random_data(2, integrations=2), detector)
    pairs = layout.find_pairs(AXES[detector][0])
    rng = np.random.default_rng(5)
    ramp.data[1, :, pairs[2, 5]] += rng.normal(0, 100, (2, 2, COLUMNS)).astype(np.float32)  # in one integration only
    ramp.data[:, :, pairs[0, 60]] += 30
    ramp.pixeldq[pairs[4, 9, 1], 100] = dq.FLAGS["BAD_REF_PIXEL"]
    ramp.pixeldq[layout.find_normal(2)[3], 2] = BAD  # a pixel at the edge is its own business
    bad = bad_references.flag_bad_references(ramp, 5.0)
    assert set(np.flatnonzero(bad)) == {*pairs[2, 5], *pairs[0, 60], pairs[4, 9, 1]}
    assert ((ramp.pixeldq[bad] & BAD) == BAD).all()
    assert ((ramp.pixeldq[~bad] & BAD) != 0).sum() == 1


def test_clipped_statistics_by_eye():
    values = np.array([1.0, 2, 3, 2, 1, 3, 2, 100, np.nan])
    assert bad_references.clip(values, 2.0) == pytest.approx((2.0, np.sqrt(4 / 7)))
    assert np.isnan(bad_references.clip(np.array([np.nan]), 3.0)).all()


def test_replacement_by_eye():
    ramp = make_interleaved(np.arange(ROWS, dtype=np.float32)[:, None] * np.ones((1, 1, 1, COLUMNS), np.float32))
    ramp.data = np.array(ramp.data)
    block = 640 + 8 + 20 * np.arange(32)  # the first output's blocks
    bad = np.zeros(ROWS, bool)
    bad[block[3] : block[3] + 2] = True  # between good ones
    bad[block[0]] = True  # the first of the output
    bad[[block[10], block[11], block[9]]] = True  # neighbours of its own parity are bad: the other parity serves
    bad_references.replace_bad_references(ramp, bad, np.zeros(ROWS, bool))
    found = ramp.data[0, 0, :, 7]
    assert found[block[3]] == block[3] and found[block[3] + 1] == block[3] + 1
    assert found[block[0]] == block[1]
    assert found[block[10]] == block[10] + 2
    assert found[block[9]] == block[8]


def test_bad_list_of_the_reference_file():
    table = [(1, 1, 1), (2, 1, 1 << 31), (4, 2, 0b110)]
    bad = bad_references.read_bad_list(Filters(bad=table), 2)
    # In even outputs parities are counted the other way round.
    places = [648, 649, 1280 + 8 + 620 + 2, 1280 + 8 + 620 + 3, 2560 + 28, 2560 + 29, 2560 + 48, 2560 + 49]
    assert np.flatnonzero(bad).tolist() == places
    np.testing.assert_array_equal(bad_references.read_bad_list(Filters(bad=table), -2), bad[::-1])


@pytest.mark.parametrize("apart", [True, False])
def test_means_of_outputs(apart):
    fast, _ = AXES["NRS2"]
    output, parity = np.arange(ROWS) // 640, layout.find_parity(fast)
    level = np.random.default_rng(1).normal(0, 50, (5, 2))[output, parity if apart else 0 * parity]
    ramp = make_interleaved(np.broadcast_to(level[:, None] + np.float32(7), (1, 1, ROWS, COLUMNS)), "NRS2")
    ramp.zeroframe = ramp.data[0].copy()
    ramp.zeroframe[0, 5, 5] = 0
    ramp.data[0, 0, :, 2] += 1e5  # not used
    ramp.pixeldq[:, 2] |= dq.DO_NOT_USE
    ramp.data[0, 0, 300, 0] += 1e5  # clipped
    ramp.data[0, 0, 1000, 1000] += 9
    correction.subtract_means(ramp, 3.0, apart)
    found = ramp.data[0, 0]
    assert found[1000, 1000] == pytest.approx(9, abs=1e-3)
    np.testing.assert_allclose(np.delete(found, [0, 2, 1000], axis=1), 0, atol=1e-3)
    assert ramp.zeroframe[0, 5, 5] == 0


def test_preserved_references():
    data = random_data()
    filters = {f"alpha_{k}": np.full(SAMPLES, 0.2, np.complex64) for k in range(4)}
    kept = refpix(make_interleaved(data), Filters(**filters), preserve_irs2_refpix=True)
    cropped = refpix(make_interleaved(data), Filters(**filters))
    normal, interleaved = layout.find_normal(2), layout.find_interleaved(2)
    assert kept.data.shape == (1, 2, ROWS, COLUMNS) and kept.pixeldq.shape == (ROWS, COLUMNS)
    np.testing.assert_array_equal(kept.data[:, :, normal], cropped.data)
    own = np.flatnonzero(interleaved & layout.find_outputs(2))
    assert abs(kept.data[:, :, own].mean()) < 0.1  # without their mean
    assert abs(kept.data[:, :, :640].mean() - 100) < 0.1
    pixels = np.flatnonzero(~interleaved[:640])
    # Of the reference output pixels' turns lose a straight line only, others are filled.
    assert np.abs(kept.data[:, :, pixels] - data[:, :, pixels]).max() < 2
    assert np.abs(kept.data[:, :, :640][:, :, interleaved[:640]] - data[:, :, :640][:, :, interleaved[:640]]).max() > 5


def test_without_a_reference_rows_are_dropped_all_the_same():
    data = random_data(1)
    ramp = make_interleaved(data)
    with pytest.raises(StepSkipped, match="no refpix reference"):
        refpix(ramp)
    np.testing.assert_array_equal(ramp.data, data[:, :, layout.find_normal(2)])
    assert ramp.groupdq.shape == ramp.data.shape


@pytest.mark.parametrize("keywords", [{"NRS_NORM": 32}, {"NRS_REF": 8}, {"FASTAXIS": 1, "SLOWAXIS": 2}])
def test_other_layouts_are_refused(keywords):
    with pytest.raises(JwcalError, match="not supported"):
        refpix(make_interleaved(np.zeros((1, 1, ROWS, COLUMNS), np.float32), **keywords), Filters())


def test_reference_of_another_length_is_refused():
    class Short(Filters):
        def table(self, extname):
            return super().table(extname)[:100]

    with pytest.raises(JwcalError, match="table IRS2 has 100 rows"):
        noise.read_filters(Short())


def small(data, normal):
    """The same exposure without interleaved rows."""
    return make_ramp(data[:, :, normal], **(NIRSPEC | {"READPATT": "NRSRAPID", "FASTAXIS": -2, "SLOWAXIS": -1}))


def test_saturation_looks_at_pixels_only(tmp_path):
    normal = layout.find_normal(-2)
    data = random_data(3, seed=3)
    rng = np.random.default_rng(4)
    for g in range(3):
        data[0, g, rng.integers(0, ROWS, 300), rng.integers(0, COLUMNS, 300)] = 1000
        data[0, g, rng.integers(0, ROWS, 300), rng.integers(0, COLUMNS, 300)] = -5
    threshold = np.full((2048, 2048), 500, np.float32)
    threshold[5, 5] = np.nan
    reference = write_reference(tmp_path / "saturation.fits", "saturation", SCI=threshold)
    bias = write_reference(tmp_path / "superbias.fits", "superbias", SCI=np.full((ROWS, COLUMNS), 20, np.float32))
    other = write_reference(tmp_path / "bias.fits", "superbias", SCI=np.full((2048, 2048), 20, np.float32))
    ramp = saturation(make_interleaved(data, "NRS2", NFRAMES=5), reference, bias)
    expected = saturation(make_ramp(data[:, :, normal], NFRAMES=5), reference, other)
    np.testing.assert_array_equal(ramp.groupdq[:, :, normal], expected.groupdq)
    assert not np.delete(ramp.groupdq, normal, axis=2).any()
    assert ramp.pixeldq[normal[5], 5] == dq.FLAGS["NO_SAT_CHECK"]
    assert (expected.groupdq != 0).sum() > 1000


def test_coupling_knows_pixels_only(tmp_path):
    normal, data = layout.find_normal(-2), random_data(1)
    kernel = np.array([[0, -0.01, 0], [-0.02, 1.06, -0.02], [0, -0.01, 0]])
    reference = write_reference(tmp_path / "ipc.fits", "ipc", SCI=kernel)
    ramp, expected = ipc(make_interleaved(data, "NRS2"), reference), ipc(small(data, normal), reference)
    np.testing.assert_array_equal(ramp.data[:, :, normal], expected.data)
    np.testing.assert_array_equal(np.delete(ramp.data, normal, axis=2), np.delete(data, normal, axis=2))
