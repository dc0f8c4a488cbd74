"""Find sources on a mosaic, and measure them."""

import logging
import math
import platform
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from jwcal import __version__
from jwcal.catalog import detection, photometry, tables
from jwcal.catalog.apertures import read_apertures, read_vega_offset
from jwcal.catalog.isophotes import Boundary, describe_stars, measure_isophotes, measure_kron, measure_local_sky
from jwcal.errors import JwcalError
from jwcal.models import Mosaic, SegmentationMap, SourceCatalog
from jwcal.references import Reference
from jwcal.wcs import from_tree, mean_pixel_area

log = logging.getLogger("jwcal")

UNIT = "MJy/sr"
LEAST_SEPARATION = 2  # pixels, of stars
# What describes the sky of a mosaic holds for its segmentation map, what describes its values does not.
VALUE_KEYWORDS = ("BUNIT", "PHOTMJSR", "PHOTUJA2", "PIXAR_SR", "PIXAR_A2")


def source_catalog(
    mosaic: Mosaic,
    apcorr: Reference | None = None,
    abvegaoffset: Reference | None = None,
    *,
    aperture_ee1: int = 30,
    aperture_ee2: int = 50,
    aperture_ee3: int = 70,
    ci1_star_threshold: float = 2.0,
    ci2_star_threshold: float = 1.8,
    starfinder: str = "segmentation",
    snr_threshold: float = 3.0,
    bkg_boxsize: int = 1000,
    kernel_fwhm: float = 2.0,
    minsep_fwhm: float = 0.0,
    sigma_radius: float = 1.5,
    sharplo: float = 0.5,
    sharphi: float = 2.0,
    roundlo: float = 0.0,
    roundhi: float = 0.2,
    brightest: int | None = 200,
    peakmax: float | None = None,
    npixels: int = 25,
    connectivity: int = 8,
    nlevels: int = 32,
    contrast: float = 0.001,
    multithresh_mode: str = "exponential",
    localbkg_width: int = 0,
    apermask_method: str = "correct",
    kron_params: Sequence[float] | None = None,
    deblend: bool = True,
) -> SourceCatalog:
    """Detect sources, separate blended ones, measure their light, position and shape.

    Sources are found on the smoothed image without background: connected pixels above the threshold, separated where
    they fall apart at a higher one (or stars, with `starfinder`). Circles round them hold given parts of a star's
    light; the sky in an annulus is subtracted, and the largest circle corrected to a star's total flux. The mosaic is
    not changed.

    The table has the official columns, under their names, in their units and order. After them come columns of our
    own: the errors of the positions and, where `kron_params` is given, Kron fluxes (the official package computes and
    discards them). Unlike the official package, which makes no catalogue in these cases: without APCORR, or a row for
    the band in it, all columns of circles are NaN and no source counts as extended; without ABVEGAOFFSET Vega
    magnitudes are NaN; where nothing is found, the table has no rows. Stars have no segmentation map; the columns of
    isophotes other than the finder's flux and orientation are NaN for them, as are the errors of their positions.

    Errors of fluxes follow from ERR: they are right for circles much larger than a pixel (`jwcal.steps.resample`), and
    too large by a tenth for those of two pixels. Errors of positions hold for the mosaic's noise, whose neighbouring
    pixels are alike, and allow for the end of the source, which noise moves, too (`jwcal.catalog.isophotes`).

    Parameters
    ----------
    mosaic : Mosaic
        Rectified image in MJy/sr, its errors and weights, with a WCS.
    apcorr : Reference or None
        Radii of circles and aperture corrections by band (table APCORR).
    abvegaoffset : Reference or None
        AB minus Vega magnitude by band.
    aperture_ee1, aperture_ee2, aperture_ee3 : int
        Per cent of a star's light in the three circles, increasing.
    ci1_star_threshold, ci2_star_threshold : float
        Ratios of fluxes, second to first and third to second circle; a source is extended where both are larger.
    starfinder : str
        segmentation, dao or iraf.
    snr_threshold : float
        Standard deviations of the background by which a source rises above it.
    bkg_boxsize : int
        Side of the boxes in which the background is measured, pixels.
    kernel_fwhm : float
        Full width at half maximum, pixels, of the Gaussian that smooths the image, or of the stars.
    minsep_fwhm : float
        Least distance of two stars, in units of `kernel_fwhm`; at least two pixels.
    sigma_radius : float
        Where the finder's Gaussian is cut off, standard deviations.
    sharplo, sharphi, roundlo, roundhi : float
        Range of a star's sharpness and roundness.
    brightest : int or None
        Number of stars kept.
    peakmax : float or None
        Peaks of this height or more are no stars, MJy/sr.
    npixels : int
        Least number of pixels of a source.
    connectivity : int
        8 where pixels with a common corner touch, 4 where only those with a common side do.
    nlevels : int
        Number of thresholds at which a source may fall apart.
    contrast : float
        Least fraction of a source's flux that a part must have to become a source of its own.
    multithresh_mode : str
        Spacing of the thresholds: exponential, linear or sinh.
    localbkg_width : int
        Width, pixels, of a frame around each source in which the sky of its isophotal flux is measured; 0 for none.
    apermask_method : str
        Pixels of neighbours in Kron apertures: correct (by those opposite), mask or none.
    kron_params : sequence of float or None
        Scale of the Kron radius, least radius, and optionally least circular radius; None for no Kron fluxes.
    deblend : bool
        Whether to separate blended sources.

    Returns
    -------
    SourceCatalog

    Raises
    ------
    JwcalError
        When the mosaic is not in MJy/sr or has no WCS, or the apertures asked for are not in the reference.

    References
    ----------
    Bertin & Arnouts 1996, A&AS 117, 393.
    """
    energies = (aperture_ee1, aperture_ee2, aperture_ee3)
    if not 0 < aperture_ee1 < aperture_ee2 < aperture_ee3 < 100:
        raise JwcalError(f"aperture_ee1 to 3 are {energies}; they must increase, from 1 to 99 at most")
    wcs, scale = _check(mosaic)
    apertures, offset = read_apertures(apcorr, mosaic, energies), read_vega_offset(abvegaoffset, mosaic)
    field = detection.find_field(mosaic.data, _find_outside(mosaic), bkg_boxsize, snr_threshold)
    segments = kron = None
    if starfinder == "segmentation":
        smoothed = detection.smooth(field, kernel_fwhm)
        levels = {"nlevels": nlevels, "contrast": contrast, "mode": multithresh_mode}
        pixels = {"npixels": npixels, "connectivity": connectivity, "deblend": deblend}
        segments = detection.find_segments(field, smoothed, **pixels, **levels)
        boundary = Boundary(field.threshold, _find_spread(mosaic, kernel_fwhm))
        sources = measure_isophotes(field.image, mosaic.err, smoothed, segments, boundary)
        if localbkg_width:
            sky = measure_local_sky(field, segments, localbkg_width)
            sources = sources._replace(flux=sources.flux - sources.area * sky)
        if kron_params is not None:
            kron = measure_kron(field, mosaic.err, smoothed, segments, tuple(kron_params), apermask_method)
        del smoothed
    else:
        limits = {"sharpness_range": (sharplo, sharphi), "roundness_range": (roundlo, roundhi), "peak_max": peakmax}
        limits |= {"sigma_radius": sigma_radius, "n_brightest": brightest}
        limits["min_separation"] = max(LEAST_SEPARATION, int(minsep_fwhm * kernel_fwhm + 0.5))
        sources = describe_stars(detection.find_stars(field, starfinder, kernel_fwhm, **limits))
    del field
    log.info("%d sources", len(sources.label))
    # What ERR exceeds the noise in large apertures by, where drizzling leaves gaps (`jwcal.steps.resample`).
    alike = float(mosaic.keyword("CORRERR", 1.0)) ** 2
    sources = sources._replace(
        flux=scale * sources.flux, flux_err=scale * sources.flux_err, covariance=alike * sources.covariance
    )
    thresholds = (ci1_star_threshold, ci2_star_threshold)
    columns = _list_columns(mosaic, wcs, scale, sources, (apertures, offset), thresholds, kernel_fwhm)
    if kron is not None:
        columns += tables.list_kron(scale * kron[0], scale * kron[1], offset)
    meta = _describe(mosaic, (apcorr, abvegaoffset), apertures, offset)
    meta |= {"starfinder": starfinder, "local_bkg_width": localbkg_width, "aperture_mask_method": apermask_method}
    meta["kron_params"] = None if kron_params is None else list(kron_params)
    return SourceCatalog(mosaic.header, columns, meta, _map_segments(mosaic, segments))


def _check(mosaic):
    """WCS of a mosaic, and the Jy in a pixel of 1 MJy/sr."""
    unit = str(mosaic.keyword("BUNIT", "")).strip()
    if unit != UNIT:
        raise JwcalError(f"the image is in {unit or 'no unit'}, catalogues need {UNIT}; run photom first", mosaic.path)
    if mosaic.wcs is None:
        raise JwcalError("the image has no WCS in its ASDF extension; rectify it with resample", mosaic.path)
    wcs = from_tree(mosaic.wcs)
    area = mosaic.keyword("PIXAR_SR", None)
    return wcs, 1e6 * float(mean_pixel_area(wcs, mosaic.data.shape) if area is None else area)


def _find_spread(mosaic, fwhm):
    """Standard deviation, pixels, of the Gaussian over which smoothing and drizzling spread the noise of a pixel."""
    drop = float(mosaic.keyword("PIXFRAC", 1.0)) / float(mosaic.keyword("PXSCLRT", 1.0))
    return math.sqrt((fwhm / detection.FWHM) ** 2 + (1 + drop**2) / 12)


def _find_outside(mosaic):
    """Pixels that no exposure reached [y, x]."""
    outside = np.isnan(mosaic.data if mosaic.err is None else mosaic.err)
    if mosaic.weight is not None:
        outside |= mosaic.weight == 0
    return outside


def _list_columns(mosaic, wcs, scale, sources, references, thresholds, fwhm):
    """Columns of the table, in the official order, and those of our own after them."""
    apertures, offset = references
    positions = photometry.place(sources.x, sources.y)
    sky, sky_err, sums, errors = _measure_circles(mosaic, positions, apertures, scale)
    sharpness, roundness = photometry.measure_sharpness(mosaic.data, positions, fwhm / detection.FWHM)
    north = tables.find_north(wcs, *(mosaic.keyword(f"CRPIX{axis}", 1.0) - 1 for axis in (1, 2)))
    return [
        *tables.list_positions(sources, wcs),
        *tables.list_photometry((sky, sky_err, sums, errors), apertures, offset),
        *tables.list_kinds(sums, apertures.energies, thresholds),
        *tables.list_surroundings(sources, positions, sharpness, roundness),
        *tables.list_isophotes(sources, offset, wcs, north),
        *tables.list_errors(sources, wcs),
    ]


def _measure_circles(mosaic, positions, apertures, scale):
    """Sky in a pixel and its error [source], light in circles without the sky and its error [circle, source], Jy."""
    count = len(positions)
    if apertures.describe() is None or count == 0:
        absent = np.full(count, np.nan)
        return absent, absent, *(np.full((len(apertures.radii), count), np.nan) for _ in range(2))
    sky, sky_err = photometry.measure_sky(mosaic.data, positions, apertures.inner, apertures.outer)
    sums, errors = photometry.sum_circles(mosaic.data, mosaic.err, positions, apertures.radii)
    sums -= np.pi * apertures.radii[:, None] ** 2 * sky
    return scale * sky, scale * sky_err, scale * sums, scale * errors


def _describe(mosaic, references, apertures, offset):
    """What the table says besides its columns: official entries without the time of day, and where they came from."""
    apcorr, abvegaoffset = (None if reference is None else reference.name for reference in references)
    packages = {name: version(name) for name in ("numpy", "numba", "photutils")}
    names = ("FILENAME", "INSTRUME", "DETECTOR", "FILTER", "PUPIL", "SUBARRAY")
    return {
        "version": {"Python": platform.python_version(), **packages, "jwcal": __version__},
        "aperture_params": apertures.describe(),
        "abvega_offset": offset if np.isfinite(offset) else None,
        "apcorr": apcorr,
        "abvegaoffset": abvegaoffset,
        "image": {name.lower(): mosaic.keyword(name, None) for name in names},
    }


def _map_segments(mosaic, segments):
    """`SegmentationMap` of labels; its header is that of the mosaic without what describes values."""
    if segments is None:
        return None
    header = mosaic.sci_header.copy()
    for keyword in VALUE_KEYWORDS:
        header.remove(keyword, ignore_missing=True)
    return SegmentationMap(mosaic.header, header, path=mosaic.path, wcs=mosaic.wcs, data=segments.view(np.uint32))
