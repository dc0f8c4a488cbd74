"""What the rules of association ask of an exposure: what its header says, and the archive's pool if there is one."""

import math
import re
from collections import defaultdict
from typing import NamedTuple

from jwcal.associations.pools import normalise

IMAGING = frozenset({"nrc_image", "mir_image", "nis_image", "fgs_image"})
SERIES = frozenset({"nrc_tsimage", "nrc_tsgrism", "nrs_brightobj"})
ACQUISITIONS = frozenset(
    """mir_tacq mir_taconfirm nis_tacq nis_taconfirm nrc_tacq nrc_taconfirm nrs_tacq nrs_taconfirm nrs_confirm nrs_msata
    nrs_taslit nrs_wata""".split()
)
NON_SCIENCE = ACQUISITIONS | {"nrs_verify", "mir_coroncal", "nis_focus", "nrc_focus", "nrs_focus", "nrs_image"}
CANDIDATE = re.compile(r"\('([^']+)', *'([^']+)'\)")
NAME = re.compile(r"jw(\d{5})(\d{3})\d{3}_")


class Facts(NamedTuple):
    """What the rules ask of an exposure; text in lower case, "" where there is none."""

    exposure: object
    name: str
    program: str
    observation: str
    instrument: str
    exp_type: str
    role: str
    """science, background, psf, imprint, target_acquisition or another kind of pointing."""
    background: bool
    series: bool
    visit_type: str
    target: str
    """Number of the target, unpadded."""
    optics: tuple
    """Filter and pupil (or grating)."""
    mode: tuple
    """Instrument, detector, filter, pupil, slit, subarray, channel: the same for exposures that can be subtracted."""
    subarray: str
    candidates: tuple
    """Pairs (name, kind)."""
    pool: str
    """Name of the pool that knows the exposure."""
    error: str | None

    @property
    def sensing(self):
        """True for exposures that sense the wavefront."""
        return "wfsc" in self.visit_type

    @property
    def excluded(self):
        """True where an image goes other ways than images do."""
        return self.series or self.sensing or self.role == "imprint"

    @property
    def calibrated(self):
        """True for an image that stage 2 calibrates like any other, subtracting backgrounds or as one."""
        known = (self.exp_type in IMAGING or self.exp_type == "nrs_mimf") and bool(self.mode[2])
        return known and not self.excluded and self.role in ("science", "psf", "background")


def list_facts(exposures, pool):
    """Facts of exposures, one an exposure name, in order of names.

    Parameters
    ----------
    exposures : iterable of jwcal.exposures.Exposure
        The inventory.
    pool : dict
        Values of a pool by lower-case exposure name; empty without one.

    Returns
    -------
    list of Facts
    """
    unique = {}
    for exposure in exposures:
        unique.setdefault(exposure.name, exposure)
    rows = [(unique[name], pool.get(name.lower(), {}), *_identify(unique[name])) for name in sorted(unique)]
    targets = _number_targets(rows)
    return [_gather(*row, target) for row, target in zip(rows, targets)]


def _identify(exposure):
    """Program and observation, from the header, else from the name."""
    match = NAME.match(exposure.name)
    program, observation = match.groups() if match else ("", "")
    program, observation = exposure.keyword("PROGRAM", program), exposure.keyword("OBSERVTN", observation)
    return str(program).zfill(5) if program else "", str(observation).zfill(3) if observation else ""


def _number_targets(rows):
    """Numbers of the targets: the pool's, else 1, 2, ... in order of first exposures in a program."""
    names = [(program, _name_target(exposure)) for exposure, _, program, _ in rows]
    numbers = {name: row["targetid"] for name, (_, row, *_) in zip(names, rows) if row.get("targetid")}
    taken, latest = {(program, number) for (program, _), number in numbers.items()}, defaultdict(int)
    for program, name in names:
        if name and (program, name) not in numbers:
            latest[program] += 1
            while (program, str(latest[program])) in taken:
                latest[program] += 1
            numbers[program, name] = str(latest[program])
    return [row.get("targetid") or numbers.get(name, "") for name, (_, row, *_) in zip(names, rows)]


def _name_target(exposure):
    return normalise(exposure.keyword("TARGNAME")) or normalise(exposure.keyword("TARGPROP"))


def _gather(exposure, row, program, observation, target):
    """Facts of one exposure."""

    def ask(*names):
        return next((value for name in names if (value := normalise(exposure.keyword(name)))), "")

    exp_type, optics, subarray = ask("EXP_TYPE"), (ask("FILTER"), ask("PUPIL", "GRATING")), ask("SUBARRAY")
    mode = (
        ask("INSTRUME"),
        ask("DETECTOR"),
        ask("FILTER", "BAND"),
        optics[1],
        ask("FXD_SLIT"),
        subarray,
        ask("CHANNEL"),
    )
    pointing = row.get("pntgtype") or "science"
    series = pointing == "science" and (ask("TSOVISIT") in ("t", "true") or exp_type in SERIES)
    role = _find_role(pointing, exp_type, ask)
    own = ((f"o{observation}", "observation"),) if program and observation else ()
    return Facts(
        exposure, exposure.name, program, observation, mode[0], exp_type, role, bool(ask("BKGDTARG")), series,
        ask("VISITYPE"), target, optics, mode, subarray, tuple(CANDIDATE.findall(row.get("asn_candidate", ""))) or own,
        row.get("pool", ""), row.get("exposerr") or None,
    )  # fmt: skip


def _find_role(pointing, exp_type, ask):
    if pointing != "science":
        return pointing
    if exp_type in ACQUISITIONS:
        return "target_acquisition"
    flags = {"psf": "IS_PSF", "imprint": "IS_IMPRT", "background": "BKGDTARG"}
    return next((role for role, keyword in flags.items() if ask(keyword)), "science")


def find_backgrounds(facts):
    """Observations that have their backgrounds in others.

    The header of a background target does not tell whose background it is: those nearest on the sky are taken, of the
    same program, detector and optics. Exposures that a pool knows are left to the pool.

    Parameters
    ----------
    facts : list of Facts
        Of all exposures.

    Returns
    -------
    dict of (str, str) to list of Facts
        (program, observation) to its exposures and, after them, their backgrounds.
    """
    observations, skies = defaultdict(list), defaultdict(list)
    for item in facts:
        if not item.pool and item.candidates:
            observations[item.program, item.observation].append(item)
            if item.background and item.calibrated:
                skies[item.program, item.mode].append(item)
    found = {}
    for (program, observation), items in observations.items() if skies else ():
        chosen = {}
        for target, mode in dict.fromkeys((item.target, item.mode) for item in items if _wants_background(item)):
            science = next(item for item in items if item.target == target)
            chosen |= {sky.name: sky for sky in _nearest(science, skies.get((program, mode), ()))}
        others = [sky for sky in chosen.values() if sky.observation != observation]
        if others:
            found[program, observation] = items + sorted(others, key=lambda sky: sky.name)
    return found


def _wants_background(item):
    return item.calibrated and not item.background


def _nearest(science, skies):
    """Backgrounds of the target nearest to that of a science exposure."""
    distances = {}
    for sky in skies:
        distances.setdefault(sky.target, _separate(science.exposure, sky.exposure))
    least = min(distances.values(), default=0.0)
    return [sky for sky in skies if distances[sky.target] <= least]


def _separate(first, second):
    """Square of the chord between two targets on the unit sphere; 0 where a header lacks the position."""
    try:
        (a, d), (b, e) = (
            [math.radians(exposure.keywords[name]) for name in ("TARG_RA", "TARG_DEC")] for exposure in (first, second)
        )
    except (KeyError, TypeError):
        return 0.0
    return 4 * (math.sin((d - e) / 2) ** 2 + math.cos(d) * math.cos(e) * math.sin((a - b) / 2) ** 2)
