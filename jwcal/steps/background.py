"""Subtract the mean of dedicated or nodded background exposures."""

import numpy as np

from jwcal.errors import StepSkipped
from jwcal.kernels.sigma_clip import average_clipped
from jwcal.models import Image

TILT_TOLERANCE = 1e-8  # GWA_XTIL, GWA_YTIL: the same grating position


def background(
    image: Image,
    backgrounds: list[Image],
    *,
    sigma: float = 3.0,
    maxiters: int | None = None,
    save_combined_background: bool = False,
    propagate_variances: bool = True,
) -> Image:
    """Subtract the sigma-clipped mean of background exposures.

    Exposures with one plane an integration are first averaged over these; then all are averaged. Only pixels of the
    detector that an exposure shares with the science count. Flags of all backgrounds are added to the science's. A
    pixel for which no background is left keeps its value.

    The variances of the mean are added to VAR_POISSON and VAR_RNOISE, and ERR grows accordingly. Two deliberate
    differences: the official package leaves the science's errors as they are, and it places a background whose subarray
    begins after the science's at the wrong pixels.

    Parameters
    ----------
    image : Image
        Count rates [y, x] or [integration, y, x].
    backgrounds : list of Image
        Exposures of the same detector, of the same or another subarray.
    sigma : float
        Clipping limit in standard deviations.
    maxiters : int or None
        Greatest number of clipping rounds; None clips until nothing changes.
    save_combined_background : bool
        Keep the mean background as ``image.combined_background``, for `_combinedbackground`.
    propagate_variances : bool
        Add the variance of the mean to that of the science; false leaves the errors as they are.

    Returns
    -------
    Image
        The same object with new arrays.

    Raises
    ------
    StepSkipped
        Without backgrounds, without common pixels, or for NIRSpec exposures with the grating at another position.
    """
    if not backgrounds:
        raise StepSkipped("no background exposures are given")
    _check_tilt(image, backgrounds)
    backgrounds = [sky for sky in backgrounds if _find_overlap(image, sky)]
    if not backgrounds:
        raise StepSkipped("no background exposure covers the science's part of the detector")
    rounds = -1 if maxiters is None else int(maxiters)
    combined = _combine(image, backgrounds, float(sigma), rounds)
    image.data, image.dq = image.data - combined.data, image.dq | combined.dq
    if propagate_variances:
        _add_variances(image, combined)
    if save_combined_background:
        image.combined_background = combined
    return image


def _check_tilt(image, backgrounds):
    if image.keyword("INSTRUME", "") != "NIRSPEC":
        return
    for name in ("GWA_XTIL", "GWA_YTIL"):
        tilts = [float(exposure.keyword(name)) for exposure in (image, *backgrounds)]
        if max(tilts) - min(tilts) > TILT_TOLERANCE:
            raise StepSkipped(f"{name} of a background exposure differs from that of the science")


def _find_overlap(image, sky):
    """Slices (rows, columns) of the science and of a background that show the same pixels; None if there are none."""
    ours, theirs = image.subarray, sky.subarray
    x0, x1 = max(ours.x0, theirs.x0), min(ours.x0 + ours.nx, theirs.x0 + theirs.nx)
    y0, y1 = max(ours.y0, theirs.y0), min(ours.y0 + ours.ny, theirs.y0 + theirs.ny)
    if x0 >= x1 or y0 >= y1:
        return None
    return [(slice(y0 - a.y0, y1 - a.y0), slice(x0 - a.x0, x1 - a.x0)) for a in (ours, theirs)]


def _combine(image, backgrounds, sigma, rounds):
    """Mean background on the science's pixels, as an Image [y, x]."""
    shape = image.data.shape[-2:]
    stacks = np.full((3, len(backgrounds), *shape), np.nan, np.float32)
    dq = np.zeros(shape, np.uint32)
    for k, sky in enumerate(backgrounds):
        inside, cut = _find_overlap(image, sky)
        stacks[:, k][:, *inside] = _average_integrations([_cut(sky, name, cut) for name in PLANES], sigma, rounds)
        dq[inside] |= np.bitwise_or.reduce(sky.dq[..., *cut].reshape(-1, *dq[inside].shape), axis=0)
    mean, poisson, rnoise, _ = average_clipped(*stacks, sigma, rounds)
    err = np.sqrt(poisson + rnoise)
    header, sci_header = image.header.copy(), image.sci_header.copy()
    return Image(header, sci_header, data=mean, err=err, dq=dq, var_poisson=poisson, var_rnoise=rnoise)


PLANES = ("data", "var_poisson", "var_rnoise")


def _cut(sky, name, cut):
    """Part of a background's plane, always [integration, y, x]; zeros for a variance that it lacks."""
    array = getattr(sky, name)
    array = np.zeros_like(sky.data) if array is None else array
    part = array[..., *cut]
    return np.ascontiguousarray(part).reshape(-1, *part.shape[-2:])


def _average_integrations(planes, sigma, rounds):
    """Data and variances [y, x] of an exposure from those of its integrations; NaN where none is good."""
    if planes[0].shape[0] == 1:
        return [plane[0] for plane in planes]
    mean, poisson, rnoise, count = average_clipped(*planes, sigma, rounds)
    mean[count == 0] = np.nan
    return mean, poisson, rnoise


def _add_variances(image, combined):
    added = combined.var_poisson + combined.var_rnoise
    image.err = np.sqrt(image.err**2 + added)
    for name in ("var_poisson", "var_rnoise"):
        if getattr(image, name) is not None:
            setattr(image, name, getattr(image, name) + getattr(combined, name))
