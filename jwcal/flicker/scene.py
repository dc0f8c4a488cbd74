"""Which pixels of an exposure show background: no source, no known part of a spectrum, no bad pixel."""

import logging
from dataclasses import replace

import numpy as np

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.fitsfiles import FitsFile
from jwcal.flicker.levels import clip_to_background
from jwcal.memory.mapping import make_like, walk
from jwcal.models import Image, Ramp

log = logging.getLogger("jwcal")

FAINT = 3.0  # standard deviations below the background at which a pixel is bad
TRACE_HALFWIDTH = 16  # rows on either side of a SOSS trace
SPECTRA = {"NRS_IFU", "NRS_MSASPEC", "NRS_FIXEDSLIT", "NRS_BRIGHTOBJ"}
SHUTTER_TYPES = {"NRS_IFU", "NRS_MSASPEC"}  # where light comes through shutters that cannot close


def draft_rates(ramp, readnoise, gain):
    """Count rates of the exposure and of its integrations, flags and all.

    Parameters
    ----------
    ramp : Ramp or Image
        Ramp; count rates stand for themselves.
    readnoise, gain : Reference or None
        What the fit of a ramp needs.

    Returns
    -------
    (Image, Image)

    Raises
    ------
    StepSkipped
        Without the references.
    """
    if isinstance(ramp, Image):
        return ramp, ramp
    if readnoise is None or gain is None:
        raise StepSkipped("draft count rates need the references readnoise and gain")
    from jwcal.steps.ramp_fit import ramp_fit

    rates = ramp_fit(replace(ramp, spendable=False), readnoise, gain)  # the ramp is still to be corrected
    return rates.rate, rates.rateints


def keep_array(ramp, array):
    """An array with the exposure's headers, to be written beside it."""
    container = Ramp if array.ndim == 4 else Image
    return container(header=ramp.header.copy(), sci_header=ramp.sci_header.copy(), path=ramp.path, data=array)


def find_background(image, n_sigma, *, fit_histogram=False, regions=None, flat=None):
    """Background pixels of count rates.

    Parameters
    ----------
    image : Image
        Count rates [y, x] or [integration, y, x]; NaN and 0 are no background.
    n_sigma : float
        Pixels brighter than this many standard deviations above the background are sources; 0 takes none out.
    fit_histogram : bool
        Take level and standard deviation from a Gaussian fitted to the histogram.
    regions : bool [y, x], optional
        False where light is expected (`find_regions`).
    flat : float32 [y, x], optional
        Relative response, to divide by.

    Returns
    -------
    bool [y, x] or [integration, y, x]
    """
    mask = make_like(image.data, image.data.shape, bool)
    planes, masks = (array.reshape(-1, *mask.shape[-2:]) for array in (image.data, mask))
    for plane, background in zip(walk(planes), walk(masks), strict=True):
        flattened = plane if flat is None else plane / flat
        background[:] = ~(np.isnan(flattened) | (flattened == 0))
        if regions is not None:
            background &= regions
        if n_sigma > 0:
            clip_to_background(flattened, background, FAINT, n_sigma, fit_histogram=fit_histogram)
    return mask


def find_regions(image, pastasoss=None, flat=None, optics=None, failed_open=False):
    """Pixels that the instrument's layout leaves dark, or None where nothing is known for this kind of exposure.

    Parameters
    ----------
    image : Image
        Count rates.
    pastasoss : Reference, optional
        Traces of SOSS spectra; needed for NIS_SOSS.
    flat : Reference, optional
        Flat field, for MIRI's images: its flags tell the parts of the detector that see no sky.
    optics : dict of str to (Reference or None), optional
        NIRSpec's references by type, see `jwcal.flicker.spectra.find_lit`; needed for its spectra.
    failed_open : bool
        Take out what shutters that cannot close let through even if no shutters are in use (fixed slits). Lamps and
        images are left to the flags MSA_FAILED_OPEN that they carry.

    Returns
    -------
    bool [y, x] or None
        False where light is expected.

    Raises
    ------
    StepSkipped
        When what is needed is not at hand: a reference, or the table of open shutters; or when no spectrum falls on the
        detector (NoLight).
    """
    exp_type = str(image.keyword("EXP_TYPE", ""))
    if exp_type == "NIS_SOSS":
        return _avoid_traces(image, pastasoss)
    if exp_type in SPECTRA:
        from jwcal.flicker.spectra import find_lit

        lit = find_lit(image, optics or {}, failed_open or exp_type in SHUTTER_TYPES)
        return _avoid_open_shutters(image) & ~lit
    if exp_type == "MIR_IMAGE":
        flags = _all_flags(image) | (flat.dq(like=image) if flat is not None else 0)
        return (flags & (dq.DO_NOT_USE | dq.NON_SCIENCE)) == 0
    if exp_type.startswith("NRS"):
        return _avoid_open_shutters(image)
    return None


def _all_flags(image):
    """Flags of all integrations together [y, x]."""
    flags = np.zeros(image.dq.shape[-2:], image.dq.dtype)
    for plane in walk(image.dq.reshape(-1, *flags.shape)):
        flags |= plane
    return flags


def _avoid_traces(image, pastasoss):
    """All but a band about each SOSS trace."""
    from jwcal.soss_traces import find_traces

    if pastasoss is None:
        raise StepSkipped("mask_science_regions needs a pastasoss reference, and there is none; set it to false")
    ny, nx = image.data.shape[-2:]
    rows, columns, dark = np.arange(ny)[:, None], np.arange(nx), np.ones((ny, nx), bool)
    for x, y, _ in find_traces(pastasoss, image).values():
        order = np.argsort(x)
        centre = np.interp(columns, x[order], y[order])
        dark &= (rows < np.floor(centre - TRACE_HALFWIDTH)) | (rows > np.ceil(centre + TRACE_HALFWIDTH))
    return dark


def _avoid_open_shutters(image):
    return (_all_flags(image) & dq.FLAGS["MSA_FAILED_OPEN"]) == 0


def read_mask(path, shape):
    """The user's own mask: a FITS image, not 0 where a pixel is background.

    Parameters
    ----------
    path : str
        File; its SCI extension, or its first image.
    shape : tuple
        Of the ramp or of the image.

    Returns
    -------
    bool [y, x] or [integration, y, x]

    Raises
    ------
    JwcalError
        When it does not fit.
    """
    with FitsFile(path) as file:
        images = [name for name in file.names if file.header(name).get("NAXIS", 0) >= 2]
        if not images:
            raise JwcalError("holds no image; user_mask wants one that is not 0 on background pixels", path)
        mask = file.image("SCI" if "SCI" in images else images[0]) != 0
    if mask.shape not in (tuple(shape[-2:]), (shape[0], *shape[-2:])):
        raise JwcalError(f"user_mask has shape {mask.shape}, the exposure {tuple(shape)}; make one that fits", path)
    return mask
