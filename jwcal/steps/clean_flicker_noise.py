"""Remove 1/f noise, the stripes along the rows of a near-infrared read-out."""

import logging

import numpy as np

from jwcal.errors import JwcalError, StepSkipped
from jwcal.flicker import choice, cleaning, scene
from jwcal.flicker.expectation import Expectation
from jwcal.flicker.levels import SIGMA, clip_to_background, fit_background
from jwcal.memory.mapping import make_like, walk
from jwcal.models import Image, Ramp
from jwcal.references import NirspecOptics, Reference

log = logging.getLogger("jwcal")

FOURIER_TYPES = {"NRS_MSASPEC", "NRS_IFU", "NRS_FIXEDSLIT", "NRS_BRIGHTOBJ"}
OUTPUTS, SIZE = 4, 2048
SUFFIXES = {"mask": "mask", "background": "flicker_bkg", "noise": "flicker_noise"}


def clean_flicker_noise(
    ramp: Ramp | Image,
    readnoise: Reference | None = None,
    gain: Reference | None = None,
    flat: Reference | None = None,
    pastasoss: Reference | None = None,
    optics: NirspecOptics | None = None,
    *,
    autoparam: bool = False,
    fit_method: str = "median",
    fit_by_channel: bool = False,
    background_method: str | None = "median",
    background_box_size: list | None = None,
    mask_science_regions: bool = False,
    apply_flat_field: bool = False,
    n_sigma: float = 2.0,
    fit_histogram: bool = False,
    single_mask: bool = True,
    user_mask: str | None = None,
    save_mask: bool = False,
    save_background: bool = False,
    save_noise: bool = False,
) -> Ramp | Image:
    """Measure the stripes on pixels without sources, group by group, and subtract them, in place.

    Sources are found in draft count rates. The noise of a group is sought in its difference from the group before,
    after the background is subtracted; see `jwcal.flicker.cleaning` for how groups follow each other and for
    differences from the official package, `jwcal.flicker.fourier` for ``fft``, `jwcal.flicker.expectation` for
    ``median_image``.

    Parameters
    ----------
    ramp : Ramp or Image
        Ramp after jump, DN; or count rates, DN/s. Keywords EXP_TYPE, SUBARRAY, FASTAXIS, SLOWAXIS.
    readnoise, gain : Reference, optional
        For the draft count rates of a ramp.
    flat : Reference, optional
        Flat field, for `apply_flat_field` (it is a setting that `autoparam` makes too) and for MIRI's regions.
    pastasoss : Reference, optional
        Traces of SOSS spectra, for `mask_science_regions`.
    optics : dict of str to Reference, optional
        NIRSpec's optics, slits and shutters by type (`jwcal.flicker.spectra.find_lit`), for `mask_science_regions`.
    autoparam : bool
        Choose `background_method`, `fit_by_channel` and `apply_flat_field` by the look of the image (NIRCam and NIRISS
        images; see `jwcal.flicker.choice`).
    fit_method : str
        ``median``: of each line; ``fft``: Fourier series (NIRSpec's spectra).
    fit_by_channel : bool
        Measure each output apart (whole near-infrared detectors; ``median`` only).
    background_method : str or None
        ``median`` of the background, ``model``: smooth background, ``median_image``: the median of all integrations,
        scaled (time series), None: nothing is subtracted before the noise is sought.
    background_box_size : list of two int, optional
        Rows and columns of the boxes of ``model``; None takes the largest of at most 32 pixels that divide the image.
    mask_science_regions : bool
        Leave out pixels where the instrument's layout lets light fall, whether bright or not.
    apply_flat_field : bool
        Seek background and noise in flattened images.
    n_sigma : float
        Brightness in standard deviations above the background from which a pixel is no background; 0 for no limit.
    fit_histogram : bool
        Take level and standard deviation of the background from a Gaussian fitted to its histogram.
    single_mask : bool
        One mask for all integrations.
    user_mask : str, optional
        FITS image, not 0 on background pixels, to use instead of a mask made here.
    save_mask, save_background, save_noise : bool
        Write the mask (`_mask`), the background of each difference (`_flicker_bkg`), the change of each sample
        (`_flicker_noise`).

    Returns
    -------
    Ramp or Image
        The same object.

    Raises
    ------
    StepSkipped
        When the kind of exposure is not supported, or there is nothing to compare.
    JwcalError
        When a setting makes no sense or a file does not fit.

    References
    ----------
    Rauscher 2024, PASP 136, 015001; Willott, "image1overf".
    """
    exp_type, slow = str(ramp.keyword("EXP_TYPE")), int(ramp.keyword("SLOWAXIS", 2))
    _check(ramp, exp_type, fit_method, background_method)
    chooses = autoparam and exp_type in choice.LIMITS
    over_time = background_method == "median_image" and not chooses
    drafts = None if user_mask and not chooses and not over_time else scene.draft_rates(ramp, readnoise, gain)
    if chooses:
        background_method, fit_by_channel, apply_flat_field = _choose(drafts, slow, flat, exp_type)
    response = _read_flat(flat, ramp) if apply_flat_field and flat is not None else None
    if user_mask:
        mask = scene.read_mask(user_mask, ramp.data.shape)
    else:
        rates = drafts[0] if single_mask and not over_time else drafts[1]
        regions = scene.find_regions(rates, pastasoss, flat, optics) if mask_science_regions else None
        mask = scene.find_background(rates, n_sigma, fit_histogram=fit_histogram, regions=regions, flat=response)
        mask = mask.all(axis=0) if mask.ndim == 3 and single_mask and not over_time else mask
    method = cleaning.Method(
        fit=fit_method,
        background=None if over_time else background_method,
        box_size=background_box_size,
        n_sigma=float(n_sigma),
        fast=int(ramp.keyword("FASTAXIS", 1)),
        slow=1 if exp_type.startswith("MIR") else slow,
        width=_line_width(ramp, exp_type, slow, fit_by_channel),
        subarray=str(ramp.keyword("SUBARRAY", "")),
        flat=cleaning.NO_FLAT if response is None else response,
    )
    expected = _expect(ramp, drafts[1].data, mask) if over_time else None
    wanted = [name for name, asked in (("noise", save_noise), ("background", save_background)) if asked]
    kept = cleaning.clean(ramp, mask, method, wanted, expected)
    if save_mask:
        kept["mask"] = make_like(mask, mask.shape, np.float32)
        for plane, background in zip(walk(kept["mask"]), walk(mask), strict=True):
            plane[:] = background
    ramp.extras |= {SUFFIXES[name]: scene.keep_array(ramp, array) for name, array in kept.items()}
    return ramp


def _check(ramp, exp_type, fit_method, background_method):
    """Refuse settings that make no sense, and exposures that are not supported."""
    for name, value, known in (
        ("fit_method", fit_method, ("median", "fft")),
        ("background_method", background_method, ("median", "model", "median_image", None)),
    ):
        if value not in known:
            raise JwcalError(f"{name} = {value} is unknown; choose one of {', '.join(map(str, known))}")
    if exp_type.startswith("MIR") and exp_type != "MIR_IMAGE":
        raise StepSkipped(f"{exp_type} is not supported")
    if fit_method == "fft" and exp_type not in FOURIER_TYPES:
        raise StepSkipped(f"fit_method fft is for NIRSpec's spectra, not for {exp_type}")
    if isinstance(ramp, Ramp) and ramp.data.shape[1] < 2 and background_method != "median_image":
        raise StepSkipped("a single group has none before it to compare with")


def _choose(drafts, slow, flat, exp_type):
    """Settings by the look of the image."""
    data = drafts[0].data
    if data.ndim == 3:
        data = np.nanmean(data, axis=0)
    response = None if flat is None else _read_flat(flat, drafts[0])
    chosen = choice.choose_settings(data, slow, response, exp_type)
    log.info("clean_flicker_noise: %s", ", ".join(f"{name} {value}" for name, value in chosen.items()))
    return chosen["background_method"], chosen["fit_by_channel"], chosen["apply_flat_field"]


def _read_flat(flat, like):
    """Relative response [y, x], smoothed over where it is unknown."""
    response = flat.image("SCI", like=like)
    known = np.isfinite(response) & (response != 0)
    if not known.all():
        signal, mask = np.where(known, response, np.float32(0)), known.copy()
        clip_to_background(signal, mask, SIGMA, SIGMA, lower_half=True)
        response = np.where(known, response, fit_background(signal, mask)).astype(np.float32)
    return response


def _line_width(ramp, exp_type, slow, by_channel):
    """Pixels of a line that are measured together: a whole line, or those of one output."""
    length = ramp.data.shape[-1 if abs(slow) == 2 else -2]
    if exp_type.startswith("MIR"):
        return ramp.data.shape[-2]
    if by_channel and length == SIZE and str(ramp.keyword("SUBARRAY", "")) == "FULL":
        return SIZE // OUTPUTS
    return length


def _expect(ramp, rates, mask):
    """What the integrations have in common."""
    if rates.ndim != 3:
        raise StepSkipped("background_method median_image needs several integrations")
    data = ramp.data if isinstance(ramp, Ramp) else ramp.data[:, None]
    return Expectation(data, rates, mask)
