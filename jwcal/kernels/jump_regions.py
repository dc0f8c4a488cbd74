"""Connected regions of flagged pixels, each described by an ellipse.

Idea: pixels that touch, by a side or a corner, form a region; the ellipse has the region's centre and its second
moments: the full axes are four times the roots of the eigenvalues of the covariance, less one pixel.

Nearly round regions, whose axes come to the same whole number of pixels, are painted as circles, some pixels exactly
on the line; the last digit of the angle decides which of these are inside. It should be the official package's last
digit. Hence moments about the centre are summed over the rows of a column, then over columns with products that are not
rounded (there a fused multiply-add), and the angle goes to degrees and back.

A region is found by a flood from its first pixel: the queue of pixels to visit is, in the end, the list of its pixels.
"""

import numpy as np

from jwcal.kernels import leaf, pixel

X, Y, MINOR, MAJOR, ANGLE = 0, 1, 2, 3, 4  # columns of a table of regions
STRETCH = 128  # pixels looked at together


@leaf
def _flood(mask, queue, start):
    """Collect the pixels connected with that at queue[start], clearing them in `mask`; end of their list in `queue`."""
    ny, nx = mask.shape
    end, k = start + 1, start
    mask[queue[start] // nx, queue[start] % nx] = 0
    while k < end:
        y, x = queue[k] // nx, queue[k] % nx
        for row in range(max(y - 1, 0), min(y + 2, ny)):
            for column in range(max(x - 1, 0), min(x + 2, nx)):
                if mask[row, column]:
                    mask[row, column] = 0
                    queue[end] = row * nx + column
                    end += 1
        k += 1
    return end


@leaf
def _enclose(queue, start, end, nx):
    """First row and column of a region, and the size of the box around it."""
    y0, y1, x0, x1 = queue[start] // nx, 0, nx, 0
    for k in range(start, end):
        y, x = queue[k] // nx, queue[k] % nx
        y0, y1, x0, x1 = min(y0, y), max(y1, y), min(x0, x), max(x1, x)
    return y0, x0, y1 - y0 + 1, x1 - x0 + 1


@pixel
def _count_filled(queue, start, end, nx):
    """Area of a region with its holes: what a flood from outside (around corners, too) does not reach."""
    y0, x0, height, width = _enclose(queue, start, end, nx)
    outside = np.ones((height + 2, width + 2), np.uint8)
    for k in range(start, end):
        outside[queue[k] // nx - y0 + 1, queue[k] % nx - x0 + 1] = 0
    frontier = np.zeros(outside.size, np.int64)
    return outside.size - _flood(outside, frontier, np.int64(0))


@pixel
def _is_large(queue, start, end, nx, least_area):
    """Whether a region, its holes included, has the least area."""
    large = end - start >= least_area
    if not large:
        _, _, height, width = _enclose(queue, start, end, nx)
        large = height * width >= least_area and _count_filled(queue, start, end, nx) >= least_area
    return large


@leaf
def _split(value):
    """Upper and lower half of the digits of a number (Veltkamp)."""
    stretched = 134217729.0 * value  # 2^27 + 1
    upper = stretched - (stretched - value)
    return upper, value - upper


@leaf
def add_product(total, a, b):
    """Return total + a b, rounded once (Dekker 1971)."""
    product = a * b
    (a_upper, a_lower), (b_upper, b_lower) = _split(a), _split(b)
    lost = ((a_upper * b_upper - product) + a_upper * b_lower + a_lower * b_upper) + a_lower * b_lower
    result = product + total
    part = result - product
    return result + ((product - (result - part)) + (total - part) + lost)


@pixel
def _measure_columns(queue, start, end, nx, y0, x0, width, center):
    """By column of a region's box: pixels, and sums of their offsets from the central row and of the squares."""
    sums = np.zeros((3, width))
    pixels = np.sort(queue[start:end])  # from the first row to the last
    for k in range(pixels.size):
        offset, column = np.float64(pixels[k] // nx - y0) - center, pixels[k] % nx - x0
        sums[0, column] += 1.0
        sums[1, column] += offset
        sums[2, column] += offset * offset
    return sums


@leaf
def _sum_columns(sums, center, area):
    """Variances in y and in x, and the covariance."""
    yy, xx, xy = 0.0, 0.0, 0.0
    for column in range(sums.shape[1]):
        offset = np.float64(column) - center
        yy += sums[2, column]
        xx = add_product(xx, sums[0, column], offset * offset)
        xy = add_product(xy, sums[1, column], offset)
    whole = yy + xx
    return (whole - xx) / area, (whole - yy) / area, xy / area


@leaf
def _find_axes(vy, vx, vxy):
    """Full axes (minor, major): the larger eigenvalue from the trace, the smaller one from the determinant."""
    apart, twice = abs(vx - vy), abs(2 * vxy)
    if apart == twice:
        root = twice * np.sqrt(2.0)
    else:
        longer = max(apart, twice)
        root = longer * np.sqrt(1.0 + (min(apart, twice) / longer) ** 2)
    large = 0.5 * (vx + vy + root)
    small = max(vx, vy) / large * min(vx, vy) - vxy / large * vxy if large > 0 else 0.0
    return 4 * np.sqrt(max(small, 0.0)) - 1, 4 * np.sqrt(large) - 1


@pixel
def _describe(queue, start, end, nx, regions, n):
    """Write row `n` of the table: centre, axes and angle of one region."""
    y0, x0, _, width = _enclose(queue, start, end, nx)
    area, sx, sy = np.float64(end - start), 0.0, 0.0
    for k in range(start, end):
        sx += np.float64(queue[k] % nx - x0)
        sy += np.float64(queue[k] // nx - y0)
    sums = _measure_columns(queue, start, end, nx, y0, x0, width, sy / area)
    vy, vx, vxy = _sum_columns(sums, sx / area, area)
    regions[n, X], regions[n, Y] = (x0 * area + sx) / area, (y0 * area + sy) / area
    regions[n, MINOR], regions[n, MAJOR] = _find_axes(vy, vx, vxy)
    angle = np.pi / 4 if vxy > 0 else -np.pi / 4
    if vx != vy:
        angle = 0.5 * np.arctan2(2 * vxy, vy - vx)
    regions[n, ANGLE] = angle * (180.0 / np.pi) * (np.pi / 180.0)


@leaf
def _occupied(plane, y, x0, x1):
    """Whether any pixel of a stretch of a row is set; most stretches are empty, and passed over at once."""
    union = np.uint8(0)
    for x in range(x0, x1):
        union |= plane[y, x]
    return union != 0


@leaf
def _count_set(mask):
    count = 0
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            count += mask[y, x] != 0
    return count


@pixel
def list_set(mask):
    """Flat indices (int64) of the pixels of a mask that are set, row by row."""
    ny, nx = mask.shape
    pixels = np.empty(_count_set(mask), np.int64)
    n = np.int64(0)
    for y in range(ny):
        for x0 in range(0, nx, STRETCH):
            x1 = min(x0 + STRETCH, nx)
            if _occupied(mask, y, x0, x1):
                for x in range(x0, x1):
                    if mask[y, x]:
                        pixels[n] = y * nx + x
                        n += 1
    return pixels


@pixel
def find_regions(mask, least_area):
    """Ellipses of the connected regions of a mask.

    Parameters
    ----------
    mask : uint8 [y, x]
        Not zero where flagged; cleared on the way.
    least_area : float
        Smallest area, holes included, in pixels.

    Returns
    -------
    float64 [region, 5]
        Centre x and y, full minor and major axis (pixels; may be -1 for lines), and the angle of the major axis from
        the y axis towards the x axis, in radians.
    """
    nx = mask.shape[1]
    seeds = list_set(mask)
    queue = np.empty(seeds.size, np.int64)
    regions = np.empty((seeds.size, 5))
    n, start = np.int64(0), np.int64(0)  # not literals, for which all below would be compiled once more
    for k in range(seeds.size):
        if mask[seeds[k] // nx, seeds[k] % nx]:
            queue[start] = seeds[k]
            end = _flood(mask, queue, start)
            if _is_large(queue, start, end, nx, least_area):
                _describe(queue, start, end, nx, regions, n)
                n += 1
            start = end
    return regions[:n].copy()
