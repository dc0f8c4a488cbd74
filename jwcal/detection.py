"""Finding sources on an image: its background, what rises above it, and the star finders.

photutils (and SciPy, scikit-image) do the finding. They are imported where they are needed: that takes a second.

References
----------
Bertin & Arnouts 1996, A&AS 117, 393 (background, segmentation, deblending); Stetson 1987, PASP 99, 191 (DAOFIND);
Tody 1993, ASPC 52, 173 (IRAF's starfind).
"""

import math
import warnings
from typing import NamedTuple

import numpy as np

FWHM = 2.3548200450309493  # of a Gaussian of unit width
CLIPPING = 3.0  # standard deviations, of the background
SMOOTHING = 3  # boxes, of the running median over the background's mesh
REACH = 4  # standard deviations to which a Gaussian kernel reaches


class Field(NamedTuple):
    """Where sources are looked for [y, x].

    Attributes
    ----------
    image : float32
        Image without background.
    threshold : float32
        Least value of a source.
    outside : bool
        Pixels without data.
    """

    image: np.ndarray
    threshold: np.ndarray
    outside: np.ndarray


def find_field(data, outside, box_size, significance):
    """Subtract the sky, and find the value that sources exceed.

    The sky is made of the clipped medians and deviations of boxes, smoothed and joined by cubic splines.

    Parameters
    ----------
    data : float32 [y, x]
        Image; NaN is left out.
    outside : bool [y, x]
        Pixels without data.
    box_size : int
        Side of the boxes, pixels. Boxes with data in less than nine tenths take their neighbours' values; where all are
        so, the image is one box.
    significance : float
        Deviations of the sky by which a source rises above it.

    Returns
    -------
    Field
    """
    meshes = None if outside.all() or not np.isfinite(data[~outside]).any() else _measure_boxes(data, outside, box_size)
    if meshes is None:
        return Field(data, np.full(data.shape, np.inf, np.float32), np.ones(data.shape, bool))
    level, scatter = (_spread(mesh, meshes[2], data.shape) for mesh in meshes[:2])
    np.subtract(data, level, out=level, where=~outside)
    level[outside] = data[outside]
    scatter *= np.float32(significance)
    scatter[outside] = 0
    return Field(level, scatter, outside)


def _measure_boxes(data, outside, box_size):
    """Level and scatter of the sky in boxes [box_y, box_x], and the size of the boxes."""
    from astropy.stats import SigmaClip
    from photutils.background import Background2D, MedianBackground

    options = {"filter_size": SMOOTHING, "coverage_mask": outside, "sigma_clip": SigmaClip(sigma=CLIPPING)}
    options["bkg_estimator"] = MedianBackground()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NaN, and boxes without data
        try:
            boxes = Background2D(data, box_size, **options)
        except ValueError:
            boxes = Background2D(data, data.shape, exclude_percentile=100.0, **options)
        return np.atleast_2d(boxes.background_mesh), np.atleast_2d(boxes.background_rms_mesh), boxes.box_size


def _spread(mesh, box_size, shape):
    """Cubic spline through the values of boxes, at every pixel, held to their range.

    The spline is the product of one for each axis, so that two products with narrow matrices take the place of
    sixteen terms a pixel.
    """
    from scipy.ndimage import zoom

    bases = [
        np.stack([zoom(unit, size, order=3, mode="reflect", grid_mode=True)[:length] for unit in np.eye(count)])
        for count, size, length in zip(mesh.shape, box_size, shape, strict=True)
    ]
    rows = (bases[0].T @ mesh).astype(np.float32)
    result = rows @ bases[1].astype(np.float32)
    return np.clip(result, mesh.min(), mesh.max(), out=result)


def smooth(field, fwhm):
    """Convolve with a Gaussian; pixels without data, or NaN, are left out and the others weigh the more.

    Parameters
    ----------
    field : Field
        Its image; beyond the edges it counts as zero.
    fwhm : float
        Full width at half maximum, pixels.

    Returns
    -------
    float32 [y, x]
    """
    from scipy.ndimage import correlate1d

    if fwhm <= 0:
        return field.image
    sigma = fwhm / FWHM
    reach = math.ceil(2 * REACH * sigma) // 2
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()

    def convolve(image, beyond):
        for axis in (0, 1):
            image = correlate1d(image, kernel, axis, mode="constant", cval=beyond)
        return image

    absent = field.outside | np.isnan(field.image)
    total = convolve(np.where(absent, np.float32(0), field.image), 0.0)
    if absent.any():
        with np.errstate(invalid="ignore", divide="ignore"):
            total /= convolve((~absent).astype(np.float32), 1.0)
    return total


def find_segments(field, smoothed, *, npixels, connectivity, deblend, nlevels, contrast, mode):
    """Label connected pixels above the threshold, and separate those of blended sources.

    Parameters
    ----------
    field : Field
        Thresholds, and where there is no data.
    smoothed : float32 [y, x]
        Smoothed image.
    npixels : int
        Least number of pixels of a source.
    connectivity : int
        4 where only pixels with a common side touch, 8 where those with a common corner do as well.
    deblend : bool
        Whether to separate blended sources.
    nlevels : int
        Number of thresholds between a source's least and greatest value at which it may fall apart.
    contrast : float
        Least fraction of the flux that a part must have.
    mode : str
        Spacing of the thresholds: exponential, linear or sinh.

    Returns
    -------
    int32 [y, x]
        Labels from 1 on; 0 where there is no source.
    """
    from photutils.segmentation import deblend_sources, detect_sources

    if field.outside.all():
        return np.zeros(smoothed.shape, np.int32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nothing found, or another spacing of levels
        segments = detect_sources(smoothed, field.threshold, npixels, connectivity=connectivity, mask=field.outside)
        if segments is None:
            return np.zeros(smoothed.shape, np.int32)
        if deblend:
            options = {"n_levels": nlevels, "contrast": contrast, "mode": mode, "connectivity": connectivity}
            segments = deblend_sources(smoothed, segments, npixels, progress_bar=False, **options)
    return segments.data.astype(np.int32, copy=False)


def find_stars(field, finder, fwhm, **options):
    """Look for stars with DAOFIND or IRAF's starfind; they rise above the median of the thresholds.

    Parameters
    ----------
    field : Field
        Where to look.
    finder : str
        ``dao`` or ``iraf``.
    fwhm : float
        Full width at half maximum of a star, pixels.
    **options
        Further arguments of photutils' finder.

    Returns
    -------
    astropy.table.QTable or None
        None where there are none.
    """
    from photutils import use_future_column_names
    from photutils.detection import DAOStarFinder, IRAFStarFinder

    if field.outside.all():
        return None
    kind = {"dao": DAOStarFinder, "iraf": IRAFStarFinder}[finder]
    with warnings.catch_warnings(), use_future_column_names():
        warnings.simplefilter("ignore")
        return kind(float(np.median(field.threshold)), fwhm, **options)(field.image, mask=field.outside)
