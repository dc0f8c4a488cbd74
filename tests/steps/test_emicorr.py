"""emicorr: waves that were added come off again, with both algorithms; what cannot be corrected is said."""

import numpy as np
import pytest
from naive_miri import make_miri_ramp

from jwcal import asdffiles
from jwcal.errors import JwcalError, StepSkipped
from jwcal.references import Reference
from jwcal.simulate.miri_effects import add_interference, count_clocks, draw_wave, measure_interference, time_pixels
from jwcal.steps.emicorr import emicorr

ROWS, ROW_CLOCKS, BINS = 64, 28, 500
FRAME = count_clocks(ROWS, ROW_CLOCKS)


def write_waves(path, names=("Hz390",), **changes):
    """A reference with the simulator's waves for SUB64, changed as given."""
    phase = (np.arange(BINS) + 0.5) / BINS
    described = {
        name: {"frequency": frequency, "phase_amplitudes": draw_wave(name, phase)}
        for name, frequency in (("Hz390", 390.625), ("Hz10", 10.039216))
    }
    case = {"rowclocks": ROW_CLOCKS, "frameclocks": FRAME, "freqs": {"FAST": list(names)}}
    tree = {"frequencies": described, "subarray_cases": {"SUB64": case}} | changes
    path.write_bytes(asdffiles.encode(tree))
    return Reference(path, "emicorr")


@pytest.fixture
def reference(tmp_path):
    return write_waves(tmp_path / "emicorr.asdf")


def make_ramps(groups=10, integrations=2, noise=1.0, pause=True, scale=1.0, phases=(0.3,)):
    """A ramp with interference (390 Hz, then 10 Hz) at the phases given, and the same one without."""
    size, rng = (ROWS, 72), np.random.default_rng(5)
    slope = rng.uniform(5, 9, size)
    slope[20:24, 20:24] += 900  # a star
    clean = 9000 + slope * np.arange(1, groups + 1)[:, None, None] + rng.normal(0, noise, (integrations, groups, *size))
    data = clean.astype(np.float32)
    clocks = time_pixels(size, ROW_CLOCKS, 1)
    for i, g in np.ndindex(integrations, groups):
        now = clocks + (i * (groups + pause) + g) * FRAME
        for name, phase in zip(("Hz390", "Hz10"), phases, strict=False):
            add_interference(data[i, g], scale * measure_interference(name, now, phase))
    return make_miri_ramp(data, READPATT="FASTR1" if pause else "FAST"), clean


def remain(ramp, clean):
    """Standard deviation of what differs from the clean ramp apart from a straight line in each pixel, DN."""
    left = ramp.data - clean
    groups = np.arange(left.shape[1]) - (left.shape[1] - 1) / 2
    slope = np.tensordot(left, groups, (1, 0)) / (groups**2).sum()
    left = left - left.mean(axis=1, keepdims=True) - slope[:, None] * groups[:, None, None]
    return left.std()


@pytest.mark.parametrize("pause", [True, False])
@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({}, 0.02),
        ({"fit_ints_separately": True}, 0.05),
        ({"algorithm": "sequential"}, 0.1),
        ({"algorithm": "sequential", "scale_reference": False, "nints_to_phase": 2}, 0.1),
        ({"algorithm": "sequential", "use_n_cycles": None}, 0.1),
        ({"onthefly_corr_freq": [390.625], "use_n_cycles": None}, 0.2),
    ],
)
def test_waves_come_off(reference, settings, limit, pause):
    ramp, clean = make_ramps(pause=pause)
    before = remain(ramp, clean)
    result = emicorr(ramp, reference, **settings)
    assert result is ramp and before > 1.5
    assert remain(ramp, clean) < limit


def test_one_wave_after_the_other(tmp_path):
    """The slow wave is nearly straight over a frame of the subarray: only the joint fit finds it."""
    for settings, least, most in (({}, 0.0, 0.05), ({"algorithm": "sequential"}, 0.9, 1.2)):
        ramp, clean = make_ramps(phases=(0.3, 0.6))
        left = remain(emicorr(ramp, write_waves(tmp_path / "emicorr.asdf", ["Hz390", "Hz10"]), **settings), clean)
        assert least <= left < most


def test_three_groups_suffice_jointly(reference):
    ramp, clean = make_ramps(groups=3, integrations=1)
    before = remain(ramp, clean)
    assert remain(emicorr(ramp, reference), clean) < 0.2 * before


def test_amplitude_is_fitted_unless_it_is_kept(reference):
    for settings, limit in (({}, 0.02), ({"algorithm": "sequential"}, 0.1)):
        ramp, clean = make_ramps(scale=2.0)
        assert remain(emicorr(ramp, reference, **settings), clean) < limit
    ramp, clean = make_ramps(scale=2.0)
    assert remain(emicorr(ramp, reference, algorithm="sequential", scale_reference=False), clean) > 1.5


def test_integrations_have_phases_of_their_own(reference):
    ramp, clean = make_ramps()
    other, _ = make_ramps(phases=(0.7,))
    ramp.data[1] = other.data[1]  # same noise
    copy = make_miri_ramp(ramp.data)
    assert remain(emicorr(ramp, reference), clean) > 1
    assert remain(emicorr(copy, reference, fit_ints_separately=True), clean) < 0.05


def test_more_bins_show_more_of_the_wave(reference):
    left = []
    for nbins in (2, 64):
        ramp, clean = make_ramps()
        left.append(remain(emicorr(ramp, onthefly_corr_freq=[390.625], nbins=nbins), clean))
    assert left[1] < 0.9 * left[0]


def test_fewer_integrations_are_folded(reference):
    tables = []
    for count in (1, 2):
        ramp, _ = make_ramps(noise=5.0)
        tables.append(emicorr(ramp, onthefly_corr_freq=[390.625], nints_to_phase=count).data)
    assert not np.array_equal(*tables)


def test_flagged_pixels_do_not_count(reference):
    expected = emicorr(make_ramps()[0], reference).data
    ramp, _ = make_ramps()
    ramp.data[:, ::2, 40, 30] += 5  # a scatter that would count
    ramp.pixeldq[40, 30] = 1
    data = emicorr(ramp, reference).data
    np.testing.assert_allclose(np.delete(data, 40, axis=2), np.delete(expected, 40, axis=2), atol=0.01)


def test_no_wave_nothing_to_subtract(reference):
    ramp, _ = make_ramps(scale=0.0, noise=0.0)
    before = ramp.data.copy()
    np.testing.assert_allclose(emicorr(ramp, reference).data, before, atol=2e-2)


@pytest.mark.parametrize(
    ("keywords", "groups", "settings", "why"),
    [
        ({"READPATT": "FASTGRPAVG8"}, 5, {}, "READPATT FASTGRPAVG8 is not corrected"),
        ({"READPATT": "SLOWR1"}, 5, {}, "says nothing of SUBARRAY SUB64 with READPATT SLOWR1"),
        ({"SUBARRAY": "SUB256"}, 5, {}, "says nothing of SUBARRAY SUB256"),
        ({"SUBARRAY": "GENERIC"}, 5, {"onthefly_corr_freq": [10.0]}, "clocks of SUBARRAY GENERIC are not known"),
        ({}, 2, {}, "needs 3 groups, the exposure has 2"),
        ({}, 3, {"algorithm": "sequential"}, "needs 4 groups, the exposure has 3"),
    ],
)
def test_what_is_skipped(reference, keywords, groups, settings, why):
    ramp, _ = make_ramps(groups=groups, integrations=1)
    ramp.header.update(keywords)
    with pytest.raises(StepSkipped, match=why):
        emicorr(ramp, reference, **settings)


def test_no_reference():
    with pytest.raises(StepSkipped, match="there is no reference"):
        emicorr(make_ramps()[0])


def test_waves_that_are_not_described(tmp_path):
    with pytest.raises(JwcalError, match="frequency Hz5 is named but not described"):
        emicorr(make_ramps()[0], write_waves(tmp_path / "emicorr.asdf", ["Hz5"]))
    with pytest.raises(JwcalError, match="case SUB64 lacks rowclocks"):
        case = {"SUB64": {"frameclocks": 1, "freqs": {"FAST": ["Hz390"]}}}
        emicorr(make_ramps()[0], write_waves(tmp_path / "emicorr.asdf", subarray_cases=case))
    with pytest.raises(JwcalError, match="-1 Hz makes no sense"):
        emicorr(make_ramps()[0], onthefly_corr_freq=[-1])
