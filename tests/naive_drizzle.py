"""Slow, obvious twins of the drizzle and of what goes with it."""

import math

import numpy as np
from astropy.io import fits

from jwcal.models import Image
from jwcal.wcs import nodes
from jwcal.wcs.pipeline import WCS

ABSENT = np.zeros((0, 0), np.float32)
NO_FLAGS = np.zeros((0, 0), np.uint32)
SCALE = 1.75e-5  # degrees


def naive_clip(polygon, axis, limit, sign):
    """Vertices of a polygon on the side sign * (coordinate - limit) >= 0 of a line."""
    kept = []
    for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        da, db = sign * (a[axis] - limit), sign * (b[axis] - limit)
        if da >= 0:
            kept.append(a)
        if da * db < 0:
            kept.append(tuple(p + (q - p) * da / (da - db) for p, q in zip(a, b, strict=True)))
    return kept


def naive_area(polygon):
    pairs = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in pairs)) / 2


def naive_fraction(corners, x, y):
    """Fraction of a quadrilateral in the output pixel (x, y)."""
    polygon = list(corners)
    for axis, centre in enumerate((x, y)):
        for sign in (1, -1):
            polygon = naive_clip(polygon, axis, centre - sign * 0.5, sign)
    return naive_area(polygon) / naive_area(list(corners))


def naive_position(pixmap, j, i):
    """Output position of a fractional input pixel: bilinear between centres, extrapolated beyond the outermost."""
    j0, i0 = (min(max(math.floor(c), 0), n - 2) for c, n in zip((j, i), pixmap.shape[1:], strict=True))
    y, x = j - j0, i - i0
    weights = np.outer([1 - y, y], [1 - x, x])
    return tuple(float((weights * plane[j0 : j0 + 2, i0 : i0 + 2]).sum()) for plane in pixmap)


def naive_square(planes, weight, pixmap, shape, pixfrac=1.0):
    """Means of `planes` and summed weight of the square kernel, pixel by pixel."""
    sums, total = np.zeros((len(planes), *shape)), np.zeros(shape)
    h = pixfrac / 2
    for j, i in np.argwhere(weight != 0):
        around = ((j - h, i - h), (j - h, i + h), (j + h, i + h), (j + h, i - h))
        corners = [naive_position(pixmap, *corner) for corner in around]
        if not np.isfinite(corners).all():
            continue
        for y, x in np.ndindex(shape):
            share = naive_fraction(corners, x, y) * weight[j, i]
            if share > 0:
                total[y, x] += share
                sums[:, y, x] += [share * plane[j, i] for plane in planes]
    with np.errstate(invalid="ignore"):
        return sums / total, total


def naive_coadd(exposures, weights, noise):
    """Weighted mean and the variances of that mean; `noise` are the weights of the variances."""
    exposures, weights, noise = (np.array(a, float) for a in (exposures, weights, noise))
    data = (exposures[:, 0] * weights).sum(0) / weights.sum(0)
    variances = (exposures[:, 1:] * noise[:, None] ** 2).sum(0) / noise.sum(0) ** 2
    return data, variances


def make_pixmap(shape, angle=0.0, scale=1.0, bend=0.0, margin=3.3):
    """Positions of a turned, scaled and bent image, and the shape of an output that holds it with a margin."""
    y, x = np.indices(shape, float)
    u, v = x - (shape[1] - 1) / 2, y - (shape[0] - 1) / 2
    u, v = u + bend * (u * v + 2 * u * u), v + bend * (v * v - u * u / 2)
    c, s = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    pixmap = np.array([c * u - s * v, s * u + c * v])
    pixmap -= pixmap.min(axis=(1, 2))[:, None, None] - margin
    return pixmap, tuple(math.ceil(size + margin) for size in pixmap.max(axis=(1, 2))[::-1])


def make_exposure(rng, shape, bad=0.03):
    """Random data, three variances, and weights of which some are 0, where all planes are NaN."""
    data = rng.normal(1, 0.1, shape)
    variances = rng.uniform(0.001, 0.01, (3, *shape))
    weight = 1 / variances[1]
    excluded = rng.random(shape) < bad
    weight[excluded] = 0
    planes = np.array([data, *variances])
    planes[:, excluded] = np.nan
    return tuple(plane.astype(np.float32) for plane in (*planes, weight))


def make_image(planes, ra=30.0, dec=-40.0, angle=30.0, dq=None, **keywords):
    """A calibrated image (data, three variances) with a tangent-plane WCS about a position, its x axis mirrored."""
    data, var_poisson, var_rnoise, var_flat = (np.array(plane, np.float32) for plane in planes[:4])
    (ny, nx), c, s = data.shape, math.cos(math.radians(angle)), math.sin(math.radians(angle))
    sky = nodes.fitswcs(((nx - 1) / 2, (ny - 1) / 2), (ra, dec), (SCALE, SCALE), [[-c, s], [s, c]])
    box = nodes.bound(sky, (-0.5, nx - 0.5), (-0.5, ny - 0.5))
    wcs = WCS(nodes.wcs((nodes.frame2d("detector", ("x", "y"), "pixel"), box), (nodes.sky_frame(), None)))
    corners = " ".join(f"{value:.9f}" for value in wcs.footprint().ravel())
    pointing = {"RA_REF": ra, "DEC_REF": dec, "ROLL_REF": angle - 10.0, "V3I_YANG": 10.0, "VPARITY": -1}
    primary = {"EFFEXPTM": 10.0, "DURATION": 12.0, "TMEASURE": 9.0, "EXPSTART": 59000.0, "EXPEND": 59000.1} | keywords
    return Image(
        fits.Header(list(primary.items())),
        fits.Header([*pointing.items(), ("S_REGION", f"POLYGON ICRS  {corners}"), ("CD1_1", 1.0), ("A_ORDER", 3)]),
        path=f"{ra}_{dec}",
        wcs=wcs.tree,
        data=data,
        err=np.sqrt(var_poisson + var_rnoise + var_flat),
        dq=np.where(np.isnan(data), 1, 0).astype(np.uint32) if dq is None else dq,
        var_poisson=var_poisson,
        var_rnoise=var_rnoise,
        var_flat=var_flat,
    )
