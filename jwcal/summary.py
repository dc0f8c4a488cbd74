"""The table of ``snakemake summary``: products that are there, missing or stale, with the reasons."""

import json
import os
import subprocess
import sys
import tempfile


def find_stale(snakefile, config):
    """What the workflow would make now, and why.

    Parameters
    ----------
    snakefile : str
        The workflow.
    config : dict
        Its configuration, complete.

    Returns
    -------
    dict of str to str
        Product path to reason.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "config.json")
        with open(path, "w") as file:
            json.dump(config, file)
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "-s",
            snakefile,
            "--configfile",
            path,
            "-n",
            "--cores",
            "1",
            "all",
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    return parse_reasons(result.stdout + result.stderr)


def parse_reasons(text):
    """Products and reasons in the output of a dry run."""
    reasons, outputs = {}, []
    for line in text.splitlines():
        key, _, value = line.strip().partition(": ")
        if key == "output":
            outputs = value.split(", ")
        elif key == "reason":
            reasons |= dict.fromkeys(outputs, value)
            outputs = []
    return reasons


def format_summary(rows, stale, notes, leftovers=()):
    """Lay out the table as text.

    Parameters
    ----------
    rows : dict of str to dict of str to str
        Exposure to suffix to path of the product.
    stale : dict of str to str
        Path to reason.
    notes : dict of str to list of str
        Exposure to remarks.
    leftovers : iterable of str
        Products that nothing makes any more.

    Returns
    -------
    str
        One line an exposure, then the reasons, remarks and what is left over.
    """
    suffixes = sorted({suffix for products in rows.values() for suffix in products}, key=_order)
    width = max([len("exposure"), *map(len, rows)])
    lines = ["  ".join([f"{'exposure':{width}}", *(f"{s:8}" for s in suffixes)])]
    for name, products in sorted(rows.items()):
        states = [_state(products.get(suffix), stale) for suffix in suffixes]
        lines.append("  ".join([f"{name:{width}}", *(f"{state:8}" for state in states)]).rstrip())
    lines += [f"{path}: {reason}" for path, reason in sorted(stale.items()) if os.path.exists(path)]
    lines += [
        note if note.startswith(name) else f"{name}: {note}"
        for name, remarks in sorted(notes.items())
        for note in remarks
    ]
    lines += [f"{path}: left over, nothing at hand makes it any more; remove it" for path in leftovers]
    return "\n".join(lines)


def find_leftovers(folder, names, cleaned):
    """Products of exposures that are no longer there, and cleaned ones of associations that have changed.

    Parameters
    ----------
    folder : str
        Where products are.
    names : collection of str
        Exposures and associations at hand, and the latter's files without ``_asn.json``.
    cleaned : collection of str
        Names of the `_crf` files that are made of them.

    Returns
    -------
    list of str
        Paths of files named as the archive's (``jw...``) that nothing makes any more.
    """
    try:
        files = sorted(name for name in os.listdir(folder) if name.startswith("jw") and name.endswith(ENDINGS))
    except OSError:
        return []
    gone = [name for name in files if not _belongs(name, names) or (name.endswith("_crf.fits") and name not in cleaned)]
    return [os.path.join(folder, name) for name in gone]


def _belongs(file, names):
    """Whether what stands before one of the underscores of a file's name is one of `names`."""
    parts = file.split("_")
    return any("_".join(parts[:end]) in names for end in range(1, len(parts)))


def _state(path, stale):
    if path is None:
        return "-"
    if not os.path.exists(path):
        return "missing"
    return "stale" if path in stale else "ok"


ENDINGS = (".fits", ".ecsv", ".json", ".asdf")
ORDER = ("rate", "rateints", "dark", "cal", "calints", "i2d")


def _order(suffix):
    return ORDER.index(suffix) if suffix in ORDER else len(ORDER)
