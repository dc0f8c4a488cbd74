"""How one input pixel, shrunk and distorted to a quadrilateral, covers the pixels of the output grid: exact areas.

Two ways to the same areas, with u to the right, v upward and cell c spanning [c, c + 1):

* `cover_cells`, any size. Walk along the four edges. Within one output row an edge that climbs by dv leaves the area
  between itself and the cell's right side in the cell that it crosses, and dv in every cell further right. Noting each
  edge's share as a *difference* between neighbouring cells, the sum from the left is the polygon's area in each cell.
* `cover_four`, quadrilaterals within 2 x 2 cells, as nearly all are at equal pixel scales. By Green's theorem the area
  left of a line u = 0 is the integral of min(u, 0) dv around the polygon; its part with v < 0 is one cell, and with the
  areas below v = 0 and of the whole the other three follow. (Measured: drizzle as a whole takes 0.6 of the time.)

Drizzle's square kernel (Fruchter & Hook 2002, PASP 114, 144) needs these areas.
"""

import math

from jwcal.kernels import pixel

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


@pixel
def mean_below(a, b):
    """Mean of min(w, 0) where w runs evenly from a to b."""
    if a <= 0.0 and b <= 0.0:
        return 0.5 * (a + b)
    if a >= 0.0 and b >= 0.0:
        return 0.0
    return -0.5 * a * a / (b - a) if a < 0.0 else -0.5 * b * b / (a - b)


@pixel
def split_edge(ua, va, ub, vb):
    """Integral of min(u, 0) dv along an edge: its parts with v < 0 and with v > 0."""
    if va <= 0.0 and vb <= 0.0:
        return (vb - va) * mean_below(ua, ub), 0.0
    if va >= 0.0 and vb >= 0.0:
        return 0.0, (vb - va) * mean_below(ua, ub)
    crossing = (ua * vb - ub * va) / (vb - va)
    first, second = -va * mean_below(ua, crossing), vb * mean_below(crossing, ub)
    return (first, second) if va < 0.0 else (second, first)


@pixel
def cover_four(cells, u, v):
    """Fractions of the quadrilateral (u[4], v[4]) in the 2 x 2 cells around the origin, left in `cells` as there."""
    area = find_area(u, v)
    south0, north0 = split_edge(u[0], v[0], u[1], v[1])
    south1, north1 = split_edge(u[1], v[1], u[2], v[2])
    south2, north2 = split_edge(u[2], v[2], u[3], v[3])
    south3, north3 = split_edge(u[3], v[3], u[0], v[0])
    southwest, northwest = south0 + south1 + south2 + south3, north0 + north1 + north2 + north3
    south = -(
        (u[1] - u[0]) * mean_below(v[0], v[1])
        + (u[2] - u[1]) * mean_below(v[1], v[2])
        + (u[3] - u[2]) * mean_below(v[2], v[3])
        + (u[0] - u[3]) * mean_below(v[3], v[0])
    )
    southeast = south - southwest
    northeast = area - south - northwest
    scale = 1.0 / area
    cells[0] = southwest * scale if abs(southwest) > NOISE else 0.0
    cells[1] = southeast * scale if abs(southeast) > NOISE else 0.0
    cells[3] = northwest * scale if abs(northwest) > NOISE else 0.0
    cells[4] = northeast * scale if abs(northeast) > NOISE else 0.0


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
