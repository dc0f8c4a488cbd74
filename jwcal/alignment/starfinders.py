"""Finding stars on an image without background, as IRAF's starfind and DAOFIND do, and measuring where they are.

The image is convolved with a small Gaussian whose sum is zero, which gives the height of the star that best fits around
each pixel. Local maxima above a threshold are stars; what is not sharp or round is left out. starfind takes their
moments, DAOFIND fits Gaussians to their marginal sums.

References
----------
Stetson 1987, PASP 99, 191 (DAOFIND); Tody 1993, ASPC 52, 173 (starfind). Results are those of photutils.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from jwcal.kernels.stripes import split_rows

SIGMA_TO_FWHM = 2 * math.sqrt(2 * math.log(2))
THREADS = 2


class Kernel(NamedTuple):
    """Gaussian that stands for a star.

    Attributes
    ----------
    fwhm : float
        Pixels.
    radius : int
        The arrays have 2 radius + 1 pixels a side.
    inside : bool [y, x]
        Pixels of the star.
    gaussian, weights : float64 [y, x]
        The Gaussian, everywhere, and the convolution's weights.
    relative_error : float
        Noise of the convolved image over that of the image.
    """

    fwhm: float
    radius: int
    inside: np.ndarray
    gaussian: np.ndarray
    weights: np.ndarray
    relative_error: float


class Limits(NamedTuple):
    """Which peaks count as stars: (least, greatest) sharpness and roundness, greatest peak (None for any)."""

    sharpness: tuple
    roundness: tuple
    peak: float | None


def make_kernel(fwhm, sigma_radius):
    """Make a `Kernel` that ends `sigma_radius` standard deviations, or at least two pixels, from its centre."""
    sigma = fwhm / SIGMA_TO_FWHM
    radius = int(max(2, sigma * sigma_radius))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    squared = x * x + y * y
    inside = (squared / (2 * sigma**2) <= sigma_radius**2 / 2) | (squared <= 4)
    gaussian = np.exp(-squared / (2 * sigma**2))
    own = gaussian[inside]
    spread = (own**2).sum() - own.sum() ** 2 / own.size
    weights = np.where(inside, (gaussian - own.mean()) / spread, 0.0)
    return Kernel(fwhm, radius, inside, gaussian, weights, 1 / math.sqrt(spread))


def convolve(image, kernel):
    """Convolve an image (float32 [y, x]) with a kernel's weights; beyond its edges it is zero, NaN spreads."""
    radius = kernel.radius
    (ny, nx), result = image.shape, np.empty_like(image)
    taps = [(j, i, kernel.weights[j, i]) for j, i in np.argwhere(kernel.inside)]

    def do(rows):
        above, below = max(0, rows.start - radius), min(ny, rows.stop + radius)
        padded = np.zeros((rows.stop - rows.start + 2 * radius, nx + 2 * radius))
        padded[above - rows.start + radius : below - rows.start + radius, radius:-radius] = image[above:below]
        total, term = np.zeros((rows.stop - rows.start, nx)), np.empty((rows.stop - rows.start, nx))
        for j, i, weight in taps:
            np.multiply(padded[j : j + len(total), i : i + nx], weight, out=term)
            total += term
        result[rows] = total

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(do, split_rows(image.shape)))
    return result


def find_peaks(image, threshold, separation, excluded):
    """Local maxima.

    Parameters
    ----------
    image : float32 [y, x]
        NaN is no maximum.
    threshold : float
        Maxima are greater than this.
    separation : int
        No pixel within this distance (and none beyond the edges, where it is zero) is greater.
    excluded : bool [y, x]
        Pixels that cannot be maxima.

    Returns
    -------
    int [n, 2]
        Row and column of each, in order.
    """
    with np.errstate(invalid="ignore"):
        found = np.argwhere((image > threshold) & ~excluded)
    ny, nx = image.shape
    reach = range(-separation, separation + 1)
    offsets = [(j, i) for j in reach for i in reach if 0 < j * j + i * i <= separation**2]
    for j, i in sorted(offsets, key=lambda offset: offset[0] ** 2 + offset[1] ** 2):
        y, x = found[:, 0] + j, found[:, 1] + i
        on_image = (y >= 0) & (y < ny) & (x >= 0) & (x < nx)
        other = np.where(on_image, image[np.clip(y, 0, ny - 1), np.clip(x, 0, nx - 1)], 0)
        found = found[~(other > image[tuple(found.T)])]
    return found


def cut_out(image, peaks, radius):
    """Squares [n, y, x] around peaks, zero beyond the edges."""
    padded = np.pad(image, radius)
    side = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    return windows[tuple(peaks.T)].astype(float)


def starfind(image, excluded, threshold, separation, kernel, limits):
    """Find stars as IRAF's starfind does.

    Parameters
    ----------
    image : float32 [y, x]
        Without background.
    excluded : bool [y, x]
        Where no star can be.
    threshold : float
        Least value of the convolved image.
    separation : int
        Least distance of stars, pixels.
    kernel : Kernel
        What a star looks like.
    limits : Limits
        Which peaks count.

    Returns
    -------
    x, y, flux : float64 [n]
        Zero-based centroids, and sums over the kernel's pixels.
    """
    peaks = find_peaks(convolve(image, kernel), threshold, separation, excluded)
    cutouts = cut_out(image, peaks, kernel.radius)
    sky = (cutouts * ~kernel.inside).sum(axis=(1, 2)) / np.count_nonzero(~kernel.inside)
    stars = (cutouts - sky[:, None, None]) * kernel.inside
    stars[stars < 0] = 0
    with np.errstate(invalid="ignore", divide="ignore"):
        flux, x, y, sum_of, difference, mixed = _measure_moments(stars)
        sharpness = 2 * np.sqrt(math.log(2) * sum_of) / kernel.fwhm
        roundness = np.hypot(difference, 2 * mixed) / sum_of
        good = (np.count_nonzero(stars, axis=(1, 2)) > 1) & _within(sharpness, limits.sharpness)
        good &= _within(roundness, limits.roundness) & np.isfinite(x + y + sky + flux)
        if limits.peak is not None:
            good &= stars.max(axis=(1, 2), initial=0) <= limits.peak
    return (x + peaks[:, 1] - kernel.radius)[good], (y + peaks[:, 0] - kernel.radius)[good], flux[good]


def _measure_moments(stars):
    """Sum, centroid x and y, sum and difference of the second central moments, and the mixed one, of each star."""
    axis = np.arange(stars.shape[1], dtype=float)
    columns, rows = stars.sum(axis=1), stars.sum(axis=2)
    flux = columns.sum(axis=1)
    x, y = columns @ axis / flux, rows @ axis / flux
    dx, dy = axis - x[:, None], axis - y[:, None]
    xx, yy = (columns * dx**2).sum(axis=1) / flux, (rows * dy**2).sum(axis=1) / flux
    xy = np.einsum("nji,nj,ni->n", stars, dy, dx) / flux
    return flux, x, y, xx + yy, xx - yy, xy


def _within(values, limits):
    return (values >= limits[0]) & (values <= limits[1])


def daofind(image, excluded, threshold, separation, kernel, limits):
    """Find stars as DAOFIND does; arguments and results as of `starfind`, fluxes are sums over the whole squares."""
    convolved = convolve(image, kernel)
    peaks = find_peaks(convolved, threshold * kernel.relative_error, separation, excluded)
    stars, fits, centre = cut_out(image, peaks, kernel.radius), cut_out(convolved, peaks, kernel.radius), kernel.radius
    peak = stars[:, centre, centre]
    with np.errstate(invalid="ignore", divide="ignore"):
        others = ((stars * kernel.inside).sum(axis=(1, 2)) - peak) / (np.count_nonzero(kernel.inside) - 1)
        sharpness = (peak - others) / fits[:, centre, centre]
        (dx, height_x), (dy, height_y) = (_fit_marginal(stars if k else stars.swapaxes(1, 2), kernel) for k in (1, 0))
        symmetry, height = _measure_symmetry(fits, centre), 2 * (height_x - height_y) / (height_x + height_y)
        flux = stars.sum(axis=(1, 2))
        good = _within(sharpness, limits.sharpness) & np.isfinite(dx + dy + height_x + height_y + peak + flux)
        good &= _within(symmetry, limits.roundness) & _within(height, limits.roundness)
        if limits.peak is not None:
            good &= peak <= limits.peak
    return (peaks[:, 1] + dx)[good], (peaks[:, 0] + dy)[good], flux[good]


def _measure_symmetry(fits, centre):
    """How much the convolved image differs under a quarter turn: opposite quadrants count alike."""
    fits = fits.copy()
    fits[:, centre, centre] = 0
    quadrants = (fits[:, : centre + 1, centre + 1 :], fits[:, :centre, : centre + 1], fits[:, centre:, :centre],
                 fits[:, centre + 1 :, centre:])  # fmt: skip
    sums = [quadrant.sum(axis=(1, 2)) for quadrant in quadrants]
    return 2 * (sums[1] - sums[0] - sums[2] + sums[3]) / np.abs(fits).sum(axis=(1, 2))


def _fit_marginal(stars, kernel):
    """Fit a Gaussian to the sums over rows of each star: its offset along x from the middle, and its height.

    Pixels count less towards the edges; a negative height gives NaN. An offset that leaves the square is replaced
    by the centroid's, which photutils has with the wrong sign along x.
    """
    centre, size = kernel.radius, 2 * kernel.radius + 1
    distance = centre - np.arange(size)
    weight = centre - np.abs(distance) + 1.0
    model = (kernel.gaussian * weight[:, None]).sum(axis=0)
    slope = model * distance
    total = weight.sum()
    data = (stars * weight[:, None]).sum(axis=1)
    data_sum, data_model, data_slope, data_offset = (
        (data * factor * weight).sum(axis=1) for factor in (1.0, model, slope, -distance)
    )
    model_sum, slope_sum = (model * weight).sum(), (slope * weight).sum()
    numerator = data_model - data_sum * model_sum / total
    denominator = (model**2 * weight).sum() - model_sum**2 / total
    height = numerator / denominator
    variance = (kernel.fwhm / SIGMA_TO_FWHM) ** 2
    offset = (model * slope * weight).sum() - (data_slope - slope_sum * data_sum)
    offset = offset / (height * (slope**2 * weight).sum() / variance)
    offset = np.where(np.abs(offset) > size / 2, np.where(data_sum == 0, 0.0, data_offset / data_sum), offset)
    offset = np.where(np.abs(offset) > size / 2, 0.0, offset)
    bad = (numerator <= 0) | (denominator <= 0)
    return np.where(bad, np.nan, offset), np.where(bad, np.nan, height)
