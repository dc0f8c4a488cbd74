"""Matching lists of positions that are offset from each other.

The offset comes from the histogram of all differences: true pairs pile up in one bin. Positions closer to each other
than `separation` are left out, then each reference takes the nearest within `tolerance` (stsci.stimage, after IRAF's
xyxymatch).
"""

import numpy as np

from jwcal.errors import JwcalError

PEAK = 2  # bins on each side of the highest that help to find the offset


def match_positions(positions, reference, *, searchrad, separation, tolerance, bin_size, offset=None):
    """Find pairs.

    Parameters
    ----------
    positions, reference : float64 [n, 2] and [m, 2]
        All lengths in one unit.
    searchrad : float
        Largest offset.
    separation : float
        Least distance of positions in one list.
    tolerance : float
        Largest distance of a pair, without the offset.
    bin_size : float
        Of the histogram.
    offset : (float, float) or None
        Positions less reference; None finds it.

    Returns
    -------
    indices, reference indices : int [k]

    Raises
    ------
    JwcalError
        When positions crowd so that one would match several.
    """
    from stsci.stimage import xyxymatch

    nothing = np.zeros(0, int)
    if not len(positions) or not len(reference):
        return nothing, nothing
    if offset is None:
        offset = find_offset(positions, reference, searchrad, bin_size)
    try:
        pairs = xyxymatch(positions, reference, origin=offset, tolerance=tolerance, separation=separation)
    except RuntimeError as error:
        raise JwcalError("several sources match one; lower tolerance or raise separation") from error
    return np.asarray(pairs["input_idx"], int), np.asarray(pairs["ref_idx"], int)


def find_offset(positions, reference, searchrad, bin_size):
    """Typical difference of positions and reference, (0, 0) where no two come within the search radius.

    It is that of tweakwcs, up to a bin too large where the search radius is no whole number of bins: of no matter to
    matches within a tolerance of several bins.

    Parameters
    ----------
    positions, reference : float64 [n, 2] and [m, 2]
        All lengths in one unit.
    searchrad : float
        Largest difference in each coordinate.
    bin_size : float
        Resolution.

    Returns
    -------
    tuple of float
    """
    differences = list_differences(positions, reference, searchrad + bin_size / 2) / bin_size
    if not len(differences):
        return 0.0, 0.0
    reach = int(np.ceil(searchrad / bin_size))
    size = 2 * reach + 1
    x, y = np.clip(np.floor(differences + reach + 0.5).astype(int), 0, size - 1).T
    counts = np.bincount(y * size + x, minlength=size * size).reshape(size, size)
    x, y = _find_peak(counts)
    return x * bin_size - searchrad, y * bin_size - searchrad


def _find_peak(counts):
    """Place (column, row) of the highest bin, refined by a paraboloid through its neighbours that are not empty.

    Where that has no maximum among them, it is their centre of mass; at the edge, the bin itself.
    """
    peak = np.unravel_index(np.argmax(counts), counts.shape)
    if np.count_nonzero(counts) == 1 or any(not PEAK <= k < n - PEAK for k, n in zip(peak, counts.shape, strict=True)):
        return float(peak[1]), float(peak[0])
    box = counts[peak[0] - PEAK : peak[0] + PEAK + 1, peak[1] - PEAK : peak[1] + PEAK + 1]
    y, x = np.nonzero(box)
    height, x, y = box[y, x], x - PEAK, y - PEAK
    shift = np.array([x @ height, y @ height]) / height.sum()
    if len(height) >= 6:
        terms = np.column_stack([np.ones(len(x)), x, y, x * y, x * x, y * y])
        _, a, b, c, d, e = np.linalg.lstsq(terms, height, rcond=None)[0]
        determinant = 4 * d * e - c * c
        if determinant > 0 and d < 0:
            top = np.array([b * c - 2 * e * a, a * c - 2 * d * b]) / determinant
            shift = top if np.abs(top).max() <= PEAK else shift
    return float(peak[1] + shift[0]), float(peak[0] + shift[1])


def list_differences(positions, reference, limit):
    """Differences (k, 2) of all pairs that are within `limit` in both coordinates."""
    reference = reference[np.argsort(reference[:, 0])]
    first = np.searchsorted(reference[:, 0], positions[:, 0] - limit)
    counts = np.searchsorted(reference[:, 0], positions[:, 0] + limit) - first
    starts = np.cumsum(counts) - counts
    partner = np.arange(counts.sum()) + np.repeat(first - starts, counts)
    differences = np.repeat(positions, counts, axis=0) - reference[partner]
    return differences[np.abs(differences[:, 1]) < limit]
