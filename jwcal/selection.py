"""Choosing reference files: which file of the CRDS cache serves which exposure.

The crds library applies the rules, offline. Importing it takes a second, so answers are kept in a JSON cache by context
and header values, until a rules file of the context changes; with nothing new it is never imported.
"""

import os
from functools import cached_property
from pathlib import Path

from jwcal.caches import load_cache, save_cache
from jwcal.errors import JwcalError

# Names of header properties in the rules of CRDS, and the FITS keywords that hold them.
PROPERTIES = {
    "META.CALIBRATION_SOFTWARE_VERSION": "CAL_VER",
    "META.EXPOSURE.GROUPGAP": "GROUPGAP",
    "META.EXPOSURE.NFRAMES": "NFRAMES",
    "META.EXPOSURE.NGROUPS": "NGROUPS",
    "META.EXPOSURE.NINTS": "NINTS",
    "META.EXPOSURE.NOUTPUTS": "NOUTPUTS",
    "META.EXPOSURE.READPATT": "READPATT",
    "META.EXPOSURE.TYPE": "EXP_TYPE",
    "META.INSTRUMENT.BAND": "BAND",
    "META.INSTRUMENT.CHANNEL": "CHANNEL",
    "META.INSTRUMENT.CORONAGRAPH": "CORONMSK",
    "META.INSTRUMENT.DETECTOR": "DETECTOR",
    "META.INSTRUMENT.FILTER": "FILTER",
    "META.INSTRUMENT.FIXED_SLIT": "FXD_SLIT",
    "META.INSTRUMENT.GRATING": "GRATING",
    "META.INSTRUMENT.LAMP_MODE": "OPMODE",
    "META.INSTRUMENT.LAMP_STATE": "LAMP",
    "META.INSTRUMENT.MODULE": "MODULE",
    "META.INSTRUMENT.NAME": "INSTRUME",
    "META.INSTRUMENT.PUPIL": "PUPIL",
    "META.OBSERVATION.DATE": "DATE-OBS",
    "META.OBSERVATION.TIME": "TIME-OBS",
    "META.SUBARRAY.NAME": "SUBARRAY",
    "META.SUBARRAY.XSIZE": "SUBSIZE1",
    "META.SUBARRAY.XSTART": "SUBSTRT1",
    "META.SUBARRAY.YSIZE": "SUBSIZE2",
    "META.SUBARRAY.YSTART": "SUBSTRT2",
    "META.VISIT.CROWDED_FIELD": "CROWDFLD",
    "META.VISIT.TSOVISIT": "TSOVISIT",
    "META.VISIT.TYPE": "VISITYPE",
}
FORMAT = ["references", 1, *PROPERTIES]


class Selector:
    """Chooses reference files by the rules of one context in a local CRDS cache.

    Parameters
    ----------
    crds_path : str or pathlib.Path or None
        The CRDS cache, with folders ``mappings/jwst`` and ``references/jwst``.
    context : str or None
        Name of the context, for example ``jwst_1322.pmap``.
    cache_path : str or pathlib.Path, optional
        JSON file that keeps the answers; written by `save`.
    """

    def __init__(self, crds_path, context, cache_path=None):
        self.crds_path, self.context = Path(crds_path or "crds_cache"), context
        self._cache_path = cache_path and os.path.abspath(cache_path)
        self._entries = load_cache(self._cache_path, FORMAT)
        self._places, self._changed = {}, False
        self._maps = self.crds_path / "mappings" / "jwst"

    @cached_property
    def problem(self):
        """Why nothing can be chosen from this context, and what to do; None if it can."""
        held = ", ".join(sorted(path.name for path in self._maps.glob("*.pmap"))[-5:]) or "no context"
        held = f"{self.crds_path} holds {held}"
        if not self._maps.is_dir():
            return f"no CRDS cache at {self.crds_path}; set crds.path in the config or CRDS_PATH in the environment"
        if not self.context:
            return f"no CRDS context is named; set crds.context in the config or CRDS_CONTEXT ({held})"
        if not self.context.endswith(".pmap"):
            return (
                f"crds.context {self.context!r} is not the name of a context file ('latest' is another one tomorrow); "
                f"name one, so that results can be repeated ({held})"
            )
        if not (self._maps / self.context).is_file():
            return (
                f"context {self.context} is not in the CRDS cache ({held}); 'snakemake references' fetches it "
                f"where crds.server is set"
            )
        return None

    def select(self, exposure, types, optional=()):
        """Choose a file of each type for an exposure.

        Parameters
        ----------
        exposure : jwcal.exposures.Exposure
            Its keywords decide.
        types : iterable of str
            Reference types in lower case.
        optional : container of str
            Those that the exposure can do without: where the rules have no answer, they are not applicable.

        Returns
        -------
        dict of str to (str or None)
            Path by type, whether the file is there or not; None where the rules say N/A.

        Raises
        ------
        JwcalError
            Where the context cannot be read or has no answer for a type: one line that names exposure and types.
        """
        names = self._ask(exposure, list(types))
        failures = [f"{t} ({names[t][0]})" for t in types if isinstance(names[t], list) and t not in optional]
        if failures:
            raise JwcalError(
                f"{exposure.name}: context {self.context} has no reference file of type {'; '.join(failures)}; "
                f"correct the header, use another context, or set references.override; the exposure is left out"
            )
        found = {t: name if isinstance(name, str) else None for t, name in names.items()}
        return {t: name and self.locate(name, exposure.instrument) for t, name in found.items()}

    def locate(self, name, instrument):
        """Path of a reference file in the cache, by instrument or flat, as the cache is laid out."""
        if name not in self._places:
            folder = self.crds_path / "references" / "jwst"
            flat = folder / name
            self._places[name] = str(flat if flat.is_file() else folder / instrument.lower() / name)
        return self._places[name]

    def save(self):
        """Write the answers that are new to the JSON cache."""
        if self._changed and self._cache_path:
            save_cache(self._cache_path, FORMAT, load_cache(self._cache_path, FORMAT) | self._entries)
        self._changed = False

    # ---- answers: a file name, None for N/A, or [why there is none] ------------------------------------------------

    def _ask(self, exposure, types):
        """Answers by type, from the cache or from the rules."""
        if self.problem:
            raise JwcalError(self.problem)
        key = "|".join(str(exposure.keywords.get(keyword, "")) for keyword in PROPERTIES.values())
        known = self._known["answers"].setdefault(key, {})
        if new := [reftype for reftype in types if reftype not in known]:
            known.update(self._apply_rules(exposure, new))
            self._changed = True
        return {reftype: known[reftype] for reftype in types}

    @cached_property
    def _known(self):
        """Part of the cache that belongs to the context: the rules files used, with size and time, and the answers."""
        key = f"{os.path.abspath(self.crds_path)} {self.context}"
        entry = self._entries.get(key)
        if entry is None or any(self._state(name) != state for name, state in entry["files"].items()):
            entry = self._entries[key] = {"files": {}, "answers": {}}
        return entry

    def _state(self, name):
        try:
            status = (self._maps / name).stat()
        except OSError:
            return None
        return [status.st_size, status.st_mtime_ns]

    @cached_property
    def _rules(self):
        """The context as the crds library loads it (from this cache, whatever the environment says)."""
        from crds.core import rmap

        self._known["files"][self.context] = self._state(self.context)
        return rmap.load_mapping(str(self._maps / self.context), path=str(self._maps))

    def _apply_rules(self, exposure, types):
        from crds.core import exceptions, utils

        keywords = {name: exposure.keywords.get(keyword) for name, keyword in PROPERTIES.items()}
        header = {name: "UNDEFINED" if v is None else utils.condition_value(v) for name, v in keywords.items()}
        try:
            rules = self._rules.get_imap(exposure.instrument)
            self._known["files"][rules.basename] = self._state(rules.basename)
            return {reftype: self._apply_rule(rules, header, reftype) for reftype in types}
        except exceptions.CrdsUnknownInstrumentError as error:
            raise JwcalError(f"unknown INSTRUME {exposure.instrument!r}; correct the keyword", exposure.path) from error
        except (exceptions.CrdsError, OSError) as error:
            reason = " ".join(str(error).split())
            raise JwcalError(
                f"the rules of {self.context} cannot be read ({reason}); fetch them again", self._maps
            ) from error

    def _apply_rule(self, rules, header, reftype):
        from crds.core import exceptions

        try:
            rule = rules.get_rmap(reftype)
        except (exceptions.IrrelevantReferenceTypeError, exceptions.OmitReferenceTypeError):
            return None
        except exceptions.CrdsUnknownReftypeError:
            return ["the context does not know this type"]
        self._known["files"][rule.basename] = self._state(rule.basename)
        unknown = [name for name in rule.get_required_parkeys() if name not in header]
        if unknown:
            return [f"its rules ask for {', '.join(unknown)}, which jwcal does not read"]
        answer = rule.get_best_ref(header)
        if answer is None or answer == "NOT FOUND n/a":
            return None
        return [" ".join(answer[10:].split()).rstrip(".")] if answer.startswith("NOT FOUND ") else answer


def fetch(paths, path, context, server):
    """Fetch rules and reference files from a CRDS server into the local cache.

    Parameters
    ----------
    paths : iterable of str
        Reference files that are missing; only their names count.
    path : str or pathlib.Path
        The CRDS cache.
    context : str
        Name of the context; its rules are fetched too where they are missing.
    server : str
        Address of the server.

    Raises
    ------
    JwcalError
        Where the server does not give them.
    """
    os.environ |= {"CRDS_PATH": str(path), "CRDS_SERVER_URL": server, "CRDS_OBSERVATORY": "jwst"}
    from crds.client import api

    api.set_crds_server(server)
    try:
        api.dump_mappings(context)
        if names := sorted({os.path.basename(name) for name in paths}):
            api.dump_references(context, names)
    except Exception as error:  # the library lets through whatever goes wrong on the way to the server
        reason = " ".join(str(error).split()) or type(error).__name__
        raise JwcalError(
            f"CRDS server {server}: {reason}; check crds.server and the network, then try again"
        ) from error
