"""Where light falls on NIRSpec's detectors: open slits, slices, shutters that cannot close."""

import numpy as np

from jwcal.errors import JwcalError, NoLight, StepSkipped
from jwcal.wcs.imaging import read_keyword
from jwcal.wcs.nirspec.footprints import bounding_box, box_slices, falls_on_detector, footprint
from jwcal.wcs.nirspec.optics import Spectrograph
from jwcal.wcs.nirspec.shutters import read_failed_open, read_slitlets
from jwcal.wcs.nirspec.slits import FIXED, LightPath, list_fixed_slits, list_slices, shutter_entrance, slice_entrance

SLIT_TYPES = {"NRS_FIXEDSLIT", "NRS_BRIGHTOBJ"}
FIXED_ROWS = slice(922, 1116)  # of a full frame, where the light of the fixed slits may fall
NEEDED = ("camera", "collimator", "disperser", "fpa", "wavelengthrange")


def find_lit(image, references, failed_open=True):
    """Pixels that the light of a spectrum may reach.

    Parameters
    ----------
    image : jwcal.models.Image
        Count rates of a spectroscopic exposure (`jwcal.flicker.scene.SPECTRA`).
    references : dict of str to jwcal.references.Reference or None
        ``camera``, ``collimator``, ``disperser``, ``fpa``, ``wavelengthrange``; ``ifuslicer`` and ``ifupost`` for the
        slices, ``msa`` and ``msametafile`` for shutters, ``msaoper`` for those that cannot close.
    failed_open : bool
        Whether pixels count that are lit through shutters that cannot close.

    Returns
    -------
    bool [y, x]

    Raises
    ------
    StepSkipped
        When a reference or the table of shutters is not at hand, or no light falls on this detector (NoLight).
    """
    exp_type, grating = str(image.keyword("EXP_TYPE")), str(image.keyword("GRATING", "")).strip()
    if grating == "MIRROR":
        raise StepSkipped("mask_science_regions is for spectra, and GRATING = MIRROR makes none; set it to false")
    lit = np.zeros(image.data.shape[-2:], bool)
    _require(references, *NEEDED, *(("ifuslicer", "ifupost") if exp_type == "NRS_IFU" else ("msa",)))
    spectrograph = Spectrograph(image, references)
    if exp_type == "NRS_IFU":
        _mark_slices(lit, image, spectrograph, references)
        lit[FIXED_ROWS] = True
    else:
        slits = _mark_slits(lit, image, spectrograph, references)
        if exp_type == "NRS_MSASPEC" and not any(slit.quadrant == FIXED for slit in slits):
            lit[FIXED_ROWS] = True
    if failed_open:
        mark_failed_open(lit, spectrograph, references)
    return lit


def _require(references, *reftypes):
    missing = [reftype for reftype in reftypes if references.get(reftype) is None]
    if missing:
        raise StepSkipped(
            f"mask_science_regions needs the references {', '.join(missing)}, and there are none; set it to false"
        )


def _mark_slices(lit, image, spectrograph, references):
    """Mark the pixels of all slices."""
    filtered = spectrograph.grating, str(image.keyword("FILTER", ""))
    if spectrograph.detector == "NRS2" and (filtered[0].endswith("M") or filtered == ("G140H", "F070LP")):
        raise NoLight(f"no slices fall on NRS2 with {'/'.join(filtered)}")
    for slit in list_slices():
        path = LightPath(spectrograph, slit, slice_entrance(slit, references["ifuslicer"], references["ifupost"]))
        lit[footprint(path, lit.shape)] = True


def _mark_slits(lit, image, spectrograph, references):
    """Mark the boxes of all open slits; returns those that fall on the detector."""
    slits = list_fixed_slits(image) if image.keyword("EXP_TYPE") in SLIT_TYPES else _list_slitlets(image, references)
    paths = [LightPath(spectrograph, slit, shutter_entrance(slit, references["msa"])) for slit in slits]
    paths = [path for path in paths if falls_on_detector(path)]
    if not paths:
        raise NoLight(f"no open slit falls on {spectrograph.detector}")
    for path in paths:
        lit[box_slices(bounding_box(path))] = True
    return [path.slit for path in paths]


def _list_slitlets(image, references):
    """Slitlets by the exposure's table of shutters."""
    name, table = str(image.keyword("MSAMETFL", "")).strip(), references.get("msametafile")
    if name in ("", "N/A"):
        raise StepSkipped(
            "keyword MSAMETFL names no table of open shutters; add it, or set mask_science_regions: false"
        )
    if table is None:
        raise StepSkipped(
            f"the table of open shutters, {name}, is not in the raw folder; put it there, or set "
            f"mask_science_regions: false"
        )
    try:
        wanted = (int(read_keyword(image, keyword)) for keyword in ("MSAMETID", "PATT_NUM"))
        return read_slitlets(table.path, *wanted)
    except JwcalError as error:
        raise StepSkipped(f"the table of open shutters is of no use: {error}") from error


def mark_failed_open(lit, spectrograph, references):
    """Mark, in place, the pixels that are lit through shutters that cannot close; none where these are not known."""
    if references.get("msaoper") is None or references.get("msa") is None:
        return
    for slit in read_failed_open(references["msaoper"]):
        path = LightPath(spectrograph, slit, shutter_entrance(slit, references["msa"]))
        lit[footprint(path, lit.shape)] = True
