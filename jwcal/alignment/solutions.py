"""Corrections of pointings: what tweakreg found about an association's exposures, kept as a small file, and its use.

The file is JSON::

    {"format": "jwcal alignment", "status": "COMPLETE", "reasons": [], "reference": "...", "members": {
       "jw01234001001_02101_00001_nrca1": {
          "status": "COMPLETE",            or SKIPPED: the WCS stays as it was
          "reasons": [],                   why it was skipped, or what to mind
          "group": "jw01234001001_02101_00001",
          "plane": [V2_REF, V3_REF, ROLL_REF],        arcsec, arcsec, deg: where the tangent plane touches
          "matrix": [[1, 0], [0, 1]], "shift": [0, 0],  plane coordinates p (arcsec) become matrix p + shift
          "moved": 0.02,                   arcsec by which the image's corners move at most
          "relative": {...}, "absolute": {...},       the fits: matches, used, rms, residuals
          "name": null,                    name of the corrected WCS, after the catalogue it was aligned to
          "sip": {...}}}}                  settings of the FITS keywords

Exposures are looked up by name; one that is not in the file takes the entry whose name its own begins with (write
``"jw01234001001"`` for a whole visit), or that of another detector of its group: all detectors of the telescope move
together.

An association of a moving target has such a file from assign_mtwcs instead, with ``"step": "assign_mtwcs"``; in place
of plane, matrix and shift its entries hold where the target is in the exposure and on average, degrees:
``"moving_target": {"position": [RA, Dec], "average": [RA, Dec]}``.
"""

import json

import numpy as np

from jwcal.associations.members import exposure_name
from jwcal.errors import JwcalError
from jwcal.fitsfiles import replacing
from jwcal.found_files import read_found
from jwcal.wcs import from_tree
from jwcal.wcs.moving_targets import follow_target
from jwcal.wcs.tangent_planes import Affine, TangentPlane, insert_correction, linearise

FORMAT = "jwcal alignment"
GROUP = ("PROGRAM", "OBSERVTN", "VISIT", "VISITGRP", "SEQ_ID", "ACT_ID", "EXPOSURE")


def group_of(image):
    """Name that all detectors of one exposure share; the image's own name where a keyword is missing."""
    program, observation, visit, visit_group, sequence, activity, exposure = (
        image.keyword(name, None) for name in GROUP
    )
    if None in (program, observation, visit, visit_group, sequence, activity, exposure):
        return name_of(image)
    start = f"jw{program}{observation}{visit}_{visit_group}{sequence}{activity}"
    return f"{start}_{int(exposure):05d}"


def name_of(image):
    """Name of an exposure, without folder and suffix."""
    return exposure_name(image.path or str(image.keyword("FILENAME")))


def plane_of(image):
    """Tangent plane of an exposure.

    Parameters
    ----------
    image : Image
        With V2_REF, V3_REF, ROLL_REF.

    Returns
    -------
    TangentPlane
    """
    return TangentPlane(*(float(image.keyword(name)) for name in ("V2_REF", "V3_REF", "ROLL_REF")))


def write_alignment(path, solution):
    """Write a solution as JSON, atomically, a line for each exposure."""
    members = (f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in solution["members"].items())
    rest = (f" {json.dumps(key)}: {json.dumps(value)}" for key, value in solution.items() if key != "members")
    text = ",\n".join([*rest, ' "members": {\n' + ",\n".join(members) + "\n }"])
    with replacing(path) as temporary:
        temporary.write_text("{\n" + text + "\n}\n")


def read_alignment(path):
    """Read a solution.

    Parameters
    ----------
    path : str or pathlib.Path
        JSON file.

    Returns
    -------
    dict

    Raises
    ------
    JwcalError
        When it is no such file.
    """

    def is_right(solution):
        return solution["format"] == FORMAT and isinstance(solution["members"], dict)

    return read_found(path, is_right, "is no alignment file; give one that tweakreg wrote")


def find_entry(solution, image):
    """Entry of a solution that holds for an exposure.

    Parameters
    ----------
    solution : dict
        See the module.
    image : Image
        Its name, group and tangent plane are used.

    Returns
    -------
    dict or None
        None where nothing in the solution applies to it.
    """
    members, name, group = solution["members"], name_of(image), group_of(image)
    beginnings = [key for key in members if name.startswith(key)]
    if beginnings:
        return members[max(beginnings, key=len)]
    aligned = [entry for entry in members.values() if entry.get("group") == group]
    return min(aligned, key=lambda entry: entry["status"] != "COMPLETE", default=None)


def apply_alignment(image, entry, step="tweakreg"):
    """Correct the WCS of an exposure.

    The frame ``v2v3corr`` (of a moving target: ``moving_target``) takes the correction as official products hold it;
    S_REGION and the FITS keywords follow, and S_TWKREG (S_MTWCS; MT_AVRA, MT_AVDEC) says what was done. An entry of
    another detector is carried over to this one's tangent plane.

    Parameters
    ----------
    image : Image
        With a WCS; changed in place.
    entry : dict or None
        What `find_entry` gives; None leaves the image as it is.
    step : str
        Which step the entry is of.

    Returns
    -------
    Image
        The same object.
    """
    from jwcal.provenance import stamp_step
    from jwcal.steps.assign_wcs import attach_wcs

    complete = entry is not None and entry["status"] == "COMPLETE"
    stamp_step(image.header, step, "COMPLETE" if complete else "SKIPPED")
    if complete and not _is_neutral(entry):
        wcs = correct_wcs(image, entry)
        if wcs.bounding_box is None:
            ny, nx = image.data.shape[-2:]
            raise JwcalError(f"the WCS has no bounding box for its {nx}x{ny} pixels; run assign_wcs again", image.path)
        attach_wcs(image, wcs, **(entry.get("sip") or {}))
        for keyword, axis, value in zip(("MT_AVRA", "MT_AVDEC"), ("RA", "Dec"), _motion(entry).get("average", ())):
            image.sci_header[keyword] = (value, f"[deg] mean {axis} of the moving target")
    return image


def correct_wcs(image, entry):
    """Corrected WCS of an exposure; the image is left alone.

    Parameters
    ----------
    image : Image
        With a WCS and V2_REF, V3_REF, ROLL_REF.
    entry : dict or None
        What `find_entry` gives.

    Returns
    -------
    WCS
    """
    wcs = from_tree(image.wcs)
    if entry is None or entry["status"] != "COMPLETE" or _is_neutral(entry):
        return wcs
    if _motion(entry):
        return follow_target(wcs, **_motion(entry))
    affine, plane = Affine(np.array(entry["matrix"], float), np.array(entry["shift"], float)), plane_of(image)
    measured = TangentPlane(*entry["plane"])
    if not np.allclose(measured, plane, rtol=1e-10, atol=1e-9):
        affine = affine.carried(linearise(lambda x, y: plane.project(*measured.deproject(x, y))))
    return insert_correction(wcs, plane, affine, entry.get("name"))


def _motion(entry):
    """Where a moving target is, and on average; empty for other targets."""
    return entry.get("moving_target") or {}


def _is_neutral(entry):
    return not _motion(entry) and np.array_equal(entry["matrix"], np.identity(2)) and not np.any(entry["shift"])
