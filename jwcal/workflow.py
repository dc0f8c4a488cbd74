"""What the workflow is to make, from which files, with which settings: all thinking of the Snakemake rules.

No pixel is read here and no network used; the headers and the chosen references come from caches in ``.jwcal``.
"""

import re
import sys
from collections import defaultdict
from functools import cached_property
from pathlib import Path

from jwcal.associations.files import read_associations
from jwcal.associations.members import background_members
from jwcal.associations.pools import read_pools
from jwcal.associations.rules import explain_absence, make_associations
from jwcal.chains import Chains, reference_types
from jwcal.digests import code_digest
from jwcal.errors import JwcalError
from jwcal.exposures import load_exp_types, take_inventory
from jwcal.image3 import Image3
from jwcal.memory.budget import estimate_memory, estimate_minutes, find_extras
from jwcal.needed_references import NeededReferences
from jwcal.own_files import find_absent, list_own_files
from jwcal.peeks import Peeks
from jwcal.settings import load_settings, matches
from jwcal.successions import Handover
from jwcal.summary import find_leftovers
from jwcal.targets import explain_target

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "config"
CACHE = Path(".jwcal")

# What each rule reads and makes: the suffix of its first input, the suffixes of its outputs.
RULES = {
    "detector1": ("uncal", ("rate", "rateints")),
    "dark": ("uncal", ("dark",)),
    "guider": ("uncal", ("cal",)),
    "image2": ("rate", ("cal",)),
    "image2ints": ("rateints", ("calints",)),
    "resample": ("cal", ("i2d",)),
}
PIPELINE_RULES = {
    "calwebb_detector1": ("detector1",),
    "calwebb_tso1": ("detector1",),
    "calwebb_dark": ("dark",),
    "calwebb_guider": ("guider",),
    "calwebb_image2": ("image2", "image2ints"),
}


def warn(line):
    """One line to the user."""
    print(f"jwcal: {line}", file=sys.stderr)


class Program:
    """All exposures at hand and what is to be made of them.

    Parameters
    ----------
    config : dict
        Snakemake's configuration.
    quiet : bool
        No warnings (jobs on a cluster parse the workflow again).

    Raises
    ------
    JwcalError
        When the configuration is invalid: one line that names the key.
    """

    def __init__(self, config, quiet=False):
        self.settings = load_settings(config, CONFIG / "schema.yaml", CACHE / "settings.json")
        self.products = self.settings.products
        self.chains = Chains(CONFIG / "chains.yaml", matches)
        self.exp_types = load_exp_types(CONFIG / "exp_types.csv")
        self._say = (lambda line: None) if quiet else warn
        self.notes = defaultdict(list)
        self.exposures = self._take_inventory()
        self._plans, self._digests, self._absent = {}, {}, set()
        self.jobs = {rule: [] for rule in RULES}
        self.problem = self.references.problem if self.exposures else None
        if self.problem is None:
            for name in sorted(self.exposures):
                self._route(name)
        self.peeks = Peeks(self)
        self.image3 = Image3(self, self.associations if self.problem is None else ())
        if self.problem is None:
            self.references.save()

    def _take_inventory(self):
        """Exposures by name, then by suffix; problems are said in a line each."""
        inventory = take_inventory(self.settings.raw, CACHE / "inventory.json")
        self.association_files, self.pool_files = inventory.associations, inventory.pools
        self.references = NeededReferences(self.settings, inventory.companions, CACHE / "references.json")
        for line in inventory.warnings:
            self._say(line)
        exposures = defaultdict(dict)
        for exposure in inventory.exposures:
            exposures[exposure.name][exposure.suffix] = exposure
        return exposures

    @cached_property
    def associations(self):
        """Associations of the user's own in the raw folder, and those made from headers and pools."""
        exposures = [exposure for files in self.exposures.values() for exposure in files.values()]
        given, problems = read_associations(self.association_files, exposures)
        pool, faults = self._pool
        for line in problems + faults:
            self._say(line)
        return make_associations(self._earliest(), given, pool=pool, **self.settings.associations)

    @cached_property
    def _pool(self):
        """What the archive's pools in the raw folder say by exposure, and what is wrong with them."""
        return read_pools(self.pool_files)

    def _earliest(self):
        return [exposure for name in sorted(self.exposures) if (exposure := self.exposure(name)) is not None]

    @cached_property
    def backgrounds(self):
        """Background members by science exposure."""
        return background_members(self.associations)

    def exposure(self, name):
        """The earliest product of an exposure at hand (``uncal`` before ``rate`` before ``cal``)."""
        files = self.exposures[name]
        return next((files[s] for s in ("uncal", "rate", "rateints", "cal", "calints") if s in files), None)

    # ---- routing ---------------------------------------------------------------------------------------------------

    def _route(self, name):
        """Decide which rules make products of one exposure."""
        exposure = self.exposure(name)
        if exposure is None:
            return
        try:
            route = self.exp_types[exposure.exp_type]
        except KeyError:
            remedy = "correct the keyword or add a row to config/exp_types.csv"
            self.leave_out(name, f"{exposure.path}: unknown EXP_TYPE {exposure.exp_type!r}; {remedy}")
            return
        if exposure.suffix == "uncal":
            if self._refuse(name, exposure, route.stage1) or not self._add(name, exposure, route.stage1):
                return
        if exposure.suffix in ("uncal", "rate", "rateints") and not self._add(name, exposure, route.stage2):
            return
        if route.stage2 == "calwebb_image2":
            self._add_resample(name, exposure)
        if route.stage3:
            self._note_unbuilt(name, exposure, route.stage3)

    def leave_out(self, name, line):
        """Say why nothing, or not everything, is made of an exposure or association; the summary repeats it."""
        self._say(line)
        self.notes[name].append(line)

    def _refuse(self, name, exposure, pipeline):
        """True, and a line to the user, where raw data are of a kind that the steps of a pipeline cannot read."""
        if not pipeline:
            return False
        why = self.chains.refusal(self.chains.chain_of(pipeline, exposure), exposure)
        if why:
            self.leave_out(name, f"{exposure.path}: {why}")
        return why is not None

    def _note_unbuilt(self, name, exposure, pipeline):
        obstacle = self.chains.obstacle(self.chains.chain_of(pipeline, exposure), exposure)
        if obstacle:
            self.notes[name].append(f"{pipeline}: {obstacle}")
        return obstacle

    def _add(self, name, exposure, pipeline):
        """Add the rules of a pipeline for an exposure; False where the exposure's way ends here."""
        if not pipeline or self._note_unbuilt(name, exposure, pipeline):
            return False
        added = False
        for rule in PIPELINE_RULES.get(pipeline, ()):
            if self._offers(name, exposure, RULES[rule][0]) and self._plan(rule, name, pipeline):
                self.jobs[rule].append(name)
                added = True
        return added

    def _offers(self, name, exposure, suffix):
        """True where an exposure has, or will have, a product of that suffix."""
        if suffix in self.exposures[name] or (suffix == "rate" and exposure.suffix == "uncal"):
            return True
        return suffix == "rateints" and exposure.suffix == "uncal" and exposure.nints > 1

    def _add_resample(self, name, exposure):
        """Single-exposure rectification: only imaging types, only two-dimensional products."""
        if exposure.exp_type not in self.chains.resampled:
            return
        if self.makes_cal(name) and self._plan("resample", name, None):
            self.jobs["resample"].append(name)

    # ---- plans -----------------------------------------------------------------------------------------------------

    def plan(self, rule, name):
        """What a job is told: steps, skipped steps, settings, references, and a digest of the code that runs.

        It holds exactly what matters to this job, and Snakemake makes the product anew when any of it changes.
        """
        return self._plans[rule, name]

    def _plan(self, rule, name, pipeline):
        """Make and keep a plan; None, and a line to the user, where a reference is missing."""
        exposure = self.exposure(name)
        chain = "single_exposure_resampling" if rule == "resample" else self.chains.chain_of(pipeline, exposure)
        steps = self.chains.chains[chain]
        skipped = self.chains.skips(chain, exposure, self.settings)
        if "background" in steps and "background" not in skipped and name not in self.backgrounds:
            skipped["background"] = "no background members in an association"
        try:
            references = self.references.choose(exposure, steps, skipped)
        except JwcalError as error:
            self.leave_out(name, str(error))
            return None
        run = [step for step in steps if step not in skipped]
        settings = {step: self.settings.for_step(exposure, step) for step in run}
        self._check_own_files(settings)
        plan = {
            "steps": list(steps),
            "skipped": skipped,
            "settings": settings,
            "references": references,
            "code": self.code(rule, tuple(run)),
        }
        self._plans[rule, name] = plan
        return plan

    def plan_step(self, rule, step, exposure):
        """What a job that runs one step is told, its settings and references those of an exposure."""
        skipped = {}
        references = self.references.choose(exposure, [step], skipped)
        settings = {step: self.settings.for_step(exposure, step)}
        self._check_own_files(settings)
        plan = {"steps": [step], "skipped": skipped, "settings": settings, "references": references}
        return plan | {"code": self.code(rule, (step,))}

    def _check_own_files(self, settings):
        """Say, once, which files that settings name are not there; the job itself will end with that."""
        for setting, path in find_absent(settings):
            if (setting, path) not in self._absent:
                self._absent.add((setting, path))
                self._say(f"{setting}: there is no file {path}; correct the path")

    def makes_cal(self, name):
        """True where a two-dimensional `_cal` of an exposure is at hand, or will be made."""
        given = self.exposures.get(name, {}).get("cal")
        return ("image2", name) in self._plans or (given is not None and len(given.shape) == 2)

    def code(self, rule, steps):
        """Digest of a script and of the library modules that it and the steps reach."""
        if (rule, steps) not in self._digests:
            script = ROOT / "scripts" / f"{rule.removesuffix('ints')}.py"
            modules = (f"jwcal.steps.{step}" for step in steps)
            self._digests[rule, steps] = code_digest(script, *modules, root=ROOT, cache=CACHE / "code.json")
        return self._digests[rule, steps]

    # ---- what the rules ask ----------------------------------------------------------------------------------------

    def locate(self, name, suffix):
        """Path of a product: the archive's own file in the raw folder, or the one that a rule makes."""
        given = self.exposures.get(name, {}).get(suffix)
        return given.path if given else f"{self.products}/{name}_{suffix}.fits"

    def first_input(self, rule, name):
        """Path of the product that a job begins with."""
        return self.locate(name, RULES[rule][0])

    def reference_files(self, rule, name):
        """Files beside data that a job reads: (those of the CRDS cache, immutable by name; the user's own)."""
        plan = self.plan(rule, name)
        used = {t for s in plan["steps"] if s not in plan["skipped"] for t in reference_types(s)}
        paths = sorted({p for t, p in plan["references"].items() if p and t in used})
        own = self.references.own(self.exposure(name))
        chosen = [p for p in paths if p in own] + list_own_files(plan["settings"])
        return [p for p in paths if p not in own], chosen

    def background_files(self, name):
        """Rate products that an exposure's background step subtracts."""
        return [self.locate(member, "rate") for member in self.backgrounds.get(name, ())]

    @cached_property
    def handover(self):
        """Who hands persistence windows on to whom."""
        return Handover(self)

    def pattern(self, rule, several_integrations=None):
        """Regular expression of the exposures that a rule serves."""
        names = self.jobs[rule]
        if several_integrations is not None:
            names = [n for n in names if (self.exposure(n).nints > 1) == several_integrations]
        return "|".join(map(re.escape, names)) or "(?!)"

    def targets(self):
        """Everything that ``snakemake all`` makes; an error where no reference file can be chosen at all."""
        if self.problem:
            raise JwcalError(self.problem)
        paths = []
        for rule, (_, suffixes) in RULES.items():
            for name in self.jobs[rule]:
                several = self.exposure(name).nints > 1
                paths += [f"{self.products}/{name}_{s}.fits" for s in suffixes if s != "rateints" or several]
        return paths + self._optional_targets() + self.image3.targets()

    def _optional_targets(self):
        """`_ramp` and `_bsub` where the user asks for them."""
        paths = []
        for name in self.jobs["detector1"]:
            if self.settings.pipeline_option(self.exposure(name), "save_calibrated_ramp"):
                paths.append(f"{self.products}/{name}_ramp.fits")
        for name in self.jobs["image2"]:
            if name in self.backgrounds and self.settings.pipeline_option(self.exposure(name), "save_bsub"):
                paths.append(f"{self.products}/{name}_bsub.fits")
        return paths

    # ---- what the user asks ----------------------------------------------------------------------------------------

    def doubt(self, target, rules):
        """What is wrong with a target that nothing makes; None where nothing can be said."""
        names = {*self.exposures, *self.image3.names()}
        return explain_target(target, self.products, rules, names, self.peeks.steps())

    @cached_property
    def rows(self):
        """Products of each exposure and association, by suffix."""
        rows = {name: {} for name in self.exposures}
        for rule, (_, suffixes) in RULES.items():
            for name in self.jobs[rule]:
                several = self.exposure(name).nints > 1
                rows[name] |= {s: self.locate(name, s) for s in suffixes if s != "rateints" or several}
        return rows | {name: self.image3.products(name) for name in self.image3.associations}

    def pictured(self):
        """What the demo's picture shows: an exposure, and the mosaic that it is part of."""
        for name, association in self.image3.associations.items():
            if self.image3.products(name):
                return association.science[0], self.image3.products(name)["i2d"]
        raise JwcalError("no mosaic is made here; run `snakemake simulate` first")

    def remarks(self):
        """What there is to say of exposures and associations, by name: also why an exposure is in no mosaic."""
        if self.problem:
            return {"nothing can be made": [self.problem]}
        remarks = {name: list(lines) for name, lines in self.notes.items()}
        absent = explain_absence(self._earliest(), self.associations, pool=self._pool[0])
        for name, reason in absent.items():
            if self.makes_cal(name):
                remarks.setdefault(name, []).append(f"in no mosaic: {reason}")
        return remarks

    def leftovers(self):
        """Paths of products that nothing makes any more."""
        if self.problem:
            return []
        names = {*self.exposures, *self.image3.names()}
        return find_leftovers(self.products, names, self.image3.cleaned())

    # ---- resources -------------------------------------------------------------------------------------------------

    def memory(self, rule, name):
        """Peak memory of a job in MB, from the exposure's header and the settings of its steps."""
        exposure = self.exposure(name)
        shape = _measure(exposure)
        aside = 4 * (exposure.keyword("ZEROFRAM") is True) + shape[1] * (exposure.instrument == "MIRI")
        backgrounds = len(self.background_files(name)) if rule.startswith("image2") else 0
        extras = find_extras(self._plans[rule, name]["settings"], shape[1])
        return estimate_memory(rule, shape, aside, backgrounds, extras)

    def minutes(self, rule, name):
        """Longest time of a job in minutes, from the exposure's header."""
        return estimate_minutes(rule, _measure(self.exposure(name)))

    def threads(self, cores):
        """Threads of a job: the user's number, or all cores shared out when there are fewer exposures than cores."""
        return self.settings.threads or max(1, min(8, (cores or 1) // max(1, len(self.exposures))))


def _measure(exposure):
    """Integrations, groups, rows and columns of an exposure's file."""
    if len(exposure.shape) == 4:
        return exposure.shape
    return exposure.nints or 1, exposure.ngroups or 1, exposure.ny, exposure.nx
