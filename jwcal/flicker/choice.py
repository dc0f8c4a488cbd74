"""Settings of the 1/f cleaning chosen from the look of an image: is its background flat, are its outputs level?

A quick cleaning of the count rates gives an image whose background is then measured: the fraction of pixels with
sources, steps between outputs, slopes along rows and columns, ripples along the outputs. Steep backgrounds are
modelled, outputs that differ are cleaned one by one.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from jwcal.flicker.levels import SIGMA, clip_to_background, fit_background, subtract_level
from jwcal.kernels.flicker_lines import fit_stripes

OUTPUTS, SIZE = 4, 2048
MIDDLE = Fraction(3, 8), Fraction(5, 8)  # part of the image that is averaged
LAST_OUTPUT = Fraction(10, 12), Fraction(11, 12)  # NIRISS: rows of the output that differs from the others
RIPPLE_CLIP, STEP_CLIP = 10.0, 3.0  # standard deviations


class Limits(NamedTuple):
    """Above which a measure counts as large."""

    masked: float  # fraction of pixels with sources
    step: float  # DN/s between outputs
    slope_level: float  # DN/s a pixel, where the outputs are level
    slope_stepped: float  # where they are not
    ratio: float  # of the larger slope to the smaller
    ripple: float  # DN/s


LIMITS = {
    "NIS_IMAGE": Limits(0.07, 0.07, 1e-5, 1e-4, 5.0, 0.02),
    "NRC_IMAGE": Limits(0.1, 0.07, 1e-5, 1e-5, 3.0, 0.02),
}


def choose_settings(data, slow, flat, exp_type):
    """Settings that suit an image.

    Parameters
    ----------
    data : float32 [y, x]
        Count rates, DN/s.
    slow : int
        SLOWAXIS.
    flat : float32 [y, x] or None
        Relative response.
    exp_type : str
        Key of `LIMITS`.

    Returns
    -------
    dict
        ``apply_flat_field``, ``background_method``, ``fit_by_channel``.
    """
    cleaned, mask = _clean_quickly(data if flat is None else data / flat, slow)
    return {"apply_flat_field": flat is not None} | _decide(_measure(cleaned, mask, exp_type), LIMITS[exp_type])


def _clean_quickly(data, slow):
    """Image without stripes, NaN where it was, and its background pixels."""
    signal, unknown = data.copy(), np.isnan(data)
    mask = ~unknown
    signal[unknown] = 0
    clip_to_background(signal, mask)
    level = subtract_level(signal, mask, 0)
    clip_to_background(signal, mask, lower_half=True)
    signal += level - fit_stripes(signal, mask, 1 if abs(slow) == 2 else 0, signal.shape[1 if abs(slow) == 2 else 0])
    signal[unknown] = np.nan
    return signal, mask


class Look(NamedTuple):
    """Measures of an image, named and in units as the `Limits`."""

    masked: float
    step: float
    slope: float
    ratio: float
    ripple: float


def _measure(image, mask, exp_type):
    """`Look` of a cleaned image; its sources are replaced by the background."""
    signal = np.where(np.isnan(image), np.float32(0), image)
    clip_to_background(signal, mask, lower=SIGMA, upper=SIGMA, lower_half=True)
    masked = np.count_nonzero(~mask) / mask.size
    image = np.where(mask, signal, fit_background(signal, mask))
    along_x, along_y = _average(image, 0, MIDDLE), _average(image, 1, MIDDLE)
    (slope_x, ripple), (slope_y, _) = _fit_line(along_x), _fit_line(along_y)
    if exp_type == "NIS_IMAGE":
        step, ripple = _largest_step(along_y), _fit_line(_average(image, 0, LAST_OUTPUT))[1]
    else:
        step = _largest_step(along_x)
    small, large = sorted((abs(slope_x), abs(slope_y)))
    return Look(masked, step, large, large / small if small > 0 else np.inf, ripple)


def _average(image, axis, part):
    """Mean over the middle part of an axis."""
    start, stop = (round(end * image.shape[axis]) for end in part)
    return np.mean(image.take(range(start, stop), axis=axis), axis=axis, dtype=np.float64)


def _fit_line(values):
    """Slope of a straight line, and the clipped standard deviation about it."""
    from astropy.stats import sigma_clipped_stats

    x = np.arange(values.size)
    slope, offset = np.polyfit(x - x.mean(), values, 1)
    return slope, sigma_clipped_stats(values - offset - slope * (x - x.mean()), sigma=RIPPLE_CLIP)[2]


def _largest_step(values):
    """Largest difference of neighbouring outputs' means; 0 for subarrays."""
    from astropy.stats import sigma_clipped_stats

    if values.size != SIZE:
        return 0.0
    means = [sigma_clipped_stats(part, sigma=STEP_CLIP)[0] for part in np.split(values, OUTPUTS)]
    return float(np.abs(np.diff(means)).max())


def _decide(look, limits):
    """Background method, and whether outputs are cleaned one by one."""
    crowded, stepped = look.masked >= limits.masked, look.step >= limits.step
    steep, very_steep = look.slope >= limits.slope_level, look.slope >= limits.slope_stepped
    if crowded:
        tilted, by_output = very_steep if stepped else steep, False
    elif stepped:
        tilted, by_output = False, True
    else:
        tilted = very_steep or (steep and look.ratio < limits.ratio)
        by_output = look.step > 0 and look.ripple >= limits.ripple
    return {"background_method": "model" if tilted else "median", "fit_by_channel": bool(by_output)}
