"""Settings that differ from jwcal's own, reference files, and versions."""

from collections import Counter, defaultdict

from jwcal.provenance import REFERENCE

TYPES = {keyword.removeprefix("R_"): reftype for reftype, keyword in REFERENCE.items()}
TITLE = "Settings and references"
MOST = 300  # settings listed


def gather(evidence):
    """Changed settings, all settings of steps, references by type, versions.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where nothing is known.
    """
    given, defaults = flatten(evidence.run.settings), flatten(evidence.run.defaults)
    changed = [[name, _show(value), _show(defaults.get(name))] for name, value in sorted(given.items())
               if defaults and value != defaults.get(name)]  # fmt: skip
    steps = [[name.removeprefix("steps."), _show(value)] for name, value in sorted(given.items())
             if name.startswith("steps.")]  # fmt: skip
    headers = [look.get("header", {}) for look in (*evidence.exposures.values(), *evidence.mosaics.values())]
    versions = {
        key: sorted({str(header[key]) for header in headers if header.get(key)}) for key in ("CAL_VER", "CRDS_CTX")
    }
    facts = {"changed": changed[:MOST], "steps": steps, "references": _count_references(headers)}
    facts |= {"versions": [", ".join(found) for found in versions.values() if found], "known": bool(defaults)}
    return facts if steps or facts["references"] or facts["versions"] else None


def flatten(tree, prefix=""):
    """Values of a nested mapping by dotted names."""
    result = {}
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            result |= flatten(value, f"{prefix}{key}.")
        else:
            result[f"{prefix}{key}"] = value
    return result


def _count_references(headers):
    """Rows: type, file, number of products that used it."""
    used = defaultdict(Counter)
    for header in headers:
        for reftype, name in (header.get("references") or {}).items():
            used[TYPES.get(reftype, reftype.lower())][name] += 1
    return [[reftype, name, str(number)] for reftype, names in sorted(used.items())
            for name, number in sorted(names.items())]  # fmt: skip


def _show(value):
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
