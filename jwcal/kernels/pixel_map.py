"""Expand a pixel-to-pixel map from a sparse grid of exact positions to every pixel.

Distortion is smooth: where an image pixel lands in a mosaic is known to far better than a thousandth of a pixel from
nodes tens of pixels apart. Between nodes at t = 0, 1, 2, 3 the cubic through four of them,

    f(t) = sum_k w_k(t) f_k,   w_k(t) = prod_{j != k} (t - j) / (k - j)   (Lagrange),

is applied along columns, then along rows; at the border the four nodes stay inside the grid.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel


@pixel
def tabulate_weights(count, nodes, spacing):
    """First node and Lagrange weights of each pixel along an axis.

    Parameters
    ----------
    count : int
        Pixels.
    nodes : int
        Nodes, at least 4; node k is at pixel k * spacing.
    spacing : float
        Pixels between nodes.

    Returns
    -------
    first : int64 [count]
    weights : float64 [count, 4]
    """
    first, weights = np.empty(count, np.int64), np.empty((count, 4))
    for index in range(count):
        position = index / spacing
        first[index] = min(max(int(position) - 1, 0), nodes - 4)
        t = position - first[index]
        weights[index, 0] = -(t - 1) * (t - 2) * (t - 3) / 6
        weights[index, 1] = t * (t - 2) * (t - 3) / 2
        weights[index, 2] = -t * (t - 1) * (t - 3) / 2
        weights[index, 3] = t * (t - 1) * (t - 2) / 6
    return first, weights


@pixel
def interpolate_nodes(nodes, first, weights, row):
    """Fill `row` [x] from values at the nodes of a line, with the tables of `tabulate_weights`."""
    for x in range(row.size):
        k = first[x]
        row[x] = (
            weights[x, 0] * nodes[k]
            + weights[x, 1] * nodes[k + 1]
            + weights[x, 2] * nodes[k + 2]
            + weights[x, 3] * nodes[k + 3]
        )


@image
def expand_map(grid, spacing, box, result):
    """Map every pixel.

    Parameters
    ----------
    grid : float64 [2, node row, node column]
        Positions (x, y) at the nodes; at least 4 nodes along each axis.
    spacing : float64 [2]
        Pixels between nodes along x and y.
    box : float64 [4]
        x0, x1, y0, y1: the map is NaN for pixels whose centre lies outside.
    result : float64 [2, y, x]
        Filled with the positions (x, y) of every pixel. Given, so that one array serves for many maps: to clear new
        memory takes longer than to fill it.
    """
    _, ny, nx = result.shape
    across, weights = tabulate_weights(nx, grid.shape[2], spacing[0])
    along, heights = tabulate_weights(ny, grid.shape[1], spacing[1])
    left, right = max(0, int(np.ceil(box[0]))), min(nx - 1, int(np.floor(box[1])))
    for y in prange(ny):
        line = np.empty(grid.shape[2])
        for axis in range(2):
            row = result[axis, y]
            for k in range(line.size):
                line[k] = 0.0
                for j in range(4):
                    line[k] += heights[y, j] * grid[axis, along[y] + j, k]
            interpolate_nodes(line, across, weights, row)
            if y < box[2] or y > box[3]:
                row[:] = np.nan
            row[:left] = np.nan
            row[right + 1 :] = np.nan
