"""Intermediate states on request: which chain ``snakemake products/X_linearity.fits`` runs, and how far.

Like `jwcal.workflow`, whose `Program` owns it, this is asked while Snakemake lays out the workflow: no pixels, no
network.
"""

from jwcal.chains import declare, reference_types
from jwcal.errors import JwcalError

RULES = ("detector1", "dark", "guider", "image2")
# Products of a chain that is cut: before ramp_fit, after background.
NAMED = {"ramp": "ramp_fit", "bsub": "background"}


class Peeks:
    """The states between the steps of an exposure's chains.

    Parameters
    ----------
    program : jwcal.workflow.Program
        Knows the exposures and the plans of their jobs.
    """

    def __init__(self, program):
        self._program = program

    def steps(self):
        """Steps whose state can be asked for, with `ramp` and `bsub`."""
        chains = self._program.chains
        names = {chain for entries in chains.pipelines.values() for chain in (e["chain"] for e in entries)}
        steps = {step for name in names for step in chains.chains[name] if declare(step) is not None}
        return steps | set(NAMED)

    def pattern(self):
        """Regular expression of `steps`."""
        return "|".join(sorted(self.steps()))

    def rule(self, name, step):
        """Rule whose chain holds a step for an exposure; an error where none does."""
        step = NAMED.get(step, step)
        for rule in RULES:
            if name in self._program.jobs[rule] and step in self._program.plan(rule, name)["steps"]:
                return rule
        raise JwcalError(
            f"{name}: {step} is not a step of this exposure's pipelines (or the exposure is not in the raw folder)"
        )

    def source(self, name, step):
        """First input of the chain that holds a step."""
        return self._program.first_input(self.rule(name, step), name)

    def backgrounds(self, name, step):
        """Background exposures, where the chain subtracts them."""
        return self._program.background_files(name) if self.rule(name, step) == "image2" else []

    def windows(self, name, step):
        """Persistence windows of the exposure before, where the chain up to a step needs them."""
        taken = "persistence" in self.plan(name, step)["settings"]
        return self._program.handover.earlier_windows(name) if taken else []

    def plan(self, name, step, script="peek"):
        """The plan of a chain cut after a step (`ramp`: just before ramp_fit; `bsub`: after background)."""
        plan = self._program.plan(self.rule(name, step), name)
        end = plan["steps"].index(NAMED.get(step, step)) + (step != "ramp")
        steps = plan["steps"][:end]
        run = [s for s in steps if s not in plan["skipped"]]
        used = {t for s in run for t in reference_types(s)}
        return {
            "steps": steps,
            "skipped": {s: why for s, why in plan["skipped"].items() if s in steps},
            "settings": {s: plan["settings"][s] for s in run},
            "references": {t: path for t, path in plan["references"].items() if t in used},
            "code": self._program.code(script, tuple(run)),
        }
