"""How one input pixel, shrunk and distorted to a quadrilateral, covers the pixels of the output grid: exact areas.

Two ways to the same areas, with u to the right, v upward and cell c spanning [c, c + 1):

* `cover_cells`, any size. Walk along the four edges. Within one output row an edge that climbs by dv leaves the area
  between itself and the cell's right side in the cell that it crosses, and dv in every cell further right. Noting each
  edge's share as a *difference* between neighbouring cells, the sum from the left is the polygon's area in each cell.
* `cover_four`, quadrilaterals within 2 x 2 cells, as nearly all are at equal pixel scales. By Green's theorem the area
  left of a line u = 0 is the integral of min(u, 0) dv around the polygon; its part with v < 0 is one cell, and with the
  areas below v = 0 and of the whole the other three follow.

Drizzle's square kernel (Fruchter & Hook 2002, PASP 114, 144) needs these areas.
"""

import math

import numpy as np

from jwcal.kernels import leaf, pixel

NOISE = 1e-13  # areas below this are rounding noise of the coordinates


@pixel
def map_corner(grid, j, i, dj, di):
    """One output coordinate of the point (i + di, j + dj): bilinear in pixel centres, extrapolated at the border."""
    i0 = i if di >= 0 else i - 1
    j0 = j if dj >= 0 else j - 1
    i0 = min(max(i0, 0), grid.shape[1] - 2)
    j0 = min(max(j0, 0), grid.shape[0] - 2)
    x, y = i + di - i0, j + dj - j0
    low = grid[j0, i0] * (1.0 - x) + grid[j0, i0 + 1] * x
    high = grid[j0 + 1, i0] * (1.0 - x) + grid[j0 + 1, i0 + 1] * x
    return low * (1.0 - y) + high * y


@pixel
def map_corners(grid, j, begin, end, half, corners):
    """One output coordinate of the four corners, in turn, of pixels (j, begin <= i < end), in corners[:, i - begin].

    A corner lies `half` an input pixel from the centre in both directions.
    """
    a, b, c = (1.0 - half) * (1.0 - half), half * (1.0 - half), half * half
    inside = 0 < j < grid.shape[0] - 1
    for i in range(max(begin, 1), min(end, grid.shape[1] - 1) if inside else 0):
        k = i - begin
        centre = a * grid[j, i]
        west, east, south, north = b * grid[j, i - 1], b * grid[j, i + 1], b * grid[j - 1, i], b * grid[j + 1, i]
        corners[0, k] = centre + west + north + c * grid[j + 1, i - 1]
        corners[1, k] = centre + east + north + c * grid[j + 1, i + 1]
        corners[2, k] = centre + east + south + c * grid[j - 1, i + 1]
        corners[3, k] = centre + west + south + c * grid[j - 1, i - 1]
    for i in range(begin, end):
        if not inside or i == 0 or i == grid.shape[1] - 1:
            k = i - begin
            corners[0, k] = map_corner(grid, j, i, half, -half)
            corners[1, k] = map_corner(grid, j, i, half, half)
            corners[2, k] = map_corner(grid, j, i, -half, half)
            corners[3, k] = map_corner(grid, j, i, -half, -half)


@pixel
def find_area(u, v):
    """Signed area of a quadrilateral."""
    return 0.5 * ((u[0] - u[2]) * (v[1] - v[3]) - (u[1] - u[3]) * (v[0] - v[2]))


@leaf
def mean_below(a, b):
    """Mean of min(w, 0) where w runs evenly from a to b."""
    low, high, width = min(a, 0.0), min(b, 0.0), b - a
    share = (high - low) / width if width != 0.0 else (1.0 if a < 0.0 else 0.0)
    return 0.5 * share * (low + high)


@leaf
def integrate_south(ua, va, ub, vb):
    """Integral of min(u, 0) dv along the part of an edge with v < 0."""
    rise = vb - va
    crossing = ua - va * ((ub - ua) / rise if rise != 0.0 else 0.0)
    start = ua if va <= 0.0 else crossing
    end = ub if vb <= 0.0 else crossing
    return (min(vb, 0.0) - min(va, 0.0)) * mean_below(start, end)


@leaf
def cover_four(xs, ys, count, tiles):
    """Fractions of `count` quadrilaterals in the 2 x 2 cells from the lowest on, where they reach no further.

    Without a branch, so that the processor does several at once: a fifth of the time of one after the other.

    Parameters
    ----------
    xs, ys : float64 [4, n]
        Corners in turn, in cells whose centres are at integers.
    count : int
        Quadrilaterals.
    tiles : float64 [8, n]
        Result: lowest column and row; how many more it reaches; fractions southwest, southeast, northwest, northeast,
        which are zero or not finite for a quadrilateral without area.
    """
    for k in range(count):
        x0, x1, x2, x3 = xs[0, k], xs[1, k], xs[2, k], xs[3, k]
        y0, y1, y2, y3 = ys[0, k], ys[1, k], ys[2, k], ys[3, k]
        left = np.floor(min(min(x0, x1), min(x2, x3)) + 0.5)
        bottom = np.floor(min(min(y0, y1), min(y2, y3)) + 0.5)
        tiles[0, k], tiles[1, k] = left, bottom
        tiles[2, k] = np.floor(max(max(x0, x1), max(x2, x3)) + 0.5) - left
        tiles[3, k] = np.floor(max(max(y0, y1), max(y2, y3)) + 0.5) - bottom
        left, bottom = left + 0.5, bottom + 0.5
        u0, u1, u2, u3 = x0 - left, x1 - left, x2 - left, x3 - left
        v0, v1, v2, v3 = y0 - bottom, y1 - bottom, y2 - bottom, y3 - bottom
        west = (v1 - v0) * mean_below(u0, u1) + (v2 - v1) * mean_below(u1, u2)
        west += (v3 - v2) * mean_below(u2, u3) + (v0 - v3) * mean_below(u3, u0)
        south = (u0 - u1) * mean_below(v0, v1) + (u1 - u2) * mean_below(v1, v2)
        south += (u2 - u3) * mean_below(v2, v3) + (u3 - u0) * mean_below(v3, v0)
        southwest = integrate_south(u0, v0, u1, v1) + integrate_south(u1, v1, u2, v2)
        southwest += integrate_south(u2, v2, u3, v3) + integrate_south(u3, v3, u0, v0)
        area = 0.5 * ((u0 - u2) * (v1 - v3) - (u1 - u3) * (v0 - v2))
        southeast, northwest = south - southwest, west - southwest
        northeast, scale = area - south - northwest, 1.0 / area
        tiles[4, k] = southwest * scale if abs(southwest) > NOISE else 0.0
        tiles[5, k] = southeast * scale if abs(southeast) > NOISE else 0.0
        tiles[6, k] = northwest * scale if abs(northwest) > NOISE else 0.0
        tiles[7, k] = northeast * scale if abs(northeast) > NOISE else 0.0


@pixel
def add_piece(cells, start, width, ua, ub, rise):
    """Share out an edge's piece from u = ua to ub, climbing by `rise` within one row that begins at cells[start]."""
    low, high = min(ua, ub), max(ua, ub)
    if low >= width:
        return
    if high <= 0.0:
        cells[start] += rise
        return
    first = int(max(low, 0.0))
    if low >= 0.0 and high <= first + 1:
        inside = rise * (first + 1 - 0.5 * (low + high))
        cells[start + first] += inside
        cells[start + first + 1] += rise - inside
        return
    density = rise / (high - low)
    if low < 0.0:
        cells[start] -= density * low
        low = 0.0
    for c in range(first, width):
        right = min(high, c + 1.0)
        piece = density * (right - low)
        inside = piece * (c + 1 - 0.5 * (low + right))
        cells[start + c] += inside
        cells[start + c + 1] += piece - inside
        low = right
        if high <= c + 1:
            return


@pixel
def add_edge(cells, width, height, ua, va, ub, vb):
    """Share out the edge from (ua, va) to (ub, vb), cut to the rows of the box."""
    sign = 1.0
    if vb < va:
        ua, va, ub, vb, sign = ub, vb, ua, va, -1.0
    if vb <= 0.0 or va >= height or va == vb:
        return
    slope = (ub - ua) / (vb - va)
    if va < 0.0:
        ua -= slope * va
        va = 0.0
    last = min(height - 1, math.ceil(vb) - 1)
    for row in range(int(va), last + 1):
        top = min(row + 1.0, vb)
        end = ub if top == vb else ua + slope * (top - va)
        add_piece(cells, row * (width + 1), width, ua, end, sign * (top - va))
        ua, va = end, top


@pixel
def cover_cells(cells, width, height, u, v):
    """Fraction of the quadrilateral (u[4], v[4]) that falls into each cell of a box, left in `cells`.

    Parameters
    ----------
    cells : float64 [>= height * (width + 1)]
        Result: cells[row * (width + 1) + column] is the fraction.
    width, height : int
        Cells of the box; the quadrilateral may reach beyond.
    u, v : tuples of 4 float
        Corners in turn, either way round, relative to the box's first cell edge.
    """
    cells[: height * (width + 1)] = 0.0
    add_edge(cells, width, height, u[0], v[0], u[1], v[1])
    add_edge(cells, width, height, u[1], v[1], u[2], v[2])
    add_edge(cells, width, height, u[2], v[2], u[3], v[3])
    add_edge(cells, width, height, u[3], v[3], u[0], v[0])
    scale = -1.0 / find_area(u, v)
    for row in range(height):
        start = row * (width + 1)
        total = 0.0
        for c in range(start, start + width):
            total += cells[c]
            cells[c] = total * scale if abs(total) > NOISE else 0.0
