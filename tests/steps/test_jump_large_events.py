"""jump's large events: snowballs with their cores, halos and aftermath; showers in noise."""

import numpy as np
import pytest
from naive_detector import make_ramp, write_reference

from jwcal import dq
from jwcal.steps.jump import jump

SIZE, STEP, TGROUP = 96, 10.0, 10.0
HIT = 3
Y, X = np.mgrid[:SIZE, :SIZE]


@pytest.fixture
def references(tmp_path):
    gain = write_reference(tmp_path / "gain.fits", "gain", SCI=np.full((SIZE, SIZE), 2.0))
    return gain, write_reference(tmp_path / "readnoise.fits", "readnoise", SCI=np.full((SIZE, SIZE), 5.0))


def disc(y, x, radius):
    return (Y - y) ** 2 + (X - x) ** 2 <= radius**2


def expose(n_groups=6, n_integrations=1, noise=0.0):
    data = np.cumsum(np.full((n_integrations, n_groups, SIZE, SIZE), STEP), axis=1)
    return make_ramp(data + noise * np.random.default_rng(5).normal(size=data.shape), TGROUP=TGROUP)


def throw(ramp, y, x, core, halo, integration=0, at=HIT):
    """Hit a ramp with a snowball: its halo jumps, its core is saturated from then on."""
    ramp.data[integration, at:, disc(y, x, halo)] += 400.0
    if core:
        ramp.groupdq[integration, at:, disc(y, x, core)] |= dq.SATURATED
    return ramp


def find(ramp, references, **settings):
    """Jumps [group, y, x] of the first integration, and saturated samples, after the search for snowballs."""
    flags = jump(ramp, *references, expand_large_events=True, flag_4_neighbors=False, **settings).groupdq[0]
    return flags & dq.JUMP_DET != 0, flags & dq.SATURATED != 0


def count(ramp):
    """Number of large events, from the rate in the header."""
    n_integrations, n_groups = ramp.data.shape[:2]
    return round(ramp.header["EXTNCRS"] * TGROUP * n_integrations * (n_groups - 1) * SIZE**2 / 1e6)


def test_round_snowball_is_grown(references):
    ramp = throw(expose(), 48, 50, core=4, halo=10)
    jumps, saturated = find(ramp, references)
    assert count(ramp) == 1
    flagged = jumps[HIT] | saturated[HIT]
    assert flagged[disc(48, 50, 18)].all() and not flagged[~disc(48, 50, 23)].any()
    np.testing.assert_array_equal(flagged[48:96, 2:], flagged[48:0:-1, 2:])  # round: the same mirrored at its row
    assert not np.delete(jumps, HIT, axis=0).any()


def test_core_is_enlarged_for_the_rest_of_the_integration(references):
    _, saturated = find(throw(expose(), 48, 50, core=4, halo=10), references, sat_expand=3)
    assert not saturated[:HIT].any()
    for group in saturated[HIT:]:
        assert group[disc(48, 50, 5.5)].all() and not group[~disc(48, 50, 7.5)].any()


def test_small_core_is_not_enlarged(references):
    ramp = throw(expose(), 48, 50, core=1, halo=10)
    before = ramp.groupdq & dq.SATURATED != 0
    jumps, saturated = find(ramp, references)
    np.testing.assert_array_equal(saturated, before[0])
    assert jumps[HIT].sum() > 2 * disc(48, 50, 10).sum()


def test_growth_settings(references):
    counts = []
    for settings in (
        {"expand_factor": 1.5},
        {},
        {"expand_factor": 3.0},
        {"expand_factor": 3.0, "max_extended_radius": 12},
    ):
        counts.append(find(throw(expose(), 48, 50, core=4, halo=10), references, **settings)[0][HIT].sum())
    assert counts[0] < counts[1] < counts[2] and counts[3] < counts[1]


def test_halo_without_core_is_no_snowball(references):
    ramp = throw(expose(), 48, 50, core=0, halo=10)
    jumps, _ = find(ramp, references)
    np.testing.assert_array_equal(jumps[HIT], disc(48, 50, 10))
    assert count(ramp) == 0
    ramp = throw(expose(), 48, 50, core=0, halo=10)
    assert find(ramp, references, sat_required_snowball=False)[0][HIT].sum() > 3 * disc(48, 50, 10).sum()
    assert count(ramp) == 1


def test_core_may_saturate_one_group_later(references):
    ramp = throw(expose(), 48, 50, core=0, halo=10)
    ramp.groupdq[0, HIT + 1 :, disc(48, 50, 4)] |= dq.SATURATED
    assert find(ramp, references)[0][HIT].sum() > 3 * disc(48, 50, 10).sum()


@pytest.mark.parametrize("y, x", [(48, 20), (48, 75), (20, 48), (75, 48)])
def test_near_the_edge_the_core_need_not_be_seen(references, y, x):
    ramp = throw(expose(), y, x, core=0, halo=6)
    assert find(ramp, references)[0][HIT].sum() > 3 * disc(y, x, 6).sum()
    assert find(throw(expose(), y, x, core=0, halo=6), references, edge_size=15)[0][HIT].sum() == disc(y, x, 6).sum()


def test_least_areas(references):
    ramp = throw(expose(), 48, 50, core=1, halo=4)
    find(ramp, references, min_sat_area=6)
    assert count(ramp) == 0
    ramp = throw(expose(), 48, 50, core=1, halo=4)
    find(ramp, references, min_jump_area=disc(48, 50, 4).sum() + 1)
    assert count(ramp) == 0
    ramp = throw(expose(), 48, 50, core=1, halo=4)
    find(ramp, references, min_jump_area=disc(48, 50, 4).sum())  # the hole counts
    assert count(ramp) == 1


@pytest.mark.parametrize("groups", [0, 2, 400])
def test_core_is_masked_in_the_next_integration(references, groups):
    ramp = throw(expose(n_integrations=3), 48, 50, core=5, halo=12)
    find(ramp, references, snowball_time_masked_next_int=int(groups * TGROUP), sat_expand=4)
    masked = ramp.groupdq[1] & dq.JUMP_DET != 0
    assert not masked[0].any() and not masked[min(max(groups, 1), 6) :].any() and not ramp.groupdq[2].any()
    for group in masked[1 : min(groups, 6)]:
        assert group[disc(48, 50, 3.5)].all() and not group[~disc(48, 50, 5.5)].any()


def test_masking_can_be_switched_off(references):
    ramp = throw(expose(n_integrations=2), 48, 50, core=5, halo=12)
    find(ramp, references, mask_snowball_core_next_int=False)
    assert not ramp.groupdq[1].any()


def rain(ramp, y, x, amplitude, at=HIT, radius=9):
    """Add a faint extended shower."""
    ramp.data[0, at:, disc(y, x, radius)] += amplitude
    return ramp


def shower(ramp, references, **settings):
    flags = jump(ramp, *references, find_showers=True, **settings).groupdq[0]
    return flags & dq.JUMP_DET != 0


def test_shower_is_found_in_noise(references):
    ramp = rain(expose(20, noise=3.0), 40, 50, 20.0)
    found = shower(ramp, references, max_shower_amplitude=10.0, time_masked_after_shower=25.0)
    assert count(ramp) == 1
    inside, far = disc(40, 50, 7), ~disc(40, 50, 14)
    for g in range(20):
        assert found[g][far].mean() < 0.01
        assert (found[g][inside].mean() > 0.95) == (HIT <= g <= HIT + 2)


def test_no_shower_in_noise_alone(references):
    ramp = expose(20, noise=3.0)
    without = jump(expose(20, noise=3.0), *references).groupdq
    shower(ramp, references)
    np.testing.assert_array_equal(ramp.groupdq, without)
    assert count(ramp) == 0


def test_showers_cannot_change_rates_by_more_than_their_amplitude(references):
    ramp = rain(expose(20, noise=3.0), 40, 50, 20.0)
    without = jump(rain(expose(20, noise=3.0), 40, 50, 20.0), *references).groupdq
    shower(ramp, references, max_shower_amplitude=1e-4)
    assert (ramp.groupdq != without).sum() < 30


def test_small_showers_and_short_exposures_are_left_alone(references):
    ramp = rain(expose(20, noise=3.0), 40, 50, 20.0)
    shower(ramp, references, extend_min_area=1000)
    assert count(ramp) == 0
    ramp = rain(expose(8, noise=3.0), 40, 50, 20.0)
    shower(ramp, references)
    assert count(ramp) == 0
