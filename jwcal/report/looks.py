"""What the report needs of a product: a few numbers and small pictures, taken once and kept as JSON.

Made once for each product (in a job of its own), so that a report on thousands of exposures reads no pixels.
"""

import json
import math

import numpy as np
from astropy.io import fits

from jwcal import dq, models, products
from jwcal.fitsfiles import FitsFile, replacing
from jwcal.report import pictures

EXPOSURE_SIZE, MOSAIC_SIZE, MAP_SIZE = 288, 720, 288  # pixels, longest side of pictures
KEYWORDS = tuple(
    """
INSTRUME DETECTOR FILTER PUPIL EXP_TYPE SUBARRAY READPATT NGROUPS NINTS EFFEXPTM DATE-OBS TIME-OBS TARGNAME PROGRAM
CAL_VER CRDS_CTX NDRIZ PIXFRAC
""".split()
)
COLOURS = {
    "DO_NOT_USE": (70, 74, 86),
    "JUMP_DET": (64, 156, 255),
    "SATURATED": (255, 92, 92),
    "OUTLIER": (255, 214, 64),
}
LIMIT, BINS = 6.0, 48  # of histograms of pulls: standard deviations to each side, and number of bins
DEPTH = 5.0  # standard deviations, of the faintest star
RADIUS = 0.15  # arcsec, of the circle in which it is measured
AB_ZERO = 8.9  # magnitude of 1 Jy


def look_at_exposure(files, truth=None, outliers=None):
    """Numbers and pictures of an exposure.

    Parameters
    ----------
    files : dict of str to path
        Its products by suffix; of rate, cal, crf those that there are.
    truth : path, optional
        Truth file of a simulated exposure.
    outliers : bool [y, x], optional
        Pixels that outlier detection flags.

    Returns
    -------
    dict
        ``header``, ``image``, ``flags``, ``pulls``, ``sky``, ``noise``; without what its products do not tell.
    """
    suffix = next((suffix for suffix in ("crf", "cal", "rate") if suffix in files), None)
    if suffix is None:
        return {}
    image = products.read(files[suffix], models.Image, ("data", "err", "dq"))
    data, flags = (plane if plane is None or plane.ndim == 2 else plane[0] for plane in (image.data, image.dq))
    if outliers is not None and np.shape(outliers) == flags.shape:
        flags = flags | np.where(outliers, np.uint32(dq.OUTLIER), np.uint32(0))
    sky, noise = _measure_sky(data)
    look = {"kind": "exposure", "suffix": suffix, "header": _read_header(image), "sky": sky, "noise": noise}
    look["image"] = _draw(data, EXPOSURE_SIZE, str(image.keyword("BUNIT", "")))
    look["flags"] = _describe_flags(flags)
    if "rate" in files:
        rate = products.read(files["rate"], models.Image, ("data", "err", "dq"))
        look["pulls"] = measure_pulls(rate.data, rate.err, rate.dq, _read_rate(truth, rate.data.shape))
    return look


def look_at_mosaic(path):
    """Numbers and pictures of a mosaic (`_i2d`): the image, how many exposures reach where, and how deep it is.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict
        ``header``, ``image``, ``exposures``, ``depth``, ``sky``, ``noise``, ``scale`` (arcsec a pixel), ``shape``,
        ``north`` and ``east`` (degrees from the x axis, counter-clockwise).
    """
    mosaic = products.read(path, models.Mosaic, ("data", "err", "weight", "context"))
    sky, noise = _measure_sky(mosaic.data)
    look = {"kind": "mosaic", "suffix": "i2d", "header": _read_header(mosaic), "sky": sky, "noise": noise}
    look["image"] = _draw(mosaic.data, MOSAIC_SIZE, str(mosaic.keyword("BUNIT", "")))
    look["shape"] = list(mosaic.data.shape)
    area = mosaic.keyword("PIXAR_A2", None)
    look["scale"] = None if area is None else round(math.sqrt(area), 6)
    if mosaic.wcs is not None:
        look["north"], look["east"] = _find_directions(mosaic)
    if mosaic.context is not None:
        look["exposures"] = _count_exposures(mosaic)
    if mosaic.err is not None and area is not None and look["image"]["unit"] == "MJy/sr":
        look["depth"] = _measure_depth(mosaic, float(area))
    return look


def _find_directions(mosaic):
    """Angles of north and east in the middle of a mosaic, degrees from the x axis, counter-clockwise."""
    from jwcal.wcs import from_tree

    wcs, (y, x) = from_tree(mosaic.wcs), (np.array(mosaic.data.shape) - 1) / 2
    ra, dec = wcs.forward(x, y)
    steps = (0.0, 1 / 3600), (1 / 3600 / math.cos(math.radians(dec)), 0.0)
    ends = [wcs.inverse(ra + step_ra, dec + step_dec) for step_ra, step_dec in steps]
    return [round(math.degrees(math.atan2(end_y - y, end_x - x)), 1) for end_x, end_y in ends]


def write_look(path, look):
    """Keep a look as JSON, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(look, separators=(",", ":")))


def measure_pulls(data, err, flags, truth=None):
    """How far values lie from what they should be, in units of their errors: normal numbers if errors are right.

    What they should be: the truth of a simulated exposure; else the integrations' mean, where there are several; else
    the neighbour to the right, which on an even sky differs by noise only (clipped at the limits of the histogram).

    Parameters
    ----------
    data, err : float32 [y, x] or [integration, y, x]
        Count rates and errors.
    flags : uint32, of the same shape
        Pixels with any flag are left out.
    truth : float32 [y, x], optional
        True rates.

    Returns
    -------
    dict
        ``kind`` (truth, integrations, neighbours), ``mean``, ``width``, ``number``, ``counts`` of even bins.
    """
    good = (flags == 0) & np.isfinite(data) & (err > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        if truth is not None:
            kind, pulls, use = "truth", (data - truth) / err, good
        elif data.ndim == 3 and len(data) > 1:
            kind, (first, second) = "integrations", (slice(0, -1), slice(1, None))
            pulls, use = (data[first] - data[second]) / np.hypot(err[first], err[second]), good[first] & good[second]
        else:
            kind, left, right = "neighbours", data[..., :-1], data[..., 1:]
            pulls = (left - right) / np.hypot(err[..., :-1], err[..., 1:])
            use = good[..., :-1] & good[..., 1:]
    pulls = pulls[use]
    core = pulls[np.abs(pulls) < LIMIT]
    counts, _ = np.histogram(core, BINS, (-LIMIT, LIMIT))
    mean, width = (float(core.mean()), float(core.std())) if core.size else (None, None)
    return {"kind": kind, "mean": mean, "width": width, "number": int(pulls.size), "counts": counts.tolist()}


def _read_header(product):
    """Keywords, outcome of steps, and reference files."""
    found = {name: product.keyword(name, None) for name in KEYWORDS}
    steps = {card.keyword: card.value for card in product.header.cards if card.keyword.startswith("S_")}
    references = {card.keyword[2:]: str(card.value).removeprefix("crds://") for card in product.header.cards
                  if card.keyword.startswith("R_") and str(card.value) not in ("", "N/A")}  # fmt: skip
    found = {name: value for name, value in found.items() if not isinstance(value, fits.card.Undefined)}
    return {**found, "steps": {k: v for k, v in steps.items() if isinstance(v, str)}, "references": references}


def _measure_sky(data):
    """Median and robust scatter of an image; None where it has no values."""
    values = data[::4, ::4] if data.size > 1 << 20 else data
    values = values[np.isfinite(values)]
    if not values.size:
        return None, None
    low, middle = np.percentile(values, [15.87, 50])
    return float(f"{middle:.6g}"), float(f"{middle - low:.4g}")


def _draw(data, size, unit):
    """Picture of an image, and the levels of its darkest and lightest colour."""
    small = pictures.shrink(data, size)
    low, high, softening = pictures.find_levels(small)
    address = pictures.encode(pictures.paint(small, (low, high, softening)))
    return {"src": address, "low": float(f"{low:.4g}"), "high": float(f"{high:.4g}"), "unit": unit,
            "width": small.shape[1], "height": small.shape[0]}  # fmt: skip


def _describe_flags(flags):
    """Map of flags, and the share of pixels that have each."""
    bits = {dq.FLAGS[name]: colour for name, colour in COLOURS.items()}
    picture = pictures.map_flags(flags, bits, MAP_SIZE)
    shares = {
        name: float(f"{np.count_nonzero(flags & np.uint32(dq.FLAGS[name])) / flags.size:.4g}") for name in COLOURS
    }
    return {"src": pictures.encode(picture), "shares": shares, "width": picture.shape[1], "height": picture.shape[0]}


def _read_rate(truth, shape):
    """True rates, where they are known and fit."""
    if truth is None:
        return None
    with FitsFile(truth) as file:
        rate = file.image("RATE", np.float32) if "RATE" in file else None
    return rate if rate is not None and rate.shape == shape else None


def _count_exposures(mosaic):
    """Map of the number of exposures that reach each pixel, and for how many pixels that is the number."""
    number = np.bitwise_count(mosaic.context.view(np.uint32)).sum(axis=0, dtype=np.int32)
    most = int(number.max(initial=0))
    values = np.where(number > 0, number, np.nan).astype(np.float32)
    small = pictures.shrink(values, MAP_SIZE)
    src = pictures.encode(pictures.paint(small, (0, max(most, 1), 0), colours=pictures.SEA))
    counts = np.bincount(number.ravel(), minlength=most + 1)[1:]
    return {
        "src": src,
        "most": most,
        "counts": counts.tolist()[:200],
        "width": small.shape[1],
        "height": small.shape[0],
    }


def _measure_depth(mosaic, area):
    """Map of the AB magnitude of the faintest star that stands out, and its distribution.

    Its light in a circle is `DEPTH` times the noise there, by the errors of the mosaic; no correction for the light
    outside, nor for noise that neighbouring pixels share.
    """
    pixels = math.pi * RADIUS**2 / area
    jansky = 1e6 * area * (math.pi / 180 / 3600) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        depth = -2.5 * np.log10(DEPTH * math.sqrt(pixels) * jansky * mosaic.err) + AB_ZERO
    depth = np.where(np.isfinite(depth) & (mosaic.weight > 0), depth, np.nan).astype(np.float32)
    values = depth[np.isfinite(depth)]
    if not values.size:
        return None
    low, middle, high = (float(f"{value:.5g}") for value in np.percentile(values, [1, 50, 99.5]))
    small = pictures.shrink(depth, MAP_SIZE)
    src = pictures.encode(pictures.paint(small, (low, max(high, low + 0.01), 0), colours=pictures.SEA))
    counts, edges = np.histogram(values, 40, (low - 0.1, high + 0.1))
    return {"src": src, "low": low, "median": middle, "high": high, "counts": counts.tolist(),
            "edges": [float(f"{edges[0]:.6g}"), float(f"{edges[-1]:.6g}")], "width": small.shape[1],
            "height": small.shape[0], "radius": RADIUS, "sigma": DEPTH}  # fmt: skip
