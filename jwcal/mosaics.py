"""The frame of a mosaic: which tangent plane, how many pixels of what size, and the keywords that say so."""

import math
import re
from typing import NamedTuple

import numpy as np

from jwcal.errors import JwcalError
from jwcal.references import Reference
from jwcal.wcs import WCS, fits_keywords, from_tree, mean_pixel_area, scale_at
from jwcal.wcs import output_wcs as make_wcs
from jwcal.wcs.mosaics import parse_footprint
from jwcal.wcs.polygons import clip_polygon, join_polygons

ARCSEC = math.pi / 180 / 3600
# Keywords of the input's distorted frame, which do not hold for the mosaic.
OUTDATED = re.compile(r"CD\d_\d|(A|B|AP|BP)_(\d_\d|ORDER)|(V2|V3|RA|DEC|ROLL)_REF|V3I_YANG|VPARITY")
SLACK = 0.03  # pixels by which a pixel may stick out of a mosaic
INSET = 0.01  # pixels by which outlines are drawn in, so that an image that fits does fit


class Frame(NamedTuple):
    """Where a mosaic lies.

    Attributes
    ----------
    wcs : jwcal.wcs.WCS
        Output pixels to the sky.
    shape : tuple of int
        Rows and columns.
    scale : float
        Pixel size, arcseconds.
    ratio : float
        Pixel size over that of the first input.
    """

    wcs: WCS
    shape: tuple
    scale: float
    ratio: float


def find_frame(image, footprints, *, pixel_scale_ratio=1.0, pixel_scale=None, output_shape=None, **settings):
    """Fit a tangent plane around footprints.

    Parameters
    ----------
    image : Image
        First exposure: its pixel scale and orientation are taken.
    footprints : sequence of str
        S_REGION of all exposures.
    pixel_scale_ratio, pixel_scale, **settings
        As for `jwcal.wcs.output_wcs`.
    output_shape : (int, int) or None
        Columns and rows.

    Returns
    -------
    Frame
    """
    wcs = from_tree(image.wcs)
    if pixel_scale is None:
        native = 3600 * scale_at(wcs, float(image.keyword("RA_REF")), float(image.keyword("DEC_REF")))
        scale, ratio = native * pixel_scale_ratio, float(pixel_scale_ratio)
    else:
        native = math.sqrt(mean_pixel_area(wcs, image.data.shape)) / ARCSEC
        scale, ratio = float(pixel_scale), float(pixel_scale) / native
    shape = None if output_shape is None else tuple(int(size) for size in output_shape[::-1])
    result, shape = make_wcs([wcs], footprints, image.sci_header, pixel_scale=scale, output_shape=shape, **settings)
    return Frame(result, shape, scale, ratio)


def read_frame(path, output_shape, image):
    """Read a frame from an ASDF file.

    Parameters
    ----------
    path : str or pathlib.Path
        File with a gWCS under ``wcs``, and optionally ``array_shape`` or ``pixel_shape``, ``pixel_scale`` (arcseconds)
        or ``pixel_area`` (square arcseconds).
    output_shape : (int, int) or None
        Columns and rows, instead of the file's.
    image : Image
        First exposure, for the ratio of pixel scales.

    Returns
    -------
    Frame

    Raises
    ------
    JwcalError
        When the file says nothing about the size of the mosaic.
    """
    tree = Reference(path, "output_wcs").tree
    wcs = from_tree(tree.get("wcs"))
    shape = _read_shape(tree, wcs, output_shape, path)
    scale, area = tree.get("pixel_scale"), tree.get("pixel_area")
    if scale is None:
        scale = math.sqrt(area if area is not None else mean_pixel_area(wcs, shape) / ARCSEC**2)
    native = image.keyword("PIXAR_SR", None) or mean_pixel_area(from_tree(image.wcs), image.data.shape)
    return Frame(wcs, shape, float(scale), float(scale) * ARCSEC / math.sqrt(float(native)))


def _read_shape(tree, wcs, output_shape, path):
    """Rows and columns: as asked, else what the WCS says of itself, else what stands beside it, else its box."""
    if output_shape is not None:
        return tuple(int(size) for size in output_shape[::-1])
    if wcs.pixel_shape is not None:
        return tuple(int(size) for size in wcs.pixel_shape[::-1])
    if tree.get("array_shape") is not None or tree.get("pixel_shape") is not None:
        return tuple(int(size) for size in tree.get("array_shape") or tree["pixel_shape"][::-1])
    if wcs.bounding_box is None:
        raise JwcalError("the WCS does not say how large the mosaic is; set output_shape", path)
    return tuple(int(upper + 0.5) for _, upper in wcs.bounding_box[::-1])


def stamp_frame(header, frame, footprints):
    """Replace an input's WCS keywords by those of the mosaic.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of SCI; changed in place.
    frame : Frame
        Of the mosaic.
    footprints : sequence of str
        S_REGION of all inputs; the mosaic's is what they cover of it.
    """
    for keyword in [card.keyword for card in header.cards if OUTDATED.fullmatch(card.keyword)]:
        del header[keyword]
    for keyword, value in _make_keywords(frame).items():
        header[keyword] = value
    header["PIXAR_SR"] = ((frame.scale * ARCSEC) ** 2, "Nominal pixel area in steradians")
    header["PIXAR_A2"] = (frame.scale**2, "Nominal pixel area in arcsec^2")
    region = clip_footprints(frame, footprints)
    if region:
        header["S_REGION"] = (region, "spatial extent of the observation")


def _make_keywords(frame):
    if "crpix" in frame.wcs.node["steps"][0]["transform"]:
        return fits_keywords(frame.wcs)
    # A frame of the user's own, in whatever form: its linear terms at the middle.
    (ny, nx), keywords = frame.shape, {"WCSAXES": 2, "RADESYS": "ICRS"}
    x, y = (nx - 1) / 2, (ny - 1) / 2
    ra, dec = (float(value) for value in frame.wcs.forward(x, y))
    plane = [_project(frame.wcs.forward(x + i, y + j), ra, dec) for i, j in ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5))]
    matrix = np.array([plane[0] - plane[1], plane[2] - plane[3]]).T
    step = math.sqrt(abs(np.linalg.det(matrix)))
    for axis, (kind, value, pixel) in enumerate((("RA---TAN", ra, x), ("DEC--TAN", dec, y)), 1):
        keywords |= {f"CRPIX{axis}": pixel + 1, f"CRVAL{axis}": value, f"CDELT{axis}": step}
        keywords |= {f"CTYPE{axis}": kind, f"CUNIT{axis}": "deg"}
        keywords |= {f"PC{axis}_{column + 1}": float(matrix[axis - 1, column] / step) for column in range(2)}
    return keywords


def _project(position, ra0, dec0):
    """Tangent-plane coordinates, degrees, of a position about (ra0, dec0)."""
    ra, dec = np.radians(position[0] - ra0), np.radians(position[1])
    s, c = math.sin(math.radians(dec0)), math.cos(math.radians(dec0))
    depth = np.sin(dec) * s + np.cos(dec) * c * np.cos(ra)
    return np.degrees([np.cos(dec) * np.sin(ra) / depth, (np.sin(dec) * c - np.cos(dec) * s * np.cos(ra)) / depth])


def clip_footprints(frame, footprints):
    """S_REGION of a mosaic: the outline of all inputs' polygons together, as far as it lies inside."""
    polygons = []
    for polygon in (polygon for footprint in footprints for polygon in parse_footprint(footprint)):
        pixels = clip_polygon(np.column_stack(frame.wcs.inverse(*polygon.T)), frame.shape)
        if len(pixels) >= 3:
            polygons.append(pixels)
    texts = []
    for outline in join_polygons(polygons) if len(polygons) > 1 else polygons:
        sky = np.column_stack(frame.wcs.forward(*outline.T))
        texts.append("POLYGON ICRS  " + " ".join(f"{ra % 360:.9f} {dec:.9f}" for ra, dec in sky))
    return "  ".join(texts)


def find_common_pixels(wcs, frame, shape):
    """First and last pixel of each input row that takes part in a mosaic.

    What the input has in common with the mosaic is a polygon in input pixels, its sides straight. A pixel takes part
    when its centre lies within, by half the slope of a side along the row. The drizzle library chooses so; it finds the
    corners to a few hundredths of a pixel only, so that a few pixels along a side may differ.

    Parameters
    ----------
    wcs : jwcal.wcs.WCS
        Of the input.
    frame : Frame
        Of the mosaic.
    shape : tuple of int
        Rows and columns of the input.

    Returns
    -------
    int64 [y, 2]
        First and last pixel; last < first where there is none.
    """
    box = wcs.bounding_box or tuple((-0.5, size - 0.5) for size in shape[::-1])
    (x0, x1), (y0, y1) = (
        (max(0, math.ceil(low)), min(size - 1, math.floor(high)))
        for (low, high), size in zip(box, shape[::-1], strict=True)
    )
    outline = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) + [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
    result = np.tile(np.array([x0, x1]), (shape[0], 1))
    common = np.column_stack(frame.wcs.inverse(*wcs.forward(*outline.T)))
    if not np.isfinite(common).all():
        return result
    common = clip_polygon(common, frame.shape)
    if len(common) < 3:
        return result * 0 + [0, -1]
    common = np.column_stack(wcs.inverse(*frame.wcs.forward(*common.T)))
    common = np.clip(common, outline[0] + INSET, outline[2] - INSET)
    rows = np.arange(
        max(y0, int(common[:, 1].min() + 0.5 + 2 * SLACK)), min(y1, int(common[:, 1].max() + 2 * SLACK)) + 1
    )
    result[:] = 0, -1
    result[rows] = _scan_rows(common, rows, (x0, x1))
    return result


def _scan_rows(vertices, rows, limits):
    """First and last pixel of rows that lies inside a convex polygon (n, 2)."""
    left, right = _split_sides(vertices)
    ends = [_reach_side(side, rows, sign) for side, sign in ((left, -1), (right, 1))]
    # Where a corner lies within a row, both sides that meet there count.
    (low_bottom, low_top), (high_bottom, high_top) = ends
    low_bottom, low_top = np.maximum(low_bottom, limits[0]), np.maximum(low_top, limits[0])
    high_bottom, high_top = np.minimum(high_bottom, limits[1]), np.minimum(high_top, limits[1])
    only_bottom, only_top = low_top >= high_top, low_bottom >= high_bottom
    first = np.where(only_bottom, low_bottom, np.where(only_top, low_top, np.maximum(low_bottom, low_top)))
    last = np.where(only_bottom, high_bottom, np.where(only_top, high_top, np.minimum(high_bottom, high_top)))
    empty = (only_bottom & only_top) | ~np.isfinite(first + last)
    first, last = np.where(empty, 0, first), np.where(empty, -1, last)
    return np.column_stack([np.floor(first + 0.5), np.floor(last + 0.5)]).astype(np.int64)


def _split_sides(vertices):
    """The left and the right sides of a convex polygon, from bottom to top, as arrays (n, 2) of their vertices."""
    x, y = vertices.T
    if (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() < 0:
        vertices = vertices[::-1]
        x, y = vertices.T
    lowest, highest = np.flatnonzero(y == y.min()), np.flatnonzero(y == y.max())
    chains = []
    for step, choose in ((-1, np.argmin), (1, np.argmax)):
        k, end = lowest[choose(x[lowest])], highest[choose(x[highest])]
        chain = [k]
        while k != end:
            k = (k + step) % len(vertices)
            chain.append(k)
        chains.append(vertices[chain])
    return chains


def _reach_side(side, rows, sign):
    """Outermost pixels, still real numbers, by the edges of a side that cross the bottom and the centre of each row."""
    lower, upper = side[:-1], side[1:]
    slope = (upper - lower)[:, 0] / (upper - lower)[:, 1]
    found = []
    for height in (rows - 0.5, rows - SLACK):
        edge = np.searchsorted(upper[:, 1], height)
        beyond, edge = edge == len(upper), np.minimum(edge, len(upper) - 1)
        x = lower[edge, 0] + slope[edge] * (rows - lower[edge, 1])
        found.append(np.where(beyond, np.nan, x - sign * (0.5 + 0.5 * np.abs(slope[edge]) - SLACK)))
    return found
