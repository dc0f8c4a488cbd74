"""Where each pixel of one image lies in another: exact on a sparse grid, interpolated between.

Evaluating the WCS for every pixel is the slow part of resampling. Distortion is smooth, so a grid is refined until the
interpolated positions at the middle of its cells agree with exact ones; the doubled grid that showed it is then used.
"""

from dataclasses import dataclass, replace

import numpy as np

from jwcal.kernels.pixel_map import expand_map

TOLERANCE = 1e-3  # pixels
FIRST_SPACING = 128  # pixels
FEWEST = 4  # nodes that a cubic needs


@dataclass
class SparseMap:
    """Positions on a grid of nodes.

    Attributes
    ----------
    grid : float64 [2, node row, node column]
        Output (x, y) at the nodes; node (j, i) is at input pixel (i * spacing[0], j * spacing[1]).
    spacing : float64 [2]
        Input pixels between nodes along x and y.
    shape : tuple of int
        Rows and columns of the input image.
    box : float64 [4]
        x0, x1, y0, y1 within which the map holds.
    error : float
        Largest error in output pixels that was seen at cell middles, of a grid half as dense as this one.
    """

    grid: np.ndarray
    spacing: np.ndarray
    shape: tuple
    box: np.ndarray
    error: float

    def shift(self, x, y):
        """The same positions counted from output pixel (x, y)."""
        return replace(self, grid=self.grid - np.array([x, y], float)[:, None, None])

    def expand(self, room=None):
        """Map of every pixel, float64 [2, y, x]; NaN outside the box. It takes the place of `room` if it fits."""
        if np.all(self.spacing == 1):
            return self._mask(self.grid[:, : self.shape[0], : self.shape[1]].copy())
        result = room if room is not None and room.shape[1:] == self.shape else np.empty((2, *self.shape))
        expand_map(self.grid, self.spacing, self.box, result)
        return result

    def _mask(self, positions):
        """Set positions outside the box to NaN, in place."""
        y, x = np.arange(self.shape[0])[:, None], np.arange(self.shape[1])
        x0, x1, y0, y1 = self.box
        positions[:, (x < x0) | (x > x1) | (y < y0) | (y > y1)] = np.nan
        return positions


class MapRoom:
    """Memory for the map of every pixel of one exposure after another; each map holds until the next is made."""

    def __init__(self):
        self._map = None

    def expand(self, sparse):
        """Map of every pixel, as of `SparseMap.expand`."""
        self._map = sparse.expand(self._map)
        return self._map


def sparse_map(wcs_in, wcs_out, shape, *, tolerance=TOLERANCE):
    """Map the pixels of one image to another on a sparse grid.

    Parameters
    ----------
    wcs_in, wcs_out : WCS
        Of the two images.
    shape : tuple of int
        Rows and columns of the input image.
    tolerance : float
        Largest interpolation error allowed, in output pixels.

    Returns
    -------
    SparseMap
    """
    ny, nx = shape
    (x0, x1), (y0, y1) = wcs_in.bounding_box or ((-0.5, nx - 0.5), (-0.5, ny - 0.5))
    box = np.array([x0, x1, y0, y1], float)
    counts = tuple(max(FEWEST, -(-size // FIRST_SPACING) + 1) for size in (nx, ny))
    coarse, spacing = _evaluate_nodes(wcs_in, wcs_out, shape, counts)
    while spacing.max() > 2 and np.isfinite(coarse).all():
        counts = tuple(2 * count - 1 for count in counts)
        fine, spacing = _evaluate_nodes(wcs_in, wcs_out, shape, counts)
        error = float(np.abs(_double(coarse, counts) - fine).max())
        if error <= tolerance:
            return SparseMap(fine, spacing, (ny, nx), box, error)
        coarse = fine
    # Too rough, or not defined everywhere: every pixel is a node.
    exact, spacing = _evaluate_nodes(wcs_in, wcs_out, shape, (max(nx, FEWEST), max(ny, FEWEST)))
    return SparseMap(exact, spacing, (ny, nx), box, 0.0)


def pixel_map(wcs_in, wcs_out, shape, *, tolerance=TOLERANCE):
    """Map every pixel of one image to another.

    Parameters
    ----------
    wcs_in, wcs_out : WCS
        Of the two images.
    shape : tuple of int
        Rows and columns of the input image.
    tolerance : float
        Largest interpolation error allowed, in output pixels.

    Returns
    -------
    ndarray float64 (2, Y, X)
        Output x and y of each input pixel; NaN outside the input's bounding box.
    """
    return sparse_map(wcs_in, wcs_out, shape, tolerance=tolerance).expand()


def _evaluate_nodes(wcs_in, wcs_out, shape, counts):
    """Exact output positions at `counts` (columns, rows) of nodes that span the image, and their spacing."""
    spacing = np.array([max(size - 1, FEWEST - 1) / (count - 1) for size, count in zip(shape[::-1], counts)])
    y, x = np.meshgrid(*(np.arange(count) * step for count, step in zip(counts[::-1], spacing[::-1])), indexing="ij")
    return np.stack(wcs_out.inverse(*wcs_in.forward(x, y))), spacing


def _double(grid, counts):
    """Interpolate a grid at `counts` (columns, rows) of nodes, twice as dense."""
    everywhere, result = np.array([0, counts[0], 0, counts[1]], float), np.empty((2, *counts[::-1]))
    expand_map(grid, np.full(2, 2.0), everywhere, result)
    return result
