"""Which exposure's persistence windows the next one of its detector takes over; asked by `jwcal.workflow.Program`."""

import re
from collections import defaultdict
from functools import cached_property
from itertools import pairwise

DAY = 86400.0
LINEAR = "linearity"  # the step that makes signals comparable with dn_threshold


class Handover:
    """What the rules ask about persistence windows.

    Time series do not run the step, nor do MIRI's darks: their groups are not flagged. But what saturates in them is
    felt by the exposure after, so that their windows are found all the same, and handed on.

    Parameters
    ----------
    program : jwcal.workflow.Program
        All exposures and their plans.
    """

    def __init__(self, program):
        self._program = program

    @cached_property
    def _succession(self):
        """Who hands windows on to whom."""
        names = [name for rule in ("detector1", "dark") for name in self._program.jobs[rule]]
        return Succession(*({name: find(name) for name in names} for find in (self._program.exposure, self._settings)))

    def _settings(self, name):
        """Settings of the step for an exposure, whether its chain has it or not; empty where it is switched off."""
        settings, exposure = self._program.settings, self._program.exposure(name)
        return {} if settings.skips(exposure, "persistence") else settings.for_step(exposure, "persistence")

    def earlier_windows(self, name):
        """Windows that the detector's exposure before left open, as a list of one file or none."""
        before = self._succession.before(name)
        return [f"{self._program.products}/{before}_persistence.asdf"] if before else []

    def inherited_windows(self, rule, name):
        """The same where the exposure's own chain takes them into account."""
        return self.earlier_windows(name) if "persistence" in self._program.plan(rule, name)["settings"] else []

    def pattern(self):
        """Regular expression of the exposures that hand windows on."""
        return "|".join(map(re.escape, sorted(self._succession))) or "(?!)"

    def rule(self, name):
        """Rule of an exposure's stage 1."""
        return self._program.peeks.rule(name, LINEAR)

    def plan(self, name):
        """What the job that finds an exposure's windows is told: its chain up to persistence, or to linear signals."""
        if "persistence" in self._program.plan(self.rule(name), name)["steps"]:
            return self._program.peeks.plan(name, "persistence", "windows")
        plan = self._program.peeks.plan(name, LINEAR, "windows")
        plan["steps"] = [*plan["steps"], "persistence"]
        plan["settings"] = plan["settings"] | {"persistence": self._settings(name)}
        return plan | {"code": self._program.code("windows", tuple(plan["settings"]))}


class Succession:
    """The exposures that hand persistence windows on, in the order of time.

    Parameters
    ----------
    exposures : dict of str to jwcal.exposures.Exposure
        Those that stage 1 calibrates.
    settings : dict of str to dict
        Their settings of the step persistence; empty where it does not run.
    """

    def __init__(self, exposures, settings):
        self._lengths = {
            name: own["persistence_time"]
            for name, own in settings.items()
            if own.get("carry_over") and own.get("persistence_time")
        }
        order = defaultdict(list)
        for name in self._lengths:
            exposure = exposures[name]
            place = float(exposure.keyword("EXPSTART", 0.0)), int(exposure.keyword("INTSTART", 1)), name
            order[exposure.instrument, exposure.detector].append(place)
        self._before = {}
        for places in order.values():
            names = [name for _, _, name in sorted(places)]
            longest = max(self._lengths[name] for name in names)
            for before, name in pairwise(names):
                if _may_last(exposures[before], exposures[name], longest):
                    self._before[name] = before

    def __iter__(self):
        """Names of the exposures whose windows another one takes over."""
        return iter(set(self._before.values()))

    def before(self, name):
        """The exposure whose windows may still be open when another one starts, None if there is none."""
        return self._before.get(name)


def _may_last(before, exposure, longest):
    """False where all windows are closed when the later exposure starts."""
    end, start = before.keyword("EXPEND"), exposure.keyword("EXPSTART")
    return end is None or start is None or (float(start) - float(end)) * DAY <= longest
