"""Footprints on the sky: polygons in a common tangent plane, where great circles are straight, and their overlaps."""

import math

import numpy as np

from jwcal.wcs.transforms import to_cartesian, to_spherical

LINES = 2000  # scan lines by which areas of unions are measured


class SkyPlane:
    """Plane that touches the sky among positions.

    Parameters
    ----------
    ra, dec : ndarray
        Positions, degrees; it touches at their mean direction.
    """

    def __init__(self, ra, dec):
        mean = np.stack(to_cartesian(np.ravel(ra), np.ravel(dec))).mean(axis=1)
        ra, dec = (math.radians(angle) for angle in to_spherical(*mean))
        (s, c), (t, d) = (math.sin(ra), math.cos(ra)), (math.sin(dec), math.cos(dec))
        self._axes = np.array([[d * c, d * s, t], [-s, c, 0.0], [-t * c, -t * s, d]])

    def project(self, ra, dec):
        """Plane coordinates (n, 2), radians east and north, of positions in degrees; NaN behind the horizon."""
        depth, east, north = self._axes @ np.stack(to_cartesian(np.ravel(ra), np.ravel(dec)))
        depth = np.where(depth > 0, depth, np.nan)
        return np.column_stack([east / depth, north / depth])

    def deproject(self, points):
        """RA (0 to 360) and Dec, degrees, of plane coordinates (n, 2)."""
        ra, dec = to_spherical(*(self._axes.T @ np.stack([np.ones(len(points)), *points.T])))
        return np.mod(ra, 360), dec


def convex_hull(points):
    """Corners (k, 2) of the convex hull of points (n, 2), counter-clockwise (Andrew 1979)."""
    ordered = sorted(set(map(tuple, np.asarray(points, float).tolist())))
    if len(ordered) < 3:
        return np.array(ordered).reshape(-1, 2)
    halves = []
    for sequence in (ordered, ordered[::-1]):
        half = []
        for point in sequence:
            while len(half) > 1 and _turn(half[-2], half[-1], point) <= 0:
                half.pop()
            half.append(point)
        halves += half[:-1]
    return np.array(halves)


def _turn(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def signed_area(polygon):
    """Area of a polygon (n, 2), positive if it runs counter-clockwise."""
    x, y = np.asarray(polygon, float).reshape(-1, 2).T
    return 0.5 * float(x @ np.roll(y, -1) - np.roll(x, -1) @ y)


def clip_convex(subject, clip):
    """Part of a polygon inside a convex polygon (Sutherland & Hodgman 1974).

    Parameters
    ----------
    subject, clip : ndarray (n, 2), (m, 2)
        Corners; `clip` convex.

    Returns
    -------
    ndarray (k, 2)
        Empty where they do not overlap.
    """
    vertices = [tuple(point) for point in np.asarray(subject, float)]
    clip = np.asarray(clip, float)
    if signed_area(clip) < 0:
        clip = clip[::-1]
    for a, b in zip(clip, np.roll(clip, -1, axis=0), strict=True):
        sides = [_turn(a, b, point) for point in vertices]
        kept = []
        for k, (point, side) in enumerate(zip(vertices, sides, strict=True)):
            before, other = vertices[k - 1], sides[k - 1]
            if side * other < 0:
                share = other / (other - side)
                kept.append((before[0] + share * (point[0] - before[0]), before[1] + share * (point[1] - before[1])))
            if side >= 0:
                kept.append(point)
        vertices = kept
    polygon = np.array(vertices).reshape(-1, 2)
    return polygon if len(polygon) >= 3 and abs(signed_area(polygon)) > 0 else np.zeros((0, 2))


def shared_area(first, second):
    """Area that two sets of convex polygons have in common, each set taken as one shape."""
    first, second = ([polygon for polygon in shape if len(polygon) >= 3] for shape in (first, second))
    if not first or not second:
        return 0.0
    if len(first) == len(second) == 1:
        return abs(signed_area(clip_convex(first[0], second[0])))
    heights = np.concatenate([polygon[:, 1] for polygon in (*first, *second)])
    low, high = heights.min(), heights.max()
    lines = low + (np.arange(LINES) + 0.5) * (high - low) / LINES
    lengths = [_measure_union(shape, lines) for shape in (first, second, first + second)]
    return float((lengths[0] + lengths[1] - lengths[2]).sum() * (high - low) / LINES)


def _measure_union(polygons, lines):
    """Length of each scan line inside any of the polygons."""
    spans = np.array([_cut(polygon, lines) for polygon in polygons])
    order = np.argsort(spans[:, 0], axis=0)
    starts, ends = (np.take_along_axis(spans[:, k], order, axis=0) for k in (0, 1))
    reached = np.maximum.accumulate(ends, axis=0)
    starts[1:] = np.maximum(starts[1:], reached[:-1])
    with np.errstate(invalid="ignore"):
        return np.maximum(np.nan_to_num(ends - starts, posinf=0, neginf=0), 0).sum(axis=0)


def _cut(polygon, lines):
    """Where scan lines enter and leave a convex polygon; -inf to -inf where they miss it."""
    enter, leave = np.full(lines.size, np.inf), np.full(lines.size, -np.inf)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        low, high = min(y0, y1), max(y0, y1)
        inside = (lines >= low) & (lines < high)
        x = x0 + (lines[inside] - y0) * (x1 - x0) / (y1 - y0) if high > low else lines[inside]
        enter[inside], leave[inside] = np.minimum(enter[inside], x), np.maximum(leave[inside], x)
    missed = leave < enter
    enter[missed] = leave[missed] = -np.inf
    return enter, leave
