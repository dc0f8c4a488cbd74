"""Drizzle: share the flux of each input pixel among the output pixels that its drop overlaps.

For output pixel o, with a_io the fraction of input pixel i's drop that falls into o and w_i its weight,

    W_o = sum_i a_io w_i,   d_o = sum_i a_io w_i d_i / W_o,   sigma_ko = sum_i a_io w_i sqrt(var_ki) / W_o.

The errors of the three noise sources share the overlaps with the data, so one geometric pass serves all. As in the
official pipeline errors, not variances, are averaged: noise of neighbouring output pixels is correlated, and this is
the error that one of them would have if it were an input pixel.

Output rows are dealt out in bands. A band walks the input pixels that can touch it, in input order, and keeps its own
float64 sums: the terms of an output pixel are always added in the same order, whatever the number of threads.

Reference: Fruchter & Hook 2002, PASP 114, 144.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel
from jwcal.kernels.drizzle_drops import POINT, SQUARE, fill_cells, find_reach, find_span
from jwcal.kernels.drizzle_extents import BLOCK, find_extents, find_pad
from jwcal.kernels.drizzle_square import cover_cells, cover_four, find_area, map_corners

BAND = 64  # output rows
SMALLEST = 0.001  # pixfrac below which a drop is a point


@pixel
def spread_quad(cells, x, y, limits):
    """Square kernel: box of output pixels (x, y, width, height), fractions in `cells`; width 0: none."""
    first, last, nx = limits
    if not np.isfinite(x[0] + x[1] + x[2] + x[3] + y[0] + y[1] + y[2] + y[3]):
        return 0, 0, 0, 0
    x_low, x_high = int(np.floor(min(x[0], x[1], x[2], x[3]) + 0.5)), int(np.floor(max(x[0], x[1], x[2], x[3]) + 0.5))
    y_low, y_high = int(np.floor(min(y[0], y[1], y[2], y[3]) + 0.5)), int(np.floor(max(y[0], y[1], y[2], y[3]) + 0.5))
    if x_high < 0 or x_low >= nx or y_high < first or y_low >= last or find_area(x, y) == 0.0:
        return 0, 0, 0, 0
    x_low, x_high = max(x_low, 0), min(x_high, nx - 1)
    y_low, y_high = max(y_low, first), min(y_high, last - 1)
    u0, v0 = x_low - 0.5, y_low - 0.5
    u = (x[0] - u0, x[1] - u0, x[2] - u0, x[3] - u0)
    v = (y[0] - v0, y[1] - v0, y[2] - v0, y[3] - v0)
    width, height = x_high - x_low + 1, y_high - y_low + 1
    cover_cells(cells, width, height, u, v)
    return x_low, y_low, width, height


@leaf
def fetch_four(cells, tiles, k):
    """The box that `cover_four` found for pixel k, fractions in `cells`; width 0 where it is not good for it."""
    total = tiles[4, k] + tiles[5, k] + tiles[6, k] + tiles[7, k]
    if not (tiles[2, k] <= 1.0 and tiles[3, k] <= 1.0 and total < np.inf):
        return 0, 0, 0, 0
    cells[0], cells[1], cells[3], cells[4] = tiles[4, k], tiles[5, k], tiles[6, k], tiles[7, k]
    return int(tiles[0, k]), int(tiles[1, k]), 2, 2


@leaf
def add_share(sums, hits, r, c, share, values):
    """Add a share of an input pixel (data, three errors) to an output pixel."""
    if share != 0.0:
        sums[r, c, 0] += share
        sums[r, c, 1] += share * values[0]
        if sums.shape[2] > 2:
            sums[r, c, 2] += share * values[1]
            sums[r, c, 3] += share * values[2]
            sums[r, c, 4] += share * values[3]
        hits[r, c] |= share > 0.0


@pixel
def spread_drop(cells, centre, kernel, reach, scale, limits):
    """The other kernels: box of output pixels (x, y, width, height), weights in `cells`; width 0 where none."""
    if not np.isfinite(centre[0]):
        return 0, 0, 0, 0
    x_low, x_high = find_span(kernel, centre[0], reach)
    y_low, y_high = find_span(kernel, centre[1], reach)
    x_low, x_high = max(x_low, 0), min(x_high, limits[2] - 1)
    y_low, y_high = max(y_low, limits[0]), min(y_high, limits[1] - 1)
    box = (x_low, y_low, x_high - x_low + 1, y_high - y_low + 1)
    if box[2] <= 0 or box[3] <= 0:
        return 0, 0, 0, 0
    fill_cells(cells, box, kernel, centre, reach, scale)
    return box


@pixel
def add_block(band, exposure, dq, maps, where, drop, limits):
    """Add input pixels (j, begin <= i < end) to a band's sums. Flat code: one call more a pixel costs 20 %."""
    sums, hits, flags, cells, xs, ys, tiles = band
    data, var_poisson, var_rnoise, var_flat, weight = exposure
    x_map, y_map = maps
    j, begin, end, pad = where
    first, last, nx = limits
    kernel, pixfrac, ratio = drop
    reach = find_reach(kernel, pixfrac, ratio)
    if kernel == SQUARE:
        map_corners(x_map, j, begin, end, 0.5 * pixfrac, xs)
        map_corners(y_map, j, begin, end, 0.5 * pixfrac, ys)
        cover_four(xs, ys, end - begin, tiles)
    for i in range(begin, end):
        w = float(weight[j, i])
        if w == 0.0 or not (first - pad <= y_map[j, i] <= last + pad):
            continue
        if kernel == SQUARE:
            k = i - begin
            x0, y0, width, height = fetch_four(cells, tiles, k)
            if width == 0:
                x, y = (xs[0, k], xs[1, k], xs[2, k], xs[3, k]), (ys[0, k], ys[1, k], ys[2, k], ys[3, k])
                x0, y0, width, height = spread_quad(cells, x, y, limits)
        else:
            centre = (x_map[j, i], y_map[j, i])
            x0, y0, width, height = spread_drop(cells, centre, kernel, reach, (pixfrac, ratio), limits)
        if width == 0:
            continue
        values = (
            data[j, i],
            np.sqrt(var_poisson[j, i]) if var_poisson.size else np.float32(np.nan),
            np.sqrt(var_rnoise[j, i]) if var_rnoise.size else np.float32(np.nan),
            np.sqrt(var_flat[j, i]) if var_flat.size else np.float32(np.nan),
        )
        if width == 2 and height == 2 and first <= y0 < last - 1 and 0 <= x0 < nx - 1 and not dq.size:
            r = y0 - first  # nearly always: two by two, inside
            add_share(sums, hits, r, x0, cells[0] * w, values)
            add_share(sums, hits, r, x0 + 1, cells[1] * w, values)
            add_share(sums, hits, r + 1, x0, cells[3] * w, values)
            add_share(sums, hits, r + 1, x0 + 1, cells[4] * w, values)
            continue
        for row in range(max(0, first - y0), min(height, last - y0)):
            r = y0 + row - first
            for column in range(max(0, -x0), min(width, nx - x0)):
                share = cells[row * (width + 1) + column] * w
                add_share(sums, hits, r, column + x0, share, values)
                if dq.size and share > 0.0:
                    flags[r, column + x0] |= dq[j, i]


@pixel
def count_planes(exposure):
    """Planes of the result: data and three variances, or data alone."""
    return 4 if exposure[1].size + exposure[2].size + exposure[3].size > 0 else 1


@pixel
def sum_band(exposure, dq, pixmap, drop, extents, pad, limits):
    """Sums [row, x, (weight, data, three errors)], hits and flags [row, x] of output rows limits[0] <= y < limits[1].

    The output has limits[2] columns; input pixels further than `pad` rows from the band do not touch it. Without any
    variance the errors are left out.
    """
    first, last, nx_out = limits
    sums = np.zeros((last - first, nx_out, 1 + count_planes(exposure)))
    hits = np.zeros((last - first, nx_out), np.bool_)
    flags = np.zeros((last - first if dq.size else 0, nx_out), np.uint32)
    cells = np.empty((last - first + 1) * (nx_out + 2))
    band = (sums, hits, flags, cells, np.empty((4, BLOCK)), np.empty((4, BLOCK)), np.empty((8, BLOCK)))
    maps = (pixmap[0], pixmap[1])
    ny, nx = exposure[4].shape
    for j in range(ny):
        for block in range(extents.shape[1]):
            if extents[j, block, 1] + pad >= first and extents[j, block, 0] - pad <= last:
                where = (j, block * BLOCK, min(nx, (block + 1) * BLOCK), pad)
                add_block(band, exposure, dq, maps, where, drop, limits)
    return sums, hits, flags


@pixel
def average_band(band, first, iscale, output):
    """Turn a band's sums into means of data and variances (squared mean errors) from output row `first` on."""
    sums, hit, flag = band
    planes, weight, hits, flags = output
    for row in range(sums.shape[0]):
        y = first + row
        for x in range(sums.shape[1]):
            total = sums[row, x, 0]
            weight[y, x] = total
            hits[y, x] = hit[row, x]
            scale = iscale / total if total != 0.0 else np.nan
            planes[0, y, x] = scale * sums[row, x, 1]
            for k in range(1, planes.shape[0]):
                planes[k, y, x] = (scale * sums[row, x, k + 1]) ** 2
            if flags.size:
                flags[y, x] = flag[row, x]


@image
def drizzle(exposure, dq, pixmap, shape, drop):
    """Resample one exposure.

    Parameters
    ----------
    exposure : tuple of 5 float32 [y, x]
        Data, VAR_POISSON, VAR_RNOISE, VAR_FLAT (an array of size 0 where there is none) and weight (0: not used).
    dq : uint32 [y, x], or of size 0
        Flags to be handed on to the output.
    pixmap : float64 [2, y, x]
        Output column and row of each input pixel's centre, NaN where it has none; at least 2 x 2 pixels.
    shape : (int, int)
        Rows and columns of the output.
    drop : (int, float, float, float)
        Kernel (`drizzle_drops.SQUARE` ...); pixfrac, the drop's size in input pixels; size of an output pixel in input
        pixels (square and point do without); factor on the data and errors.

    Returns
    -------
    planes : float32 [4, y, x] or [1, y, x]
        Data and the variances of the three noise sources, or data alone if there are none; NaN where nothing falls.
    weight : float32 [y, x]
        Summed weight.
    hits : bool [y, x]
        True where something falls with positive weight.
    flags : uint32 [y, x], or of size 0
        Flags `dq` of what falls there.
    """
    ny, nx = shape
    planes, weight = np.empty((count_planes(exposure), ny, nx), np.float32), np.empty((ny, nx), np.float32)
    hits, flags = np.empty((ny, nx), np.bool_), np.empty((ny if dq.size else 0, nx), np.uint32)
    kind = (POINT if drop[1] <= SMALLEST else drop[0], drop[1], drop[2])
    extents, steps = find_extents(pixmap[1])
    pad = find_pad(kind, steps)
    for band in prange((ny + BAND - 1) // BAND):
        limits = (np.int64(band) * BAND, min(ny, (np.int64(band) + 1) * BAND), nx)
        sums = sum_band(exposure, dq, pixmap, kind, extents, pad, limits)
        average_band(sums, limits[0], drop[3], (planes, weight, hits, flags))
    return planes, weight, hits, flags
