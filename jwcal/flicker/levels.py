"""Level of the background of an image, and which pixels belong to it."""

import logging
from bisect import bisect_left, bisect_right

import numpy as np

from jwcal.kernels.clipping import clip_mirrored, clip_sorted
from jwcal.kernels.flicker_lines import narrow_mask
from jwcal.kernels.radix import sort_values

log = logging.getLogger("jwcal")

SIGMA, ROUNDS = 3.0, 5
LARGEST_BOX = 32
HISTOGRAM_BINS, HISTOGRAM_REACH = 2000, 4.0


def clip_to_background(signal, mask, lower=3.0, upper=2.0, *, fit_histogram=False, lower_half=False):
    """Take pixels out of a mask that are too bright or too faint for background, in place.

    Parameters
    ----------
    signal : float32 [y, x]
        Values; without NaN where the mask is set.
    mask : bool [y, x]
        Background pixels so far.
    lower, upper : float
        Limits in standard deviations.
    fit_histogram : bool
        Take level and standard deviation from a Gaussian fitted to the histogram.
    lower_half : bool
        Take the standard deviation from the values below the median, mirrored there: sources lengthen the upper half.
    """
    ordered = sort_values(signal[mask])
    if ordered.size:
        narrow_mask(signal, mask, *find_limits(ordered, lower, upper, fit_histogram, lower_half))


def find_limits(ordered, lower, upper, fit_histogram=False, lower_half=False):
    """Lowest and highest value of the background, from the sorted values (float32, at least one)."""
    mean, median, deviation = clip_sorted(ordered, SIGMA, ROUNDS)
    centre = mean if fit_histogram else median
    if lower_half:
        deviation = clip_mirrored(ordered, centre, SIGMA, ROUNDS)
    if fit_histogram:
        centre, deviation = _fit_histogram(ordered, centre, deviation)
    return np.float64(centre - lower * deviation), np.float64(centre + upper * deviation)


def _fit_histogram(values, centre, deviation):
    """Mean and width of a Gaussian fitted to the values' histogram; unchanged where that fails."""
    from scipy.optimize import curve_fit

    reach = HISTOGRAM_REACH * deviation
    if not reach > 0:
        return centre, deviation
    counts, edges = np.histogram(values.astype(np.float64), HISTOGRAM_BINS, (centre - reach, centre + reach))
    places, peak = (edges[1:] + edges[:-1]) / 2, np.argmax(counts)

    def gaussian(x, amplitude, middle, width):
        return amplitude * np.exp(-0.5 * ((x - middle) / width) ** 2)

    bounds = [(0, places[0], 0), (np.inf, places[-1], places[-1] - places[0])]
    try:
        found, _ = curve_fit(gaussian, places, counts, p0=(counts[peak], places[peak], deviation), bounds=bounds)
    except (RuntimeError, ValueError) as error:
        log.warning("no Gaussian fits the histogram of the background (%s); its clipped mean is taken", error)
        return centre, deviation
    return found[1], found[2]


def subtract_level(signal, mask, n_sigma):
    """Subtract the median of the background, in place, and clip the mask around it.

    Parameters
    ----------
    signal : float32 [y, x]
        Values.
    mask : bool [y, x]
        Background pixels, at least one; narrowed in place.
    n_sigma : float
        Limit of the second clipping, standard deviations of the lower half; 0 leaves it out.

    Returns
    -------
    float32
        The level.
    """
    ordered = sort_values(signal[mask])
    low, high = find_limits(ordered, SIGMA, SIGMA, lower_half=True)
    narrow_mask(signal, mask, low, high)
    kept = ordered[bisect_left(ordered, low) : bisect_right(ordered, high)]
    level = np.median(kept)
    signal -= level
    if n_sigma > 0:
        narrow_mask(signal, mask, *find_limits(kept - level, n_sigma, n_sigma, lower_half=True))
    return level


def subtract_model(signal, mask, n_sigma, box_size=None):
    """Subtract a smooth background, in place, and clip the mask around it.

    Parameters
    ----------
    signal, mask, n_sigma : float32 [y, x], bool [y, x], float
        As in `subtract_level`.
    box_size : (int, int), optional
        Rows and columns of the boxes in which the background is measured; None takes the largest boxes of at most 32
        pixels that divide the image.

    Returns
    -------
    float32 [y, x] or float32
        The background; a single number where the boxes hold too few pixels.
    """
    clip_to_background(signal, mask, SIGMA, SIGMA, lower_half=True)
    background = fit_background(signal, mask, box_size)
    signal -= background
    if n_sigma > 0:
        clip_to_background(signal, mask, n_sigma, n_sigma, lower_half=True)
    return background


def fit_background(signal, mask, box_size=None):
    """Smooth background [y, x] through the masked pixels; their median where that cannot be fitted."""
    import warnings

    from astropy.stats import SigmaClip
    from astropy.utils.exceptions import AstropyUserWarning
    from photutils.background import Background2D, MedianBackground

    box_size = choose_boxes(signal.shape) if box_size is None else tuple(box_size)
    clip = SigmaClip(sigma=SIGMA, maxiters=ROUNDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyUserWarning)
            estimator = MedianBackground()
            fitted = Background2D(
                signal, box_size, mask=~mask, filter_size=(5, 5), sigma_clip=clip, bkg_estimator=estimator
            )
            return fitted.background.astype(np.float32)
    except ValueError as error:
        log.warning("no smooth background can be fitted (%s); its median is taken", error)
        return np.float32(np.median(signal[mask]))


def choose_boxes(shape):
    """Largest numbers of at most `LARGEST_BOX` that divide the sides of an image."""
    return tuple(max(size for size in range(1, LARGEST_BOX + 1) if side % size == 0) for side in shape)
