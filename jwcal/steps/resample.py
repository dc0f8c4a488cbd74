"""Rectify images onto a regular grid on the sky."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jwcal import dq
from jwcal.blending import Blender
from jwcal.drizzling import (
    VARIANCES,
    Recipe,
    constant_weight,
    drizzle_image,
    find_correlation,
    find_group,
    load_image,
    locate_image,
    read_fill_value,
)
from jwcal.errors import JwcalError
from jwcal.fitsfiles import FitsFile
from jwcal.kernels.coadd import add_exposure, finish_variances
from jwcal.models import Image, Mosaic
from jwcal.mosaics import find_frame, read_frame, stamp_frame
from jwcal.wcs import MapRoom

CONTEXT_BITS = 32
NEEDED = ("data", "err", "dq", *VARIANCES)
# How the times of several groups combine.
TIMES = {
    "EFFEXPTM": (sum, "[s] Effective exposure time"),
    "DURATION": (sum, "[s] Total duration of exposure"),
    "TMEASURE": (sum, "[s] Measurement time"),
    "EXPSTART": (min, "[d] exposure start time in MJD"),
    "EXPEND": (max, "[d] exposure end time in MJD"),
}


@dataclass
class Sums:
    """What was added up so far: planes and weights [4, y, x] of data and three variances, context, flags.

    `constant` is the weight of the variances, 0 for the inverse of the read-noise variance.
    """

    planes: np.ndarray | None
    weights: np.ndarray | None
    context: np.ndarray
    flags: np.ndarray | None
    constant: float = 0.0


def resample(
    images: Image | Sequence[Image | str | Path | Callable],
    *,
    pixfrac: float = 1.0,
    kernel: str = "square",
    fillval: str | float = "NAN",
    weight_type: str | None = "ivm",
    output_shape: Sequence[int] | None = None,
    crpix: Sequence[float] | None = None,
    crval: Sequence[float] | None = None,
    rotation: float | None = None,
    pixel_scale_ratio: float = 1.0,
    pixel_scale: float | None = None,
    output_wcs: str | None = None,
    blendheaders: bool = True,
    enable_ctx: bool = True,
    enable_err: bool = True,
    report_var: bool = True,
    propagate_dq: bool = False,
    pixmap_tolerance: float = 1e-6,
) -> Mosaic:
    """Drizzle calibrated images onto a common tangent plane.

    Exposures are taken one at a time: of those not given as images only one is in memory. A background level that was
    measured but not subtracted (BKGLEVEL, BKGSUB) is subtracted. ERR is the root of the sum of the three variances,
    which are resampled as in `jwcal.kernels.drizzle` and co-added as in `jwcal.kernels.coadd`.

    Drizzling correlates the noise of neighbouring pixels: ERR is the error that a pixel contributes to a sum over many
    (their quadratic sum, times the keyword CORRERR, is the noise in an aperture much larger than a pixel), while the
    scatter of single pixels is smaller: times CORRRMS it is the noise per pixel of large apertures (Casertano et al.
    2000; see `jwcal.drizzling.find_correlation`).

    Input pixels that stick out of the mosaic by half take no part, as in the official package.

    Parameters
    ----------
    images : Image or sequence of Image, path or callable
        Calibrated exposures [y, x] with a WCS. A callable gives one, when it is told which arrays are needed
        (`jwcal.findings.Cleaned.load`); with none, its headers and WCS.
    pixfrac : float
        Side of the drop, in input pixels, into which the flux of a pixel is shrunk, 0 to 1.
    kernel : str
        Shape of the drop: square, point, turbo, gaussian, lanczos2 or lanczos3.
    fillval : str or float
        Value of output pixels that nothing falls into.
    weight_type : str or None
        Weight of an input pixel: ivm (inverse read-noise variance), exptime (exposure time), None (1).
    output_shape : (int, int) or None
        Columns and rows of the output; None makes it fit.
    crpix : (float, float) or None
        Reference pixel (x, y), zero-based; None makes all inputs fit.
    crval : (float, float) or None
        Right ascension and declination, degrees, of the reference pixel; None takes the middle of the inputs.
    rotation : float or None
        Position angle of the output's y axis, degrees east of north; None aligns the output with the first detector.
    pixel_scale_ratio : float
        Output over input pixel scale, where `pixel_scale` does not say.
    pixel_scale : float or None
        Output pixel scale, arcseconds.
    output_wcs : str or None
        ASDF file with a gWCS under ``wcs`` (and array_shape, pixel_scale or pixel_area), instead of the settings above.
    blendheaders : bool
        Combine the headers of a sequence of exposures (`jwcal.blending`), and keep them all in the table HDRTAB; false
        takes the first one's.
    enable_ctx : bool
        Record which inputs contributed to each pixel.
    enable_err : bool
        Compute errors and variances.
    report_var : bool
        Keep the variances.
    propagate_dq : bool
        Hand on the flags of all inputs that fall on a pixel.
    pixmap_tolerance : float
        Largest error, output pixels, of the positions interpolated between the points where the WCS is evaluated.

    Returns
    -------
    Mosaic

    Raises
    ------
    StepSkipped
        For data that are not two-dimensional.
    JwcalError
        When there is no image, an image has no WCS, or the output would be empty.

    References
    ----------
    Fruchter & Hook 2002, PASP 114, 144; Casertano et al. 2000, AJ 120, 2747.
    """
    items = [images] if isinstance(images, Image) else list(images)
    if not items:
        raise JwcalError("there is no image to resample; give at least one")
    first = load_image(items[0], ())
    footprints = [_find_footprint(item) for item in items]
    if output_wcs:
        frame = read_frame(output_wcs, output_shape, first)
    else:
        grid = {"output_shape": output_shape, "crpix": crpix, "crval": crval, "rotation": rotation}
        scale = {"pixel_scale_ratio": pixel_scale_ratio, "pixel_scale": pixel_scale}
        frame = find_frame(first, footprints, **grid, **scale)
    bad = dq.interpret("~DO_NOT_USE+NON_SCIENCE")
    tolerance = float(pixmap_tolerance)
    recipe = Recipe(frame, kernel, float(pixfrac), weight_type, bad, enable_err, propagate_dq, tolerance)
    blender = Blender() if blendheaders and not isinstance(images, Image) else None
    sums, times = _add_up(items, recipe, blender)
    mosaic = _finish(sums, first, recipe)
    if blender:
        blender.blend(mosaic)
    mosaic.data[mosaic.weight == 0] = read_fill_value(fillval)
    if not enable_ctx:
        mosaic.context = None
    if not report_var:
        mosaic.var_poisson = mosaic.var_rnoise = mosaic.var_flat = None
    _stamp(mosaic, recipe, times)
    stamp_frame(mosaic.sci_header, frame, footprints)
    return mosaic


def _find_footprint(item):
    """S_REGION of an image or of a file, read without its pixels."""
    if callable(item):
        item = item(())
    if not isinstance(item, Image):
        with FitsFile(item) as file:
            return file.header("SCI")["S_REGION"]
    return item.keyword("S_REGION")


def _add_up(items, recipe, blender):
    """Drizzle the exposures one after the other; their `Sums`, and what `_read_times` says of each."""
    shape, count = recipe.frame.shape, len(items)
    context = np.zeros(((count - 1) // CONTEXT_BITS + 1, *shape), np.int32)
    sums = Sums(None, None, context, np.zeros(shape, np.uint32) if recipe.flags else None)
    if count > 1:
        shape = (4 if recipe.variances else 1, *shape)
        sums.planes, sums.weights = np.full(shape, np.nan, np.float32), np.zeros(shape, np.float32)
    times, room = [], MapRoom()
    for index, item in enumerate(items):
        image = load_image(item, NEEDED)
        times.append(_read_times(image))
        if blender:
            blender.add(image)
        _add(sums, index, image, recipe, room)
    return sums, times


def _add(sums, index, image, recipe, room):
    """Drizzle exposure number `index` and add it."""
    alone = sums.planes is None
    whole = [(0, size) for size in recipe.frame.shape]
    part = drizzle_image(image, recipe, locate_image(image, recipe), room, whole if alone else None)
    y, x = part.origin
    box = (slice(y, y + part.weight.shape[0]), slice(x, x + part.weight.shape[1]))
    context = sums.context[index // CONTEXT_BITS][box]
    np.bitwise_or(context, np.uint32(1 << index % CONTEXT_BITS).view(np.int32), out=context, where=part.hits)
    if recipe.flags:
        sums.flags[box] |= part.flags
    constant = constant_weight(image, recipe.weight_type)
    if index == 0:
        sums.constant = constant
    if alone:
        sums.planes, sums.weights = part.planes, part.weight[None]
    else:
        add_exposure(sums.planes, sums.weights, part.planes, part.weight, part.origin, constant)


def _finish(sums, first, recipe):
    """Turn sums into a mosaic, its headers those of the first exposure."""
    mosaic = Mosaic(
        first.header.copy(),
        first.sci_header.copy(),
        path=first.path,
        wcs=recipe.frame.wcs.tree,
        data=sums.planes[0],
        context=sums.context,
        weight=sums.weights[0],
        dq=sums.flags,
    )
    if recipe.variances:
        mosaic.err = finish_variances(sums.planes, recipe.frame.ratio**-2, sums.constant)
        mosaic.var_poisson, mosaic.var_rnoise, mosaic.var_flat = sums.planes[1:]
    return mosaic


def _read_times(image):
    """Group of an exposure, and its times by keyword, None where absent."""
    return find_group(image), {name: image.keyword(name, None) for name in TIMES}


def _stamp(mosaic, recipe, times):
    """Keywords of the exposure time and of the resampling."""
    groups = {}
    for group, values in times:
        groups.setdefault(group, values)
    header, sci_header = mosaic.header, mosaic.sci_header
    for name, (combine, comment) in TIMES.items():
        values = [group[name] for group in groups.values()]
        if None in values:
            header.remove(name, ignore_missing=True)
        else:
            header[name] = (combine(values), comment)
    for name, source in (("XPOSURE", "EFFEXPTM"), ("TELAPSE", "DURATION")):
        if source in header:
            sci_header[name] = (header[source], header.comments[source])
    for name in ("BKGLEVEL", "BKGSUB"):
        header.remove(name, ignore_missing=True)
    header["NDRIZ"] = (len(groups), "Number of groups/pointings included in resample")
    if recipe.weight_type is not None:
        header["RESWHT"] = (recipe.weight_type, "Type of drizzle weighting")
    header["PIXFRAC"] = (recipe.pixfrac, "Drop size in input pixels")
    header["PXSCLRT"] = (recipe.frame.ratio, "Output pixel scale over that of the detector")
    header["KERNEL"] = (recipe.kernel, "Drizzle kernel")
    correlation = find_correlation(recipe)
    if correlation:
        header["CORRRMS"] = (round(correlation[0], 6), "aperture noise / (scatter of pixels * sqrt(n))")
        header["CORRERR"] = (round(correlation[1], 6), "aperture noise / quadratic sum of ERR")
