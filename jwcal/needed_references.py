"""Reference files that exposures need: the user's own, those that headers name, and the context's for all others."""

import os

from jwcal.chains import declare
from jwcal.errors import JwcalError
from jwcal.selection import Selector

# What steps take like a reference file but an exposure's header names, a file in the raw folder.
COMPANION_TYPES = {"msametafile": "MSAMETFL"}


class NeededReferences:
    """Chooses the reference files of all exposures and remembers what was chosen.

    Parameters
    ----------
    settings : jwcal.settings.Settings
        Where the CRDS cache is, which context, and the files that the user wants instead.
    companions : dict of str to str
        Paths of the files beside the exposures that headers may name, by name.
    cache_path : str or pathlib.Path
        JSON file that keeps the context's answers.
    """

    def __init__(self, settings, companions, cache_path):
        self._settings, self._companions = settings, companions
        self._selector = Selector(settings.crds_path, settings.crds_context, cache_path)
        self._chosen, self._missing, self._existing = set(), set(), {}

    @property
    def problem(self):
        """Why nothing can be chosen at all, and what to do; None if it can."""
        return self._selector.problem

    def save(self):
        """Keep the context's answers for the next run."""
        self._selector.save()

    def choose(self, exposure, steps, skipped):
        """Choose what the steps of an exposure need.

        Parameters
        ----------
        exposure : jwcal.exposures.Exposure
            Its header decides.
        steps : iterable of str
            Steps of the job.
        skipped : dict of str to str
            Steps that do not run, and why; those for which there is no reference file are added.

        Returns
        -------
        dict of str to (str or None)
            Paths by type; None where there is none to be had.

        Raises
        ------
        JwcalError
            Where a file that a step needs is not there: one line that names exposure, type, file and remedy.
        """
        wanted = {s: declare(s) for s in steps if s not in skipped}
        types = sorted({t for d in wanted.values() for t in d.types(exposure.instrument)})
        override = self._settings.reference_overrides(exposure)
        optional = set(types) - {t for d in wanted.values() for t in d.references}
        asked = [t for t in types if t not in override and t not in COMPANION_TYPES]
        found = self._selector.select(exposure, asked, optional) if asked else {}
        found |= {t: override[t] for t in types if t in override} | self._find_companions(exposure)
        for step, declaration in wanted.items():
            absent = [t for t in declaration.references if found.get(t) is None]
            if absent:
                skipped[step] = f"reference {', '.join(absent)} is N/A"
        needed = {t for s, d in wanted.items() if s not in skipped for t in d.types(exposure.instrument)}
        result = {t: found.get(t) for t in types}
        for reftype in sorted(needed):
            self._check_present(exposure, reftype, result[reftype], own=reftype in override)
        self._chosen |= {(t, path) for t, path in result.items() if path and t not in COMPANION_TYPES}
        return result

    def own(self, exposure):
        """Paths that are the user's, not the CRDS cache's: they may be edited in place."""
        return {*self._settings.reference_overrides(exposure).values(), *self._find_companions(exposure).values()}

    def listed(self):
        """(type, path, present) of every reference file that the exposures at hand need."""
        return [(reftype, path, os.path.exists(path)) for reftype, path in sorted(self._chosen | self._missing)]

    def crds(self):
        """Where the CRDS cache is, which context, which server."""
        settings = self._settings
        return {"path": settings.crds_path, "context": settings.crds_context, "server": settings.crds_server}

    def _find_companions(self, exposure):
        """Paths of the files that a header names, by `COMPANION_TYPES`; None where missing."""
        return {t: self._companions.get(str(exposure.keyword(keyword, ""))) for t, keyword in COMPANION_TYPES.items()}

    def _check_present(self, exposure, reftype, path, own):
        if path is None or self._exists(path):
            return
        where, remedy = f"of references.override does not exist ({path})", "correct the path"
        if not own:
            self._missing.add((reftype, path))
            where = f"is not in the CRDS cache ({path})"
            remedy = f"run 'snakemake references' to list or fetch it, or set references.override.{reftype}"
        raise JwcalError(
            f"{exposure.name}: {reftype} reference {os.path.basename(path)} {where}; {remedy}; the exposure is left out"
        )

    def _exists(self, path):
        if path not in self._existing:
            self._existing[path] = os.path.exists(path)
        return self._existing[path]
