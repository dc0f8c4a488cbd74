"""The tangent-plane WCS of a mosaic, and pixel sizes.

The output frame is a gnomonic projection about the middle of all footprints, turned like the first exposure's detector,
with that exposure's pixel scale at its reference point; so a single exposure is hardly stretched.

References
----------
Calabretta & Greisen 2002, A&A 395, 1077 (gnomonic projection, PC matrix).
"""

import math
import re

import numpy as np

from jwcal.errors import JwcalError
from jwcal.wcs import nodes
from jwcal.wcs.inverses import invert
from jwcal.wcs.pipeline import WCS
from jwcal.wcs.transforms import evaluate, to_cartesian, to_spherical

SMALLEST = 2  # pixels a side
OUTLINE_STEP = 15  # pixels between vertices of the outline whose area is measured


def output_wcs(wcses, footprints, header, *, pixel_scale_ratio=1.0, pixel_scale=None, rotation=None, crpix=None,
               crval=None, output_shape=None):  # fmt: skip
    """Make the WCS of a mosaic.

    Parameters
    ----------
    wcses : sequence of WCS
        The inputs' WCS; only the first is used: frames, and scale at its reference point.
    footprints : sequence of str or ndarray (n, 2)
        S_REGION (with one or more polygons) or RA, Dec corners of every input.
    header : mapping
        Keywords of the first input: RA_REF, DEC_REF, ROLL_REF, V3I_YANG (degrees), VPARITY.
    pixel_scale_ratio : float
        Output over input pixel scale; unless `pixel_scale` is given.
    pixel_scale : float or None
        Output pixel scale in arcseconds.
    rotation : float or None
        Position angle of the output's y axis, degrees east of north; None: as the first detector.
    crpix : (float, float) or None
        Pixel (x, y), zero-based, of the reference point; None: so that all inputs fit.
    crval : (float, float) or None
        RA and Dec, degrees, of the reference point; None: the middle of the footprints.
    output_shape : (int, int) or None
        Rows and columns; None: so that all inputs fit.

    Returns
    -------
    wcs : WCS
        With bounding box and pixel shape.
    shape : tuple of int
        Rows and columns.

    Raises
    ------
    JwcalError
        When a pointing keyword is missing, or the frame would be smaller than two pixels.
    """
    polygons = [polygon for footprint in footprints for polygon in parse_footprint(footprint)]
    crval = tuple(map(float, crval)) if crval is not None else _fiducial(np.vstack(polygons))
    if pixel_scale is None:
        degrees = pixel_scale_ratio * scale_at(wcses[0], *(_keyword(header, name) for name in ("RA_REF", "DEC_REF")))
    else:
        degrees = pixel_scale / 3600
    matrix = _rotation(header, rotation)
    corners = np.hstack([_native(polygon.T, crval, degrees, matrix) for polygon in polygons])
    # The reference point is at (0, 0) of these native pixels.
    origin = np.asarray(crpix, float) if crpix is not None else -corners.min(axis=1)
    lower, upper = corners.min(axis=1) + origin, corners.max(axis=1) + origin
    shape, box = _extent(lower, upper, output_shape)
    transform = nodes.fitswcs(crpix=origin, crval=crval, cdelt=(degrees, degrees), pc=matrix)
    nodes.bound(transform, *box)
    first, last = wcses[0].node["steps"][0]["frame"], wcses[0].node["steps"][-1]["frame"]
    return WCS(nodes.wcs((first, transform), (last, None), pixel_shape=shape[::-1])), shape


def fits_keywords(wcs):
    """FITS keywords of a tangent-plane WCS.

    Parameters
    ----------
    wcs : WCS
        Made by `output_wcs`, or of the same kind.

    Returns
    -------
    dict
        WCSAXES, CTYPE, CRPIX (one-based), CRVAL, CDELT, PC, CUNIT, RADESYS.
    """
    node = wcs.node["steps"][0]["transform"]
    crpix, crval, cdelt, pc = (np.asarray(node[name], float) for name in ("crpix", "crval", "cdelt", "pc"))
    keywords = {"WCSAXES": 2}
    for axis, kind in enumerate(("RA---TAN", "DEC--TAN")):
        keywords[f"CRPIX{axis + 1}"] = float(crpix[axis]) + 1
        keywords[f"CRVAL{axis + 1}"] = float(crval[axis])
        keywords[f"CDELT{axis + 1}"] = float(cdelt[axis])
        keywords[f"CTYPE{axis + 1}"], keywords[f"CUNIT{axis + 1}"] = kind, "deg"
        keywords |= {f"PC{axis + 1}_{column + 1}": float(pc[axis, column]) for column in range(2)}
    return {**keywords, "RADESYS": "ICRS"}


def parse_footprint(footprint):
    """Polygons of an S_REGION text, or the array itself, as a list of arrays (n, 2) of RA, Dec in degrees."""
    if not isinstance(footprint, str):
        return [np.asarray(footprint, float)]
    texts = re.split("POLYGON", footprint.upper())
    return [np.array(re.sub("[A-Z]", "", text).split(), float).reshape(-1, 2) for text in texts if text.strip()]


def scale_at(wcs, ra, dec):
    """Pixel scale in degrees at a position: geometric mean of the steps along x and y."""
    x, y = wcs.inverse(ra, dec)
    here, right, up = (np.stack(to_cartesian(*wcs.forward(x + i, y + j))) for i, j in ((0, 0), (1, 0), (0, 1)))
    return math.degrees(math.sqrt(_separation(here, right) * _separation(here, up)))


def mean_pixel_area(wcs, shape):
    """Mean area of the pixels inside the bounding box.

    Parameters
    ----------
    wcs : WCS
        Of an image.
    shape : tuple of int
        Its rows and columns.

    Returns
    -------
    float
        Steradians: the area of the spherical polygon through pixel centres along the edge, over that of the same
        polygon in pixels.
    """
    ny, nx = shape
    (x0, x1), (y0, y1) = wcs.bounding_box or ((-0.5, nx - 0.5), (-0.5, ny - 0.5))
    x0, x1 = max(0, int(x0 + 0.5)), min(nx - 1, int(x1 - 0.5))
    y0, y1 = max(0, int(y0 + 0.5)), min(ny - 1, int(y1 - 0.5))
    x, y = _outline(x0, x1, y0, y1)
    return _polygon_area(np.stack(to_cartesian(*wcs.forward(x, y)))) / ((x1 - x0) * (y1 - y0))


def _keyword(header, name):
    value = header.get(name)
    if value is None:
        raise JwcalError(f"keyword {name} is missing; the frame of the mosaic depends on it")
    return float(value)


def _fiducial(positions):
    """RA and Dec in the middle of the smallest box, in Cartesian coordinates, around positions (n, 2)."""
    vectors = np.stack(to_cartesian(*positions.T))
    ra, dec = to_spherical(*(vectors.min(axis=1) + vectors.max(axis=1)) / 2)
    return float(ra) % 360, float(dec)


def _rotation(header, rotation):
    """PC matrix: x axis mirrored for VPARITY -1, y axis at the position angle of the detector's or at `rotation`."""
    parity = _keyword(header, "VPARITY")
    if parity not in (1, -1):
        raise JwcalError(f"keyword VPARITY is {parity:g}; it must be 1 or -1")
    if rotation is None:
        rotation = _keyword(header, "ROLL_REF") - parity * _keyword(header, "V3I_YANG")
    c, s = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    return np.array([[parity * c, s], [-parity * s, c]])


def _native(positions, crval, degrees, matrix):
    """Output pixels, relative to the reference point, of RA and Dec (2, n)."""
    frame = nodes.fitswcs(crpix=(0, 0), crval=crval, cdelt=(degrees, degrees), pc=matrix)
    return np.stack(evaluate(invert(frame), *positions))


def _extent(lower, upper, shape):
    """Shape and bounding box of a frame that holds pixels from `lower` to `upper` (x, y)."""
    if shape is None:
        shape = tuple(int(limit + 0.5) for limit in upper[::-1])
        box = tuple((-0.5, size - 0.5) for size in shape[::-1])
    else:
        shape = tuple(map(int, shape))
        box = tuple((max(0, int(low + 0.5)) - 0.5, min(int(high + 0.5), size) - 0.5)
                    for low, high, size in zip(lower, upper, shape[::-1]))  # fmt: skip
    if min(shape) < SMALLEST:
        raise JwcalError(f"the mosaic would have {shape[0]}x{shape[1]} pixels; check crpix, crval and pixel_scale")
    return shape, box


def _separation(a, b):
    """Angle in radians between unit vectors."""
    return math.atan2(np.linalg.norm(np.cross(a, b)), np.dot(a, b))


def _outline(x0, x1, y0, y1):
    """Pixels along the edge of a rectangle, counter-clockwise, not more than `OUTLINE_STEP` apart."""
    nx, ny = (
        max(1, math.ceil((end - start + 1) / max(1, min((end - start) // 4, OUTLINE_STEP))))
        for start, end in ((x0, x1), (y0, y1))
    )
    across, along = np.linspace(x0, x1, nx, endpoint=False), np.linspace(y0, y1, ny, endpoint=False)
    x = np.concatenate([across, np.full(ny, x1), x0 + x1 - across, np.full(ny, x0)])
    y = np.concatenate([np.full(nx, y0), along, np.full(nx, y1), y0 + y1 - along])
    return x, y


def _polygon_area(vertices):
    """Area in steradians of a spherical polygon, unit vectors (3, n): the triangles about its centre, signed.

    A triangle a, b, c spans E with tan(E/2) = a·(b×c) / (1 + a·b + b·c + c·a) (van Oosterom & Strackee 1983).
    """
    centre = vertices.mean(axis=1)
    centre /= np.linalg.norm(centre)
    after = np.roll(vertices, -1, axis=1)
    triple = centre @ np.cross(vertices, after, axis=0)
    total = 1 + centre @ vertices + centre @ after + (vertices * after).sum(axis=0)
    return abs(2 * np.arctan2(triple, total).sum())
