"""Remove the picture frame, the glow of NIRSpec's detectors towards their edges."""

import logging

import numpy as np

from jwcal.errors import NoLight, StepSkipped
from jwcal.flicker import scene
from jwcal.memory.mapping import make_like, release, walk
from jwcal.models import Image, Ramp
from jwcal.references import NirspecOptics, Reference

log = logging.getLogger("jwcal")

RIM = slice(4, 75), slice(1985, 2043)  # rows and columns of the frame's rim: first and last ones
CENTRE = slice(76, 1984)  # rows and columns of its middle


def picture_frame(
    ramp: Ramp | Image,
    pictureframe: Reference,
    readnoise: Reference | None = None,
    gain: Reference | None = None,
    optics: NirspecOptics | None = None,
    *,
    mask_science_regions: bool = True,
    n_sigma: float = 2.0,
    save_mask: bool = False,
    save_correction: bool = False,
) -> Ramp | Image:
    """Fit the picture frame to the background of each group's difference from the first and subtract it, in place.

    Medians of background pixels at the rim and in the middle tell its height and the level at the rim, which is
    subtracted as well; the first group stays as it is. Background is found in draft count rates. Count rates are
    corrected directly.

    Parameters
    ----------
    ramp : Ramp or Image
        Ramp after jump, DN; or count rates, DN/s. Keywords INSTRUME, SUBARRAY, EXP_TYPE.
    pictureframe : Reference
        Shape of the picture frame SCI [y, x], DN/s.
    readnoise, gain : Reference, optional
        For the draft count rates of a ramp.
    optics : dict of str to Reference, optional
        NIRSpec's optics, slits and shutters by type (`jwcal.flicker.spectra.find_lit`), for `mask_science_regions`.
    mask_science_regions : bool
        Leave out pixels where the instrument's layout lets light fall, whether bright or not.
    n_sigma : float
        Brightness in standard deviations above the background from which a pixel is no background; 0 for no limit.
    save_mask, save_correction : bool
        Write the mask of background pixels (`_pctfrm_mask`), what was added to each sample (`_pctfrm_correction`).

    Returns
    -------
    Ramp or Image
        The same object.

    Raises
    ------
    StepSkipped
        For all but full frames of NIRSpec, for ramps of one group, where no background is found or the reference is
        flat.
    """
    _check(ramp)
    rates = scene.draft_rates(ramp, readnoise, gain)[0]
    regions = _find_regions(rates, optics) if mask_science_regions else None
    mask = scene.find_background(rates, n_sigma, regions=regions)
    mask = mask.all(axis=0) if mask.ndim == 3 else mask
    centre, rim = _find_pixels(mask)
    shape = pictureframe.image("SCI", like=ramp)
    rim_level = _median(shape, rim)
    height = _median(shape, centre) - rim_level
    if not centre.size or not rim.size or not abs(height) > 0:
        raise StepSkipped("there is no background at the rim and in the middle to tell the picture frame by")
    integrations = ramp.data if isinstance(ramp, Ramp) else ramp.data.reshape(1, -1, *shape.shape)
    corrections = make_like(ramp.data, integrations.shape, np.float32) if save_correction else None
    for i, planes in enumerate(walk(integrations)):
        before = planes.copy() if save_correction else None
        _correct(planes, isinstance(ramp, Ramp), centre, rim, (shape - rim_level) / height)
        if save_correction:
            np.subtract(planes, before, out=corrections[i])
            release(corrections)
    if save_mask:
        ramp.extras["pctfrm_mask"] = scene.keep_array(ramp, mask.astype(np.float32))
    if save_correction:
        ramp.extras["pctfrm_correction"] = scene.keep_array(ramp, corrections.reshape(ramp.data.shape))
    return ramp


def _check(ramp):
    """Refuse exposures that do not show it."""
    if str(ramp.keyword("INSTRUME", "")) != "NIRSPEC" or str(ramp.keyword("SUBARRAY", "")) != "FULL":
        raise StepSkipped("only full frames of NIRSpec show the picture frame")
    if isinstance(ramp, Ramp) and ramp.data.shape[1] < 2:
        raise StepSkipped("a single group has no other to compare with")


def _find_regions(rates, optics):
    """Pixels that stay dark; None where no spectrum falls on the detector."""
    try:
        return scene.find_regions(rates, optics=optics, failed_open=True)
    except NoLight as reason:
        log.info("picture_frame: %s", reason)
        return None


def _find_pixels(mask):
    """Flat indices of background pixels in the middle, and at the rim."""
    centre, rim = np.zeros_like(mask), np.zeros_like(mask)
    centre[CENTRE, CENTRE] = True
    within = slice(RIM[0].start, RIM[1].stop)
    for part in RIM:
        rim[part, within] = rim[within, part] = True
    return np.flatnonzero(mask & centre), np.flatnonzero(mask & rim)


def _median(plane, pixels):
    """Median of some pixels; NaN without any."""
    return np.nanmedian(plane.reshape(-1)[pixels]) if pixels.size else np.float32(np.nan)


def _correct(planes, ramp, centre, rim, shape):
    """Correct planes [plane, y, x]; those of a ramp by their differences from the first.

    `shape` is 0 at the rim and 1 in the middle.
    """
    first = planes[0].reshape(-1) if ramp else np.zeros(planes[0].size, np.float32)
    first = first[centre], first[rim]
    for plane in planes[1:] if ramp else planes:
        flat = plane.reshape(-1)
        middle, level = (np.nanmedian(flat[where] - start) for where, start in zip((centre, rim), first, strict=True))
        plane -= (middle - level) * shape + level
