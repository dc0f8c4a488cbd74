"""Slow, obvious twins of what outlier detection is made of, and a field of dithered exposures."""

import math

import numpy as np
from naive_drizzle import SCALE, make_image
from scipy.special import erf


def naive_blot(plane, pixmap):
    """Bilinear interpolation of `plane` at the positions of `pixmap`, the outer half pixel as the outermost centres."""
    ny, nx = plane.shape
    result = np.full(pixmap.shape[1:], np.nan)
    for place in np.ndindex(result.shape):
        x, y = pixmap[(0, *place)], pixmap[(1, *place)]
        if not (-0.5 <= x < nx - 0.5 and -0.5 <= y < ny - 0.5):
            continue
        x, y = min(max(x, 0), nx - 1), min(max(y, 0), ny - 1)
        i, j = math.floor(x), math.floor(y)
        u, v = x - i, y - j
        corners = plane[np.ix_([j, min(j + 1, ny - 1)], [i, min(i + 1, nx - 1)])].astype(float)
        result[place] = (corners * np.outer([1 - v, v], [1 - u, u])).sum()
    return result


def naive_gradient(plane):
    """Largest difference to a neighbour that is not NaN."""
    result = np.zeros(plane.shape)
    for y, x in np.ndindex(plane.shape):
        for j, i in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= j < plane.shape[0] and 0 <= i < plane.shape[1] and not math.isnan(plane[j, i]):
                result[y, x] = max(result[y, x], abs(float(plane[j, i]) - float(plane[y, x])))
    return result


def naive_compare(data, error, expected, level, snr, scale):
    """The two passes of the comparison, each written out."""
    difference = np.abs(data.astype(float) - expected - level)
    gradient, error = naive_gradient(expected), np.nan_to_num(error.astype(float))
    first = difference > scale[0] * gradient + snr[0] * error
    second = difference > scale[1] * gradient + snr[1] * error
    near = np.zeros(data.shape, bool)
    for y, x in np.argwhere(first):
        near[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = True
    return near & second


def integrate(offset, width):
    """Part of a Gaussian in pixels at an offset from its centre."""
    return 0.5 * (erf((offset + 0.5) / width / math.sqrt(2)) - erf((offset - 0.5) / width / math.sqrt(2)))


def make_dithers(shape=(40, 36), count=4, noise=0.05, stars=6, seed=5, width=1.8, **keywords):
    """Exposures of a field of stars, each shifted by a few pixels, none with an outlier; `width` is sigma in pixels."""
    rng = np.random.default_rng(seed)
    sky = rng.uniform(0.1, 0.9, (stars, 2)) * shape
    images = []
    for k in range(count):
        dx, dy = rng.uniform(-3, 3, 2)
        y, x = np.indices(shape)
        data = 1.0 + sum(100 * integrate(y - sy - dy, width) * integrate(x - sx - dx, width) for sy, sx in sky)
        variances = np.full((3, *shape), noise**2 / 3)
        data = data + rng.normal(0, noise, shape)
        # The x axis points to the west: a field that moves to larger x was seen from further east.
        image = make_image([data, *variances], 30 + dx * SCALE / math.cos(math.radians(40)), -40 - dy * SCALE, 0.0)
        image.header.update(keywords)
        image.path = f"e{k}_cal.fits"
        images.append(image)
    return images
