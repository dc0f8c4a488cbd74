"""Measure the background of exposures, or by how much those of overlapping exposures differ."""

import logging
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jwcal import dq, products
from jwcal.alignment.solutions import correct_wcs, find_entry, group_of, name_of
from jwcal.associations.members import exposure_name
from jwcal.errors import JwcalError
from jwcal.models import Image
from jwcal.sky.populations import Pixels, Population
from jwcal.sky.regions import CellGrid, compare_cells, find_near, intersect, outline, scan_polygon
from jwcal.sky.statistics import Statistic, clip_differences, measure_sky
from jwcal.wcs.mosaics import scale_at

log = logging.getLogger("jwcal")

METHODS = ("local", "global", "match", "global+match", "user")
STATISTICS = ("mean", "median", "mode", "midpt")
RCOND = 1e-12  # singular values below this part of the largest are zero


class Member(NamedTuple):
    """One exposure without its pixels: name, group, WCS, outline, what it was given as, and the level taken off it."""

    name: str
    group: str
    wcs: object
    outline: np.ndarray
    source: object
    level: float


class Measured(NamedTuple):
    """What is known of one exposure's pixels.

    Attributes
    ----------
    own : (float or None, int)
        Statistic of all good pixels, and how many they are.
    shared : dict of str to (float or None, int)
        The same in the overlap with each other group.
    cells : CellMap or None
        Means in the cells of the common grid.
    """

    own: tuple
    shared: dict
    cells: object


def skymatch(
    images,
    alignment=None,
    groups=None,
    *,
    skymethod: str = "match",
    match_down: bool = True,
    subtract: bool = False,
    pixel_pairs: bool = True,
    skylist: str | None = None,
    stepsize: int | None = None,
    skystat: str = "mode",
    dqbits: str | None = "~DO_NOT_USE+NON_SCIENCE",
    lower: float | None = None,
    upper: float | None = None,
    nclip: int = 5,
    lsigma: float = 4.0,
    usigma: float = 4.0,
    binwidth: float = 0.1,
) -> dict:
    """Find the sky level of each exposure of an association.

    Exposures of one group have one level. Exposures are read one at a time.

    Matching makes the levels agree in overlaps: for each pair of groups i, j that see the same sky, level i less level
    j shall be their difference there, weighted by the number of pixels; the levels are the least-squares solution. The
    difference is that of a statistic of each one's pixels in the overlap, as in the official package; the mode of a
    bright nebula or of noise is not known well. Better (`pixel_pairs`): exposures are averaged in cells of a common
    grid, eight pixels wide, and cells that both cover are compared, so that whatever the sky looks like drops out.

    Parameters
    ----------
    images : sequence of path or Image
        Calibrated exposures [y, x] with a WCS.
    alignment : dict or None
        Corrections of their pointings (`jwcal.alignment.solutions`).
    groups : sequence of str or None
        Name of the group of each exposure; None takes what the headers say.
    skymethod : str
        local: each group's own statistic. global: the lowest of these for all. match: differences. global+match: match,
        then the lowest of what is left for all. user: levels of `skylist`.
    match_down : bool
        Levels of `match` count from the lowest group; otherwise from the highest.
    subtract : bool
        Levels are to be subtracted (`jwcal.findings`); otherwise only noted.
    pixel_pairs : bool
        Compare cells of a common grid where the method matches; limits then hold for cells, and clipping for
        differences.
    skylist : str or None
        Text file with an exposure and its level in each line.
    stepsize : int or None
        Largest distance of points along an exposure's edges, pixels; None takes the corners alone.
    skystat : str
        mean, median, mode or midpt.
    dqbits : str or None
        Flags of pixels that count all the same; after ``~`` those of pixels that do not.
    lower, upper : float or None
        Range of pixels that count.
    nclip : int
        Rounds of clipping.
    lsigma, usigma : float
        Clipping limits, standard deviations.
    binwidth : float
        Width of the histogram's bins for mode and midpt, standard deviations.

    Returns
    -------
    dict of str to dict
        level, subtracted, method, status of each exposure; SKIPPED where nothing overlaps or nothing is left.

    Raises
    ------
    JwcalError
        When a setting is unknown, an exposure has no WCS, or was matched before in another way.
    """
    statistic = Statistic(skystat, lower, upper, int(nclip), float(lsigma), float(usigma), float(binwidth))
    bad = _check(skymethod, skystat, dqbits)
    members = _gather(images, alignment, groups, subtract, stepsize)
    if skymethod == "user":
        return _conclude(members, _read_levels(skylist, members), skymethod, subtract)
    matching, absolute = "match" in skymethod, skymethod != "match"
    measured = _measure_all(members, statistic, bad, absolute, matching, matching and pixel_pairs)
    levels = dict.fromkeys(_group_names(members), 0.0)
    valid = dict.fromkeys(levels, True)
    if matching:
        differences = _match(members, measured, statistic, match_down)
        valid = {group: differences[group] is not None for group in levels}
        levels = {group: differences[group] or 0.0 for group in levels}
    if absolute:
        own = {group: _find_lowest(members, measured, group) for group in levels}
        rest = {group: None if own[group] is None else own[group] - levels[group] for group in levels}
        if "global" in skymethod:
            lowest = min((value for value in rest.values() if value is not None), default=None)
            rest = dict.fromkeys(rest, lowest)
        valid = {group: rest[group] is not None for group in levels}
        levels = {group: levels[group] + (rest[group] or 0.0) for group in levels}
    found = {m.name: levels[m.group] + m.level if valid[m.group] else None for m in members}
    return _conclude(members, found, skymethod, subtract)


def _check(skymethod, skystat, dqbits):
    """Flags of pixels that do not count."""
    for name, value, known in (("skymethod", skymethod, METHODS), ("skystat", skystat, STATISTICS)):
        if value not in known:
            raise JwcalError(f"{name} is {value!r}; it must be one of {', '.join(known)}")
    try:
        return dq.interpret(dqbits or None)
    except KeyError as error:
        raise JwcalError(f"dqbits names the unknown flag {error.args[0]}; see jwcal.dq for those there are") from error


def _gather(images, alignment, groups, subtract, stepsize):
    members = []
    for index, source in enumerate(images):
        image = source if isinstance(source, Image) else products.read(source, Image, only=())
        if image.data.ndim != 2:
            raise JwcalError("skymatch needs two-dimensional images", image.path)
        wcs = correct_wcs(image, find_entry(alignment, image) if alignment else None)
        level = _read_earlier(image, subtract)
        group = group_of(image) if groups is None else groups[index]
        edge = outline(wcs, image.data.shape, stepsize)
        members.append(Member(name_of(image), group, wcs, edge, source, level))
    return members


def _read_earlier(image, subtract):
    """Level that was subtracted from an exposure before."""
    level, subtracted = image.keyword("BKGLEVEL", None), image.keyword("BKGSUB", None)
    if level is None and subtracted is None:
        return 0.0
    if level is None or subtracted is None or bool(subtracted) != subtract:
        raise JwcalError(
            f"its sky was measured before (BKGLEVEL {level}, BKGSUB {subtracted}), which does not go with subtract "
            f"{subtract}; start from the _cal product",
            image.path,
        )
    return float(level) if subtract else 0.0


def _group_names(members):
    return dict.fromkeys(member.group for member in members)


def _measure_all(members, statistic, bad, absolute, matching, cells):
    """`Measured` of each exposure, by name; only one has its pixels in memory."""
    regions = _find_regions(members) if matching else {}
    grid = None
    if cells:
        scale = max(scale_at(member.wcs, *_middle(member)) for member in members)
        grid = CellGrid([member.outline for member in members], scale)
    return {
        member.name: _measure(member, regions.get(member.name, {}), statistic, bad, absolute, grid)
        for member in members
    }  # fmt: skip


def _middle(member):
    (x0, x1), (y0, y1) = member.wcs.bounding_box
    return tuple(float(angle) for angle in member.wcs.forward((x0 + x1) / 2, (y0 + y1) / 2))


def _find_regions(members):
    """Sky polygons that each exposure shares with each other group: by name, then by group."""
    regions = {member.name: {} for member in members}
    for i, j in find_near([member.outline for member in members]):
        first, second = members[i], members[j]
        polygon = intersect(first.outline, second.outline) if first.group != second.group else ()
        if len(polygon):
            regions[first.name].setdefault(second.group, []).append(polygon)
            regions[second.name].setdefault(first.group, []).append(polygon)
    return regions


def _measure(member, regions, statistic, bad, absolute, grid):
    """Measure one exposure: all of it, and where it overlaps with others."""
    if not (absolute or regions):
        return Measured((None, 0), {}, None)
    image = member.source
    if not isinstance(image, Image):
        image = products.read(image, Image, only=("data", "dq"))
    data = np.ascontiguousarray(image.data, np.float32)
    flags = np.zeros(data.shape, np.uint32) if image.dq is None else np.ascontiguousarray(image.dq, np.uint32)
    own, shared, cells, good = (None, 0), {}, None, Pixels(data, flags, bad)
    if absolute:
        own = measure_sky(Population(good.all), statistic)
    if regions and grid is not None:
        cells = grid.average(member.wcs, data, flags, bad)
    elif regions:
        for group, polygons in regions.items():
            pixels = [np.column_stack(member.wcs.inverse(*polygon.T)) for polygon in polygons]
            spans = np.stack([scan_polygon(vertices, data.shape) for vertices in pixels])
            shared[group] = measure_sky(good.inside(spans), statistic)
    return Measured(own, shared, cells)


def _match(members, measured, statistic, match_down):
    """Levels of groups relative to the lowest (or highest), None for those that overlap with none."""
    names = list(_group_names(members))
    by_group = {name: [member for member in members if member.group == name] for name in names}
    equations = []
    for i, first in enumerate(names):
        for j, second in enumerate(names[i + 1 :], i + 1):
            difference, weight = _compare(by_group[first], by_group[second], measured, statistic)
            if weight > 0:
                equations.append((i, j, difference, weight))
    if not equations:
        log.warning("skymatch: no exposures overlap; there is nothing to match")
        return dict.fromkeys(names)
    matrix, values = np.zeros((len(equations), len(names))), np.zeros(len(equations))
    for row, (i, j, difference, weight) in enumerate(equations):
        matrix[row, i], matrix[row, j], values[row] = weight, -weight, weight * difference
    if np.linalg.matrix_rank(matrix, RCOND) < len(names) - 1:
        log.warning("skymatch: the exposures form several islands; levels hold within each only")
    levels = np.linalg.pinv(matrix, rcond=RCOND) @ values
    known = np.any(matrix != 0, axis=0)
    levels -= levels[known].min() if match_down else levels[known].max()
    return {name: float(levels[k]) if known[k] else None for k, name in enumerate(names)}


def _compare(first, second, measured, statistic):
    """By how much a group is brighter than another where they overlap, and the weight of that (0 where unknown)."""
    if any(measured[member.name].cells is not None for member in (*first, *second)):
        return _compare_pairs(first, second, measured, statistic)
    (a, n), (b, m) = (
        _average([measured[member.name].shared.get(others[0].group, (None, 0)) for member in group])
        for group, others in ((first, second), (second, first))
    )
    return (0.0, 0.0) if a is None or b is None else (a - b, 0.5 * (n + m))


def _average(values):
    """Mean of (level, pixels), weighted by pixels, and how many there are."""
    known = [(level, count) for level, count in values if level is not None and count > 0]
    total = sum(count for _, count in known)
    return (sum(level * count for level, count in known) / total, total) if total else (None, 0)


def _compare_pairs(first, second, measured, statistic):
    pairs = [
        compare_cells(measured[a.name].cells, measured[b.name].cells)
        for a in first
        for b in second
        if measured[a.name].cells is not None and measured[b.name].cells is not None
    ]
    if not pairs:
        return 0.0, 0.0
    values, counts = (np.concatenate([pair[k] for pair in pairs], axis=1).astype(float) for k in (0, 1))
    low = -math.inf if statistic.lower is None else statistic.lower
    high = math.inf if statistic.upper is None else statistic.upper
    inside = ((values >= low) & (values <= high)).all(axis=0)
    values, counts = values[:, inside], counts[:, inside]
    weights = counts.prod(axis=0) / np.maximum(counts.sum(axis=0), 1)
    difference = clip_differences(values[0] - values[1], weights, statistic)
    return (0.0, 0.0) if difference is None else (difference, float(0.5 * counts.sum()))


def _find_lowest(members, measured, group):
    """Lowest of the statistics of a group's exposures; None where none is known."""
    levels = (measured[member.name].own[0] for member in members if member.group == group)
    return min((level for level in levels if level is not None), default=None)


def _read_levels(path, members):
    """Levels that a user lists, by exposure."""
    if not path:
        raise JwcalError("skymethod is user, but skylist names no file; set it to one with an exposure and its level")
    try:
        lines = [line.replace(",", " ").split() for line in Path(path).read_text().splitlines()]
        rows = [(exposure_name(words[0]), float(words[1])) for words in lines if words and words[0][0] != "#"]
    except OSError as error:
        raise JwcalError(f"cannot be read ({error.strerror})", path) from error
    except (ValueError, IndexError) as error:
        raise JwcalError("has a line that is not an exposure and a number", path) from error
    listed = [name for name, _ in rows]
    for member in members:
        if listed.count(member.name) != 1:
            raise JwcalError(f"lists {member.name} {listed.count(member.name)} times; list each exposure once", path)
    return {name: level for name, level in rows if name in {member.name for member in members}}


def _conclude(members, levels, method, subtract):
    """The result: an entry for each exposure."""
    entries = {}
    for member in members:
        level = levels[member.name]
        if level is None:
            log.warning("skymatch: no sky level for %s: it overlaps with none, or no pixel is left", member.name)
        else:
            log.info("skymatch: %s: %.6g", member.name, level)
        status = "SKIPPED" if level is None else "COMPLETE"
        entries[member.name] = {
            "level": 0.0 if level is None else level,
            "subtracted": subtract and level is not None,
            "method": method,
            "status": status,
        }
    return entries
