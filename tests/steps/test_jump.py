"""jump: a cosmic ray and its flags read by eye, thresholds, neighbours, aftermath, clipping, what it leaves alone."""

import warnings

import numpy as np
import pytest
from astropy.io.fits.verify import VerifyWarning
from naive_detector import make_ramp, write_reference

from jwcal import dq
from jwcal.errors import StepSkipped
from jwcal.steps.jump import jump

STEP, NOISE, GAIN, TGROUP = 10.0, 5.0, 2.0, 10.0  # DN a group, DN, e-/DN, s
SIGMA = np.sqrt(STEP * GAIN + (NOISE * GAIN) ** 2) / GAIN  # of one difference, DN
CROSS = np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]], bool)


@pytest.fixture
def references(tmp_path):
    return write_maps(tmp_path, np.full((5, 5), GAIN))


def write_maps(folder, gains):
    """Gain and read-noise references."""
    noise = np.full(gains.shape, NOISE)
    gain = write_reference(folder / "gain.fits", "gain", SCI=gains)
    return gain, write_reference(folder / "readnoise.fits", "readnoise", SCI=noise)


def expose(n_groups=10, n_integrations=1, hits=(), noise=0.0, seed=1):
    """A steady ramp of 5 x 5 pixels, hit by `hits`: (integration, group, y, x, DN)."""
    steps = np.full((n_integrations, n_groups, 5, 5), STEP)
    for i, g, y, x, amplitude in hits:
        steps[i, g, y, x] += amplitude
    data = np.cumsum(steps, axis=1)
    return make_ramp(data + noise * np.random.default_rng(seed).normal(size=data.shape), TGROUP=TGROUP)


def test_finds_a_ray_and_its_neighbours(references):
    ramp = expose(hits=[(0, 4, 2, 2, 500.0)])
    before = ramp.data.copy()
    assert jump(ramp, *references) is ramp
    assert (ramp.groupdq[0, 4] == np.where(CROSS, dq.JUMP_DET, 0)).all()
    assert not ramp.groupdq[0, [0, 1, 2, 3, 5, 6, 7, 8, 9]].any() and not ramp.pixeldq.any()
    np.testing.assert_array_equal(ramp.data, before)
    assert ramp.header["PRIMECRS"] == pytest.approx(1e3 / (9 * TGROUP * 25)) and ramp.header["EXTNCRS"] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", VerifyWarning)  # comments fit on their cards
        str(ramp.header)


def test_steady_ramp_keeps_its_flags(references):
    ramp = expose(n_integrations=2)
    ramp.groupdq[0, 3, 1, 1] = dq.DO_NOT_USE
    ramp.groupdq[1, 5:, 2, 3] = dq.SATURATED
    before = ramp.groupdq.copy()
    np.testing.assert_array_equal(jump(ramp, *references).groupdq, before)


@pytest.mark.parametrize("sigmas, whole", [(8.0, False), (20.0, True), (2000.0, False)])
def test_only_some_jumps_disturb_neighbours(references, sigmas, whole):
    found = jump(expose(hits=[(0, 4, 2, 2, sigmas * SIGMA)]), *references).groupdq[0, 4] != 0
    assert found[2, 2] and found.sum() == (5 if whole else 1)


def test_neighbours_can_be_left_alone(references):
    ramp = jump(expose(hits=[(0, 4, 0, 0, 500.0)]), *references, flag_4_neighbors=False)
    np.testing.assert_array_equal(np.argwhere(ramp.groupdq), [[0, 4, 0, 0]])


@pytest.mark.parametrize("n_groups, threshold", [(3, 6.0), (4, 5.0), (5, 4.0), (10, 4.0), (20, 4.0)])
@pytest.mark.parametrize("excess", [0.97, 1.03])
def test_threshold_depends_on_the_number_of_groups(references, n_groups, threshold, excess):
    ramp = jump(expose(n_groups, hits=[(0, 2, 1, 3, excess * threshold * SIGMA)]), *references)
    assert (ramp.groupdq[0, 2, 1, 3] == dq.JUMP_DET) == (excess > 1)
    assert ramp.groupdq.astype(bool).sum() == (excess > 1)


def test_several_rays_on_one_pixel(references):
    ramp = jump(expose(8, hits=[(0, 2, 2, 2, 300.0), (0, 5, 2, 2, 90.0)]), *references, flag_4_neighbors=False)
    np.testing.assert_array_equal(np.flatnonzero(ramp.groupdq[0, :, 2, 2]), [2, 5])


def test_flags_no_lost_groups(references):
    ramp = expose(hits=[(0, 4, 2, 2, 500.0)])
    ramp.groupdq[0, 4, 1, 2] = dq.DO_NOT_USE
    ramp.groupdq[0, 4:, 3, 2] = dq.SATURATED
    jump(ramp, *references)
    assert ramp.groupdq[0, 4, 1, 2] == dq.DO_NOT_USE and ramp.groupdq[0, 4, 3, 2] == dq.SATURATED
    assert ramp.groupdq[0, 4, 2, 1] == dq.JUMP_DET


def test_nan_samples_are_no_jumps(references):
    ramp = expose(hits=[(0, 4, 2, 2, 500.0)])
    ramp.data[0, 7, 0, 0] = np.nan
    ramp.data[0, :, 4, 4] = np.nan
    found = jump(ramp, *references).groupdq
    assert found[0, 4, 2, 2] == dq.JUMP_DET and not found[0, :, 0, 0].any() and not found[0, :, 4, 4].any()


def test_pixels_without_gain_are_not_used(tmp_path):
    gains = np.full((5, 5), GAIN)
    gains[0, 0], gains[1, 1], gains[2, 2] = 0, -1, np.nan
    ramp = jump(expose(), *write_maps(tmp_path, gains))
    expected = np.zeros((5, 5), np.uint32)
    expected[[0, 1, 2], [0, 1, 2]] = dq.NO_GAIN_VALUE | dq.DO_NOT_USE
    np.testing.assert_array_equal(ramp.pixeldq, expected)


def test_flags_groups_after_large_jumps(references):
    hits = [(0, 3, 2, 2, 500.0), (0, 3, 0, 0, 100.0)]
    settings = {"after_jump_flag_dn1": 200.0, "after_jump_flag_time1": 2.5 * TGROUP, "flag_4_neighbors": False}
    ramp = jump(expose(hits=hits), *references, **settings)
    np.testing.assert_array_equal(np.flatnonzero(ramp.groupdq[0, :, 2, 2]), [3, 4, 5])
    np.testing.assert_array_equal(np.flatnonzero(ramp.groupdq[0, :, 0, 0]), [3])


@pytest.mark.parametrize("settings", [{}, {"only_use_ints": False, "minimum_sigclip_groups": 600}])
def test_clips_over_many_integrations(references, settings):
    ramp = expose(4, 150, [(40, 2, 3, 1, 500.0)], noise=2.0)
    jump(ramp, *references, flag_4_neighbors=False, rejection_threshold=6.0, **settings)
    np.testing.assert_array_equal(np.argwhere(ramp.groupdq), [[40, 2, 3, 1]])
    assert ramp.groupdq[40, 2, 3, 1] == dq.JUMP_DET


def test_honours_minimum_groups(references):
    ramp = jump(expose(6, hits=[(0, 3, 2, 2, 500.0)]), *references, minimum_groups=7)
    assert not ramp.groupdq.any() and ramp.header["PRIMECRS"] == 0


def test_needs_three_groups(references):
    ramp = expose(2, hits=[(0, 1, 2, 2, 500.0)])
    ramp.pixeldq[:] = 8
    with pytest.raises(StepSkipped, match="3 groups"):
        jump(ramp, *references)
    assert not ramp.groupdq.any() and (ramp.pixeldq == 8).all() and "PRIMECRS" not in ramp.header


def test_everything_saturated(references):
    ramp = expose(5)
    ramp.groupdq[:] = dq.SATURATED
    jump(ramp, *references, expand_large_events=True, find_showers=True)
    assert (ramp.groupdq == dq.SATURATED).all()
