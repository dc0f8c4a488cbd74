"""Sums of pixels in circles, those that the edge cuts by the part inside.

The part of a pixel inside a circle is the integral over x of the chord, between the pixel's lower and upper side: the
chord's ends are the circle or the sides, from one crossing to the next.
"""

import math

import numpy as np
from numba import prange

from jwcal.kernels import image, leaf


@leaf
def _segment(x, radius):
    """Integral of sqrt(radius^2 - x^2)."""
    x = min(max(x, -radius), radius)
    return 0.5 * (x * math.sqrt(radius * radius - x * x) + radius * radius * math.asin(x / radius))


@leaf
def _area_below(x0, x1, y, radius):
    """Area within the upper half of a circle, below a height and between x0 and x1."""
    if y <= 0:
        return 0.0
    if y >= radius:
        return _segment(x1, radius) - _segment(x0, radius)
    edge = math.sqrt(radius * radius - y * y)
    left, right = min(max(-edge, x0), x1), min(max(edge, x0), x1)
    outer = _segment(left, radius) - _segment(x0, radius) + _segment(x1, radius) - _segment(right, radius)
    return outer + (right - left) * y


@leaf
def cover(x, y, radius):
    """Area of a pixel, its middle at (x, y), that lies within a circle about the origin.

    Parameters
    ----------
    x, y : float
        Pixels.
    radius : float
        Pixels.

    Returns
    -------
    float
        0 to 1.
    """
    distance = math.hypot(x, y)
    if distance >= radius + 0.7072:
        return 0.0
    if distance <= radius - 0.7072:
        return 1.0
    x0, x1, y0, y1 = x - 0.5, x + 0.5, y - 0.5, y + 0.5
    if y1 <= 0:
        return _area_below(x0, x1, -y0, radius) - _area_below(x0, x1, -y1, radius)
    if y0 >= 0:
        return _area_below(x0, x1, y1, radius) - _area_below(x0, x1, y0, radius)
    return _area_below(x0, x1, y1, radius) + _area_below(x0, x1, -y0, radius)


@image
def sum_circles(data, err, positions, radii):
    """Sums in circles about positions.

    Parameters
    ----------
    data, err : float32 [y, x]
        Image and its standard error; NaN makes a sum NaN. Beyond the edges there is nothing.
    positions : float64 [source, 2]
        x, y.
    radii : float64 [circle]
        Pixels.

    Returns
    -------
    sums, variances : float64 [circle, source]
        NaN where a circle has no pixel of the image.
    """
    ny, nx = data.shape
    sums = np.empty((len(radii), len(positions)))
    variances = np.empty((len(radii), len(positions)))
    for source in prange(len(positions)):
        x, y = positions[source, 0], positions[source, 1]
        for circle in range(len(radii)):
            radius, total, variance, touched = radii[circle], 0.0, 0.0, False
            for row in range(max(0, math.ceil(y - radius - 0.5)), min(ny - 1, math.floor(y + radius + 0.5)) + 1):
                for column in range(max(0, math.ceil(x - radius - 0.5)), min(nx - 1, math.floor(x + radius + 0.5)) + 1):
                    part = cover(column - x, row - y, radius)
                    if part > 0:
                        touched = True
                        total += part * data[row, column]
                        variance += part * err[row, column] * err[row, column]
            sums[circle, source] = total if touched else np.nan
            variances[circle, source] = variance if touched else np.nan
    return sums, variances
