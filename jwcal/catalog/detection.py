"""Finding sources on an image: its background, what rises above it, and the star finders.

Segmentation is that of photutils, pixel for pixel, by kernels: importing photutils alone takes longer than to find
thousands of sources. It is imported for its star finders only.

References
----------
Bertin & Arnouts 1996, A&AS 117, 393 (background, segmentation, deblending); Stetson 1987, PASP 99, 191 (DAOFIND);
Tody 1993, ASPC 52, 173 (IRAF's starfind).
"""

import math
import warnings
from typing import NamedTuple

import numpy as np

from jwcal.sky.mesh_background import measure_background

FWHM = 2.3548200450309493  # of a Gaussian of unit width
REACH = 4  # standard deviations to which a Gaussian kernel reaches
STEEP = 0.25  # of thresholds spaced by the hyperbolic sine


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

    The sky is made of the clipped medians and deviations of boxes, smoothed and joined by cubic splines. These pass
    through the boxes' values; SciPy's, in the official package, miss even a constant by up to 6e-4 of it where there
    are two or three boxes along a side.

    Parameters
    ----------
    data : float32 [y, x]
        Image; NaN is left out.
    outside : bool [y, x]
        Pixels without data.
    box_size : int
        Side of the boxes, pixels. Boxes with data in less than nine tenths take their neighbours' values (of ten, and
        all others as near as the last: the official package takes some of these); where all are so, the image is one.
    significance : float
        Deviations of the sky by which a source rises above it.

    Returns
    -------
    Field
    """
    sky = measure_background(data, ~outside, int(box_size))
    if sky is None:
        return Field(data, np.full(data.shape, np.inf, np.float32), np.ones(data.shape, bool))
    level, threshold = sky
    np.subtract(data, level, out=level)
    level[outside] = data[outside]
    threshold *= np.float32(significance)
    threshold[outside] = 0
    return Field(level, threshold, outside)


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
    if fwhm <= 0:
        return field.image
    from jwcal.kernels.smoothing import smooth_columns, smooth_rows

    sigma = fwhm / FWHM
    reach = math.ceil(2 * REACH * sigma) // 2
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    values, covers, result = (np.empty(field.image.shape, np.float32) for _ in range(3))
    smooth_rows(field.image, field.outside, weights, values, covers)
    smooth_columns(values, covers, weights, result)
    return result


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
    from jwcal.kernels import segments as kernels

    corners = connectivity == 8
    segments = kernels.find_segments(smoothed, field.threshold, field.outside, npixels, corners)
    count = int(segments.max(initial=0))
    if not (deblend and count) or contrast >= 1:
        return segments
    boxes = kernels.enclose_segments(segments, count)
    thresholds = _list_thresholds(smoothed, segments, count, nlevels, mode)
    return _separate(smoothed, segments, boxes, thresholds, (npixels, corners, float(contrast)))


def _list_thresholds(smoothed, segments, count, nlevels, mode):
    """Thresholds between the least and the greatest value of each source, as asked and even: [2, source, level].

    They are computed in the precision of the image, as photutils does, so that the same pixels exceed them. A source of
    even brightness has NaN, and one that is not positive throughout has even ones only.
    """
    place = np.flatnonzero(segments)
    source, values = segments.reshape(-1)[place] - 1, smoothed.reshape(-1)[place]
    low, high = np.full(count, np.inf, np.float32), np.full(count, -np.inf, np.float32)
    np.minimum.at(low, source, values)
    np.maximum.at(high, source, values)
    even = np.linspace(low, high, nlevels + 2, axis=-1)
    low, high = low[:, None], high[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (even - low) / (high - low)
        if mode == "exponential":
            spaced = np.where(low > 0, low * (high / low) ** part, even)
        else:
            spaced = even if mode == "linear" else np.sinh(part / STEEP) / np.sinh(1 / STEEP) * (high - low) + low
    spaced = np.where(high > low, spaced, np.nan)
    return np.stack([spaced, even]).astype(float)[:, :, 1:-1].copy()


def _separate(smoothed, segments, boxes, thresholds, limits):
    """Labels after separation: first the sources that stay one, then the parts of the others, both in their order."""
    from jwcal.kernels.deblending import separate_sources

    parts = np.zeros_like(segments)
    counts = separate_sources(smoothed, segments, boxes, thresholds, *limits, parts)
    stays = counts == 0
    labels = np.concatenate([[0], np.where(stays, np.cumsum(stays), stays.sum() + np.cumsum(counts) - counts)])
    return (labels.astype(np.int32)[segments] + parts).astype(np.int32, copy=False)


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
