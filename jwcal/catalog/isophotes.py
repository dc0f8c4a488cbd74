"""Fluxes, positions and shapes of sources from the pixels that belong to each.

References
----------
Bertin & Arnouts 1996, A&AS 117, 393 (moments of isophotal images).
"""

from typing import NamedTuple

import numpy as np

PIXEL_VARIANCE = 1 / 12  # of a position that is even over a pixel


class Isophotes(NamedTuple):
    """One value a source, in the order of the labels.

    Attributes
    ----------
    label : int32
        Number in the segmentation map.
    x, y : float64
        Centre of light, zero-based pixels.
    covariance : float64 [source, 3]
        Variances of the position along x and y, and their covariance, square pixels.
    flux, flux_err : float64
        Sum over the pixels, and its error.
    area : float64
        Pixels with data.
    semimajor, semiminor : float64
        Deviations along the axes of the Gaussian with the same second moments, pixels.
    orientation : float64
        Angle from the x axis to the major axis, counter-clockwise, degrees from 0 to 360.
    box : float64 [source, 4]
        First and last column, first and last row.
    """

    label: np.ndarray
    x: np.ndarray
    y: np.ndarray
    covariance: np.ndarray
    flux: np.ndarray
    flux_err: np.ndarray
    area: np.ndarray
    semimajor: np.ndarray
    semiminor: np.ndarray
    orientation: np.ndarray
    box: np.ndarray


class Boundary(NamedTuple):
    """What the errors of positions ask of how sources were bounded.

    Attributes
    ----------
    threshold : float32 [y, x]
        Value above which smoothed pixels belong to sources.
    spread : float
        Standard deviation, pixels, of the Gaussian over which smoothing and drizzling spread the noise of a pixel.
    """

    threshold: np.ndarray
    spread: float


def measure_isophotes(data, err, smoothed, segments, boundary=None):
    """Sum up the pixels of each source.

    Parameters
    ----------
    data : float32 [y, x]
        Image without background; NaN is left out.
    err : float32 [y, x] or None
        Its standard error.
    smoothed : float32 [y, x]
        Smoothed image that the sources were found on; positions and shapes are its moments, negative values left out.
    segments : int32 [y, x]
        Labels, from 1 on without gaps.
    boundary : Boundary or None
        Where sources end; None leaves out what that adds to the errors of their positions.

    Returns
    -------
    Isophotes
    """
    place = np.flatnonzero(segments)
    count = int(segments.max(initial=0))
    source = segments.reshape(-1)[place] - 1
    y, x = np.divmod(place, segments.shape[1])

    def add(values):
        return np.bincount(source, values, minlength=count).astype(float)

    value = data.reshape(-1)[place].astype(float)
    good = np.isfinite(value)
    variance = np.full(len(place), np.nan) if err is None else err.reshape(-1)[place].astype(float) ** 2
    light = smoothed.reshape(-1)[place].astype(float)
    light[~(light > 0)] = 0
    with np.errstate(invalid="ignore", divide="ignore"):
        total = add(light)
        centre_x, centre_y = add(light * x) / total, add(light * y) / total
        dx, dy = x - centre_x[source], y - centre_y[source]
        moments = np.stack([add(light * dx * dx), add(light * dy * dy), add(light * dx * dy)], axis=1) / total[:, None]
        # To first order a pixel's error moves the centre by its distance from it, over the light. Smoothing, symmetric
        # about each pixel, does not change that, so that the errors are those of the data, not of the smoothed image.
        noise = np.where(good, variance, 0)
        moving = noise if boundary is None else noise * _weigh_boundary(smoothed, place, dx, dy, boundary)
        shifts = np.stack([add(moving * dx * dx), add(moving * dy * dy), add(moving * dx * dy)], axis=1)
        covariance = shifts / total[:, None] ** 2
    area = add(good.astype(float))
    area[area == 0] = np.nan
    flux = add(np.where(good, value, 0)) * np.where(area > 0, 1, np.nan)
    return Isophotes(np.arange(1, count + 1, dtype=np.int32), centre_x, centre_y, covariance, flux, np.sqrt(add(noise)),
                     area, *_find_axes(moments), _find_boxes(segments, count))  # fmt: skip


def _weigh_boundary(smoothed, place, dx, dy, boundary):
    """By how much more the noise of pixels counts since it also decides where a source ends [pixel].

    Where the smoothed light s falls through the threshold t, noise n moves the end outwards by n / |grad s|, and light
    of t per pixel comes in: as if a rim of the width b = t / |grad s| counted once more. Its noise is that of the
    smoothed image, whose variance in a narrow line is 1 / (2 sqrt(pi) spread) of that of a pixel, and half of it is
    shared with the pixels within: together b^2 / (2 sqrt(pi) spread) + b. Where sources touch, s is far above t, and
    there is no rim.
    """
    ny, nx = smoothed.shape
    y, x = np.divmod(place, nx)
    slope_y = smoothed[np.minimum(y + 1, ny - 1), x] - smoothed[np.maximum(y - 1, 0), x]
    slope_x = smoothed[y, np.minimum(x + 1, nx - 1)] - smoothed[y, np.maximum(x - 1, 0)]
    slope = np.hypot(slope_x, slope_y).astype(float) / 2
    threshold = boundary.threshold.reshape(-1)[place].astype(float)
    excess = smoothed.reshape(-1)[place] - threshold
    width = threshold / slope
    outwards = (1 + 0.5 / np.maximum(np.hypot(dx, dy), 0.5)) ** 2  # the end lies half a pixel beyond the last middle
    rim = (width**2 / (2 * np.sqrt(np.pi) * boundary.spread) + width) * outwards
    return 1 + np.where((excess < slope) & np.isfinite(rim), rim, 0)


def describe_stars(table):
    """The same of stars: what their finder says, NaN for the rest.

    Parameters
    ----------
    table : astropy.table.Table or None
        From `jwcal.catalog.detection.find_stars`.

    Returns
    -------
    Isophotes
    """
    count = 0 if table is None else len(table)
    absent = np.full(count, np.nan)

    def read(name):
        return absent if table is None or name not in table.colnames else np.asarray(table[name], float)

    return Isophotes(np.arange(1, count + 1, dtype=np.int32), read("x_centroid"), read("y_centroid"),
                     np.full((count, 3), np.nan), read("flux"), absent, absent, absent, absent, read("orientation"),
                     np.full((count, 4), np.nan))  # fmt: skip


def measure_local_sky(field, segments, width):
    """Sky in frames around sources, without the pixels of other sources.

    Parameters
    ----------
    field : jwcal.catalog.detection.Field
        Image without background.
    segments : int32 [y, x]
        Labels.
    width : int
        Width of the frames, pixels.

    Returns
    -------
    float64 [source]
    """
    if not segments.any():
        return np.zeros(0)
    return _catalogue(field, segments, local_bkg_width=width).local_background


def measure_kron(field, err, smoothed, segments, params, mask_method):
    """Fluxes in ellipses that grow with the source (Kron 1980, ApJS 43, 305), and their errors.

    Parameters
    ----------
    field : jwcal.catalog.detection.Field
        Image without background.
    err : float32 [y, x] or None
        Its standard error.
    smoothed : float32 [y, x]
        Smoothed image, for positions and shapes.
    segments : int32 [y, x]
        Labels.
    params : tuple of float
        Scale of the Kron radius, least radius, and optionally least circular radius.
    mask_method : str
        Pixels of neighbours: correct (by those opposite), mask or none.

    Returns
    -------
    flux, err : float64 [source]
    """
    if not segments.any():
        return np.zeros(0), np.zeros(0)
    options = {"convolved_data": smoothed, "kron_params": params, "aperture_mask_method": mask_method}
    measured = _catalogue(field, segments, error=err, **options)
    return np.asarray(measured.kron_flux), np.asarray(measured.kron_flux_err)


def _catalogue(field, segments, **options):
    from photutils.segmentation import SegmentationImage, SourceCatalog

    return SourceCatalog(field.image, SegmentationImage(segments), mask=field.outside, **options)


def _find_axes(moments):
    """Deviations along the axes, and the angle of the major one, from second moments (xx, yy, xy).

    Sources thinner than a pixel are widened by the variance of a pixel until they are not.
    """
    xx, yy, xy = np.array(moments.T)
    with np.errstate(invalid="ignore"):
        bad = xx * yy - xy**2 < 0
        xx[bad] = yy[bad] = xy[bad] = np.nan
        while (thin := xx * yy - xy**2 < PIXEL_VARIANCE**2).any():
            xx[thin] += PIXEL_VARIANCE
            yy[thin] += PIXEL_VARIANCE
        mean, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
        angle = np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) % 360
        return np.sqrt(mean + half), np.sqrt(mean - half), angle


def _find_boxes(segments, count):
    """First and last column and row of each source."""
    from jwcal.kernels.segments import enclose_segments

    boxes = enclose_segments(segments, count)
    return (boxes[:, [1, 3, 0, 2]] - [0, 1, 0, 1]).astype(float)
