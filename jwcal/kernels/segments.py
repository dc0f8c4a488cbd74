"""Connected pixels above a threshold, numbered.

Idea: a flood from the first pixel of each source; its queue of pixels to visit is, in the end, the list of its pixels.
"""

import numpy as np

from jwcal.kernels import leaf, pixel

REJECTED = -1


@leaf
def flood(labels, queue, start, number, corners):
    """Give the pixels connected with that at queue[start], and marked `REJECTED`, a number.

    Parameters
    ----------
    labels : int32 [y, x]
        `REJECTED` where a pixel may join; changed in place.
    queue : int64 [pixel]
        Filled from `start` on with the places of the pixels, ``y * nx + x``.
    start : int
        Where the first pixel is.
    number : int
        Label.
    corners : bool
        Whether pixels with a common corner touch.

    Returns
    -------
    int
        End of the list of pixels in the queue.
    """
    ny, nx = labels.shape
    end, k = start + 1, start
    labels[queue[start] // nx, queue[start] % nx] = number
    while k < end:
        y, x = queue[k] // nx, queue[k] % nx
        for row in range(max(y - 1, 0), min(y + 2, ny)):
            for column in range(max(x - 1, 0), min(x + 2, nx)):
                if labels[row, column] == REJECTED and (corners or row == y or column == x):
                    labels[row, column] = number
                    queue[end] = row * nx + column
                    end += 1
        k += 1
    return end


@pixel
def label_pixels(labels, places, queue, least, corners):
    """Number connected pixels, in the order of their first pixels.

    Parameters
    ----------
    labels : int32 [y, x]
        `REJECTED` in the pixels concerned; replaced by numbers from 1 on, 0 where they are too few.
    places : int64 [pixel]
        Where such pixels may be, ``y * nx + x``, rising.
    queue : int64 [pixel]
        Room for as many.
    least : int
        Fewest pixels that get a number.
    corners : bool
        Whether pixels with a common corner touch.

    Returns
    -------
    int
        Largest number.
    """
    nx, number = labels.shape[1], 0
    for place in places:
        if labels[place // nx, place % nx] == REJECTED:
            queue[0] = place
            end = flood(labels, queue, np.int64(0), np.int32(number + 1), corners)
            if end < least:
                for k in range(end):
                    labels[queue[k] // nx, queue[k] % nx] = 0
            else:
                number += 1
    return number


@pixel
def find_segments(smoothed, threshold, outside, least, corners):
    """Number the sources on an image.

    Parameters
    ----------
    smoothed : float32 [y, x]
        Smoothed image.
    threshold : float32 [y, x]
        What a pixel of a source exceeds.
    outside : bool [y, x]
        Pixels without data.
    least : int
        Fewest pixels of a source.
    corners : bool
        Whether pixels with a common corner touch.

    Returns
    -------
    int32 [y, x]
        Numbers from 1 on, in the order of the sources' first pixels; 0 where there is none.
    """
    ny, nx = smoothed.shape
    labels = np.zeros((ny, nx), np.int32)
    count = 0
    for y in range(ny):
        for x in range(nx):
            if smoothed[y, x] > threshold[y, x] and not outside[y, x]:
                labels[y, x] = REJECTED
                count += 1
    places, k = np.empty(count, np.int64), 0
    for y in range(ny):
        for x in range(nx):
            if labels[y, x]:
                places[k] = y * nx + x
                k += 1
    label_pixels(labels, places, np.empty(count, np.int64), least, corners)
    return labels


@pixel
def enclose_segments(labels, count):
    """Boxes around sources.

    Parameters
    ----------
    labels : int32 [y, x]
        Numbers.
    count : int
        Largest number.

    Returns
    -------
    int64 [source, 5]
        First row, first column, and those after the last; number of pixels.
    """
    ny, nx = labels.shape
    boxes = np.empty((count, 5), np.int64)
    for k in range(count):
        boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3], boxes[k, 4] = ny, nx, 0, 0, 0
    for y in range(ny):
        for x in range(nx):
            k = labels[y, x] - 1
            if k >= 0:
                boxes[k, 0], boxes[k, 1] = min(boxes[k, 0], y), min(boxes[k, 1], x)
                boxes[k, 2], boxes[k, 3] = max(boxes[k, 2], y + 1), max(boxes[k, 3], x + 1)
                boxes[k, 4] += 1
    return boxes
