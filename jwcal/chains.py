"""Which steps an exposure's pipeline runs: chains.yaml, step declarations and settings made into a plan.

The signature of a step is its declaration: arguments annotated ``Reference`` are the reference types that it needs,
one annotated ``NirspecOptics`` stands for all those of NIRSpec's optics, keyword-only arguments are its settings. It is
read from the source (no import), so that the workflow is laid out without numpy or numba.
"""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

STEPS = Path(__file__).parent / "steps"
# Types that an argument stands for, by its annotation: together they tell where light falls on the detectors.
GROUPS = {
    "NirspecOptics": (
        "NIRSPEC",
        """camera collimator disperser fpa ifupost ifuslicer msa msaoper wavelengthrange msametafile""".split(),
    )
}


class Declaration(NamedTuple):
    """What a step's signature says."""

    references: tuple  # CRDS types it cannot do without
    optional: tuple  # CRDS types it can use
    settings: dict  # keyword-only arguments and their defaults
    instruments: dict  # the instrument by type, where a type is for the exposures of one only
    groups: dict  # argument that takes several references, a dict by type, to their types

    def types(self, instrument):
        """All CRDS types that the step uses for an instrument's exposures, first those it cannot do without."""
        every = self.references + self.optional
        return tuple(name for name in every if self.instruments.get(name, instrument) == instrument)


@cache
def declare(step):
    """`Declaration` of a step, None if its module does not exist (the step is not built yet)."""
    path = STEPS / f"{step}.py"
    if not path.exists():
        return None
    tree = ast.parse(path.read_text())
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == step)
    arguments = function.args
    positional = arguments.args[1:]
    needed, optional, groups, instruments = [], [], {}, {}
    for index, argument in enumerate(positional, start=len(arguments.defaults) - len(positional)):
        annotation = "" if argument.annotation is None else ast.unparse(argument.annotation).partition(" ")[0]
        if annotation in GROUPS:
            instrument, types = GROUPS[annotation]
            groups[argument.arg] = types
            optional += types
            instruments |= dict.fromkeys(types, instrument)
        elif annotation == "Reference":
            (optional if index >= 0 else needed).append(argument.arg)
    settings = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return Declaration(
        references=tuple(needed),
        optional=tuple(optional),
        settings={argument.arg: ast.literal_eval(default) for argument, default in settings},
        instruments=instruments,
        groups=groups,
    )


def reference_types(step):
    """CRDS types that a step reads, none for one that is not built."""
    declaration = declare(step)
    return declaration.references + declaration.optional if declaration else ()


class Chains:
    """The contents of chains.yaml.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    matches : callable
        ``matches(when, exposure) -> bool`` (`jwcal.settings.matches`).
    """

    def __init__(self, path, matches):
        content = yaml.load(Path(path).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.chains, self.pipelines = content["chains"], content["pipelines"]
        self.optional, self.min_groups = set(content["optional"]), content["min_groups"]
        self.unsupported, self.resampled = content["unsupported"], set(content["resampled"])
        self._matches = matches

    def chain_of(self, pipeline, exposure):
        """Name of the chain that `pipeline` runs on an exposure."""
        for entry in self.pipelines[pipeline]:
            if self._matches(entry.get("when", {}), exposure):
                return entry["chain"]
        raise KeyError(pipeline)

    def obstacle(self, chain, exposure):
        """Why a chain cannot run on an exposure yet, None if it can."""
        if why := self.refusal(chain, exposure):
            return why
        unbuilt = [step for step in self.chains[chain] if declare(step) is None and step not in self.optional]
        return f"{', '.join(unbuilt)} not built yet" if unbuilt else None

    def refusal(self, chain, exposure):
        """Why a chain's steps do not support an exposure of such a kind, None if they do."""
        return next((e["why"] for e in self.unsupported.get(chain, ()) if self._matches(e["when"], exposure)), None)

    def skips(self, chain, exposure, settings):
        """Steps of a chain that will not run on an exposure, with the reason.

        Parameters
        ----------
        chain : str
            Chain name.
        exposure : jwcal.exposures.Exposure
            Its header properties.
        settings : jwcal.settings.Settings
            The user's settings.

        Returns
        -------
        dict of str to str
            Step name to reason. Missing references come later, when they have been looked up.
        """
        reasons = {}
        for step in self.chains[chain]:
            if declare(step) is None:
                reasons[step] = "not built yet"
            elif settings.skips(exposure, step):
                reasons[step] = "switched off (skip: true)"
            elif exposure.ngroups and exposure.ngroups < self.min_groups.get(step, 0):
                reasons[step] = f"needs {self.min_groups[step]} groups, the exposure has {exposure.ngroups}"
        return reasons
