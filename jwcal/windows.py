"""Persistence windows that an exposure leaves open, handed on to the next one of its detector in a small file.

The file is the official package's `persistence_array_file`: ASDF, a branch for the detector with ``rows``, ``cols`` and
``vals`` (ends of the windows, s since 1970) of the pixels that have one. Rows and columns count from 0 at the corner of
the whole detector, so that subarrays can follow each other (there: of the image; the same for whole detectors).
"""

from typing import NamedTuple

import numpy as np

from jwcal import asdffiles
from jwcal.errors import JwcalError
from jwcal.fitsfiles import replacing

DAY, EPOCH = 86400.0, 40587.0  # s; MJD of 1970-01-01


class Windows(NamedTuple):
    """Pixels with an open window: rows and columns of the whole detector, and when it ends (s since 1970)."""

    rows: np.ndarray
    columns: np.ndarray
    ends: np.ndarray


def read_windows(path, ramp):
    """Windows of a file that are still open when an exposure starts; none without a file.

    Parameters
    ----------
    path : str or None
        Of `write_windows`.
    ramp : jwcal.models.Ramp
        The exposure; keywords DETECTOR, EXPSTART.
    """
    if not path:
        return Windows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    branch = asdffiles.read(path).get(str(ramp.keyword("DETECTOR")))
    if branch is None:
        raise JwcalError(
            f"no windows of detector {ramp.keyword('DETECTOR')}; delete the file to have it made anew", path
        )
    found = Windows(*(np.asarray(branch[name]) for name in ("rows", "cols", "vals")))
    start = (float(ramp.keyword("EXPSTART")) - EPOCH) * DAY
    return Windows(*(values[found.ends >= start] for values in found))


def inherit_windows(files, ramp):
    """Windows of the exposure before, as `read_windows` and as `spread_windows` give them.

    `files` is what Snakemake gives to a job: a path, a list of one, or nothing.
    """
    files = [files] if isinstance(files, str) else list(files or ())
    windows = read_windows(files[0] if files else None, ramp)
    return windows, spread_windows(windows, ramp)


def spread_windows(windows, ramp):
    """Ends of the windows as an image of an exposure's subarray, float64 [y, x], 0 where there is none."""
    inside, rows, columns = _find_inside(windows, ramp)
    image = np.zeros(_find_size(ramp))
    image[rows, columns] = windows.ends[inside]
    return image


def collect_windows(windows, ramp, image):
    """Windows after an exposure: those of `image` in its subarray, and those of before outside of it."""
    inside, _, _ = _find_inside(windows, ramp)
    rows, columns = np.nonzero(image)
    x0, y0 = ramp.subarray[:2]
    own = Windows(rows + y0, columns + x0, image[rows, columns])
    return Windows(*(np.concatenate([old[~inside], new]) for old, new in zip(windows, own, strict=True)))


def write_windows(path, windows, ramp, duration):
    """Write windows atomically; `duration` is the length of those that the exposure opened, s."""
    content = {"filename": str(ramp.keyword("FILENAME", "")), "rows": windows.rows, "cols": windows.columns}
    content |= {"vals": windows.ends, "pers_time": duration}
    with replacing(path) as temporary:
        temporary.write_bytes(asdffiles.encode({str(ramp.keyword("DETECTOR")): content}))


def _find_size(ramp):
    return int(ramp.keyword("SUBSIZE2")), int(ramp.keyword("SUBSIZE1"))


def _find_inside(windows, ramp):
    """Which windows lie in the subarray, and their rows and columns there."""
    x0, y0 = ramp.subarray[:2]
    rows, columns = windows.rows - y0, windows.columns - x0
    ny, nx = _find_size(ramp)
    inside = (rows >= 0) & (rows < ny) & (columns >= 0) & (columns < nx)
    return inside, rows[inside], columns[inside]
