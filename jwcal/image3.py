"""Stage 3 imaging (calwebb_image3): which rules make the products of an association, from which files, told what.

Like `jwcal.workflow`, whose `Program` owns it, this is asked while Snakemake lays out the workflow: no pixels, no
network.
"""

import os
import re

from jwcal.associations.catalog_lists import read_catfile
from jwcal.errors import JwcalError
from jwcal.own_files import list_own_files

CHAIN = "mosaics"
# The step that a rule runs.
STEPS = {
    "assign_mtwcs": "assign_mtwcs",
    "tweakreg_catalog": "tweakreg_catalog",
    "tweakreg": "tweakreg",
    "skymatch": "skymatch",
    "outlier_detection": "outlier_detection",
    "mosaic": "resample",
    "source_catalog": "source_catalog",
}
# What the steps that compare exposures find, in their order: argument of the scripts, ending of the file's name.
FINDINGS = {
    "assign_mtwcs": ("alignment", "mtwcs.json"),
    "tweakreg": ("alignment", "tweakreg.json"),
    "skymatch": ("levels", "skymatch.json"),
    "outlier_detection": ("outliers", "outliers.fits"),
}
# Peak memory in planes of an exposure (float32), of the mosaic, and MB that do not grow.
MEMORY = {
    "assign_mtwcs": (0, 0, 400),
    "tweakreg_catalog": (8, 0, 500),
    "tweakreg": (0, 0, 500),
    "skymatch": (6, 0, 500),
    "outlier_detection": (14, 4, 700),
    "crf": (14, 0, 300),
    "mosaic": (16, 14, 600),
    "source_catalog": (0, 18, 900),
}


class Image3:
    """The associations of stage 3 imaging.

    Parameters
    ----------
    program : jwcal.workflow.Program
        Knows the exposures, settings and references.
    associations : iterable of jwcal.associations.members.Association
        All that there are; those of other pipelines are passed over.
    """

    def __init__(self, program, associations):
        self._program = program
        self.associations, self._crfs, self._plans = {}, {}, {}
        self._first_crfs = {}  # by exposure
        self._finders = {}  # exposures whose sources are found, with the association that says how
        for association in associations:
            if association.asn_type == "image3":
                self._admit(association)

    def _admit(self, association):
        """Take in an association, without members that are not calibrated; say so where nothing can be made of it."""
        program = self._program
        science = [m for m in association.members if m.exptype == "science" and program.makes_cal(m.exposure_name)]
        obstacle = None
        if not science:
            obstacle = "none of its science exposures becomes a _cal"
        elif association.name in program.exposures or association.name in self.associations:
            obstacle = "its product name is taken; give it another"
        else:
            obstacle = program.chains.obstacle(CHAIN, program.exposure(science[0].exposure_name))
        if obstacle is None:
            try:
                self._plan(association, science)
                return
            except JwcalError as error:
                obstacle = str(error)
        said_by = f" ({association.path})" if association.path else ""
        program.leave_out(association.name, f"{association.name}{said_by}: no mosaic is made: {obstacle}")

    def _plan(self, association, science):
        """Work out what each rule is told."""
        name, program = association.name, self._program
        first = program.exposure(science[0].exposure_name)
        skipped = program.chains.skips(CHAIN, first, program.settings)
        moving = first.keyword("TARGTYPE") == "MOVING"
        if moving:
            skipped |= dict.fromkeys(("tweakreg_catalog", "tweakreg"), "the target moves (see assign_mtwcs)")
        else:
            skipped["assign_mtwcs"] = "the target does not move"
        if len({member.group_id for member in science}) < 2:
            skipped |= {step: "a single exposure, nothing to compare it with" for step in FINDINGS}
        members = [member.exposure_name for member in science]
        plans = {}
        for rule, step in STEPS.items():
            if step not in skipped:
                plans[rule] = program.plan_step(rule, step, first) | {"members": members}
        for rule in {"tweakreg", "skymatch"} & set(plans):
            plans[rule]["groups"] = [member.group_id for member in science]
        if "tweakreg" in plans:
            self._finders |= dict.fromkeys(members if self._aligns_itself(plans) else (), name)
        told = [step for step in FINDINGS if step in skipped and (moving or step != "assign_mtwcs")]
        cleaned = {"skipped": {step: skipped[step] for step in told}, "association": association.file_name}
        plans["crf"] = cleaned | {"code": program.code("crf", ())}
        if "mosaic" in plans and set(plans) & set(FINDINGS):
            names = [f"{member}_{association.asn_id}_crf.fits" for member in members]
            plans["mosaic"]["cleaned"] = cleaned | {"files": names}
        self.associations[name] = association._replace(members=tuple(science))
        self._plans[name] = plans
        if self._findings(name):
            for member in members:
                crf = f"{member}_{association.asn_id}"
                self._crfs[crf] = member, name
                self._first_crfs.setdefault(member, crf)

    # ---- what the rules ask ----------------------------------------------------------------------------------------

    def plan(self, rule, name):
        """What the job of a rule is told: members, settings, references and a digest of the code that runs."""
        return self._plans[name][rule]

    def catalog_plan(self, exposure):
        """What the job that finds an exposure's sources is told."""
        plan = self._plans[self._finders[exposure]]["tweakreg_catalog"]
        return {key: value for key, value in plan.items() if key != "members"}

    def crf_plan(self, crf):
        """What the job that makes a `_crf` is told."""
        return self._plans[self._crfs[crf][1]]["crf"]

    def inputs(self, rule, name):
        """Input files of a rule, by argument of its script."""
        if rule == "source_catalog":
            return {"i2d": self._path(name, "i2d.fits"), "references": self._references(name, rule)}
        files = {"cals": [self._program.locate(member, "cal") for member in self._members(name)]}
        if rule == "tweakreg" and self._aligns_itself(self._plans[name]):
            files["catalogs"] = [self._catalog(member) for member in self.associations[name].members]
        return files | self._findings(name, before=rule) | self._own_files(rule, name)

    def crf_inputs(self, crf):
        """Input files of the job that makes a `_crf`."""
        member, name = self._crfs[crf]
        return {"cal": self._program.locate(member, "cal")} | self._findings(name)

    def content(self, stem):
        """Content of an association file, by its name without `_asn.json`."""
        return self._made()[stem].content

    def pattern(self):
        """Regular expression of the associations' product names."""
        return _any_of(self.associations)

    def catalog_pattern(self, segmented):
        """Regular expression of the associations whose sources are found as segments, or as stars."""
        return _any_of(
            n for n, plans in self._plans.items() if "source_catalog" in plans and _segments(plans) == segmented
        )

    def file_pattern(self):
        """Regular expression of the names, without `_asn.json`, of the association files that are made."""
        return _any_of(self._made())

    def exposure_pattern(self):
        """Regular expression of the exposures whose sources are found."""
        return _any_of(self._finders)

    def crf_pattern(self):
        """Regular expression of the names, without `_crf`, of cleaned exposures."""
        return _any_of(self._crfs)

    def crf_of(self, exposure):
        """Path of an exposure's first `_crf`; None where there is none."""
        stem = self._first_crfs.get(exposure)
        return stem and self._path(stem, "crf.fits")

    def names(self):
        """Names with which files of associations begin."""
        return {*self.associations, *self._made()}

    def cleaned(self):
        """File names of all cleaned exposures."""
        return {f"{crf}_crf.fits" for crf in self._crfs}

    def targets(self):
        """Everything of stage 3 that ``snakemake all`` makes."""
        paths = [self._path(stem, "asn.json") for stem in self._made()]
        paths += [self._path(crf, "crf.fits") for crf in self._crfs]
        for name in self._plans:
            paths += self.products(name).values()
        return paths

    def products(self, name):
        """Final products of an association, by suffix."""
        plans = self._plans[name]
        made = {"mosaic": ("i2d.fits",), "source_catalog": ("cat.ecsv", "segm.fits")}
        if "mosaic" not in plans:
            return {}
        return {
            ending.partition(".")[0]: self._path(name, ending)
            for rule, endings in made.items()
            if rule in plans
            for ending in endings
            if ending != "segm.fits" or _segments(plans)
        }

    # ---- resources -------------------------------------------------------------------------------------------------

    def memory(self, rule, name):
        """Peak memory of a job in MB: so many planes of an exposure and of the mosaic."""
        exposures = [self._program.exposure(member) for member in self._members(name)]
        planes, mosaic_planes, fixed = MEMORY[rule]
        largest = max(exposure.nx * exposure.ny for exposure in exposures)
        fields = {(exposure.detector, exposure.keyword("OBSERVTN")) for exposure in exposures}
        area = 1.5 * largest * len(fields)  # dithers overlap, detectors and observations need not
        return int(fixed + 4e-6 * (planes * largest + mosaic_planes * area))

    def catalog_memory(self, exposure):
        """Peak memory in MB of the job that finds an exposure's sources."""
        return self.memory("tweakreg_catalog", self._finders[exposure])

    def crf_memory(self, crf):
        """Peak memory in MB of the job that makes a `_crf`."""
        return self.memory("crf", self._crfs[crf][1])

    # ---- parts -----------------------------------------------------------------------------------------------------

    def _members(self, name):
        return [member.exposure_name for member in self.associations[name].members]

    def _made(self):
        """Associations without a file of the user's own, by the name of their file without `_asn.json`."""
        made = (a for a in self.associations.values() if a.path is None)
        return {association.file_name.removesuffix("_asn.json"): association for association in made}

    @staticmethod
    def _aligns_itself(plans):
        """Whether an association is aligned by its sources; otherwise by an earlier result that the user names."""
        return not plans["tweakreg"]["settings"]["tweakreg"].get("alignment_file")

    def _path(self, stem, ending):
        return f"{self._program.products}/{stem}_{ending}"

    def _catalog(self, member):
        """Catalogue of a member's sources: the user's own, or the one that is made."""
        return member.tweakreg_catalog or self._path(member.exposure_name, "tweakregcat.ecsv")

    def _findings(self, name, before=None):
        """Files of what the steps found (before a given one), by argument of the scripts."""
        found = {}
        for step, (argument, ending) in FINDINGS.items():
            if step == before:
                break
            if step in self._plans[name]:
                found[argument] = self._path(name, ending)
        return found

    def _own_files(self, rule, name):
        """Files that the settings name."""
        settings = self._plans[name][rule]["settings"]
        paths = list_own_files(settings)
        if rule == "tweakreg" and settings[rule]["use_custom_catalogs"] and settings[rule]["catfile"] in paths:
            paths += _list_catalogs(settings[rule]["catfile"], self._members(name))
        return {"own": paths} if paths else {}

    def _references(self, name, rule):
        return sorted(filter(None, self._plans[name][rule]["references"].values()))


def _segments(plans):
    """Whether a catalogue comes with a map of which pixels belong to which source; stars have none."""
    return plans["source_catalog"]["settings"]["source_catalog"]["starfinder"] == "segmentation"


def _list_catalogs(catfile, members):
    """Catalogues of the members that a user's list names; what is wrong with it, the job will say."""
    try:
        listed = read_catfile(catfile)
    except JwcalError:
        return []
    return [path for member in members if (path := listed.get(member)) and os.path.isfile(path)]


def _any_of(names):
    return "|".join(map(re.escape, dict.fromkeys(names))) or "(?!)"
