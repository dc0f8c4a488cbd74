"""Find the sources by which exposures are aligned."""

import logging

from jwcal.alignment.sources import find_sources
from jwcal.errors import StepSkipped
from jwcal.models import Image

log = logging.getLogger("jwcal")


def tweakreg_catalog(
    image: Image,
    *,
    starfinder: str = "iraf",
    snr_threshold: float = 10.0,
    kernel_fwhm: float = 2.5,
    bkg_boxsize: int = 400,
    minsep_fwhm: float = 0.0,
    sigma_radius: float = 1.5,
    sharplo: float = 0.5,
    sharphi: float = 2.0,
    roundlo: float = 0.0,
    roundhi: float = 0.2,
    brightest: int | None = 200,
    peakmax: float | None = None,
    npixels: int = 10,
    connectivity: int = 8,
    nlevels: int = 32,
    contrast: float = 0.001,
    multithresh_mode: str = "exponential",
    localbkg_width: int = 0,
    apermask_method: str = "correct",
    kron_params: tuple | None = None,
    deblend: bool = True,
):
    """Find sources on a calibrated exposure.

    In the official package this is part of tweakreg, with the settings of the same names.

    Parameters
    ----------
    image : Image
        Calibrated data [y, x], flags, WCS; errors and variances are not needed.
    starfinder : str
        iraf or dao (stars), segmentation (sources of any shape).
    snr_threshold : float
        Least signal, in standard deviations of the background.
    kernel_fwhm : float
        Width of stars, pixels; segmentation smooths with it.
    bkg_boxsize : int
        Side of the boxes in which the background is measured, pixels.
    minsep_fwhm : float
        Least distance of stars, in widths; at least 2 pixels.
    sigma_radius : float
        Radius of the stars' pixels, in standard deviations of their Gaussian.
    sharplo, sharphi : float
        Range of sharpness of stars.
    roundlo, roundhi : float
        Range of roundness of stars.
    brightest : int or None
        Number of stars kept.
    peakmax : float or None
        Greatest peak of stars, in units of the data.
    npixels : int
        Fewest pixels of a segment.
    connectivity : int
        4 or 8: whether pixels that touch at a corner belong to one segment.
    nlevels : int
        Levels by which segments are separated.
    contrast : float
        Least part of a segment's flux that a part of it must have.
    multithresh_mode : str
        exponential, linear or sinh: spacing of the levels.
    localbkg_width : int
        Width of the ring around a segment in which its background is measured, pixels.
    apermask_method : str
        correct, mask or none: what becomes of neighbours' pixels.
    kron_params : sequence of float or None
        Scale and least radii of Kron apertures.
    deblend : bool
        Separate segments that touch.

    Returns
    -------
    structured ndarray
        id, x, y (zero-based pixels), flux; `jwcal.alignment.sources.write_sources` writes it.

    Raises
    ------
    StepSkipped
        For data that are not two-dimensional.
    """
    if image.data.ndim != 2:
        raise StepSkipped("sources are found on two-dimensional images only")
    sources = find_sources(
        image,
        starfinder=starfinder,
        snr_threshold=snr_threshold,
        kernel_fwhm=kernel_fwhm,
        bkg_boxsize=bkg_boxsize,
        minsep_fwhm=minsep_fwhm,
        sigma_radius=sigma_radius,
        sharplo=sharplo,
        sharphi=sharphi,
        roundlo=roundlo,
        roundhi=roundhi,
        brightest=brightest,
        peakmax=peakmax,
        npixels=npixels,
        connectivity=connectivity,
        nlevels=nlevels,
        contrast=contrast,
        multithresh_mode=multithresh_mode,
        localbkg_width=localbkg_width,
        apermask_method=apermask_method,
        kron_params=kron_params,
        deblend=deblend,
    )
    if not len(sources):
        log.warning("tweakreg_catalog: no sources on %s", image.path)
    return sources
