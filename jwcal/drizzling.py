"""One exposure drizzled into a rectangle of a frame; resample and outlier_detection share it."""

from typing import NamedTuple

import numpy as np

from jwcal import products
from jwcal.errors import JwcalError, StepSkipped
from jwcal.kernels import drizzle_drops
from jwcal.kernels.drizzle import drizzle
from jwcal.kernels.drizzle_weights import weigh_pixels
from jwcal.models import Image
from jwcal.mosaics import Frame, find_common_pixels
from jwcal.wcs import from_tree, sparse_map

KERNELS = {
    name: getattr(drizzle_drops, name.upper()) for name in "square point turbo gaussian lanczos2 lanczos3".split()
}
VARIANCES = ("var_poisson", "var_rnoise", "var_flat")
# Exposures of several detectors taken together are one: they count once in the exposure time, and are compared as one.
GROUP = ("PROGRAM", "OBSERVTN", "VISIT", "VISITGRP", "SEQ_ID", "ACT_ID", "EXPOSURE")
ABSENT = np.zeros((0, 0), np.float32)
NO_FLAGS = np.zeros((0, 0), np.uint32)


class Recipe(NamedTuple):
    """How each exposure is drizzled.

    Attributes
    ----------
    frame : Frame
        Of the output.
    kernel : str
        Shape of the drop.
    pixfrac : float
        Its size in input pixels.
    weight_type : str or None
        ivm, exptime or None.
    bad : int
        Flags that exclude a pixel.
    variances, flags : bool
        Whether to drizzle variances, and flags.
    tolerance : float
        Largest error of interpolated positions, output pixels.
    """

    frame: Frame
    kernel: str
    pixfrac: float
    weight_type: str | None
    bad: int
    variances: bool
    flags: bool
    tolerance: float


class Drizzled(NamedTuple):
    """What `drizzle_image` gives, over a rectangle whose first pixel is `origin` (row, column) of the frame.

    Attributes
    ----------
    planes : float32 [4, j, i] or [1, j, i]
        Data and three variances, or data alone.
    weight : float32 [j, i]
        Summed weight.
    hits : bool [j, i]
        Where something falls.
    flags : uint32 [j, i], or of size 0
        Flags of what falls there.
    origin : (int, int)
        Place in the frame.
    """

    planes: np.ndarray
    weight: np.ndarray
    hits: np.ndarray
    flags: np.ndarray
    origin: tuple


def load_image(item, only=None):
    """An image itself, read from its file or by a function (`only` some arrays); StepSkipped unless it has two axes."""
    read = item if callable(item) else lambda only: products.read_image(item, only)
    image = item if isinstance(item, Image) else read(only)
    if image.data.ndim != 2:
        raise StepSkipped("only two-dimensional images are resampled")
    return image


def find_group(image):
    """What exposures of several detectors taken together have in common; the file where the header does not say."""
    group = tuple(image.keyword(name, None) for name in GROUP)
    return group if None not in group else image.path


def find_level(image, default=0.0):
    """Sky level that was measured but is still in the data; `default` where none is."""
    level = image.keyword("BKGLEVEL", None)
    return default if level is None or image.keyword("BKGSUB", False) else float(level)


def constant_weight(image, weight_type):
    """Weight of every pixel of an exposure; 0 where it is the inverse read-noise variance."""
    if weight_type == "exptime":
        return float(image.keyword("TMEASURE", None) or image.keyword("EFFEXPTM"))
    if weight_type is None or image.var_rnoise is None:
        return 1.0
    return 0.0


def read_fill_value(fillval):
    """Number that a fill value stands for; INDEF and blank are NaN."""
    text = str(fillval).strip().upper()
    try:
        return np.nan if text in ("", "NONE", "INDEF") else float(text)
    except ValueError as error:
        raise JwcalError(f"fillval is {fillval!r}; give a number or NAN") from error


def locate_image(image, recipe):
    """`SparseMap` of an exposure's pixels in the frame."""
    return sparse_map(from_tree(image.wcs), recipe.frame.wcs, image.data.shape, tolerance=recipe.tolerance)


def find_box(positions, recipe):
    """Rows (first, last + 1) and columns of the frame that an exposure can touch; a single pixel where it misses.

    `positions` [2, y, x] are its pixels in the frame, or nodes of a `SparseMap`, which reach all its corners.
    """
    reach = 3 / min(1.0, recipe.frame.ratio) + 1
    limits = []
    for plane, size in zip(positions[::-1], recipe.frame.shape, strict=True):
        low, high = np.nanmin(plane) - reach, np.nanmax(plane) + reach
        first = int(min(max(low, 0), size - 1)) if np.isfinite(low) else 0
        limits.append((first, int(min(max(high + 1, first + 1), size)) if np.isfinite(high) else 1))
    return limits


def drizzle_image(image, recipe, where, room, box=None):
    """Drizzle one exposure.

    Parameters
    ----------
    image : Image
        Exposure; a measured sky level that it still contains is subtracted.
    recipe : Recipe
        How, and onto which frame.
    where : SparseMap
        Its pixels in the frame.
    room : jwcal.wcs.MapRoom
        For the map of every pixel.
    box : ((int, int), (int, int)) or None
        Rows and columns of the frame; None: those that it can touch.

    Returns
    -------
    Drizzled
    """
    exposure = _prepare(image, recipe)
    y, x = box or find_box(where.grid, recipe)
    drop = (KERNELS[recipe.kernel], recipe.pixfrac, recipe.frame.ratio, 1.0)
    flags = image.dq if recipe.flags else NO_FLAGS
    pixmap = room.expand(where.shift(x[0], y[0]))
    planes, weight, hits, flags = drizzle(exposure, flags, pixmap, (y[1] - y[0], x[1] - x[0]), drop)
    if recipe.variances and len(planes) == 1:  # the exposure knows none
        planes = np.concatenate([planes, np.full((3, *weight.shape), np.nan, np.float32)])
    return Drizzled(planes, weight, hits, flags, (y[0], x[0]))


def find_correlation(recipe):
    """By how much the noise in a large aperture exceeds what its pixels tell.

    A drop of side p input pixels, shared among output pixels of side s, correlates their noise. With r = p / s the
    noise in an aperture of n >> 1 output pixels is R sqrt(n) times the scatter of single pixels,

        R = r / (1 - 1 / (3 r)) for r >= 1,   R = 1 / (1 - r / 3) for r < 1.

    ERR is not that scatter. It is the mean error of the input pixels that an output pixel draws on, over s, as if each
    exposure contributed to each output pixel; where drops leave gaps (p + s < 1), only a part (p + s)^2 of them does,
    and the noise in the aperture is p + s times the quadratic sum of ERR; otherwise it is just that sum.

    Parameters
    ----------
    recipe : Recipe
        How the image was drizzled.

    Returns
    -------
    (float, float) or None
        R, and the factor on ERR; None for kernels that are not a square drop.

    References
    ----------
    Casertano et al. 2000, AJ 120, 2747, appendix; Fruchter & Hook 2002, PASP 114, 144, section 7.
    """
    if recipe.kernel not in ("square", "turbo", "point"):
        return None
    p, s = 0.0 if recipe.kernel == "point" else recipe.pixfrac, recipe.frame.ratio
    r = p / s
    return r / (1 - 1 / (3 * r)) if r >= 1 else 1 / (1 - r / 3), min(1.0, p + s)


def _prepare(image, recipe):
    """Data without sky level, variances and weight, as the kernel wants them."""
    level, data = find_level(image), image.data
    if level:
        data = data - np.float32(level)
    variances = [getattr(image, name) for name in VARIANCES]
    variances = [ABSENT if plane is None or plane.shape != data.shape else plane for plane in variances]
    constant = constant_weight(image, recipe.weight_type)
    planes = tuple(np.ascontiguousarray(plane) for plane in (data, *variances))
    err = ABSENT if image.err is None else np.ascontiguousarray(image.err)
    rows = find_common_pixels(from_tree(image.wcs), recipe.frame, data.shape)
    weight = weigh_pixels((*planes, err), np.ascontiguousarray(image.dq), np.uint32(recipe.bad), constant, rows)
    if not recipe.variances:
        planes = (planes[0], ABSENT, ABSENT, ABSENT)
    return (*planes, weight)
