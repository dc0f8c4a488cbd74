"""Binary tables as bytes: astropy's own writer first imports all of astropy.table, which takes longer than to write."""

import numpy as np
from astropy.io import fits

CODES = {"u1": "B", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D", "b1": "L", "c8": "C", "c16": "M"}
OFFSETS = {"u2": ("i2", 1 << 15), "u4": ("i4", 1 << 31), "u8": ("i8", 1 << 63), "i1": ("u1", -128)}


def encode_table(data):
    """Column keywords and bytes of a table.

    Parameters
    ----------
    data : FITS_rec or structured ndarray
        A table read from a file, written as it was; or an array with named fields, unsigned integers, text and vectors
        among them.

    Returns
    -------
    header : astropy.io.fits.Header
        NAXIS1, NAXIS2, TFIELDS and the keywords of the columns.
    content : bytes
        Rows, big-endian.
    """
    columns, rows = (_carried if isinstance(data, fits.FITS_rec) else _converted)(data)
    header = fits.Header()
    header["NAXIS1"], header["NAXIS2"] = rows.dtype.itemsize, rows.size
    header["PCOUNT"], header["GCOUNT"], header["TFIELDS"] = 0, 1, len(columns)
    for number, column in enumerate(columns, 1):
        for keyword, value in column.items():
            if value not in (None, ""):
                header[f"{keyword}{number}"] = value
    return header, rows.tobytes()


def _carried(data):
    """Columns and raw rows of a table as it was read."""
    columns = [
        {"TTYPE": c.name, "TFORM": str(c.format), "TUNIT": c.unit, "TDIM": c.dim, "TNULL": c.null, "TZERO": c.bzero,
         "TSCAL": c.bscale}
        for c in data.columns
    ]  # fmt: skip
    rows = data.view(np.ndarray)
    return columns, rows.astype(rows.dtype.newbyteorder(">"), copy=False)


def _converted(data):
    """Columns and raw rows of a structured array."""
    columns, fields, offsets = [], [], {}
    for name in data.dtype.names:
        base, shape = data.dtype[name].base, data.dtype[name].shape
        count = int(np.prod(shape, dtype=int))
        kind = base.str[1:]
        column = {"TTYPE": name}
        if base.kind in "SU":
            width = base.itemsize // (4 if base.kind == "U" else 1) or 1
            column["TFORM"], raw = f"{count * width}A", f"S{width}"
        else:
            raw, offsets[name] = OFFSETS.get(kind, (kind, 0))
            column["TFORM"] = f"{'' if count == 1 and not shape else count}{CODES[raw]}"
            raw = "u1" if raw == "b1" else raw
            column["TZERO"] = offsets[name] or None
        if len(shape) > 1:
            column["TDIM"] = str(tuple(reversed(shape))).replace(" ", "")
        columns.append(column)
        fields.append((name, np.dtype(raw).newbyteorder(">"), shape))
    rows = np.empty(data.shape, fields)
    for name in data.dtype.names:
        rows[name] = _stored(data[name], offsets.get(name, 0))
    return columns, rows


def _stored(values, offset):
    """Values as they are stored: unsigned integers less an offset, text as ASCII, truth as T and F."""
    if values.dtype.kind == "U":
        return np.char.encode(values, "ascii", "replace")
    if values.dtype.kind == "b":
        return np.where(values, ord("T"), ord("F"))
    return values if not offset else (values.astype(object) - offset)
