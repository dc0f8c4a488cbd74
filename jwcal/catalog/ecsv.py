"""Catalogues as text: ECSV that astropy reads back as a QTable with units and sky coordinates.

Written out here rather than by astropy, whose tables and coordinates take a second to import, and so that the same
catalogue always gives the same bytes.

References
----------
Astropy Proposal for Enhancement 6, https://doi.org/10.5281/zenodo.1248985 (Enhanced Character Separated Values).
"""

import json

import numpy as np

COLUMN = "!astropy.table.SerializedColumn"


def encode_table(columns, meta):
    """Text of a table.

    Parameters
    ----------
    columns : sequence of jwcal.models.Column
        All of one length; values are numbers or booleans, or pairs of right ascension and declination in degrees.
    meta : dict
        Texts, numbers, None, and lists and mappings of these.

    Returns
    -------
    str
    """
    parts = [part for column in columns for part in _split(column)]
    header = ["%ECSV 1.0", "---", "datatype:", *(f"- {_describe(part)}" for part in parts), "meta: !!omap"]
    header += [f"- {{{key}: {json.dumps(value)}}}" for key, value in meta.items()]
    restored = [line for column in columns for line in _restore(column)]
    if restored:
        header += ["- __serialized_columns__:", *restored]
    header.append("schema: astropy-2.0")
    lines = [f"# {line}\n" for line in header]
    lines.append(" ".join(part.name for part in parts) + "\n")
    rows = zip(*(_format(part.values) for part in parts), strict=True)
    return "".join(lines) + "".join(" ".join(row) + "\n" for row in rows)


def _split(column):
    """The columns of numbers that a column is written as."""
    if not isinstance(column.values, tuple):
        return [column]
    axes = zip(("ra", "dec"), column.values, strict=True)
    return [column._replace(name=f"{column.name}.{axis}", values=v, unit="deg", description="") for axis, v in axes]


def _describe(column):
    """Entry of a column in the header."""
    entry = {"name": column.name, "unit": column.unit or None, "datatype": column.values.dtype.name}
    entry |= {"format": column.format, "description": column.description}
    return "{" + ", ".join(f"{key}: {_quote(value)}" for key, value in entry.items() if value) + "}"


def _quote(text):
    return text if text.isidentifier() else json.dumps(text)


def _restore(column):
    """Lines that make a column a quantity or a sky position when it is read."""
    if isinstance(column.values, tuple):
        yield f"    {column.name}:"
        yield "      __class__: astropy.coordinates.sky_coordinate.SkyCoord"
        yield f"      __info__: {{description: {json.dumps(column.description)}}}"
        for axis, kind in (("dec", "Latitude"), ("ra", "Longitude")):
            yield f"      {axis}: {COLUMN}"
            yield f"        __class__: astropy.coordinates.angles.core.{kind}"
            yield "        unit: !astropy.units.Unit {unit: deg}"
            yield f"        value: {COLUMN} {{name: {column.name}.{axis}}}"
        yield "      frame: icrs"
        yield "      representation_type: spherical"
    elif column.unit is not None:
        yield f"    {column.name}:"
        yield "      __class__: astropy.units.quantity.Quantity"
        yield f"      unit: !astropy.units.Unit {{unit: {json.dumps(column.unit)}}}"
        yield f"      value: {COLUMN} {{name: {column.name}}}"


def _format(values):
    """Texts of values, as many digits as tell them apart from their neighbours."""
    values = np.asarray(values)
    if values.dtype == np.float32:
        return [str(value) for value in values]
    return [repr(value) if isinstance(value, float) else str(value) for value in values.tolist()]
