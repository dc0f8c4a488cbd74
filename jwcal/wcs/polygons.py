"""Polygons in pixels: cut to an image, and joined to one outline."""

import numpy as np

CLOSE = 0.05  # pixels between vertices that count as one
STRAIGHT = 0.01  # pixels by which a vertex may lie beside the line between its neighbours without being one
GROWTH = 1e-4  # pixels by which each polygon is made larger than the one before, so that no two sides coincide


def clip_polygon(vertices, shape):
    """Part of a polygon (n, 2) inside the pixels of an image (Sutherland & Hodgman 1974)."""
    for axis, size in enumerate(shape[::-1]):
        for sign, limit in ((1, -0.5), (-1, size - 0.5)):
            kept = []
            for a, b in zip(np.roll(vertices, 1, axis=0), vertices, strict=True):
                da, db = sign * (a[axis] - limit), sign * (b[axis] - limit)
                if da * db < 0:
                    kept.append(a + (b - a) * da / (da - db))
                if db >= 0:
                    kept.append(b)
            vertices = np.array(kept).reshape(-1, 2)
    steps = np.abs(vertices - np.roll(vertices, 1, axis=0)).max(axis=1, initial=0)
    return vertices[steps > CLOSE]


def join_polygons(polygons):
    """Outlines of the union of convex polygons; holes are filled.

    Sides are cut where they cross; the pieces that lie inside no other polygon are strung together to the outline.

    Parameters
    ----------
    polygons : list of ndarray (n, 2)
        Vertices in turn.

    Returns
    -------
    list of ndarray (n, 2)
        Counter-clockwise outlines, one for each part that is apart from the others.
    """
    grown = [_grow(_orient(polygon), GROWTH * (number + 1)) for number, polygon in enumerate(polygons)]
    pieces = [piece for number in range(len(grown)) for piece in _find_outer_pieces(grown, number)]
    return [_simplify(outline) for outline in _string_together(pieces) if _find_area(outline) > 0]


def _find_area(polygon):
    """Area, positive if the vertices run counter-clockwise."""
    x, y = polygon.T
    return 0.5 * (x * np.roll(y, -1) - np.roll(x, -1) * y).sum()


def _orient(polygon):
    return polygon if _find_area(polygon) > 0 else polygon[::-1]


def _grow(polygon, amount):
    """Move each side of a counter-clockwise convex polygon outward."""
    along = np.roll(polygon, -1, axis=0) - polygon
    along /= np.hypot(*along.T)[:, None]
    outward = np.column_stack([along[:, 1], -along[:, 0]])
    before = np.roll(outward, 1, axis=0)
    spread = 1 + (before * outward).sum(axis=1, keepdims=True)
    return polygon + amount * (before + outward) / spread


def _find_outer_pieces(polygons, number):
    """Pieces (n, 2, 2), start and end, of a polygon's sides that lie outside all the others."""
    mine = polygons[number]
    others = [other for k, other in enumerate(polygons) if k != number and _boxes_meet(mine, other)]
    sides = [np.stack([other, np.roll(other, -1, axis=0)], axis=1) for other in others]
    sides = np.concatenate(sides) if sides else np.empty((0, 2, 2))
    pieces = []
    for start, end in zip(mine, np.roll(mine, -1, axis=0), strict=True):
        cuts = np.concatenate([[0.0], np.sort(_find_crossings(start, end, sides)), [1.0]])
        points = start + cuts[:, None] * (end - start)
        points[-1] = end
        pieces.append(np.stack([points[:-1], points[1:]], axis=1))
    pieces = np.concatenate(pieces)
    middles, outer = pieces.mean(axis=1), np.ones(len(pieces), bool)
    for other in others:
        outer[outer] = ~_contains(other, middles[outer])
    return pieces[outer]


def _boxes_meet(one, other):
    return bool(((one.min(axis=0) <= other.max(axis=0)) & (other.min(axis=0) <= one.max(axis=0))).all())


def _find_crossings(start, end, sides):
    """Where, as fractions of the way from start to end, other sides (n, 2, 2) cross."""
    d, e, f = end - start, sides[:, 1] - sides[:, 0], sides[:, 0] - start
    determinant = d[0] * e[:, 1] - d[1] * e[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (f[:, 0] * e[:, 1] - f[:, 1] * e[:, 0]) / determinant
        u = (f[:, 0] * d[1] - f[:, 1] * d[0]) / determinant
    return t[(t > 0) & (t < 1) & (u >= 0) & (u <= 1)]


def _contains(polygon, points):
    """Which of the points (n, 2) lie in a counter-clockwise convex polygon."""
    along = (np.roll(polygon, -1, axis=0) - polygon)[:, None]
    offset = points - polygon[:, None]
    return (along[..., 0] * offset[..., 1] - along[..., 1] * offset[..., 0] > 0).all(axis=0)


def _string_together(pieces):
    """Closed outlines out of pieces, each followed by the one that starts where it ends."""
    pieces = list(pieces)
    while pieces:
        outline = [pieces.pop(0)]
        while pieces:
            distances = np.abs(np.array([piece[0] for piece in pieces]) - outline[-1][1]).max(axis=1)
            if np.abs(outline[0][0] - outline[-1][1]).max() <= distances.min():
                break
            outline.append(pieces.pop(int(distances.argmin())))
        yield np.array([piece[0] for piece in outline])


def _simplify(outline):
    """Leave out vertices that are on top of others, or on the line between their neighbours."""
    steps = np.hypot(*(outline - np.roll(outline, 1, axis=0)).T)
    outline = outline[steps > CLOSE]
    before, after = np.roll(outline, 1, axis=0), np.roll(outline, -1, axis=0)
    chord, offset = after - before, outline - before
    beside = np.abs(chord[:, 0] * offset[:, 1] - chord[:, 1] * offset[:, 0]) / np.hypot(*chord.T)
    return outline[beside > STRAIGHT]
