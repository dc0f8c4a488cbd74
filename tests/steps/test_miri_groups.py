"""firstframe, lastframe, reset, rscd: which groups of MIRI's ramps are left out, and what comes off the first ones."""

import numba
import numpy as np
import pytest
from astropy.io import fits
from naive_detector import DNU, SAT, write_reference
from naive_miri import flag_groups, make_miri_ramp, naive_groups_left_out

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.fitsfiles import Extension, write_fits
from jwcal.references import Reference
from jwcal.steps.firstframe import firstframe
from jwcal.steps.lastframe import lastframe
from jwcal.steps.reset import reset
from jwcal.steps.rscd import rscd

RNG = np.random.default_rng(3)
CLEAN = RNG.integers(0, 9000, (3, 6, 5, 4)).astype(np.float32)


def test_lastframe_flags_the_last_group():
    ramp = lastframe(make_miri_ramp(CLEAN))
    assert (ramp.groupdq[:, -1] == DNU).all() and not ramp.groupdq[:, :-1].any()
    with pytest.raises(StepSkipped, match="needs 3 groups, the exposure has 2"):
        lastframe(make_miri_ramp(CLEAN[:, :2]))


def test_firstframe_flags_the_first_group_but_of_bright_pixels():
    ramp = make_miri_ramp(CLEAN)
    ramp.groupdq[1, 2:, 3, 3] = SAT
    ramp.groupdq[2, 3:, 0, 0] = SAT
    firstframe(ramp)
    expected = np.full((3, 5, 4), DNU)
    expected[1, 3, 3] = 0
    np.testing.assert_array_equal(ramp.groupdq[:, 0], expected)
    assert not (ramp.groupdq[:, 1:] & DNU).any()
    assert np.argwhere(ramp.pixeldq).tolist() == [[3, 3]] and ramp.pixeldq[3, 3] == dq.FLUX_ESTIMATED


def test_firstframe_of_bright_pixels_too():
    ramp = make_miri_ramp(CLEAN)
    ramp.groupdq[1, 2:, 3, 3] = SAT
    firstframe(ramp, bright_use_group1=False)
    assert (ramp.groupdq[:, 0] == DNU).all() and not ramp.pixeldq.any()
    with pytest.raises(StepSkipped, match="needs 4 groups, the exposure has 3"):
        firstframe(make_miri_ramp(CLEAN[:, :3]))


# ---- reset ----


@pytest.mark.parametrize(("start", "used"), [(1, [0, 1, 1]), (2, [1, 1, 1]), (7, [1, 1, 1])])
def test_reset_undoes_the_anomaly(tmp_path, start, used):
    anomaly = RNG.integers(-99, 99, (2, 4, 5, 4)).astype(np.float32)
    anomaly[0, 0, 1, 1] = np.nan
    flags = np.zeros((5, 4), np.uint32)
    flags[2, 2] = dq.FLAGS["UNRELIABLE_BIAS"]
    reference = write_reference(tmp_path / "reset.fits", "reset", SCI=anomaly, DQ=flags)
    data = CLEAN.copy()
    data[:, :4] += np.nan_to_num(anomaly[used], nan=0.0)
    ramp = reset(make_miri_ramp(data, INTSTART=start), reference)
    np.testing.assert_array_equal(ramp.data, CLEAN)
    np.testing.assert_array_equal(ramp.pixeldq, flags)


def test_reset_knows_more_than_it_needs(tmp_path):
    anomaly = RNG.integers(-99, 99, (5, 9, 8, 8)).astype(np.float32)
    reference = write_reference(tmp_path / "reset.fits", "reset", start=(11, 21), SCI=anomaly)
    ramp = reset(make_miri_ramp(CLEAN, SUBSTRT1=13, SUBSTRT2=22), reference)
    np.testing.assert_array_equal(ramp.data, CLEAN - anomaly[:3, :6, 1:6, 2:6])


def test_reset_of_another_shape_is_refused(tmp_path):
    reference = write_reference(tmp_path / "reset.fits", "reset", SCI=np.zeros((2, 5, 4)))
    with pytest.raises(JwcalError, match=r"has shape \(2, 5, 4\)"):
        reset(make_miri_ramp(CLEAN), reference)


# ---- rscd ----


def write_skips(path, *rows):
    columns = [("subarray", "S17"), ("readpatt", "S12"), ("group_skip1", "i4"), ("group_skip", "i4")]
    table = np.array(list(rows), columns)
    write_fits(path, [Extension("PRIMARY", header=fits.Header()), Extension("RSCD_GROUP_SKIP", table)])
    return Reference(path, "rscd")


@pytest.fixture
def skips(tmp_path):
    rows = [("FULL", "FASTR1", 9, 9), ("SUB64", "FASTR1", 1, 4), ("SLITLESSPRISM", "FASTR1", -1, 3)]
    return write_skips(tmp_path / "rscd.fits", *rows, ("SUB64", "SLOWR1", 0, 0))


def left_out(ramp):
    """Number of first groups left out in each integration, where all pixels lose the same."""
    counts = (ramp.groupdq & DNU != 0).sum(axis=1)
    assert (counts == counts[:, :1, :1]).all()
    np.testing.assert_array_equal(ramp.groupdq, flag_groups(ramp.groupdq & ~np.uint8(DNU), counts))
    return counts[:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("groups", "keywords", "expected"),
    [
        (12, {}, [1, 4, 4]),
        (12, {"INTSTART": 4, "NINTS": 6}, [4, 4, 4]),
        (12, {"SUBARRAY": "SUBPRISM"}, [1, 3, 3]),
        (12, {"READPATT": "SLOWR1"}, [0, 0, 0]),
        (11, {"SUBARRAY": "FULL"}, [8, 8, 8]),
        (6, {}, [1, 3, 3]),
        (5, {}, [1, 1, 1]),
        (5, {"READPATT": "SLOWR1"}, [1, 1, 1]),
        (4, {}, [1, 1, 1]),
        (3, {}, [0, 0, 0]),
    ],
)
def test_rscd_leaves_out_as_many_as_the_table_says(skips, groups, keywords, expected):
    ramp = rscd(make_miri_ramp(np.zeros((3, groups, 4, 3)), **keywords), skips)
    assert left_out(ramp) == expected
    assert ramp.header["INT2SKIP"] == expected[1] and ramp.header.get("INT1SKIP", 1) in (0, 1, 8)
    assert not ramp.pixeldq.any()


def test_rscd_of_a_single_integration(skips):
    ramp = rscd(make_miri_ramp(np.zeros((1, 12, 4, 3))), skips)
    assert left_out(ramp) == [1] and "INT2SKIP" not in ramp.header


def make_bright_ramp():
    ramp = make_miri_ramp(np.zeros((4, 10, 9, 8)))
    first = np.random.default_rng(5).integers(0, 12, (4, 9, 8))  # group at which each pixel saturates
    number = np.arange(10)[:, None, None]
    ramp.groupdq[number >= first[:, None]] = SAT
    return ramp


def test_rscd_keeps_more_groups_of_bright_pixels(skips):
    ramp = make_bright_ramp()
    before = ramp.groupdq.copy()
    counts = np.empty((4, 9, 8), int)
    for i, y, x in np.ndindex(counts.shape):
        counts[i, y, x] = naive_groups_left_out(before[i, :, y, x], 1 if i == 0 else 4)
    rscd(ramp, skips)
    np.testing.assert_array_equal(ramp.groupdq, flag_groups(before, counts))
    kept_more = counts < np.array([1, 4, 4, 4])[:, None, None]
    assert kept_more[0].any() and kept_more[1:].any() and not kept_more.any(axis=0).all()
    np.testing.assert_array_equal(ramp.pixeldq, np.where(kept_more.any(axis=0), dq.FLUX_ESTIMATED, 0))
    assert ramp.header["INT1BORS"] == ramp.header["INT1UGP1"] == kept_more[0].sum()
    assert ramp.header["INT2BORS"] == kept_more[1:].any(axis=0).sum()
    assert ramp.header["INT2UGP1"] == (counts[1:] == 0).any(axis=0).sum() > 0


def test_rscd_with_any_number_of_threads(skips):
    before, results = numba.get_num_threads(), []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        results.append(rscd(make_bright_ramp(), skips).groupdq)
    numba.set_num_threads(before)
    np.testing.assert_array_equal(*results)


def test_rscd_skips_what_it_does_not_know(skips):
    with pytest.raises(StepSkipped, match="nothing of SUBARRAY SUB128 with READPATT FASTR1"):
        rscd(make_miri_ramp(CLEAN, SUBARRAY="SUB128"), skips)
    with pytest.raises(StepSkipped, match="needs 3 groups, the exposure has 2"):
        rscd(make_miri_ramp(CLEAN[:, :2]), skips)
