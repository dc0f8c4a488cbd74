"""What two exposures have in common: polygons of pixels, and cells of a grid that all share."""

from dataclasses import dataclass

import numpy as np

from jwcal.alignment.overlaps import SkyPlane, clip_convex, convex_hull
from jwcal.wcs.transforms import to_cartesian

CELL = 8  # pixels of the coarsest exposure
NODE_STEP = 32  # pixels between exact positions
COVERED = 0.5  # part of a full cell that must be covered


def outline(wcs, shape, stepsize=None):
    """Sky positions along an image's edge.

    Parameters
    ----------
    wcs : jwcal.wcs.WCS
        Of the image.
    shape : tuple of int
        Rows and columns.
    stepsize : int or None
        Largest distance of points along the edge, pixels; None takes the corners alone.

    Returns
    -------
    ndarray (n, 2)
        RA and Dec, degrees, from the lower left corner counter-clockwise.
    """
    ny, nx = shape
    counts = [2 if stepsize is None else max(2, int(np.ceil((size + 1) / stepsize))) for size in (nx, ny)]
    x, y = (np.linspace(-0.5, size - 0.5, count) for size, count in zip((nx, ny), counts, strict=True))
    edge_x = [x[:-1], np.full(len(y) - 1, x[-1]), x[:0:-1], np.full(len(y) - 1, x[0])]
    edge_y = [np.full(len(x) - 1, y[0]), y[:-1], np.full(len(x) - 1, y[-1]), y[:0:-1]]
    return np.column_stack(wcs.forward(np.concatenate(edge_x), np.concatenate(edge_y)))


def find_near(outlines):
    """Pairs (k, 2) of outlines whose circumscribed circles meet, first before second."""
    vectors = [np.stack(to_cartesian(*edge.T), axis=1) for edge in outlines]
    centres = np.array([v.mean(axis=0) for v in vectors]).reshape(-1, 3)
    radii = np.array([np.linalg.norm(v - c, axis=1).max() for v, c in zip(vectors, centres, strict=True)])
    distance = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    return np.argwhere(np.triu(distance <= radii[:, None] + radii[None], 1))


def intersect(first, second):
    """Sky polygon (n, 2) that two outlines share; empty where they do not meet.

    Exact for corners alone; of an outline with more points the second counts as convex.
    """
    plane = SkyPlane(*np.vstack([first, second]).T)
    a, b = (plane.project(*polygon.T) for polygon in (first, second))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.zeros((0, 2))
    common = clip_convex(a, convex_hull(b))
    return np.column_stack(plane.deproject(common)) if len(common) else common


def scan_polygon(vertices, shape):
    """Pixels inside a polygon whose corners are rounded to pixels.

    Rows are those from the lowest to the highest corner; columns, from where the edges cross the middle of the row,
    rounded up (as gwcs' regions).

    Parameters
    ----------
    vertices : ndarray (n, 2)
        Pixels (x, y), zero-based.
    shape : tuple of int
        Rows and columns of the image.

    Returns
    -------
    int32 [y, 2]
        First and last column of each row; 0 and -1 where there is none.
    """
    spans = np.tile(np.array([0, -1], np.int32), (shape[0], 1))
    shift = np.minimum(vertices.min(axis=0), 0)
    corners = np.rint(vertices - shift).astype(int)
    shift = np.rint(shift).astype(int)
    low, high = corners[:, 1].min(), corners[:, 1].max()
    if np.ptp(corners[:, 0]) == 0:
        return spans
    lines = np.arange(low, high + 1)
    first, last = np.full(len(lines), np.inf), np.full(len(lines), -np.inf)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        stop = max(y0, y1) + (max(y0, y1) == high)
        rows = lines[min(y0, y1) - low : stop - low]
        x = np.ceil((rows - y0) / (y1 - y0) * (x1 - x0) + x0)
        first[rows - low], last[rows - low] = np.minimum(first[rows - low], x), np.maximum(last[rows - low], x)
    rows = lines + shift[1]
    drawn = (rows >= 0) & (rows < shape[0]) & (last >= first)
    spans[rows[drawn], 0] = np.maximum(first[drawn] + shift[0], 0)
    spans[rows[drawn], 1] = np.minimum(last[drawn] + shift[0], shape[1] - 1)
    return spans


def order_spans(spans):
    """Spans (int32 [k, y, 2]) of each row by their first columns; those of one row may overlap."""
    return np.take_along_axis(spans, np.argsort(spans[..., :1], axis=0, kind="stable"), axis=0)


def complement(spans, width):
    """Columns that no span covers.

    Parameters
    ----------
    spans : int32 [k, y, 2]
        First and last column of each row, by the first; the last before the first where there is none.
    width : int
        Columns of the image.

    Returns
    -------
    int32 [k + 1, y, 2]
        The same, for all others.
    """
    last = np.maximum.accumulate(np.maximum(spans[..., 1], -1), axis=0)
    rest = np.empty((len(spans) + 1, *spans.shape[1:]), np.int32)
    rest[0, :, 0], rest[1:, :, 0] = 0, last + 1
    rest[:-1, :, 1], rest[-1, :, 1] = spans[..., 0] - 1, width - 1
    return rest


@dataclass
class CellMap:
    """Mean values of an exposure in the cells of the common grid.

    Attributes
    ----------
    origin : (int, int)
        Row and column of its first cell.
    mean : float32 [row, column]
        Mean of the good pixels; NaN where fewer than half of the cell is covered.
    count : int32 [row, column]
        Good pixels.
    """

    origin: tuple
    mean: np.ndarray
    count: np.ndarray


class CellGrid:
    """Grid of square cells in a tangent plane.

    Parameters
    ----------
    outlines : list of ndarray (n, 2)
        Of all exposures.
    scale : float
        Size of the coarsest pixels, degrees.
    """

    def __init__(self, outlines, scale):
        self._plane, self._side = SkyPlane(*np.vstack(outlines).T), CELL * np.radians(scale)

    def average(self, wcs, data, dq, bad):
        """`CellMap` of an exposure.

        Parameters
        ----------
        wcs : jwcal.wcs.WCS
            Of the exposure.
        data, dq : float32 and uint32 [y, x]
            Pixels and their flags.
        bad : int
            Flags of pixels that do not count.
        """
        from jwcal.kernels.sky_statistics import sum_in_cells

        y, x = (np.arange(0, size + NODE_STEP, NODE_STEP, dtype=float) for size in data.shape)
        y, x = np.meshgrid(y, x, indexing="ij")
        ra, dec = wcs.forward(x, y)
        nodes = (self._plane.project(ra, dec) / self._side).T.reshape(2, *x.shape)
        start, stop = np.floor(np.nanmin(nodes, axis=(1, 2))), np.ceil(np.nanmax(nodes, axis=(1, 2)))
        nodes = np.ascontiguousarray(nodes - start[:, None, None])
        shape = tuple(int(n) for n in (stop - start)[::-1])
        sums, counts = sum_in_cells(data, dq, np.uint32(bad), nodes, NODE_STEP, shape)
        covered = counts >= COVERED * counts.max(initial=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(covered, sums / counts, np.nan).astype(np.float32)
        return CellMap((int(start[1]), int(start[0])), mean, counts.astype(np.int32))


def compare_cells(first, second):
    """Differences of two maps where both are covered.

    Parameters
    ----------
    first, second : CellMap
        Of two exposures.

    Returns
    -------
    values : float32 [2, n]
        Of both.
    counts : int64 [2, n]
        Pixels behind them.
    """
    start = [max(a, b) for a, b in zip(first.origin, second.origin, strict=True)]
    stop = [
        min(a + n, b + m)
        for a, n, b, m in zip(first.origin, first.mean.shape, second.origin, second.mean.shape, strict=True)
    ]
    if stop[0] <= start[0] or stop[1] <= start[1]:
        return np.zeros((2, 0), np.float32), np.zeros((2, 0), np.int64)
    cuts = [
        tuple(slice(low - origin, high - origin) for low, high, origin in zip(start, stop, cells.origin, strict=True))
        for cells in (first, second)
    ]
    values = np.stack([cells.mean[cut] for cells, cut in zip((first, second), cuts, strict=True)])
    counts = np.stack([cells.count[cut] for cells, cut in zip((first, second), cuts, strict=True)])
    both = np.isfinite(values).all(axis=0)
    return values[:, both], counts[:, both].astype(np.int64)
