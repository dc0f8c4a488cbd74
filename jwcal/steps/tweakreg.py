"""Align exposures with each other, or with stars of known position."""

import logging
import math
from pathlib import Path

import numpy as np

from jwcal.alignment.groups import Group, Member, Rules, align_groups
from jwcal.alignment.pointings import Pointing
from jwcal.alignment.solutions import FORMAT, find_entry, group_of, name_of, plane_of, read_alignment
from jwcal.errors import JwcalError
from jwcal.wcs import from_tree
from jwcal.wcs.transforms import to_cartesian

log = logging.getLogger("jwcal")

RESIDUALS = 100  # residual vectors kept of each exposure
ALONE = "a single exposure (or group) has nothing to be aligned with; set abs_refcat to align it with a catalogue"
GOOD = ("SUCCESS", "REFERENCE")


def tweakreg(
    images,
    catalogs,
    groups=None,
    *,
    alignment_file: str | None = None,
    use_custom_catalogs: bool = False,
    catfile: str | None = None,
    enforce_user_order: bool = False,
    expand_refcat: bool = False,
    minobj: int = 15,
    fitgeometry: str = "rshift",
    nclip: int = 3,
    sigma: float = 3.0,
    clip_accum: bool = True,
    clip_median: bool = True,
    searchrad: float = 2.0,
    use2dhist: bool = True,
    separation: float = 1.0,
    tolerance: float = 0.7,
    xoffset: float = 0.0,
    yoffset: float = 0.0,
    abs_refcat: str | None = None,
    abs_minobj: int = 15,
    abs_fitgeometry: str = "rshift",
    abs_nclip: int = 3,
    abs_sigma: float = 3.0,
    abs_searchrad: float = 6.0,
    abs_use2dhist: bool = True,
    abs_separation: float = 1.0,
    abs_tolerance: float = 0.7,
    abs_use_all: bool = True,
    abs_mag_limits: tuple | None = None,
    abs_mag_column: str | None = None,
    sip_approx: bool = True,
    sip_max_pix_error: float = 0.01,
    sip_degree: int | None = None,
    sip_max_inv_pix_error: float = 0.01,
    sip_inv_degree: int | None = None,
    sip_npoints: int = 12,
) -> dict:
    """Find corrections of exposures' pointings from the sources that they share.

    The detectors of one exposure move together. Groups are first aligned with each other, then, with `abs_refcat`, all
    together with the catalogue.

    Other than in the official package, a relative alignment that is not believed is undone before the absolute one;
    one that is good is kept where the absolute one fails; an exposure whose own fit failed is SKIPPED, while others may
    be COMPLETE; an absolute alignment, too, is not believed if it moves a corner too far; fits never mirror an image.

    Parameters
    ----------
    images : sequence of Image
        Headers and WCS of the exposures (`jwcal.products.read_headers`); no pixels are used.
    catalogs : sequence of astropy.table.Table or path
        Sources of each exposure: x, y (zero-based pixels), optionally weight.
    groups : sequence of str or None
        Name of the group of each exposure; None takes what the headers say.
    alignment_file : str or None
        An earlier result: its corrections are taken for these exposures, and nothing is fitted.
    use_custom_catalogs : bool
        Take the catalogues that `catfile` names instead.
    catfile : str or None
        Text file with an exposure's file and the file of its catalogue in each line.
    enforce_user_order : bool
        Align in the order given, else (with `expand_refcat`) by overlap.
    expand_refcat : bool
        Add the sources of aligned exposures to those that the next one is matched with.
    minobj, abs_minobj : int
        Fewest matches for a fit.
    fitgeometry, abs_fitgeometry : str
        shift, rshift (with rotation), rscale (and scale), general (any linear transformation).
    nclip, abs_nclip : int
        Rounds of clipping.
    sigma, abs_sigma : float
        Clipping limit, in root-mean-square residuals.
    clip_median : bool
        Clip residuals by their median, which false matches do not swell; otherwise (as in the official package) by
        their root mean square, for `clip_accum` to say whether for good.
    clip_accum : bool
        Matches that were clipped stay out. Otherwise (as in the official package) each round takes back those that
        earlier rounds have clipped.
    searchrad, abs_searchrad : float
        Largest offset searched, arcseconds.
    use2dhist, abs_use2dhist : bool
        Find the offset from a histogram of all pairs first.
    separation, abs_separation : float
        Sources closer to each other than this are not matched, arcseconds; more than the tolerance times sqrt(2).
    tolerance, abs_tolerance : float
        Largest distance of a match, arcseconds.
    xoffset, yoffset : float
        Offset to start from where `use2dhist` is off, arcseconds.
    abs_refcat : str or None
        Catalogue of stars: file with RA, DEC, or sky_centroid; pmra, pmdec and ref_epoch move them to the exposures'
        date.
    abs_use_all : bool
        Whether all exposures' positions of a star count. Otherwise (as in the official package) one of them does, that
        furthest to the south in the first exposure's plane, which moves everything north by the scatter of positions.
    abs_mag_limits : (float, float) or None
        Brightest and faintest magnitude of stars used.
    abs_mag_column : str or None
        Column of magnitudes; None looks for usual names.
    sip_approx : bool
        Write FITS keywords that approximate the corrected WCS. This and what follows is noted for
        `jwcal.alignment.solutions.apply_alignment`.
    sip_max_pix_error, sip_max_inv_pix_error : float
        Largest errors of the approximation and of its inverse, pixels; 0 for no inverse.
    sip_degree, sip_inv_degree : int or None
        Degrees; None takes the lowest that is good enough.
    sip_npoints : int
        Points along each axis at which it is fitted.

    Returns
    -------
    dict
        See `jwcal.alignment.solutions`.

    Raises
    ------
    JwcalError
        When a catalogue cannot be used or a setting is out of range.
    """
    sip = {"sip_approx": sip_approx, "sip_max_pix_error": sip_max_pix_error, "sip_degree": sip_degree,
           "sip_max_inv_pix_error": sip_max_inv_pix_error, "sip_inv_degree": sip_inv_degree,
           "sip_npoints": sip_npoints}  # fmt: skip
    if alignment_file:
        return _adopt(alignment_file, images, sip)
    offset = None if use2dhist else (xoffset, yoffset)
    relative = Rules(minobj, fitgeometry, nclip, sigma, clip_accum, searchrad, separation, tolerance, offset,
                     clip_median=clip_median)  # fmt: skip
    offset = None if abs_use2dhist else (0.0, 0.0)
    absolute = Rules(abs_minobj, abs_fitgeometry, abs_nclip, abs_sigma, clip_accum, abs_searchrad, abs_separation,
                     abs_tolerance, offset, abs_use_all, clip_median)  # fmt: skip
    for rules, prefix in ((relative, ""), (absolute, "abs_")):
        _check(rules, prefix)
    own = _read_custom(catfile) if use_custom_catalogs and catfile else {}
    groups = _gather(images, catalogs, groups, own)
    fits, reasons, reference = {}, [], None
    if len(groups) > 1:
        order = {"in_order": enforce_user_order, "expand": expand_refcat or bool(abs_refcat)}
        fits["relative"], reasons = _align(groups, relative, **order)
    elif not abs_refcat:
        reasons = [ALONE]
    if abs_refcat:
        stars, reference = _read_stars(abs_refcat, images, groups, absolute, abs_mag_limits, abs_mag_column)
        fits["absolute"], failures = _align_with_stars(groups, absolute, stars, reference)
        reasons = reasons + failures
    return _conclude(groups, fits, reasons, reference, sip)


def _adopt(path, images, sip):
    """The solution of another file, for these exposures."""
    solution, entries = read_alignment(path), {}
    for image in images:
        entry, name = find_entry(solution, image), name_of(image)
        if entry is None:
            log.warning("tweakreg: %s does not say how to correct %s", path, name)
            entry = {"status": "SKIPPED", "reasons": [f"{Path(path).name} has no entry for it"]}
        entries[name] = entry | {"sip": sip}
    return _wrap(entries, [], solution["reference"])


def _check(rules, prefix):
    if rules.separation <= math.sqrt(2) * rules.tolerance:
        raise JwcalError(
            f"{prefix}separation is {rules.separation:g} arcsec; to tell sources apart it must exceed "
            f"{prefix}tolerance ({rules.tolerance:g} arcsec) times the square root of 2"
        )


def _read_custom(catfile):
    from jwcal.associations.catalog_lists import read_catfile

    return read_catfile(catfile)


def _gather(images, catalogs, names, own):
    """`Group`s of exposures in the order of their first ones; `own` names catalogues of the user's."""
    groups = {}
    for index, (image, catalog) in enumerate(zip(images, catalogs, strict=True)):
        name, wcs = name_of(image), from_tree(image.wcs)
        if wcs.bounding_box is None:
            raise JwcalError("the WCS has no bounding box; run assign_wcs again", image.path)
        sources = _select_sources(own.get(name) or catalog, wcs.bounding_box, image.path)
        group = group_of(image) if names is None else names[index]
        member = Member(name, Pointing(wcs, plane_of(image)), *sources)
        groups.setdefault(group, Group(group)).members.append(member)
        log.info("tweakreg: %d sources in %s", len(member.x), name)
    return list(groups.values())


def _select_sources(catalog, box, path):
    """Positions x, y and weights (None if the catalogue has none) of sources within the bounding box."""
    from jwcal.alignment.star_catalogs import read_sources

    x, y, weight = read_sources(catalog, path)
    (x0, x1), (y0, y1) = box
    inside = (x > x0) & (x < x1) & (y > y0) & (y < y1)
    return x[inside], y[inside], None if weight is None else weight[inside]


def _align(groups, rules, **options):
    """Align groups; what is known of each exposure's fit, and why it failed."""
    members = [member for group in groups for member in group.members]
    before = [(member.pointing.affine, member.pointing.corners()) for member in members]
    try:
        outcomes = align_groups(groups, rules, **options)
    except JwcalError as error:
        reason = str(error)
    else:
        moved = max(_separation(m.pointing.corners(), old).max() for m, (_, old) in zip(members, before, strict=True))
        if moved <= rules.reach:
            return {m.name: _describe(m, group, outcomes[group.name]) for group in groups for m in group.members}, []
        reason = f"a corner moves by {moved:.1f} arcsec, more than {rules.reach:.1f}; the matches are not believed"
    for member, (affine, _) in zip(members, before, strict=True):
        member.pointing.affine = affine
    return {member.name: {"status": "FAILED"} for member in members}, [reason]


def _align_with_stars(groups, rules, stars, name):
    """Align all exposures as one group with stars."""
    together = Group("all", [member for group in groups for member in group.members])
    if len(stars.ra) < rules.minobj:
        reason = f"{name} has {len(stars.ra)} stars in the field, {rules.minobj} are needed"
        return {member.name: {"status": "FAILED"} for member in together.members}, [reason]
    return _align([together], rules, stars=stars)


def _read_stars(path, images, groups, rules, limits, column):
    """Stars around all exposures, and the name of their catalogue."""
    from jwcal.alignment.star_catalogs import epoch_of, read_stars

    corners = np.vstack([member.pointing.corners() for group in groups for member in group.members])
    x, y, z = np.stack(to_cartesian(*corners.T)).mean(axis=1)
    centre = np.degrees([math.atan2(y, x), math.atan2(z, math.hypot(x, y))])
    radius = (_separation(corners, centre[None]).max() + 2 * rules.reach) / 3600
    return read_stars(path, epoch_of(images), tuple(centre), radius, limits=limits, column=column)


def _separation(first, second):
    """Angles between positions (n, 2) in degrees, in arcseconds."""
    a, b = (np.stack(to_cartesian(*positions.T)) for positions in (first, second))
    return 3600 * np.degrees(2 * np.arcsin(np.sqrt(((a - b) ** 2).sum(axis=0)) / 2))


def _describe(member, group, outcome):
    """What a fit found of one exposure: matches, residuals."""
    fit = outcome.fit
    if fit is None:
        return {"status": outcome.status}
    start = 0
    for other in group.members:
        if other is member:
            break
        start += len(other.x)
    source = outcome.matched - start
    mine = np.flatnonzero(fit.used & (source >= 0) & (source < len(member.x)))
    if len(mine) > RESIDUALS:
        mine = mine[np.linspace(0, len(mine) - 1, RESIDUALS).astype(int)]
    source, offsets = source[mine], fit.residuals[mine]
    rows = zip(member.x[source], member.y[source], offsets[:, 0], offsets[:, 1], strict=True)
    return {
        "status": outcome.status,
        "matches": len(outcome.matched),
        "used": int(np.count_nonzero(fit.used)),
        "rms": round(fit.rms, 7),
        "mae": round(fit.mae, 7),
        "residuals": [[round(float(v), 2 + 4 * (k > 1)) for k, v in enumerate(row)] for row in rows],
    }


def _conclude(groups, fits, reasons, reference, sip):
    """The solution: verdict on each exposure."""
    entries, first = {}, None
    for group in groups:
        for member in group.members:
            known = {kind: found[member.name] for kind, found in fits.items()}
            if first is None and known.get("relative", {}).get("status") == "REFERENCE":
                first = group.name
            entries[member.name] = _judge(member, group.name, known, reasons, reference) | {"sip": sip}
    for reason in reasons:
        log.warning("tweakreg: %s", reason)
    return _wrap(entries, reasons, reference or first)


def _wrap(entries, reasons, reference):
    complete = any(entry["status"] == "COMPLETE" for entry in entries.values())
    status = "COMPLETE" if complete else "SKIPPED"
    return {"format": FORMAT, "status": status, "reasons": reasons, "reference": reference, "members": entries}


def _judge(member, group, known, reasons, reference):
    """Entry of one exposure."""
    statuses = {kind: fit["status"] for kind, fit in known.items()}
    complete = any(status in GOOD for status in statuses.values())
    problems = [f"{kind}: {status}" for kind, status in statuses.items() if status not in (*GOOD, "FAILED")]
    for problem in problems:
        log.warning("tweakreg: %s: %s%s", member.name, problem, "" if complete else "; it stays where it was")
    pointing = member.pointing
    moved = _separation(pointing.corners(), pointing.original_corners()).max()
    return {
        "status": "COMPLETE" if complete else "SKIPPED",
        "reasons": reasons + problems,
        "group": group,
        "plane": list(pointing.plane),
        "matrix": pointing.affine.matrix.tolist(),
        "shift": pointing.affine.shift.tolist(),
        "moved": round(float(moved), 6),
        "sources": len(member.x),
        **known,
        "name": f"FIT-LVL3-{reference}" if statuses.get("absolute") == "SUCCESS" else None,
    }
