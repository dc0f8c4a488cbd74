"""Outliers of dithered images: each against the median of all on a common grid.

All detectors of one exposure are drizzled together; of each such image the pixels with little weight are left out; the
median of all is interpolated at the pixels of each exposure (blotted), and what differs is flagged (see
`jwcal.kernels.outlier_flags`).

Only one exposure is in memory at a time: the drizzled images and their median lie in a temporary file, and the median
is made in strips of rows.
"""

from typing import NamedTuple

import numpy as np

from jwcal.drizzling import drizzle_image, find_box, find_level, locate_image
from jwcal.kernels.blot import blot
from jwcal.kernels.coadd import add_exposure
from jwcal.kernels.median import find_medians
from jwcal.kernels.outlier_flags import compare_resampled, confirm_flags
from jwcal.memory.scratch import Scratch
from jwcal.outliers.maps import OutlierMap
from jwcal.outliers.weights import average_positive
from jwcal.wcs import MapRoom

STRIP_BYTES = 1 << 25  # of a strip of rows of all exposures
STRIP_ROWS = 256
CLIPPING = 3.0, 5  # sigma and rounds of the mean weight
TO_DRIZZLE, TO_COMPARE = ("data", "dq", "var_rnoise"), ("data", "err")
SMALL_GRID = 16  # input pixels to a node, from which on positions are kept until the comparison


class Thresholds(NamedTuple):
    """What counts as an outlier: settings of `outlier_detection`."""

    maskpt: float
    snr: tuple
    scale: tuple
    core_scale: float
    backg: float


class Canvas(NamedTuple):
    """The drizzled image of a group: mean and summed weight [1, j, i] of a rectangle of the frame at `origin`."""

    planes: np.ndarray
    weights: np.ndarray
    origin: tuple


def find_outliers(load, groups, recipe, thresholds, keep=None):
    """Find the outliers of dithered images.

    Parameters
    ----------
    load : callable
        ``load(index, only)`` gives exposure number `index` with the arrays named in `only`.
    groups : list of list of int
        Numbers of the exposures that were taken together.
    recipe : jwcal.drizzling.Recipe
        How to drizzle, and onto which frame.
    thresholds : Thresholds
        What counts as an outlier.
    keep : callable, optional
        ``keep(suffix, index, image)`` for intermediate results: "outlier_i2d" (a `Canvas`) of each group, "median"
        and "blot" (arrays).

    Returns
    -------
    list of OutlierMap
        In the order of the exposures.
    """
    positions, found, parts, owns, room = {}, {}, [], [], MapRoom()
    with Scratch() as scratch:
        for members in groups:
            canvas = _drizzle_group(load, members, recipe, positions, room)
            if keep:
                keep("outlier_i2d", members[0], canvas)
            if thresholds.core_scale > 0:
                owns.append(scratch.keep(canvas.planes[0], canvas.origin))
            parts.append(scratch.keep(_mask_light(canvas, thresholds.maskpt), canvas.origin))
            del canvas
        median = combine(scratch, parts, recipe.frame.shape)
        if keep:
            keep("median", 0, scratch.read(median, (0, median.ny)))
        for own, members in zip(owns or parts, groups, strict=True):
            for index in members:
                where = positions.get(index)
                references = scratch, median, own, room
                found[index] = _compare(load, index, references, recipe, thresholds, where, keep)
    return [found[index] for index in sorted(found)]


def _drizzle_group(load, members, recipe, positions, room):
    """`Canvas` of the exposures of a group; their sparse maps are noted in `positions`."""
    drizzled = []
    for index in members:
        image = load(index, TO_DRIZZLE)
        where = locate_image(image, recipe)
        if where.grid.size * SMALL_GRID < image.data.size:
            positions[index] = where
        drizzled.append(drizzle_image(image, recipe, where, room))
    if len(drizzled) == 1:
        return Canvas(drizzled[0].planes, drizzled[0].weight[None], drizzled[0].origin)
    return _join(drizzled)


def _join(drizzled):
    """`Canvas` around several drizzled exposures."""
    low = np.min([part.origin for part in drizzled], axis=0)
    high = np.max([np.add(part.origin, part.weight.shape) for part in drizzled], axis=0)
    shape = (1, *(high - low))
    canvas = Canvas(np.full(shape, np.nan, np.float32), np.zeros(shape, np.float32), tuple(map(int, low)))
    while drizzled:
        part = drizzled.pop(0)
        place = tuple(int(value) for value in np.subtract(part.origin, low))
        add_exposure(canvas.planes, canvas.weights, part.planes, part.weight, place, 1.0)
    return canvas


def _mask_light(canvas, maskpt):
    """Image of a group, NaN where its weight is below `maskpt` of the typical one."""
    image, weight = canvas.planes[0], canvas.weights[0]
    typical = average_positive(weight, *CLIPPING)
    image[~(weight >= typical * maskpt) | (weight == 0)] = np.nan
    return image


def combine(scratch, parts, shape):
    """Median of rectangles of a frame, made and kept in strips of rows.

    Parameters
    ----------
    scratch : Scratch
        Where they lie, and where the median goes.
    parts : list of Part
        The rectangles.
    shape : (int, int)
        Of the frame.

    Returns
    -------
    Part
        The median; NaN where there is none.
    """
    median, first = scratch.reserve(shape), 0
    while first < shape[0]:
        near = [part for part in parts if part.y < first + STRIP_ROWS and part.y + part.ny > first]
        rows = max(1, min(STRIP_ROWS, STRIP_BYTES // max(1, 4 * len(near) * shape[1]), shape[0] - first))
        stack = np.full((max(1, len(near)), rows, shape[1]), np.nan, np.float32)
        for layer, part in zip(stack, near, strict=False):
            low, high = max(first, part.y), min(first + rows, part.y + part.ny)
            if low < high:
                layer[low - first : high - first, part.x : part.x + part.nx] = scratch.read(part, (low, high))
        scratch.write(median, find_medians(stack), first)
        first += rows
    return median


def _compare(load, index, references, recipe, thresholds, where, keep):
    """`OutlierMap` of an exposure, by the median and its own image that lie in a scratch file (`references`)."""
    image = load(index, TO_COMPARE)
    where = where or locate_image(image, recipe)
    y, x = find_box(where.grid, recipe)
    scratch, median, own, room = references
    pixmap = room.expand(where.shift(x[0], y[0]))
    expected = blot(scratch.read(median, y, x), pixmap)
    if keep:
        keep("blot", index, expected)
    level = find_level(image, thresholds.backg)
    flags = compare_resampled(image.data, image.err, expected, level, thresholds.snr, thresholds.scale)
    if thresholds.core_scale > 0:
        own = scratch.read(own, y, x)
        flags = confirm_flags(flags, image.data, own, pixmap, expected, level, thresholds.core_scale)
    return OutlierMap.pack(flags)
