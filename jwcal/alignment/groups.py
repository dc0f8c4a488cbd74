"""Aligning groups of exposures by their sources, with each other or with stars.

One group after the other is matched with the reference sources in the tangent plane of its first exposure and moved as
one. The reference are stars, or the sources of one group, to which those of aligned groups may be added.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from jwcal.alignment.linear_fits import Fit, fit_linear
from jwcal.alignment.matching import match_positions
from jwcal.alignment.overlaps import SkyPlane, convex_hull, shared_area
from jwcal.alignment.pointings import Pointing
from jwcal.errors import JwcalError


class Rules(NamedTuple):
    """How sources are matched and fitted; lengths in arcseconds.

    Attributes
    ----------
    minobj : int
        Fewest matches.
    geometry : str
        See `jwcal.alignment.linear_fits.FEWEST`.
    nclip, sigma, clip_accum, clip_median
        Clipping, see `jwcal.alignment.linear_fits.fit_linear`.
    searchrad, separation, tolerance
        See `jwcal.alignment.matching.match_positions`.
    offset : (float, float) or None
        Offset of sources from the reference; None finds it.
    repeats : bool
        Whether a source that several exposures of a group see counts as often.
    """

    minobj: int
    geometry: str
    nclip: int
    sigma: float
    clip_accum: bool
    searchrad: float
    separation: float
    tolerance: float
    offset: tuple | None = None
    repeats: bool = False
    clip_median: bool = False

    @property
    def reach(self):
        """Largest motion of a corner that is believed."""
        offset = self.searchrad if self.offset is None else max(map(abs, self.offset))
        return 2 * (offset + self.tolerance)


@dataclass(eq=False)
class Stars:
    """Reference sources: RA and Dec in degrees, weight (None for equal ones)."""

    ra: np.ndarray
    dec: np.ndarray
    weight: np.ndarray | None = None

    def joined(self, other):
        """These and others; where only one side has weights, the other's are 1."""
        weight = None
        if self.weight is not None or other.weight is not None:
            both = (np.ones(len(s.ra)) if s.weight is None else s.weight for s in (self, other))
            weight = np.concatenate(list(both))
        return Stars(np.concatenate([self.ra, other.ra]), np.concatenate([self.dec, other.dec]), weight)


@dataclass(eq=False)
class Member:
    """One exposure: its sources (pixels, weight) and its pointing, which alignment changes."""

    name: str
    pointing: Pointing
    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None


@dataclass(eq=False)
class Group:
    """Exposures that move together.

    Attributes
    ----------
    name : str
    members : list of Member
    """

    name: str
    members: list = field(default_factory=list)

    def sources(self):
        """All sources, where their exposures say now, as `Stars`."""
        stars = None
        for member in self.members:
            found = Stars(*member.pointing.pixels_to_sky(member.x, member.y), member.weight)
            stars = found if stars is None else stars.joined(found)
        return stars

    def count(self):
        """Number of sources."""
        return sum(len(member.x) for member in self.members)


class Outcome(NamedTuple):
    """What became of a group.

    Attributes
    ----------
    status : str
        SUCCESS, REFERENCE, or why it was not aligned.
    fit : Fit or None
        Its positions are the matches, in the plane of the group's first exposure.
    matched : int [k] or None
        Index of each match among the group's sources.
    """

    status: str
    fit: Fit | None = None
    matched: np.ndarray | None = None


def align_groups(groups, rules, *, stars=None, in_order=True, expand=False):
    """Align groups one after the other.

    Parameters
    ----------
    groups : list of Group
        Their pointings are changed.
    rules : Rules
        How.
    stars : Stars or None
        Reference; None takes the sources of one of the groups.
    in_order : bool
        In the order given; else (only with `expand`) by overlap with the reference.
    expand : bool
        Add unmatched sources of aligned groups to the reference, and those of groups that do not overlap with it.

    Returns
    -------
    dict of str to Outcome

    Raises
    ------
    JwcalError
        When too few groups have sources.
    """
    outcomes = {group.name: Outcome("no sources") for group in groups if not group.count()}
    waiting = [group for group in groups if group.count()]
    if len(waiting) < (2 if stars is None else 1):
        raise JwcalError("fewer than two groups have sources" if stars is None else "no sources were found")
    in_order = in_order or not expand
    outlines = {group.name: _outline(group) for group in waiting} if expand else {}
    if stars is None:
        first = waiting.pop(0 if in_order or len(waiting) == 2 else _most_shared(waiting, outlines))
        outcomes[first.name], stars, seen = Outcome("REFERENCE"), first.sources(), outlines.get(first.name)
    else:
        seen = [_hull(stars)]
    while waiting:
        group = waiting[0] if in_order else max(waiting, key=lambda group: _overlap(seen, outlines[group.name]))
        waiting.remove(group)
        outcomes[group.name], stars = _align_next(group, stars, rules, outlines.get(group.name))
        seen = None if in_order else [_hull(stars)]
    return outcomes


def _align_next(group, stars, rules, outline):
    """Align a group; its outcome, and the reference for the next: with its own sources if its `outline` is known."""
    outcome = align_group(group, stars, rules)
    if outline is None or (outcome.status != "SUCCESS" and _overlap([_hull(stars)], outline) > 0):
        return outcome, stars
    unmatched, sources = np.ones(group.count(), bool), group.sources()
    if outcome.matched is not None:
        unmatched[outcome.matched] = False
    weight = None if sources.weight is None else sources.weight[unmatched]
    return outcome, stars.joined(Stars(sources.ra[unmatched], sources.dec[unmatched], weight))


def align_group(group, stars, rules):
    """Match one group with the reference, fit, and move it.

    Parameters
    ----------
    group : Group
        Its pointings are changed where the fit succeeds.
    stars : Stars
        Reference.
    rules : Rules
        How.

    Returns
    -------
    Outcome
    """
    lead, sources = group.members[0].pointing, group.sources()
    positions = np.column_stack(lead.from_sky(sources.ra, sources.dec))
    reference = np.column_stack(lead.from_sky(stars.ra, stars.dec))
    matched, partners = match_positions(
        positions, reference, searchrad=rules.searchrad, separation=rules.separation, tolerance=rules.tolerance,
        bin_size=lead.pixel_scale(), offset=rules.offset,
    )  # fmt: skip
    if len(matched) < rules.minobj:
        return Outcome(f"{len(matched)} matches, {rules.minobj} are needed")
    if rules.repeats and len(group.members) > 1:
        matched, partners = _add_repeats(group, positions, matched, partners, rules.tolerance)
    weights = _combine(sources.weight, stars.weight, matched, partners)
    fit = fit_linear(positions[matched], reference[partners], rules.geometry, weights=weights, nclip=rules.nclip,
                     sigma=rules.sigma, accumulate=rules.clip_accum, median=rules.clip_median)  # fmt: skip
    if fit is None:
        return Outcome("the matches do not determine a transformation", None, matched)
    planes = Pointing.frozen(lead)
    for member in group.members:
        member.pointing.correct(fit.affine, planes)
    return Outcome("SUCCESS", fit, matched)


def _add_repeats(group, positions, matched, partners, reach):
    """Add to the matches what other exposures see of the same sources.

    Matching takes one of several sources in one place: that with the lowest ordinate, always the one whose error goes
    in this direction.
    """
    from scipy.spatial import cKDTree

    member = np.repeat(np.arange(len(group.members)), [len(member.x) for member in group.members])
    found, stars = [matched], [partners]
    for number in range(len(group.members)):
        own, known = np.flatnonzero(member == number), np.flatnonzero(member[matched] != number)
        if len(own) and len(known):
            places = positions[matched[known]]
            distance, nearest = cKDTree(positions[own]).query(places)
            back = cKDTree(places).query(positions[own])[1]
            mutual = (distance < reach) & (back[nearest] == np.arange(len(known)))
            found.append(own[nearest[mutual]])
            stars.append(partners[known[mutual]])
    return np.concatenate(found), np.concatenate(stars)


def _combine(weight, other, matched, partners):
    """Weights of pairs: those of the side that has some; of both, 1/w = 1/a + 1/b."""
    if weight is None and other is None:
        return None
    if weight is None or other is None:
        return other[partners] if weight is None else weight[matched]
    a, b = np.maximum(weight[matched], 0), np.maximum(other[partners], 0)
    return np.divide(a * b, a + b, out=np.zeros(len(a)), where=a + b > 0)


def _most_shared(groups, outlines):
    """Index of the group to start with: of the pair that shares most, the one that shares more with all."""
    outlines = [outlines[group.name] for group in groups]
    shared = np.zeros((len(groups), len(groups)))
    for i in range(len(groups)):
        for j in range(i + 1, len(groups)):
            shared[i, j] = shared[j, i] = _overlap(outlines[i], outlines[j])
    i, j = np.unravel_index(shared.argmax(), shared.shape)
    return int(j if shared[i].sum() < shared[j].sum() else i)


def _outline(group):
    """Hulls of the sources of each exposure, as RA and Dec (n, 2)."""
    hulls = []
    for member in group.members:
        if len(member.x):
            corners = convex_hull(np.column_stack([member.x, member.y]))
            hulls.append(np.column_stack(member.pointing.pixels_to_sky(*corners.T)))
    return hulls


def _hull(stars):
    plane = SkyPlane(stars.ra, stars.dec)
    return np.column_stack(plane.deproject(convex_hull(plane.project(stars.ra, stars.dec))))


def _overlap(first, second):
    """Area that two shapes, lists of polygons (n, 2) in RA and Dec, share."""
    plane = SkyPlane(*np.vstack([*first, *second]).T)
    first, second = ([plane.project(*polygon.T) for polygon in shape] for shape in (first, second))
    (low, high), (start, stop) = ((np.vstack(s).min(axis=0), np.vstack(s).max(axis=0)) for s in (first, second))
    return shared_area(first, second) if (low < stop).all() and (start < high).all() else 0.0
