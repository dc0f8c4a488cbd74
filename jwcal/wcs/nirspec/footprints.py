"""Where the light of an aperture falls on the detector: its box, and its pixels."""

import math

import numpy as np

SAMPLES = 2001  # wavelengths along each edge of a slit; between them a trace is straight to 1e-5 pixel
PAD = 10, 2  # columns and rows that a box reaches beyond the trace
ONE = 1  # the official boxes count pixels from one, the edges of the trace from zero; they are larger below by one
LAST = 2047


def bounding_box(path, refine=True):
    """Box round the spectrum of an aperture.

    Parameters
    ----------
    path : jwcal.wcs.nirspec.slits.LightPath
        The way from the aperture to the detector.
    refine : bool
        Take the rows from the pixels whose light comes from the aperture, instead of from its edges.

    Returns
    -------
    tuple ((x0, x1), (y0, y1))
        In zero-based pixels of the exposure, with a margin, within 2048 x 2048 pixels. Where the spectrum falls beside
        them a lower limit is above its upper one.
    """
    wavelengths = np.linspace(*path.wavelengths, SAMPLES)
    edges = [path.to_detector(np.zeros(SAMPLES), np.full(SAMPLES, y), wavelengths) for y in path.slit.y_range]
    x, y = (np.concatenate(values) for values in zip(*edges))
    box = _pad(x, PAD[0]), _pad(y, PAD[1])
    return _refine(path, box)[0] if refine else box


def _refine(path, box):
    """Box with the rows of the pixels that see the aperture, and these pixels."""
    rows, columns = _find_pixels(path, box)
    return (box[0], _pad(rows, PAD[1])) if rows.size else box, rows, columns


def _pad(values, margin):
    """Range of some places with a margin, within the detector; all of it where they are not known (NaN)."""
    low, high = values.min() - ONE - margin, values.max() - ONE + margin
    low, high = max(0.0, low) if math.isfinite(low) else 0.0, min(LAST, high) if math.isfinite(high) else LAST
    return float(low) - 0.5, float(high) + 0.5


def footprint(path, shape):
    """Pixels whose light comes from an aperture.

    Parameters
    ----------
    path : jwcal.wcs.nirspec.slits.LightPath
        The way from the aperture to the detector.
    shape : (int, int)
        Rows and columns of the exposure.

    Returns
    -------
    tuple of int64 [n]
        Rows and columns.
    """
    first = bounding_box(path, refine=False)
    box, *found = _refine(path, first)
    parts = [found]
    if box[1][1] > first[1][1]:  # at its ends, which are drawn out by the margin, a trace may leave the first box
        parts.append(_find_pixels(path, (box[0], (math.ceil(first[1][1] - 0.5) + 1, box[1][1]))))
    rows, columns = (np.concatenate(values) for values in zip(*parts))
    (left, right), (bottom, top) = box
    inside = (rows >= bottom) & (rows <= top) & (columns >= left) & (columns <= right)
    inside &= (rows < shape[0]) & (columns < shape[1])
    return rows[inside], columns[inside]


def _find_pixels(path, box):
    """Rows and columns of the pixels that have a wavelength and that a box touches."""
    grid = np.meshgrid(*(np.arange(math.floor(low + 0.5), math.ceil(high - 0.5) + 1) for low, high in box))
    known = np.isfinite(path.from_detector(*grid)[2])
    return grid[1][known], grid[0][known]


def box_slices(box):
    """Slices of an array [y, x] that cover the pixels whose centres lie in a box."""
    (left, right), (bottom, top) = (tuple(max(0, math.floor(limit + 0.5)) for limit in pair) for pair in box)
    return slice(bottom, top), slice(left, right)


def falls_on_detector(path):
    """Whether any part of an aperture's spectrum falls on the 2048 x 2048 pixels from the exposure's first one on."""
    (left, right), (bottom, top) = bounding_box(path, refine=False)
    inside = left < LAST + 1 and bottom < LAST + 1 and right > 0 and top > 0
    return inside and right - left >= 2 and top - bottom >= 1
