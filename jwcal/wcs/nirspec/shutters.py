"""NIRSpec's shutters: which were open in an exposure, by the table (`_msa.fits`) of its plan; which cannot close."""

import json
from collections import defaultdict

import numpy as np

from jwcal.errors import JwcalError
from jwcal.fitsfiles import FitsFile
from jwcal.wcs.nirspec.slits import FIXED_SLITS, Y_RANGE, Slit, fixed_slit

COLUMNS, ROWS = 365, 171  # shutters of a quadrant, along the dispersion and across
PITCH = 1.15  # distance of shutters along the slit, in heights of their openings
MARGIN = 0.5  # heights that a slitlet is extended by at either end
STATES = ("Internal state", "TA state", "state")
NEEDED = ("slitlet_id", "msa_metadata_id", "shutter_quadrant", "shutter_row", "shutter_column", "background",
          "dither_point_index", "primary_source")  # fmt: skip


def read_slitlets(path, metadata_id, dither_point, y_range=Y_RANGE):
    """Slitlets, and fixed slits, that an exposure had open.

    Parameters
    ----------
    path : str or pathlib.Path
        Table of shutters (MSAMETFL), extension SHUTTER_INFO.
    metadata_id, dither_point : int
        Which rows are the exposure's: MSAMETID, and PATT_NUM.
    y_range : (float, float)
        Limits along a single slit, in units of its height.

    Returns
    -------
    list of jwcal.wcs.nirspec.slits.Slit

    Raises
    ------
    JwcalError
        When the file cannot be read or contradicts itself.
    """
    groups = defaultdict(list)
    for row in _read_rows(path):
        if (row["msa_metadata_id"], row["dither_point_index"]) == (metadata_id, dither_point):
            fixed = row.get("fixed_slit")  # old tables have no such column
            groups[fixed if fixed in FIXED_SLITS else row["slitlet_id"]].append(row)
    slits = [_make_slit(key, rows, y_range, path) for key, rows in groups.items()]
    return [slit for slit in slits if slit is not None]


def _read_rows(path):
    """Rows of the table of shutters, each a dict of numbers and texts without blanks."""
    with FitsFile(path) as file:
        table = file.table("SHUTTER_INFO")
        names = [name.lower() for name in table.dtype.names]
        columns = [np.char.strip(c).tolist() if c.dtype.kind in "SU" else c.tolist() for c in map(table.field, names)]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise JwcalError(f"its table SHUTTER_INFO lacks {', '.join(missing)}; fetch it again", path)
    return [dict(zip(names, values)) for values in zip(*columns)]


def _make_slit(key, rows, y_range, path):
    """A slitlet of its shutters; None for a fixed slit without a source."""
    sources = [row for row in rows if row["primary_source"] == "Y"]
    if isinstance(key, str):
        if len(rows) > 1:
            raise JwcalError(f"opens fixed slit {key} more than once in an exposure; correct the table", path)
        return fixed_slit(key, y_range) if sources else None
    if len(sources) > 1:
        raise JwcalError(f"has several shutters with the source of slitlet {key}; correct the table", path)
    columns = [row["shutter_column"] for row in rows]
    places = ((row["shutter_quadrant"], row["shutter_row"], row["shutter_column"]) for row in rows)
    if not all(1 <= q <= 4 and 1 <= x <= COLUMNS and 1 <= y <= ROWS for q, x, y in places):
        raise JwcalError(f"slitlet {key} is beside the 4 quadrants of {COLUMNS} x {ROWS} shutters; correct it", path)
    first, last = min(columns), max(columns)
    main, middle = rows[0], first + (last - first) // 2
    if sources:
        main = next((row for row in rows if row["background"] == "N"), sources[0])
        middle = main["shutter_column"]
    low = y_range[0] - MARGIN + (first - middle) * PITCH
    high = y_range[1] + MARGIN + (last - middle) * PITCH
    return Slit(key, str(key), main["shutter_quadrant"], main["shutter_row"] + (middle - 1) * COLUMNS - 1, (low, high))


def read_failed_open(msaoper):
    """Shutters that cannot close.

    Parameters
    ----------
    msaoper : jwcal.references.Reference
        JSON file: states of all shutters that do not work.

    Returns
    -------
    list of jwcal.wcs.nirspec.slits.Slit
        One for each, its own height.
    """
    try:
        shutters = json.loads(msaoper.path.read_text())["msaoper"]
        failed = [s for s in shutters if any(s[state] == "open" for state in STATES)]
        places = [(int(s["Q"]), int(s["x"]) + (int(s["y"]) - 1) * COLUMNS - 1) for s in failed]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise JwcalError("is no list of shutters that do not work; fetch the reference again", msaoper.path) from error
    return [Slit(k, str(k), quadrant, row, (-0.5, 0.5)) for k, (quadrant, row) in enumerate(places, 1)]
