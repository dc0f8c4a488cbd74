"""Separating sources that touch: where does one fall apart as the threshold rises, and to whom do the pixels go?

Idea: a source is looked at above a series of thresholds. Where a part falls apart into two or more that are large
enough, these take its place. The parts left in the end are flooded downhill, from the brightest pixel on, until they
meet (watershed). The faintest part is given up, and the flood repeated, as long as one has too little of the light.

References
----------
Bertin & Arnouts 1996, A&AS 117, 393 (thresholds, contrast); Soille & Ansoult 1990, Signal Processing 20, 171
(watershed). The result is that of photutils.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf, pixel
from jwcal.kernels.segments import REJECTED, label_pixels

TOO_MANY = 200  # parts, above which the even thresholds are used
# A pixel's neighbours in the order in which they are flooded: those with a common side come first.
ROWS = np.array([-1, 0, 0, 1, -1, -1, 1, 1])
COLUMNS = np.array([0, -1, 1, 0, -1, 1, -1, 1])


@leaf
def _precedes(a, b, values, ages):
    """Whether pixel `a` is flooded before pixel `b`: brighter, or sooner reached."""
    return values[a] > values[b] or (values[a] == values[b] and ages[a] < ages[b])


@leaf
def _push(heap, size, place, values, ages):
    """Add a pixel to the heap; its new size."""
    k = size
    while k > 0:
        parent = (k - 1) // 2
        if not _precedes(place, heap[parent], values, ages):
            break
        heap[k] = heap[parent]
        k = parent
    heap[k] = place
    return size + 1


@leaf
def _pop(heap, size, values, ages):
    """Take the first pixel from the heap, whose last one moves up; the pixel is left at heap[size - 1]."""
    first, last, size = heap[0], heap[size - 1], size - 1
    k = 0
    while 2 * k + 1 < size:
        child = 2 * k + 1
        if child + 1 < size and _precedes(heap[child + 1], heap[child], values, ages):
            child += 1
        if not _precedes(heap[child], last, values, ages):
            break
        heap[k] = heap[child]
        k = child
    heap[k] = last
    heap[size] = first


@leaf
def _meets_gap(inside, parts, y, x, neighbours):
    """Whether a pixel of the source that belongs to no part is next to a pixel."""
    ny, nx = parts.shape
    for k in range(neighbours):
        row, column = y + ROWS[k], x + COLUMNS[k]
        if 0 <= row < ny and 0 <= column < nx and inside[row, column] and parts[row, column] == 0:
            return True
    return False


@pixel
def flood_downhill(values, inside, parts, neighbours):
    """Let parts grow over a source, brightest pixels first, until they meet.

    Only the shores of the parts take part, so that it takes little time to share out a part that was given up.

    Parameters
    ----------
    values : float32 [y, x]
        Image.
    inside : bool [y, x]
        Pixels of the source.
    parts : int32 [y, x]
        Numbers of the parts, 0 where none is yet; changed in place.
    neighbours : int
        4 or 8.
    """
    ny, nx = values.shape
    flat, labels = values.ravel(), parts.ravel()
    heap, ages = np.empty(flat.size, np.int64), np.zeros(flat.size, np.int64)
    size, age = np.int64(0), 0
    for place in range(flat.size):
        if labels[place] and _meets_gap(inside, parts, place // nx, place % nx, neighbours):
            size = _push(heap, size, place, flat, ages)
    while size:
        _pop(heap, size, flat, ages)
        size -= 1
        place = heap[size]
        y, x = place // nx, place % nx
        for k in range(neighbours):
            row, column = y + ROWS[k], x + COLUMNS[k]
            if 0 <= row < ny and 0 <= column < nx and inside[row, column] and parts[row, column] == 0:
                age += 1
                parts[row, column] = parts[y, x]
                ages[row * nx + column] = age
                size = _push(heap, size, row * nx + column, flat, ages)


@pixel
def _label_above(values, threshold, places, room, least, corners, labels):
    """Number the connected pixels above a threshold.

    Of the places (all that have a label so far), those above the threshold are moved to the front. Returns their
    number, and that of the parts, 0 where there are fewer than two.
    """
    nx, size = values.shape[1], 0
    for place in places:
        y, x = place // nx, place % nx
        labels[y, x] = 0
        if values[y, x] > threshold:
            labels[y, x] = REJECTED
            places[size] = place
            size += 1
    count = label_pixels(labels, places[:size], room, least, corners)
    return size, count if count > 1 else 0


@pixel
def find_parts(values, inside, thresholds, least, corners, lower):
    """Parts into which a source falls as the threshold rises.

    The higher the threshold, the fewer pixels are above it: each level looks at those of the last one only.

    Parameters
    ----------
    values : float32 [y, x]
        Image.
    inside : bool [y, x]
        Pixels of the source.
    thresholds : float32 [level]
        Rising.
    least : int
        Fewest pixels of a part.
    corners : bool
        Whether pixels with a common corner touch.
    lower : int32 [y, x]
        Filled with the numbers of the parts; zeros at first.

    Returns
    -------
    int
        Number of parts, 0 where the source does not fall apart.
    """
    nx, everywhere = values.shape[1], np.flatnonzero(inside)
    upper, places, room = np.zeros(values.shape, np.int32), everywhere.copy(), np.empty_like(everywhere)
    lower[:] = 0
    size, count = len(places), 0
    for level in range(len(thresholds)):
        if level and thresholds[level] < thresholds[level - 1]:  # by rounding
            places[:] = everywhere
            size = len(places)
            upper[:] = 0
        size, above = _label_above(values, thresholds[level], places[:size], room, least, corners, upper)
        if above == 0:
            continue
        if count == 0:
            lower[:] = upper
            count = above
            continue
        # Each part of the upper level lies within one of the lower level.
        children, seen = np.zeros(count + 1, np.int64), np.zeros(above + 1, np.bool_)
        for place in places[:size]:
            part = upper[place // nx, place % nx]
            if part and not seen[part]:
                seen[part] = True
                children[lower[place // nx, place % nx]] += 1
        children[0] = 0
        if children.max() < 2:
            continue
        for place in everywhere:
            y, x = place // nx, place % nx
            part = lower[y, x]
            stays = part > 0 and (children[part] < 2 or upper[y, x] > 0)
            lower[y, x] = REJECTED if stays else 0
        count = label_pixels(lower, everywhere, room, np.int64(1), corners)
    return count


@pixel
def _drop_faint(values, inside, parts, count, contrast, neighbours):
    """Flood the parts; give up the faintest and flood again while it has too little light. Number of parts left."""
    total = 0.0
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            if inside[y, x]:
                total += values[y, x]
    kept, left = np.ones(count + 1, np.bool_), count
    while True:
        flood_downhill(values, inside, parts, neighbours)
        if left == 1:
            return left
        light = np.zeros(count + 1)
        for y in range(values.shape[0]):
            for x in range(values.shape[1]):
                light[parts[y, x]] += values[y, x] if parts[y, x] else 0.0
        faintest, poor = 0, False
        for k in range(1, count + 1):
            if kept[k]:
                poor |= light[k] / total < contrast
                if faintest == 0 or light[k] < light[faintest]:
                    faintest = k
        if not poor:
            return left
        kept[faintest] = False
        left -= 1
        for y in range(values.shape[0]):
            for x in range(values.shape[1]):
                if parts[y, x] == faintest:
                    parts[y, x] = 0


@pixel
def _separate(values, inside, spaced, even, least, corners, contrast, parts):
    """Separate one source; the number of its parts, numbered in `parts` from 1 on, or 0 where it stays one."""
    count = find_parts(values, inside, spaced, least, corners, parts)
    if count > TOO_MANY:
        count = find_parts(values, inside, even, least, corners, parts)
    if count == 0 or _drop_faint(values, inside, parts, count, contrast, 8 if corners else 4) == 1:
        return 0
    # Numbers without gaps, in the same order.
    number = np.zeros(count + 1, np.int32)
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            number[parts[y, x]] = 1
    number[0], left = 0, 0
    for k in range(1, count + 1):
        if number[k]:
            left += 1
            number[k] = left
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            parts[y, x] = number[parts[y, x]]
    return left


@image
def separate_sources(smoothed, segments, boxes, thresholds, least, corners, contrast, parts):
    """Separate sources that touch.

    Parameters
    ----------
    smoothed : float32 [y, x]
        Smoothed image.
    segments : int32 [y, x]
        Numbers of the sources.
    boxes : int64 [source, 5]
        From `jwcal.kernels.segments.enclose_segments`.
    thresholds : float32 [2, source, level]
        Rising; the second, evenly spaced, are taken where the first give too many parts. NaN where a source is one.
    least : int
        Fewest pixels of a part.
    corners : bool
        Whether pixels with a common corner touch.
    contrast : float
        Least fraction of the light of a part.
    parts : int32 [y, x]
        Filled with the numbers of the parts of each source that falls apart, from 1 on; zeros at first.

    Returns
    -------
    int64 [source]
        Number of parts, 0 where a source stays one.
    """
    counts = np.zeros(len(boxes), np.int64)
    for k in prange(len(boxes)):
        if boxes[k, 4] < 2 * least or np.isnan(thresholds[0, k, 0]):
            continue
        y0, x0, y1, x1 = boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3]
        values = smoothed[y0:y1, x0:x1].copy()
        inside = segments[y0:y1, x0:x1] == k + 1
        own = np.zeros(values.shape, np.int32)
        counts[k] = _separate(values, inside, thresholds[0, k], thresholds[1, k], least, corners, contrast, own)
        if counts[k]:
            for y in range(values.shape[0]):
                for x in range(values.shape[1]):
                    if inside[y, x]:
                        parts[y0 + y, x0 + x] = own[y, x]
    return counts
