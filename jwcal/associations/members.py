"""Associations: which exposures go into a product, and in which role.

`jwcal.associations.files` reads those that the user or the archive made, `jwcal.associations.rules` makes the others.
"""

import re
from typing import NamedTuple

import jwcal
from jwcal.exposures import COMPANIONS, EXPOSURE_AXES

SUFFIXES = COMPANIONS | frozenset(EXPOSURE_AXES)
CRF_NAME = re.compile(r"(.+)_(?:[oc]\d{3,4}|[ar]\d{3,5})")


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


def crf_key(association, name):
    """What tells the cleaned exposures (`_crf`) of one association from those of another."""
    return association.asn_type, association.asn_id, name
