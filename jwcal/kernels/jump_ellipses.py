"""Ellipses on the pixel grid: grown, painted into flags, tested for points."""

import numpy as np

from jwcal.kernels import leaf
from jwcal.kernels.jump_differences import JUMP_DET, SATURATED
from jwcal.kernels.jump_regions import ANGLE, MAJOR, MINOR, X, Y


@leaf
def scale_axes(region, factor, widest):
    """Half axes (minor, major), in whole pixels, of a region whose minor axis grows by `factor`, the major by as much.

    So elongated regions do not grow out of proportion. Full axes are limited to `widest`.
    """
    minor = region[MINOR] * factor
    major = region[MAJOR] + (factor - 1.0) * region[MINOR]
    return np.rint(min(minor, widest) / 2), np.rint(min(major, widest) / 2)


@leaf
def lengthen_axes(region, pixels, widest):
    """Half axes (minor, major), whole pixels, of a region whose full axes grow by `pixels`."""
    return np.rint(min(region[MINOR] + pixels, widest) / 2), np.rint(min(region[MAJOR] + pixels, widest) / 2)


@leaf
def enclose_ellipse(region, axes, ny, nx):
    """Rows and columns (first and last plus one) of the box around an ellipse, cut to the image; empty without axes.

    Lines have a negative minor axis, for which the box shrinks.
    """
    minor, major = axes
    angle = region[ANGLE] % np.pi
    sine, cosine = np.sin(angle), np.cos(angle)
    high, wide = abs(major * cosine) + minor * sine, major * sine + abs(minor * cosine)
    if minor == 0 or major <= 0:
        return 0, 0, 0, 0
    y, x = np.rint(region[Y]), np.rint(region[X])
    reach = max(minor, major) + 2
    return (
        int(max(np.ceil(y - high), y - reach, 0)),
        int(min(np.floor(y + high), y + reach, ny - 1)) + 1,
        int(max(np.ceil(x - wide), x - reach, 0)),
        int(min(np.floor(x + wide), x + reach, nx - 1)) + 1,
    )


@leaf
def cover(region, axes, y, x):
    """Whether pixel (y, x) lies inside of the ellipse with half axes (minor, major) around a region's central pixel."""
    angle = region[ANGLE] % np.pi
    sine, cosine = np.sin(angle), np.cos(angle)
    dy, dx = y - np.rint(region[Y]), x - np.rint(region[X])
    return ((dy * cosine + dx * sine) / axes[1]) ** 2 + ((dy * sine - dx * cosine) / axes[0]) ** 2 < 1


@leaf
def contain(region, x, y):
    """Whether a point lies inside of a region's ellipse; most points are too far away anyhow."""
    dx, dy = x - region[X], y - region[Y]
    major, minor = max(region[MINOR], region[MAJOR]) / 2, min(region[MINOR], region[MAJOR]) / 2
    inside = dx * dx + dy * dy <= max(major * major, minor * minor)
    if inside:
        sine, cosine = np.sin(np.pi - region[ANGLE]), np.cos(np.pi - region[ANGLE])
        along, across = dx * cosine - dy * sine, dx * sine + dy * cosine
        inside = along * along / (major * major) + across * across / (minor * minor) <= 1
    return inside


@leaf
def paint_jump(groupdq, region, axes, first, last):
    """Set JUMP_DET inside the ellipse in groups `first`..`last` - 1 (uint8 [group, y, x]), until a pixel saturates."""
    y0, y1, x0, x1 = enclose_ellipse(region, axes, groupdq.shape[1], groupdq.shape[2])
    for y in range(y0, y1):
        for x in range(x0, x1):
            saturated = not cover(region, axes, y, x)
            for g in range(first, last):
                saturated |= groupdq[g, y, x] & SATURATED != 0
                if not saturated:
                    groupdq[g, y, x] |= JUMP_DET


@leaf
def paint_core(groupdq, region, axes, first, core):
    """Make groups from `first` on SATURATED, and nothing else, inside of the ellipse with half axes `axes`.

    `core` (uint8 [y, x]) gets JUMP_DET inside of the region's own ellipse.
    """
    y0, y1, x0, x1 = enclose_ellipse(region, axes, core.shape[0], core.shape[1])
    for y in range(y0, y1):
        for x in range(x0, x1):
            if cover(region, axes, y, x):
                for g in range(first, groupdq.shape[0]):
                    groupdq[g, y, x] = SATURATED
    own = np.rint(region[MINOR] / 2), np.rint(region[MAJOR] / 2)
    y0, y1, x0, x1 = enclose_ellipse(region, own, core.shape[0], core.shape[1])
    for y in range(y0, y1):
        for x in range(x0, x1):
            if cover(region, own, y, x):
                core[y, x] = JUMP_DET
