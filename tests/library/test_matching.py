"""Matching of positions, and groups that are aligned by it: as tweakwcs does."""

import logging

import numpy as np
import pytest
from naive_alignment import STEPS, draw_stars, make_corrector, make_exposure, see_stars

from jwcal.alignment.groups import Group, Member, Rules, Stars, align_groups
from jwcal.alignment.matching import find_offset, list_differences, match_positions
from jwcal.alignment.pointings import Pointing
from jwcal.alignment.solutions import group_of, name_of, plane_of
from jwcal.errors import JwcalError
from jwcal.wcs import from_tree

OPTIONS = {"searchrad": 2.0, "separation": 0.3, "tolerance": 0.2, "bin_size": 0.031}
RULES = Rules(5, "rshift", 3, 3.0, False, 2.0, 0.3, 0.2)


def scatter(count, seed=1):
    return np.random.default_rng(seed).uniform(0, 30, (count, 2))


def test_differences_of_all_near_pairs():
    a, b = scatter(30, 1), scatter(40, 2)
    expected = (a[:, None] - b[None]).reshape(-1, 2)
    expected = expected[(np.abs(expected) < 3).all(axis=1)]
    found = list_differences(a, b, 3.0)
    np.testing.assert_allclose(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


@pytest.mark.parametrize("offset", [(0, 0), (1.23, -0.77), (-1.9, 1.9)])
def test_the_offset_is_found_among_strangers(offset):
    rng = np.random.default_rng(3)
    reference = np.vstack([scatter(30), scatter(20, 5)])
    positions = np.vstack([scatter(30) + offset + rng.normal(0, 0.005, (30, 2)), scatter(25, 6)])
    np.testing.assert_allclose(find_offset(positions, reference, 2.0, 0.031), offset, atol=0.06)
    found, partners = match_positions(positions, reference, **OPTIONS)
    assert np.mean(found == partners) > 0.9 and np.count_nonzero(found == partners) > 20


def test_nothing_within_reach():
    a = scatter(5)
    assert find_offset(a, a + 50, 2.0, 0.1) == (0, 0)
    assert len(match_positions(a, a + 50, **OPTIONS)[0]) == 0
    assert len(match_positions(a[:0], a, **OPTIONS)[0]) == 0


def test_a_given_offset_is_used():
    a = scatter(12)
    assert len(match_positions(a + 1.5, a, **OPTIONS, offset=(1.5, 1.5))[0]) == 12
    assert len(match_positions(a + 1.5, a, **OPTIONS, offset=(0.0, 0.0))[0]) == 0


def make_groups(detectors=("nrcb1",), stars=None, weighted=False):
    """Groups with wrong pointings, and their true exposures."""
    rng = np.random.default_rng(4)
    stars = draw_stars(120, rng, 7.0) if stars is None else stars
    groups, truths = [], []
    for number, step in enumerate(STEPS, 1):
        error = (0.0, 0.0, 0.0) if number == 1 else (*rng.normal(0, 0.05, 2), rng.normal(0, 0.01))
        members = []
        for k, detector in enumerate(detectors):
            truth = make_exposure(number, detector, step, shift_v2=2.0 * k)
            image = make_exposure(number, detector, step, error, shift_v2=2.0 * k)
            seen = see_stars(truth, stars, 0.05, rng)
            weight = rng.uniform(0.5, 2, len(seen)) if weighted else None
            pointing = Pointing(from_tree(image.wcs), plane_of(image))
            members.append(Member(name_of(image), pointing, seen["x"], seen["y"], weight))
            truths.append(from_tree(truth.wcs))
        groups.append(Group(group_of(image), members))
    return groups, truths, stars


def align_with_tweakwcs(groups, stars=None, **options):
    """The same by tweakwcs; returns its correctors."""
    from astropy.table import Table
    from tweakwcs.imalign import align_wcs
    from tweakwcs.matchutils import XYXYMatch

    logging.getLogger("tweakwcs").setLevel(logging.CRITICAL)
    correctors = []
    for group in groups:
        for m in group.members:
            table = {"x": m.x, "y": m.y} | ({} if m.weight is None else {"weight": m.weight})
            correctors.append(make_corrector(m.pointing, Table(table), m.name, group.name))
    refcat = None if stars is None else Table({"RA": stars.ra, "DEC": stars.dec})
    match = XYXYMatch(RULES.searchrad, RULES.separation, True, 0.0, 0.0, RULES.tolerance)
    align_wcs(correctors, refcat, minobj=5, match=match, fitgeom="rshift", nclip=3, sigma=(3.0, "rmse"), **options)
    return correctors


@pytest.mark.parametrize("detectors", [("nrcb1",), ("nrcb1", "nrcb2")])
@pytest.mark.parametrize("options", [{}, {"expand": True}, {"expand": True, "in_order": False}])
def test_groups_are_aligned_as_by_tweakwcs(detectors, options):
    ours, theirs = make_groups(detectors)[0], make_groups(detectors)[0]
    outcomes = align_groups(ours, RULES, **options)
    correctors = align_with_tweakwcs(
        theirs, expand_refcat=options.get("expand", False), enforce_user_order=options.get("in_order", True)
    )
    members = [(group, member) for group in ours for member in group.members]
    for (group, member), corrector in zip(members, correctors, strict=True):
        info, outcome = corrector.meta["fit_info"], outcomes[group.name]
        assert info["status"] == outcome.status
        difference = np.subtract(member.pointing.corners(), corrector.pointing.corners()) * 3.6e6
        assert np.abs(difference).max() < 1e-5  # mas
        if outcome.fit is not None:
            assert info["nmatches"] == len(outcome.matched)
            assert outcome.fit.rms == pytest.approx(info["rmse"], rel=1e-9)


def test_pointings_become_right():
    groups, truths, _ = make_groups(("nrcb1", "nrcb2"))
    before = [member.pointing.corners() for group in groups for member in group.members]
    outcomes = align_groups(groups, RULES)
    assert [o.status for o in outcomes.values()] == ["REFERENCE", "SUCCESS", "SUCCESS", "SUCCESS"]
    members = [member for group in groups for member in group.members]
    for member, truth, old in list(zip(members, truths, before, strict=True))[2:]:
        error, earlier = (np.abs(c - truth.footprint()).max() * 3600 for c in (member.pointing.corners(), old))
        assert error < 0.004 and error < 0.2 * earlier


def test_stars_and_weights():
    groups, truths, stars = make_groups(weighted=True)
    together = [Group("all", [group.members[0] for group in groups[:1]])]
    outcome = align_groups(together, RULES, stars=Stars(*stars))["all"]
    assert outcome.status == "SUCCESS"
    error = groups[0].members[0].pointing.corners() - truths[0].footprint()
    assert np.abs(error).max() * 3600 < 0.002


@pytest.mark.parametrize("repeats", [True, False])
def test_stars_that_several_exposures_see(repeats):
    """All of their positions count, or the southernmost of each: that biases the fit by the scatter of positions."""
    rng, members = np.random.default_rng(8), []
    stars = draw_stars(120, rng, 7.0)
    for number, step in enumerate(STEPS, 1):
        image = make_exposure(number, offset=step)
        seen = see_stars(image, stars, 0.05, rng)
        members.append(Member(name_of(image), Pointing(from_tree(image.wcs), plane_of(image)), seen["x"], seen["y"]))
    before = np.array([member.pointing.corners() for member in members])
    outcome = align_groups([Group("all", members)], RULES._replace(repeats=repeats), stars=Stars(*stars))["all"]
    moved = 3.6e6 * (np.array([member.pointing.corners() for member in members]) - before)[..., 1].mean()
    in_each = [np.isin(outcome.matched, np.arange(start, stop)).sum() for start, stop in _ranges(members)]
    if repeats:
        assert abs(moved) < 0.4 and all(n > 0.9 * len(member.x) for n, member in zip(in_each, members))
    else:
        assert moved > 1 and sum(in_each) < 120


def _ranges(members):
    ends = np.cumsum([len(member.x) for member in members])
    return zip([0, *ends[:-1]], ends)


def test_a_group_that_is_elsewhere():
    groups, _, stars = make_groups()
    groups[2].members[0].x = groups[2].members[0].x[:3]
    groups[2].members[0].y = groups[2].members[0].y[:3]
    groups[3].members[0].x = groups[3].members[0].y = np.zeros(0)
    before = groups[2].members[0].pointing.affine
    outcomes = align_groups(groups, RULES)
    assert outcomes[groups[2].name].status in {f"{n} matches, 5 are needed" for n in range(4)}
    assert outcomes[groups[3].name].status == "no sources"
    assert groups[2].members[0].pointing.affine is before
    with pytest.raises(JwcalError, match="fewer than two groups have sources"):
        align_groups(groups[3:], RULES)
    with pytest.raises(JwcalError, match="no sources were found"):
        align_groups(groups[3:], RULES, stars=Stars(*stars))
