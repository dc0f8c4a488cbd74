"""ipc, superbias, linearity, dark_current: each undoes what was added; neutral references change nothing."""

import numpy as np
import pytest
from naive_detector import SAT, make_ramp, naive_convolve, write_reference

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.steps.dark_current import dark_current
from jwcal.steps.ipc import ipc
from jwcal.steps.linearity import linearity
from jwcal.steps.superbias import superbias

RNG = np.random.default_rng(11)
CLEAN = np.round(np.cumsum(RNG.uniform(10, 99, (2, 5, 12, 10)), axis=1)).astype(np.float32)


def test_ipc_undoes_the_coupling(tmp_path):
    alpha = 0.005
    couple = np.array([[0, alpha, 0], [alpha, 1 - 4 * alpha, alpha], [0, alpha, 0]])
    undo = np.array([[0, -alpha, 0], [-alpha, 1 + 4 * alpha, -alpha], [0, -alpha, 0]])
    reference = write_reference(tmp_path / "ipc.fits", "ipc", SCI=undo)
    data = CLEAN.copy()
    for i, g in np.ndindex(2, 5):
        data[i, g] = naive_convolve(CLEAN[i, g], couple[:, :, None, None], (0, 12), (0, 10))
    ramp = ipc(make_ramp(data, SUBSTRT1=100, SUBSTRT2=200), reference)
    inner = np.s_[:, :, 2:-2, 2:-2]
    assert np.abs(ramp.data - CLEAN)[inner].max() < 0.05 * np.abs(data - CLEAN)[inner].max()


@pytest.mark.parametrize(
    ("keywords", "rows", "columns"),
    [
        ({"SUBSTRT1": 1, "SUBSTRT2": 1}, (4, 12), (4, 10)),
        ({"SUBSTRT1": 2039, "SUBSTRT2": 2037}, (0, 8), (0, 6)),
        ({"SUBSTRT1": 1, "SUBSTRT2": 1, "INSTRUME": "MIRI"}, (0, 12), (4, 10)),
        ({"SUBSTRT1": 1023, "SUBSTRT2": 1, "INSTRUME": "MIRI"}, (0, 12), (0, 6)),
    ],
)
def test_ipc_leaves_reference_pixels_out(tmp_path, keywords, rows, columns):
    kernel = RNG.normal(0, 1, (3, 3))
    reference = write_reference(tmp_path / "ipc.fits", "ipc", SCI=kernel)
    ramp = ipc(make_ramp(CLEAN, **keywords), reference)
    kernel = kernel.astype(np.float32)[:, :, None, None]
    for i, g in np.ndindex(2, 5):
        np.testing.assert_allclose(
            ramp.data[i, g], naive_convolve(CLEAN[i, g], kernel, rows, columns), rtol=1e-5, atol=1e-3
        )


def test_ipc_kernel_of_each_pixel(tmp_path):
    kernel = RNG.normal(0, 1, (3, 3, 20, 18))
    reference = write_reference(tmp_path / "ipc.fits", "ipc", start=(95, 197), SCI=kernel)
    ramp = ipc(make_ramp(CLEAN[:1, :1], SUBSTRT1=100, SUBSTRT2=200), reference)
    cut = kernel.astype(np.float32)[:, :, 3:15, 5:15]
    expected = naive_convolve(CLEAN[0, 0], cut, (0, 12), (0, 10))
    np.testing.assert_allclose(ramp.data[0, 0], expected, rtol=1e-5, atol=1e-3)


def test_ipc_refuses_even_kernels(tmp_path):
    reference = write_reference(tmp_path / "ipc.fits", "ipc", SCI=np.ones((2, 3)))
    with pytest.raises(JwcalError, match="3x2 has no central pixel"):
        ipc(make_ramp(CLEAN), reference)


def test_superbias(tmp_path):
    bias, flags = RNG.normal(12000, 100, (12, 10)).round(), np.zeros((12, 10), np.uint32)
    bias[5, 5], flags[5, 5] = np.nan, dq.FLAGS["UNRELIABLE_BIAS"]
    reference = write_reference(tmp_path / "superbias.fits", "superbias", SCI=bias, DQ=flags)
    added = np.nan_to_num(bias, nan=0.0)
    zeroframe = CLEAN[:, 0] + added
    zeroframe[1, 2, 3] = 0
    ramp = superbias(make_ramp(CLEAN + added, zeroframe), reference)
    np.testing.assert_array_equal(ramp.data, CLEAN)
    assert ramp.zeroframe[1, 2, 3] == 0 and ramp.pixeldq[5, 5] == dq.FLAGS["UNRELIABLE_BIAS"]
    ramp.zeroframe[1, 2, 3] = CLEAN[1, 0, 2, 3]
    np.testing.assert_array_equal(ramp.zeroframe, CLEAN[:, 0])


@pytest.fixture
def polynomials():
    terms = np.zeros((4, 12, 10), np.float32)
    terms[1], terms[2], terms[3] = 1, 2e-5, 1e-10
    return terms


def test_linearity_leaves_bad_pixels_and_saturated_groups(tmp_path, polynomials):
    flags = np.zeros((12, 10), np.uint32)
    polynomials[2, 0, 0], polynomials[1, 0, 1], flags[0, 2] = np.nan, 0, dq.NO_LIN_CORR
    flags[0, 3] = dq.DEAD
    reference = write_reference(tmp_path / "linearity.fits", "linearity", COEFFS=polynomials, DQ=flags)
    zeroframe = CLEAN[:, 0].copy()
    zeroframe[0, 4, 4] = 0
    ramp = make_ramp(CLEAN, zeroframe)
    ramp.groupdq[0, 3:, 6, 6] = SAT
    linearity(ramp, reference)
    expected = CLEAN + 2e-5 * CLEAN**2 + 1e-10 * CLEAN**3
    kept = np.zeros(CLEAN.shape, bool)
    kept[:, :, 0, :3] = kept[0, 3:, 6, 6] = True
    np.testing.assert_allclose(ramp.data, np.where(kept, CLEAN, expected), rtol=1e-6)
    assert ramp.pixeldq[0].tolist() == [dq.NO_LIN_CORR] * 3 + [dq.DEAD] + [0] * 6 and not ramp.pixeldq[1:].any()
    assert ramp.zeroframe[0, 4, 4] == 0
    np.testing.assert_allclose(ramp.zeroframe[1, 1:], expected[1, 0, 1:], rtol=1e-6)


def test_linearity_of_averages_uses_the_inverse(tmp_path, polynomials):
    inverse = polynomials.copy()
    inverse[2:] *= -1
    plain = write_reference(tmp_path / "plain.fits", "linearity", COEFFS=polynomials)
    both = write_reference(tmp_path / "both.fits", "linearity", COEFFS=polynomials, INV_COEFFS=inverse)
    steep = CLEAN * 10
    by_group = linearity(make_ramp(steep, NFRAMES=4), plain).data
    by_read = linearity(make_ramp(steep, NFRAMES=4), both).data
    assert 0 < np.abs(by_read / by_group - 1).max() < 0.05
    np.testing.assert_array_equal(linearity(make_ramp(steep, NFRAMES=1), both).data, by_group)
    single = linearity(make_ramp(steep[:, :1], NFRAMES=4), both).data
    np.testing.assert_array_equal(single, by_group[:, :1])


def test_linearity_inverse_alone_may_be_bad(tmp_path, polynomials):
    inverse = polynomials.copy()
    inverse[1, 3, 3] = np.nan
    both = write_reference(tmp_path / "both.fits", "linearity", COEFFS=polynomials, INV_COEFFS=inverse)
    ramp = linearity(make_ramp(CLEAN, NFRAMES=2), both)
    assert np.argwhere(ramp.pixeldq == dq.NO_LIN_CORR).tolist() == [[3, 3]] and np.isfinite(ramp.data).all()


DARK = np.cumsum(RNG.integers(1, 9, (12, 12, 10)), axis=0).astype(np.float32)


def write_dark(path, data, nframes=1, groupgap=0, start=(1, 1), **arrays):
    keywords = {"NFRAMES": nframes, "GROUPGAP": groupgap} | arrays.pop("keywords", {})
    return write_reference(path, "dark", start, keywords, SCI=data, **arrays)


def test_dark_of_the_same_cadence(tmp_path):
    flags = np.zeros((12, 10), np.uint32)
    flags[1, 1] = dq.DEAD
    dark = DARK.copy()
    dark[2, 3, 4] = np.nan
    reference = write_dark(tmp_path / "dark.fits", dark, 4, 1, DQ=flags)
    ramp = dark_current(make_ramp(CLEAN + np.nan_to_num(dark[:5], nan=0.0), NFRAMES=4, GROUPGAP=1), reference)
    np.testing.assert_array_equal(ramp.data, CLEAN)
    assert ramp.pixeldq[1, 1] == dq.DEAD and ramp.average_dark_current.shape == (12, 10)


def test_dark_is_averaged_over_the_frames_of_a_group(tmp_path):
    reference = write_dark(tmp_path / "dark.fits", DARK)
    expected = np.array([DARK[g * 3 : g * 3 + 2].mean(axis=0) for g in range(4)])
    ramp = dark_current(make_ramp(CLEAN[:, :4] + expected, NFRAMES=2, GROUPGAP=1), reference)
    np.testing.assert_array_equal(ramp.data, CLEAN[:, :4])


@pytest.mark.parametrize(("nframes", "groupgap"), [(1, 0), (4, 2), (8, 0)])
def test_short_dark_goes_on_as_it_ended(tmp_path, nframes, groupgap):
    reference = write_dark(tmp_path / "dark.fits", DARK[:3])
    long = np.concatenate([DARK[:3], DARK[2] + np.arange(1, 60)[:, None, None] * (DARK[2] - DARK[1])])
    starts = np.arange(5) * (nframes + groupgap)
    expected = np.array([long[s : s + nframes].mean(axis=0) for s in starts])
    ramp = dark_current(make_ramp(CLEAN + expected, NFRAMES=nframes, GROUPGAP=groupgap), reference)
    np.testing.assert_allclose(ramp.data, CLEAN, atol=1e-4)


def test_dark_is_cut_to_the_subarray(tmp_path):
    reference = write_dark(tmp_path / "dark.fits", DARK, start=(41, 61))
    ramp = dark_current(make_ramp(CLEAN[..., :5, :4], SUBSTRT1=44, SUBSTRT2=66), reference)
    np.testing.assert_array_equal(ramp.data, CLEAN[..., :5, :4] - DARK[:5, 5:10, 3:7])


@pytest.mark.parametrize(("start", "used"), [(1, [0, 1, 1]), (4, [1, 1, 1])])
def test_dark_of_each_integration(tmp_path, start, used):
    stack = np.array([DARK[:5], DARK[:5] * 2])
    flags = np.zeros((2, 1, 12, 10), np.uint32)
    flags[0, 0, 0, 0], flags[1, 0, 0, 0] = dq.DEAD, dq.HOT
    reference = write_dark(tmp_path / "dark.fits", stack, DQ=flags)
    clean = np.concatenate([CLEAN, CLEAN[:1]])
    ramp = dark_current(make_ramp(clean + stack[used], INTSTART=start, INSTRUME="MIRI"), reference)
    np.testing.assert_array_equal(ramp.data, clean)
    assert ramp.pixeldq[0, 0] == dq.DEAD | dq.HOT


@pytest.mark.parametrize("cadence", [(4, 0), (1, 3), (2, 1)])
def test_dark_that_cannot_be_matched_changes_nothing(tmp_path, cadence):
    ramp = make_ramp(CLEAN, NFRAMES=2, GROUPGAP=2)
    with pytest.raises(StepSkipped, match="cannot be averaged"):
        dark_current(ramp, write_dark(tmp_path / "dark.fits", DARK, *cadence))
    np.testing.assert_array_equal(ramp.data, CLEAN)
    assert ramp.average_dark_current is None


def test_one_group_of_dark_is_too_short(tmp_path):
    with pytest.raises(JwcalError, match="one group only"):
        dark_current(make_ramp(CLEAN), write_dark(tmp_path / "dark.fits", DARK[:1]))


def test_average_dark_current(tmp_path):
    keyword = write_dark(tmp_path / "keyword.fits", DARK, keywords={"AVDRKCUR": 0.25})
    image = write_dark(tmp_path / "image.fits", DARK, AVDRKCUR=np.full((12, 10), 0.5), keywords={"AVDRKCUR": 0.25})
    empty = write_dark(tmp_path / "empty.fits", DARK, AVDRKCUR=np.zeros((12, 10)), keywords={"AVDRKCUR": 0.25})
    values = [np.unique(dark_current(make_ramp(CLEAN), r).average_dark_current) for r in (keyword, image, empty)]
    assert values == [0.25, 0.5, 0.25]
    assert (dark_current(make_ramp(CLEAN), image, average_dark_current=2.0).average_dark_current == 2.0).all()
