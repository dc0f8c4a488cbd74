"""Plain truths about sources: images of Gaussians, and slow twins of what catalogues measure."""

import math

import numpy as np
from astropy.io import fits

from jwcal.models import Mosaic
from jwcal.wcs import from_tree, nodes
from jwcal.wcs.mosaics import fits_keywords

SCALE = 0.031 / 3600  # degrees a pixel
SKY = 0.3  # MJy/sr
NOISE = 0.02
HEADER = {"INSTRUME": "NIRCAM", "DETECTOR": "NRCB1", "FILTER": "F200W", "PUPIL": "CLEAR", "SUBARRAY": "FULL",
          "FILENAME": "x_i2d.fits", "TELESCOP": "JWST", "PXSCLRT": 1.0}  # fmt: skip


def paint(shape, sources):
    """Image of Gaussians (x, y, flux, sigma along, sigma across, angle in degrees), float64."""
    y, x = np.indices(shape)
    image = np.zeros(shape)
    for x0, y0, flux, along, across, angle in sources:
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        u, v = c * (x - x0) + s * (y - y0), -s * (x - x0) + c * (y - y0)
        image += flux / (2 * math.pi * along * across) * np.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))
    return image


def make_mosaic(shape=(160, 180), sources=(), seed=1, angle=25.0, noise=NOISE, **keywords):
    """A rectified image of Gaussians on a sky, with a border that no exposure reached."""
    rng = np.random.default_rng(seed)
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    transform = nodes.fitswcs((shape[1] / 2, shape[0] / 2), (30.0, -40.0), (SCALE, SCALE), np.array([[-c, s], [s, c]]))
    frames = nodes.frame2d("detector", ("x", "y"), "pixel"), nodes.sky_frame()
    wcs = from_tree({"meta": {"wcs": nodes.wcs((frames[0], transform), (frames[1], None), pixel_shape=shape[::-1])}})
    data = (SKY + paint(shape, sources) + rng.normal(0, noise, shape)).astype(np.float32)
    weight, err = np.ones(shape, np.float32), np.full(shape, noise, np.float32)
    for plane, value in ((data, np.nan), (err, np.nan), (weight, 0)):
        plane[:, :4] = plane[-3:] = value
    area = math.radians(SCALE) ** 2
    sci_header = fits.Header(list(({**fits_keywords(wcs), "BUNIT": "MJy/sr", "PIXAR_SR": area}).items()))
    header = fits.Header(list((HEADER | keywords).items()))
    return Mosaic(header, sci_header, path="x_i2d.fits", wcs=wcs.tree, data=data, err=err, weight=weight)


def naive_sky(data, x, y, inner, outer):
    """Clipped median of an annulus, and its error, pixel by pixel."""
    values = [
        float(data[j, i])
        for j in range(data.shape[0])
        for i in range(data.shape[1])
        if inner <= math.hypot(i - x, j - y) < outer and math.isfinite(data[j, i])
    ]
    for _ in range(5):
        median, deviation = np.median(values), np.std(values)
        values = [value for value in values if abs(value - median) <= 3 * deviation]
    return np.median(values), math.sqrt(math.pi / 2 / len(values)) * np.std(values)


def naive_heights(data, sigma):
    """Height of the Gaussian that fits best about every pixel above a level: least squares, pixel by pixel."""
    radius = max(2.0, 1.5 * sigma)
    steps = [(j, i) for j in range(-3, 4) for i in range(-3, 4) if j * j + i * i <= radius**2]
    design = np.array([(math.exp(-(j * j + i * i) / 2 / sigma**2), 1.0) for j, i in steps])
    heights = np.zeros(data.shape)
    for y, x in np.ndindex(data.shape):
        inside = [0 <= y + j < data.shape[0] and 0 <= x + i < data.shape[1] for j, i in steps]
        values = [data[y + j, x + i] if there else 0.0 for (j, i), there in zip(steps, inside)]
        heights[y, x] = np.linalg.lstsq(design, np.array(values), rcond=None)[0][0]
    return heights
