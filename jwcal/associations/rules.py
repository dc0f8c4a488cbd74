"""Associations made from headers: which exposures the archive would put into one product of imaging.

The rules are the archive's (Asn_Lv2Image, Asn_Lv3Image and their kin): within a candidate, that is an observation or
several that belong together, all exposures of one target through the same optics make a mosaic, and exposures of a
background target are subtracted from those of the same detector and optics. Different from the archive's generator on
purpose:

* a target keeps its number when other targets come between (the generator's pool maker gives it the latest number);
* observations count from OBSERVTN where there is no pool, so that candidates of several observations are found;
* TSOVISIT from a header counts (the generator understands a pool's ``t`` only);
* exposures of one product are not set apart by VISITYPE (the generator's two products would have one name);
* a mosaic and the mosaics of its targets, whose `_crf` files would have the same names, are not both made;
* files are numbered in order of their first exposures, so that later exposures do not renumber earlier products.
"""

from collections import Counter, defaultdict
from typing import NamedTuple

from jwcal.associations.facts import IMAGING, NON_SCIENCE, Facts, find_backgrounds, list_facts
from jwcal.associations.members import Association, Member, crf_key, group_id

SEVERAL_OBSERVATIONS = frozenset({"group", "background", "mosaic"})
KINDS = ("observation", "candidate", "background")
BACKGROUND_RULE = "Asn_Lv3ImageBackground"


class Candidate(NamedTuple):
    """Exposures that belong together, as the observer or the archive says."""

    program: str
    id: str
    kind: str


class Draft(NamedTuple):
    """An association before it is known whether it stands."""

    candidate: Candidate
    rule: str
    first: Facts
    members: tuple
    """Pairs of `Facts` and role."""

    @property
    def stage(self):
        """2 or 3."""
        return 2 if "Lv2" in self.rule else 3

    @property
    def mosaic(self):
        """True for a rule that asks for no common target."""
        return self.rule == "Asn_Lv3ImageMosaic"

    @property
    def target(self):
        """Target's number as the archive writes it."""
        if self.stage == 2:
            return self.first.target
        return "t000" if self.mosaic or self.candidate.kind == "direct_image" else f"t{self.first.target:0>3}"

    @property
    def name(self):
        """Product name."""
        facts = self.first
        if self.stage == 2:
            return facts.name
        optics = "-".join(sorted(filter(None, facts.optics))) or "clear"
        subarray = "" if facts.subarray == "full" else f"-{facts.subarray}"
        observed = f"jw{facts.program}-{self.candidate.id}_{self.target}"
        return f"{observed}_{facts.instrument}_{optics}{subarray}".lower()


def make_associations(exposures, given=(), *, pool=None, kinds=KINDS, discover=False):
    """Make the associations of imaging, stages 2 and 3.

    Parameters
    ----------
    exposures : iterable of jwcal.exposures.Exposure
        The inventory; all types, since targets are numbered over all of a program.
    given : iterable of jwcal.associations.members.Association
        Made by hand: they win over made ones of the same product, of the same science exposures and type, or of the
        same asn_id and a common exposure (whose `_crf` would be one file); in stage 2, of the same science exposure.
    pool : dict, optional
        What the archive's pools say of exposures (`jwcal.associations.pools.read_pool`): their candidates, target
        numbers, errors. The candidates of others are their observation and, where a background target was seen through
        the same optics, the observation with these backgrounds.
    kinds : sequence of str
        Of which candidates mosaics are made: observation, background (an observation with its backgrounds), candidate
        (all others, which pools tell of). Stage 2 is not concerned.
    discover : bool
        Also join exposures of one target across observations (candidate a3001).

    Returns
    -------
    list of jwcal.associations.members.Association
        The given ones, then those made, stage 3 first, in order of candidates and their first exposures.
    """
    given, facts = list(given), list_facts(exposures, pool or {})
    groups = defaultdict(list)
    for item in facts:
        for name, kind in item.candidates:
            groups[Candidate(item.program, name, kind)].append(item)
        if discover and item.program:
            groups[Candidate(item.program, "a3001", "discovered")].append(item)
    for (program, observation), items in find_backgrounds(facts).items():
        groups[Candidate(program, f"c1{observation}", "background")] = items
    wanted = {candidate: items for candidate, items in groups.items() if _kind_of(candidate) in {*kinds, "discovered"}}
    made = _prune([draft for candidate, items in wanted.items() for draft in _draft_stage3(candidate, items)])
    made += _prune([draft for candidate, items in groups.items() for draft in _draft_stage2(candidate, items)])
    return given + _complete(made, given)


def _kind_of(candidate):
    """Kind of a candidate in the user's words."""
    return candidate.kind if candidate.kind in ("observation", "background", "discovered") else "candidate"


# ---- the rules -----------------------------------------------------------------------------------------------------


def _draft_stage3(candidate, items):
    """Mosaics of a candidate."""
    groups = defaultdict(list)
    for item in items:
        if item.exp_type in IMAGING and item.subarray and not item.excluded:
            for rule, target in _rules_of_stage3(candidate, item):
                alike = item.instrument, item.exp_type, item.optics, item.subarray
                groups[rule, target, *alike].append(item)
    for (rule, *_), found in groups.items():
        observations = {item.observation for item in found}
        members = [(item, "science" if rule == BACKGROUND_RULE else item.role) for item in found]
        lonely = candidate.kind in SEVERAL_OBSERVATIONS and len(observations) < 2
        if not lonely and any(role == "science" for _, role in members):
            members += _find_acquisitions(items, found, observations)
            yield Draft(candidate, rule, found[0], tuple(members))


def _rules_of_stage3(candidate, item):
    """Rules that an image follows, each with the target that sets its products apart."""
    target = "000" if candidate.kind == "direct_image" else item.target
    rule = BACKGROUND_RULE if item.background else "Asn_Lv3Image"
    pairs = [(rule, target)] if target else []
    if candidate.kind == "mosaic" and not item.background:
        pairs.append(("Asn_Lv3ImageMosaic", None))
    return pairs


def _find_acquisitions(items, found, observations):
    """Target acquisitions of the same observations, which ride along."""
    instrument, names = found[0].instrument, {item.name for item in found}
    return [
        (item, item.role)
        for item in items
        if item.role == "target_acquisition"
        and item.instrument == instrument
        and item.observation in observations
        and item.name not in names
    ]


def _draft_stage2(candidate, items):
    """Single exposures of a candidate, each with the backgrounds to subtract."""
    if candidate.kind not in ("observation", "background"):
        return
    backgrounds = defaultdict(list)
    for item in items:
        if item.background and item.calibrated:
            backgrounds[item.mode].append(item)
    for item in items:
        rule = _rule_of_stage2(item)
        companions = backgrounds.get(item.mode, []) if rule == "Asn_Lv2Image" else []
        if item.role == "psf" and not companions:
            rule = "Asn_Lv2ImageSpecial"
        if rule and (companions or candidate.kind == "observation"):
            yield Draft(candidate, rule, item, ((item, "science"), *((sky, "background") for sky in companions)))


def _rule_of_stage2(item):
    if item.exp_type in NON_SCIENCE or item.role == "target_acquisition":
        return "Asn_Lv2ImageNonScience"
    if item.calibrated:
        return "Asn_Lv2ImageSpecial" if item.background else "Asn_Lv2Image"
    guider = item.exp_type in ("fgs_image", "fgs_focus") and item.role == "science" and not item.sensing
    return "Asn_Lv2FGS" if guider else None


# ---- what stands ---------------------------------------------------------------------------------------------------


def _prune(drafts):
    """Leave out doubles.

    Of drafts with the same members the smaller candidate stays (an observation rather than a group) and the later rule;
    of those of the same product the one with more members; of a candidate's mosaics that share exposures the widest.
    """
    best = {}
    for draft in drafts:
        members = frozenset((item.name, role) for item, role in draft.members)
        key = draft.candidate.program, members
        if key not in best or (draft.candidate.id, draft.rule) > (best[key].candidate.id, best[key].rule):
            best[key] = draft
    products = defaultdict(list)
    for (_, members), draft in best.items():
        products[draft.name].append(members)
    wide = {(draft.candidate, item.name) for draft in best.values() if draft.mosaic for item, _ in draft.members}
    kept = []
    for (_, members), draft in best.items():
        part = any(members < others for others in products[draft.name])
        covered = not draft.mosaic and any((draft.candidate, item.name) in wide for item, _ in draft.members)
        if not part and not covered:
            kept.append(draft)
    return kept


def _complete(drafts, given):
    """Associations of the drafts that no hand-made association replaces."""
    products = {(association.asn_type, association.name) for association in given}
    sciences = {(association.asn_type, frozenset(association.science)) for association in given}
    cleaned = {crf_key(association, name) for association in given for name in association.science}
    names = {association.file_name for association in given}
    numbers, made = Counter(), []
    for draft in drafts:
        association = _associate(draft)
        same = (association.asn_type, association.name) in products
        same = same or (association.asn_type, frozenset(association.science)) in sciences
        if same or any(crf_key(association, name) in cleaned for name in association.science if draft.stage == 3):
            continue
        stem = f"jw{draft.candidate.program}-{association.asn_id}_{association.asn_type}"
        made.append(association._replace(file_name=_name_file(stem, numbers, names)))
    return made


def _name_file(stem, numbers, names):
    """Next free file name of a candidate and type."""
    while True:
        numbers[stem] += 1
        name = f"{stem}_{numbers[stem]:05d}_asn.json"
        if name not in names:
            return name


def _associate(draft):
    """Association of a draft, yet without a file name."""
    facts, candidate = draft.first, draft.candidate
    members = tuple(
        Member(item.name, role, group_id(item.exposure), exposerr=item.error) for item, role in draft.members
    )
    return Association(
        name=draft.name, asn_type=f"image{draft.stage}", asn_id=candidate.id, members=members, file_name="",
        rule=("discover_" if candidate.kind == "discovered" else "candidate_") + draft.rule, program=candidate.program,
        target=draft.target, candidate=candidate.kind, pool=facts.pool or "none", reason=_describe(draft),
    )  # fmt: skip


def _describe(draft):
    """What the members of an association have in common."""
    facts, stage = draft.first, draft.stage
    common = [facts.instrument, *facts.optics, facts.subarray, "background target" if facts.background else ""]
    if stage == 2 and len(draft.members) > 1:
        common = [*common, facts.mode[1], "with backgrounds of the same detector and optics"]
    target = "" if draft.mosaic else f" target {facts.target},"
    candidate = f"program {facts.program}, {draft.candidate.kind} {draft.candidate.id}"
    return f"{candidate},{target} {' '.join(filter(None, common))}"


# ---- why -----------------------------------------------------------------------------------------------------------


def explain_absence(exposures, associations, *, pool=None):
    """Say of each exposure that is in no stage-3 association why.

    Parameters
    ----------
    exposures : iterable of jwcal.exposures.Exposure
        The inventory.
    associations : iterable of jwcal.associations.members.Association
        As `make_associations` returns them.
    pool : dict, optional
        As given to `make_associations`.

    Returns
    -------
    dict of str to str
        Reason by exposure name.
    """
    placed = {m.exposure_name for association in associations if association.stage == 3 for m in association.members}
    return {item.name: _find_reason(item) for item in list_facts(exposures, pool or {}) if item.name not in placed}


def _find_reason(item):
    """Why an exposure is in no stage-3 association."""
    exp_type = item.exp_type.upper()
    if item.exp_type in NON_SCIENCE:
        return f"{exp_type} is no science exposure"
    if item.exp_type not in IMAGING:
        return f"no associations are made from headers for {exp_type}; put one into the raw folder"
    reasons = {
        "part of a time series, which is not stacked": item.series,
        "taken to sense the wavefront": item.sensing,
        "an imprint exposure": item.role == "imprint",
        "PROGRAM or OBSERVTN missing in the header": not item.candidates,
        "neither TARGNAME nor TARGPROP in the header": not item.target,
        "SUBARRAY missing in the header": not item.subarray,
        f"a {item.role} exposure without science exposures": item.role not in ("science", "background"),
    }
    left_out = "an association in the raw folder takes the place of its own"
    return next((reason for reason, applies in reasons.items() if applies), left_out)
