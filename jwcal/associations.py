"""Association files: which exposures go into a product, in which role; those that lie in the raw folder are read here.

`jwcal.association_rules` makes associations from headers where no file says otherwise.
"""

import json
import os
import re
from typing import NamedTuple

import jwcal
from jwcal.errors import JwcalError
from jwcal.exposures import COMPANIONS, EXPOSURE_AXES

TYPES = frozenset(
    "image2 spec2 tso-image2 tso-spec2 nrslamp-spec2 image3 spec3 tso3 ami3 coron3 wfs-image2 wfs-image3".split()
)
SUFFIXES = COMPANIONS | frozenset(EXPOSURE_AXES)
CRF_NAME = re.compile(r"(.+)_(?:[oc]\d{3,4}|[ar]\d{3,5})")

# Without these members there is no product; the others (acquisitions, catalogues) may be absent.
NEEDED = {2: ("science", "background", "imprint"), 3: ("science", "psf")}


class Member(NamedTuple):
    """One exposure's part in an association."""

    exposure_name: str
    """Name of the exposure, without folder, suffix and extension."""
    exptype: str = "science"
    """Its role: science, background, psf, target_acquisition, ..."""
    group_id: str = ""
    """The same for all detectors of one exposure, which move as one on the sky."""
    tweakreg_catalog: str | None = None
    """Path of the user's own catalogue of its sources; "" where the user wants one made; None where nothing is said."""
    exposerr: str | None = None
    """What went wrong with the exposure, from the archive's pool."""


class Association(NamedTuple):
    """The exposures of one product."""

    name: str
    """Product name: ``jw01234-o001_t001_nircam_clear-f200w``, in stage 2 that of the science exposure."""
    asn_type: str
    """``image2``, ``image3``, ... : the pipeline it is for."""
    asn_id: str
    """Candidate that it belongs to: o001 an observation, c1001 several, a3001 discovered or made by hand."""
    rule: str
    """The archive's name of the rule that it follows."""
    members: tuple
    """`Member`, in order."""
    file_name: str
    """Name of its file."""
    program: str = ""
    """Number of the observing program, five digits."""
    target: str = ""
    """Target's number, ``t001`` in stage 3."""
    candidate: str = "observation"
    """Kind of the candidate: observation, background, mosaic, group, discovered."""
    pool: str = "none"
    """Name of the archive's pool that told of the candidate."""
    reason: str = ""
    """What the members have in common."""
    path: str | None = None
    """The user's file; None for one made from headers."""
    document: dict | None = None
    """Content of the user's file."""

    @property
    def stage(self):
        """2 or 3."""
        return 3 if self.asn_type.endswith("3") else 2

    @property
    def science(self):
        """Names of the science exposures."""
        return tuple(member.exposure_name for member in self.members if member.exptype == "science")

    @property
    def content(self):
        """What the association's file holds: a dict in the archive's format."""
        if self.document is not None:
            return self.document
        return {
            "asn_type": self.asn_type, "asn_rule": self.rule, "version_id": None, "code_version": jwcal.__version__,
            "degraded_status": _describe_errors(self.members), "program": self.program, "constraints": self.reason,
            "asn_id": self.asn_id, "asn_pool": self.pool, "target": self.target,
            "products": [{"name": self.name, "members": [self._member_entry(member) for member in self.members]}],
        }  # fmt: skip

    def _member_entry(self, member):
        suffix = "cal" if self.stage == 3 else "rate"
        entry = {"expname": f"{member.exposure_name}_{suffix}.fits", "exptype": member.exptype}
        entry["exposerr"] = member.exposerr
        if self.stage == 3:
            entry["asn_candidate"] = f"[('{self.asn_id}', '{self.candidate}')]"
        return entry


def _describe_errors(members):
    faulty = [member.exposure_name for member in members if member.exposerr]
    return f"Degraded, see exposerr: {', '.join(faulty)}." if faulty else "No member is known to be degraded."


def exposure_name(path):
    """Name of an exposure without folder, suffix and extension: ``jw1_nrca1`` of ``../x/jw1_nrca1_cal.fits``."""
    stem = path.rpartition("/")[2].removesuffix(".fits")
    name, _, suffix = stem.rpartition("_")
    if not name or suffix not in SUFFIXES:
        return stem
    crf = CRF_NAME.fullmatch(name) if suffix in ("crf", "crfints") else None
    return crf[1] if crf else name


def group_id(exposure):
    """Name of what was exposed at once: the same for all detectors, as the official package has it."""
    parts = [exposure.keyword(key) for key in "PROGRAM OBSERVTN VISIT VISITGRP SEQ_ID ACT_ID EXPOSURE".split()]
    if None in parts:
        return exposure.name
    return "jw{}{}{}_{}{}{}_{}".format(*parts)


def background_members(associations):
    """Backgrounds of each science exposure of imaging.

    Parameters
    ----------
    associations : iterable of Association
        Those of other types are passed over.

    Returns
    -------
    dict of str to tuple of str
        Science exposure name to the names of its background exposures, in order; exposures without are left out.
    """
    members = {}
    for association in associations:
        if association.asn_type == "image2":
            backgrounds = [m.exposure_name for m in association.members if m.exptype == "background"]
            for science in association.science:
                members.setdefault(science, {}).update(dict.fromkeys(backgrounds))
    return {science: tuple(backgrounds) for science, backgrounds in members.items() if backgrounds}


def read_associations(paths, exposures=None):
    """Read association files that the user or the archive made.

    Parameters
    ----------
    paths : iterable of str
        JSON files in the archive's format.
    exposures : iterable of jwcal.exposures.Exposure, optional
        What is at hand: an association that needs others is a problem. None: not checked.

    Returns
    -------
    associations : list of Association
        One for each product of a stage-2 file, one for each stage-3 file (the archive makes its first product only).
    problems : list of str
        One line for each file, or product of a file, that cannot be used: file, what, what to do.
    """
    known = None if exposures is None else {exposure.name: exposure for exposure in exposures}
    associations, problems, taken = [], [], {}
    for path in sorted(map(str, paths)):
        try:
            document = _load(path)
            products = document["products"]
        except JwcalError as error:
            problems.append(str(error))
            continue
        for index, product in enumerate(products):
            try:
                association = _read_product(path, document, product, known)
                if index and association.stage == 3:
                    raise JwcalError("only its first product is made; put the others into files of their own", path)
                _claim(association, taken)
                associations.append(association)
            except JwcalError as error:
                problems.append(str(error))
    return associations, problems


def _load(path):
    """Content of an association file, its outline checked."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise JwcalError(f"cannot be read ({error.strerror}); check its permissions", path) from error
    except ValueError as error:
        raise JwcalError(f"not valid JSON ({error}); correct it", path) from error
    products = document.get("products") if isinstance(document, dict) else None
    if not isinstance(products, list) or not products:
        raise JwcalError("not an association (it has no list of products); correct it or move it away", path)
    return document


def _read_product(path, document, product, known):
    """Association of one product of a file."""
    entries = product.get("members") if isinstance(product, dict) else None
    if not isinstance(entries, list) or not entries:
        raise JwcalError("a product has no list of members; add one", path)
    members = tuple(dict.fromkeys(_read_member(path, entry, known) for entry in entries))
    science = [member.exposure_name for member in members if member.exptype == "science"]
    if not science:
        raise JwcalError("a product has no member of exptype science; correct the exptype of its members", path)
    asn_type = _find_type(path, document, entries, (known or {}).get(science[0]))
    asn_id = document.get("asn_id") or "a3001"
    if not isinstance(asn_id, str) or not re.fullmatch(r"[\w-]+", asn_id):
        raise JwcalError(f"asn_id {asn_id!r} cannot be part of a file name; use one like a3001", path)
    base = os.path.basename(path)
    name = str(product.get("name") or base.removesuffix(".json").removesuffix("_asn"))
    association = Association(
        name=science[0] if asn_type.endswith("2") else name.rpartition("/")[2].removesuffix(".fits"),
        asn_type=asn_type, asn_id=asn_id, rule=str(document.get("asn_rule")), members=members, file_name=base,
        program=str(document.get("program") or ""), target=str(document.get("target") or ""),
        pool=str(document.get("asn_pool") or "none"), reason=f"as {path} says", path=path,
        document=document | {"products": [product]},
    )  # fmt: skip
    if known is not None:
        _check_present(association, known)
    return association


def _read_member(path, entry, known):
    expname, exptype = (entry.get(key) for key in ("expname", "exptype")) if isinstance(entry, dict) else (None, None)
    if not isinstance(expname, str) or not isinstance(exptype, str):
        raise JwcalError(f"member {json.dumps(entry)} has no expname or exptype; add them", path)
    name, catalog = exposure_name(expname), entry.get("tweakreg_catalog", ...)
    group = entry.get("group_id") or (group_id(known[name]) if known and name in known else name)
    if catalog is not ...:
        catalog = os.path.join(os.path.dirname(path), catalog) if catalog and str(catalog).strip() else ""
    return Member(name, exptype.lower(), str(group), None if catalog is ... else catalog, entry.get("exposerr"))


def _check_present(association, known):
    """Complain of exposures that a product cannot do without."""
    needed = [m.exposure_name for m in association.members if m.exptype in NEEDED[association.stage]]
    absent = [name for name in needed if name not in known]
    if absent:
        others = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise JwcalError(
            f"member {absent[0]}{others} of {association.name} not in the raw folder; fetch or take out of the file",
            association.path,
        )


def _find_type(path, document, entries, exposure):
    """Type of an association; tools that list files leave it open, then the rule or the members' suffixes tell."""
    stated = str(document.get("asn_type") or "").lower()
    if stated in TYPES:
        return stated
    rule = str(document.get("asn_rule") or "")
    suffixes = {str(entry["expname"]).removesuffix(".fits").rpartition("_")[2] for entry in entries}
    if re.search("lv2|level2", rule, re.IGNORECASE) or suffixes & {"rate", "rateints"}:
        stage = 2
    elif re.search("lv3|level3", rule, re.IGNORECASE) or suffixes & {"cal", "calints", "crf"}:
        stage = 3
    else:
        raise JwcalError(f"asn_type {stated!r} unknown; set it to image2, image3, spec2, ...", path)
    return f"{_find_kind(exposure, stage)}{stage}"


def _find_kind(exposure, stage):
    """Which pipelines serve an exposure: image, spec, ...; imaging where nothing is known of it."""
    exp_type = exposure.exp_type if exposure else "IMAGE"
    imaging = exp_type.endswith(("IMAGE", "_4QPM", "_LYOT", "_CORON", "_AMI", "_FOCUS", "_MIMF", "ACQ", "CONFIRM"))
    series = exposure is not None and exposure.is_tso
    if stage == 2:
        return ("tso-" if series else "") + ("image" if imaging else "spec")
    if exp_type.endswith(("_4QPM", "_LYOT", "_CORON")):
        return "coron"
    if exp_type == "NIS_AMI":
        return "ami"
    return "tso" if series else "image" if imaging else "spec"


def _claim(association, taken):
    """Complain where two files would write the same product: by name of the product, of its file, or of a `_crf`."""
    if association.stage == 2:
        return
    claims = {("product", association.name): ("product name", "its product another name")}
    claims["file", association.file_name] = "file name", "the file another name"
    for name in association.science:
        claims[crf_key(association, name)] = f"asn_id {association.asn_id} and exposure {name}", "it another asn_id"
    for claim, (same, remedy) in claims.items():
        if claim in taken:
            raise JwcalError(
                f"the same {same} as in {taken[claim]}; give {remedy}, or remove one of the two", association.path
            )
    taken.update(dict.fromkeys(claims, association.path))


def crf_key(association, name):
    """What tells the cleaned exposures (`_crf`) of one association from those of another."""
    return association.asn_type, association.asn_id, name
