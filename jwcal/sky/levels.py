"""Sky levels of an association's exposures: the small file that skymatch writes, and its use.

The file is JSON: ``{"jw..._nrca1": {"level": 0.12, "subtracted": false, "method": "match", "status": "COMPLETE"}}``.
"""

import json

import numpy as np

from jwcal.alignment.solutions import name_of
from jwcal.fitsfiles import replacing
from jwcal.found_files import read_found


def write_levels(path, levels):
    """Write levels as JSON, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(levels, indent=1) + "\n")


def read_levels(path):
    """Read what `write_levels` wrote; an error that names the file where it is something else."""

    def is_right(levels):
        return all("level" in entry for entry in levels.values())

    return read_found(path, is_right, "is no file of sky levels; give one that skymatch wrote")


def note_level(image, levels):
    """Note the sky level of an exposure in its header, and tell what is to be subtracted.

    Parameters
    ----------
    image : Image
        Its header gets BKGMETH, BKGLEVEL, BKGSUB and S_SKYMAT.
    levels : dict
        What `jwcal.steps.skymatch` found.

    Returns
    -------
    float32
        Level to be subtracted from the data, in their unit; 0 where the level is only noted.
    """
    from jwcal.provenance import stamp_step

    entry = levels.get(name_of(image), {"status": "SKIPPED"})
    stamp_step(image.header, "skymatch", entry["status"])
    if entry["status"] != "COMPLETE":
        return np.float32(0)
    before = image.keyword("BKGLEVEL", 0.0) if image.keyword("BKGSUB", False) else 0.0
    image.header["BKGMETH"] = (entry["method"], "Background computation method")
    image.header["BKGLEVEL"] = (entry["level"], "Computed constant background level")
    image.header["BKGSUB"] = (entry["subtracted"], "Has background been subtracted from data?")
    return np.float32(entry["level"] - before if entry["subtracted"] else 0)
