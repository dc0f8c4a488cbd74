"""Small pictures of images: made smaller by means of blocks, stretched, coloured, and encoded to stand in a page."""

import base64
import io
import math

import numpy as np

FAINT = 3.0  # standard deviations of the sky up to which the arcsinh stretch is nearly linear
SOFTEST = 400.0  # largest ratio of white level to that
QUALITY = 78  # of lossy compression
# Colours from dark to light, of even steps in lightness.
GLOW = ((4, 4, 12), (33, 15, 67), (82, 21, 110), (134, 37, 103), (187, 55, 84), (227, 89, 51), (249, 140, 10),
        (249, 201, 50), (252, 255, 214))  # fmt: skip
SEA = ((33, 20, 78), (44, 62, 128), (36, 104, 142), (31, 143, 139), (66, 184, 112), (147, 215, 65), (244, 234, 64))


def shrink(image, size):
    """Means of blocks, so that no side is longer than `size`.

    Parameters
    ----------
    image : float [y, x]
        NaN is left out; blocks without values are NaN.
    size : int
        Pixels.

    Returns
    -------
    float64 [y, x]
    """
    step = max(1, math.ceil(max(image.shape) / size))
    return _reduce(np.isfinite(image), image, step)


def _reduce(good, values, step):
    """Means over blocks of `step` pixels of values where they are good; the last blocks may be narrower."""
    starts = [np.arange(0, length, step) for length in values.shape]

    def add(array):
        rows = np.add.reduceat(array, starts[0], axis=0, dtype=np.float64)
        return np.add.reduceat(rows, starts[1], axis=1)

    with np.errstate(invalid="ignore", divide="ignore"):
        return add(np.where(good, values, 0)) / add(good)


def find_levels(image):
    """Levels of the arcsinh stretch: just below the sky, what few pixels exceed, and how strong it is.

    Parameters
    ----------
    image : float [y, x]
        NaN is left out.

    Returns
    -------
    low, high, softening : float
        Black and white; the ratio of their difference to what the stretch leaves linear, the noise of the sky.
    """
    values = image[np.isfinite(image)]
    if not values.size:
        return 0.0, 1.0, 1.0
    dark, middle, bright = (float(value) for value in np.percentile(values, [16, 50, 99.8]))
    noise = max(middle - dark, 1e-7 * abs(middle), 1e-30)
    low, high = middle - 1.5 * noise, max(bright, middle + 15 * noise)
    return low, high, min((high - low) / (FAINT * noise), SOFTEST)


def paint(image, levels=None, *, colours=GLOW):
    """Colour an image.

    Parameters
    ----------
    image : float [y, x]
        NaN becomes transparent.
    levels : (float, float, float), optional
        Black, white and softening, 0 for a linear stretch; `find_levels` by default.
    colours : sequence of (int, int, int)
        From black to white.

    Returns
    -------
    uint8 [y, x, 4]
        Red, green, blue, opacity; the first row is the top one.
    """
    low, high, softening = levels or find_levels(image)
    shade = np.clip((image - low) / ((high - low) or 1.0), 0, 1)
    if softening:
        shade = np.arcsinh(softening * shade) / math.asinh(softening)
    shade = np.nan_to_num(shade)
    anchors = np.linspace(0, 1, len(colours))
    channels = [np.interp(shade, anchors, channel) for channel in zip(*colours, strict=True)]
    opacity = np.where(np.isfinite(image), 255, 0)
    return np.stack([*channels, opacity], axis=2)[::-1].round().astype(np.uint8)


def gradient(colours):
    """The colours as a CSS gradient, for a legend."""
    return "linear-gradient(90deg," + ",".join(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in colours) + ")"


def encode(pixels, *, lossless=False):
    """Pixels uint8 [y, x, 3 or 4] as a ``data:`` address."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", lossless=lossless, quality=QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()


def map_flags(dq, flags, size):
    """Where flags are, as a picture: the more of a block's pixels have one, the stronger its colour.

    Parameters
    ----------
    dq : uint32 [y, x]
        Flags.
    flags : dict of int to (int, int, int)
        Colour of each bit; later ones cover earlier ones.
    size : int
        Longest side, pixels.

    Returns
    -------
    uint8 [y, x, 3]
        The first row is the top one.
    """
    step = max(1, math.ceil(max(dq.shape) / size))
    everywhere = np.ones(dq.shape, bool)
    picture = None
    for bit, colour in flags.items():
        share = np.sqrt(_reduce(everywhere, (dq & np.uint32(bit)) != 0, step))[:, :, None]
        picture = np.full((*share.shape[:2], 3), 16.0) if picture is None else picture
        picture += share * (np.array(colour, float) - picture)
    return picture[::-1].round().astype(np.uint8)
