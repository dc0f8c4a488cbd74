"""Measuring sources at given positions: sums in circles, the sky around them, how sharp and how round they are.

References
----------
Stetson 1987, PASP 99, 191 (sharpness and roundness).
"""

import math

import numpy as np

CLIPPING = 3.0  # standard deviations, of the sky in an annulus
ROUNDS = 5  # of clipping
AT_ONCE = 2000  # sources whose surroundings are in memory together
FAR = -1000.0  # where a source without a position is put: off the image
AB_ZERO = 8.9  # magnitude of 1 Jy


def place(x, y):
    """Positions [source, 2] for apertures; sources without one lie off the image, where sums are NaN."""
    positions = np.column_stack([x, y]).astype(float)
    positions[~np.isfinite(positions)] = FAR
    return positions


def sum_circles(data, err, positions, radii):
    """Sums in circles, pixels at the edge in part.

    Parameters
    ----------
    data : float32 [y, x]
        Image; NaN makes the sum NaN.
    err : float32 [y, x] or None
        Its standard error.
    positions : float64 [source, 2]
        From `place`.
    radii : sequence of float
        Pixels.

    Returns
    -------
    sums, errors : float64 [radius, source]
    """
    from jwcal.kernels import circles

    noise = np.full_like(data, np.nan) if err is None else err
    sums, variances = circles.sum_circles(data, noise, positions, np.asarray(radii, float))
    return sums, np.sqrt(variances)


def measure_sky(data, positions, inner, outer):
    """Median of the sky around each source, and its error: sqrt(pi / 2n) of the deviation, both clipped.

    Parameters
    ----------
    data : float32 [y, x]
        Image; NaN is left out.
    positions : float64 [source, 2]
        From `place`.
    inner, outer : float
        Radii of the annulus, pixels; a pixel counts when its centre lies within.

    Returns
    -------
    median, error : float64 [source]
        NaN where there is no pixel.
    """

    def measure(part):
        columns, rows = _surround(part, math.ceil(outer) + 1)
        square = (columns - part[:, :1])[:, None, :] ** 2 + (rows - part[:, 1:])[:, :, None] ** 2
        inside = (square < outer**2) & (square >= inner**2) & ~_is_outside(data, columns, rows)
        return _clip(_gather(data, columns, rows, inside))

    return _in_parts(measure, positions)


def measure_sharpness(data, positions, sigma):
    """DAOFIND's sharpness and roundness.

    Sharpness is the height of the central pixel over the mean of those around it, in units of the height of the
    Gaussian that fits best. Roundness compares the two-fold with the four-fold symmetry of the map of such heights: 0
    for a round source, of either sign where it is longer along one of the axes.

    Parameters
    ----------
    data : float32 [y, x]
        Image.
    positions : float64 [source, 2]
        From `place`.
    sigma : float
        Width of the Gaussian, pixels; 0 gives NaN.

    Returns
    -------
    sharpness, roundness : float64 [source]
    """
    if sigma <= 0:
        return np.full(len(positions), np.nan), np.full(len(positions), np.nan)
    kernel, mask = _make_kernel(sigma)
    reach = len(kernel) // 2

    def measure(part):
        columns, rows = _surround(part, 2 * reach)
        values = _take(data, columns, rows, 0.0)
        heights = _convolve(values, kernel, mask)
        inner = slice(reach, -reach)
        heights[_is_outside(data, columns[:, inner], rows[:, inner])] = 0
        return _describe_shape(values[:, inner, inner], heights, mask)

    return _in_parts(measure, positions)


def find_neighbours(positions):
    """Index of the nearest other source, and its distance in pixels.

    Parameters
    ----------
    positions : float64 [source, 2]
        From `place`.

    Returns
    -------
    index : int64 [source]
    distance : float64 [source]
        NaN where there is no other one, or the source has no position.
    """
    from jwcal.kernels.neighbours import find_nearest

    index, square = find_nearest(positions)
    lonely = ~np.isfinite(square) | (positions[:, 0] == FAR)
    return index, np.where(lonely, np.nan, np.sqrt(square))


def find_magnitudes(flux, err):
    """AB magnitudes of fluxes in Jy, and their errors; NaN where the flux is negative."""
    with np.errstate(invalid="ignore", divide="ignore"):
        flux = np.where(flux < 0, np.nan, flux)
        return -2.5 * np.log10(flux) + AB_ZERO, 2.5 * np.log10(1 + err / flux)


def _in_parts(measure, positions):
    """Two results of a function of positions, which takes them a bounded number at a time."""
    if not len(positions):
        return np.zeros(0), np.zeros(0)
    parts = [measure(positions[start : start + AT_ONCE]) for start in range(0, len(positions), AT_ONCE)]
    return tuple(np.concatenate(results) for results in zip(*parts, strict=True))


def _surround(positions, reach):
    """Columns and rows [source, 2 reach + 1] of squares about the pixels nearest to positions (halves round down)."""
    middle = np.ceil(positions - 0.5).astype(int)
    steps = np.arange(-reach, reach + 1)
    return middle[:, :1] + steps, middle[:, 1:] + steps


def _is_outside(data, columns, rows):
    """True where pixels of squares lie beyond the image [source, y, x]."""
    (ny, nx), axes = data.shape, (columns[:, None, :], rows[:, :, None])
    return (axes[0] < 0) | (axes[0] >= nx) | (axes[1] < 0) | (axes[1] >= ny)


def _take(data, columns, rows, beyond):
    """Pixels of squares, float64 [source, y, x]; `beyond` off the image."""
    (ny, nx) = data.shape
    values = data[np.clip(rows, 0, ny - 1)[:, :, None], np.clip(columns, 0, nx - 1)[:, None, :]].astype(float)
    values[_is_outside(data, columns, rows)] = beyond
    return values


def _gather(data, columns, rows, inside):
    """Pixels of squares where `inside` [source, y, x], float32 [source, value], filled up with NaN."""
    counts = inside.sum(axis=(1, 2))
    source, row, column = np.nonzero(inside)
    values = np.full((len(inside), max(1, counts.max(initial=0))), np.nan, np.float32)
    first = np.cumsum(counts) - counts
    values[source, np.arange(len(source)) - first[source]] = data[rows[source, row], columns[source, column]]
    return values


def _clip(values):
    """Clipped median of each row [row, value], and the error of that median.

    Rows are sorted once; what clipping leaves is a range of each, whose sums are differences of running sums.
    """
    values = np.sort(values, axis=1).astype(float)
    row, first, last = np.arange(len(values)), np.zeros(len(values), int), np.isfinite(values).sum(axis=1)
    origin = values[row, np.maximum(last - 1, 0) // 2]
    about = np.nan_to_num(values - origin[:, None])
    sums = [np.pad(np.cumsum(about**power, axis=1), ((0, 0), (1, 0))) for power in (1, 2)]

    def describe():
        number = last - first
        middle = [values[row, np.clip(first + (number - odd) // 2, 0, values.shape[1] - 1)] for odd in (1, 0)]
        mean, square = ((total[row, last] - total[row, first]) / number for total in sums)
        return (middle[0] + middle[1]) / 2, np.sqrt(np.maximum(square - mean**2, 0)), number

    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(ROUNDS):
            median, deviation, _ = describe()
            first = np.maximum(first, (values < (median - CLIPPING * deviation)[:, None]).sum(axis=1))
            last = np.minimum(last, (values <= (median + CLIPPING * deviation)[:, None]).sum(axis=1))
        median, deviation, number = describe()
        return np.where(number > 0, median, np.nan), np.sqrt(np.pi / (2 * number)) * deviation


def _make_kernel(sigma):
    """Weights that give the height of the best-fitting Gaussian above a level, and the pixels that take part."""
    radius = max(2.0, 1.5 * sigma)
    steps = np.arange(-int(radius), int(radius) + 1)
    square = steps[:, None] ** 2 + steps**2
    mask = (square <= radius**2).astype(float)
    kernel = np.exp(-square / (2 * sigma**2)) * mask
    mean = kernel.sum() / mask.sum()
    return (kernel - mean) * mask / ((kernel**2).sum() - kernel.sum() * mean), mask


def _convolve(values, kernel, mask):
    """Sums [source, y, x] of pixels under a symmetric kernel; those outside its mask do not count even if NaN."""
    size = values.shape[1] - len(kernel) + 1
    terms = zip(*np.nonzero(mask), strict=True)
    return sum(kernel[j, i] * values[:, j : j + size, i : i + size] for j, i in terms)


def _describe_shape(values, heights, mask):
    """Sharpness and roundness from pixels and heights [source, y, x]."""
    middle = len(mask) // 2
    peak = values[:, middle, middle]
    around = (np.where(mask > 0, values, 0).sum(axis=(1, 2)) - peak) / (mask.sum() - 1)
    y, x = np.indices(mask.shape) - middle
    quadrants = np.select([(x > 0) & (y <= 0), (x <= 0) & (y < 0), (x < 0) & (y >= 0), (y > 0)], [-1, 1, -1, 1], 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        sharpness = (peak - around) / heights[:, middle, middle]
        heights[:, middle, middle] = 0
        return sharpness, 2 * (heights * quadrants).sum(axis=(1, 2)) / np.abs(heights).sum(axis=(1, 2))
