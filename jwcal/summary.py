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


def format_summary(rows, stale, notes):
    """Lay out the table as text.

    Parameters
    ----------
    rows : dict of str to dict of str to str
        Exposure to suffix to path of the product.
    stale : dict of str to str
        Path to reason.
    notes : dict of str to list of str
        Exposure to remarks.

    Returns
    -------
    str
        One line an exposure, then the reasons and remarks.
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
    return "\n".join(lines)


def _state(path, stale):
    if path is None:
        return "-"
    if not os.path.exists(path):
        return "missing"
    return "stale" if path in stale else "ok"


ORDER = ("rate", "rateints", "dark", "cal", "calints", "i2d")


def _order(suffix):
    return ORDER.index(suffix) if suffix in ORDER else len(ORDER)
