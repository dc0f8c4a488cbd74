"""Tables as text: astropy reads back what was written, and the same table gives the same text."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from jwcal.catalog.ecsv import encode_table
from jwcal.models import Column

COLUMNS = [
    Column("label", np.array([1, 2], np.int32), None, "a number: the first"),
    Column("x", np.array([1 / 3, np.nan]), "pix", "where, [0 based]", ".4f"),
    Column("sky", (np.array([10.123456789012345, np.nan]), np.array([-5.0, 3.0])), None, "on the sky"),
    Column("ratio", np.array([1 / 3, 2e-30], np.float32), "", "a ratio"),
    Column("area", np.array([25.0, 26.0]), "pix2"),
    Column("good", np.array([True, False])),
]
META = {"offset": None, "apertures": {"radii": [1.5, 2.25], "note": 'a "text": #1'}, "version": {"numpy": "2.0"}}


def read(text):
    return QTable.read(text, format="ascii.ecsv")


def test_what_is_written_is_read():
    table = read(encode_table(COLUMNS, META))
    assert table.colnames == [column.name for column in COLUMNS]
    assert dict(table.meta) == META
    assert (
        table["x"].unit == u.pix and table["area"].unit == u.pix**2 and table["ratio"].unit == u.dimensionless_unscaled
    )
    for column in COLUMNS:
        if column.name != "sky":
            np.testing.assert_array_equal(u.Quantity(table[column.name]).value, column.values)
            assert (table[column.name].info.description or "") == column.description
    assert isinstance(table["sky"], SkyCoord) and table["sky"].frame.name == "icrs"
    np.testing.assert_array_equal(table["sky"].ra.deg, COLUMNS[2].values[0])
    np.testing.assert_array_equal(table["sky"].dec.deg, COLUMNS[2].values[1])
    assert table["sky"].info.description == "on the sky" and table["x"].info.format == ".4f"
    assert table["ratio"].dtype == np.float32 and table["label"].dtype == np.int32 and table["good"].dtype == bool


def test_tables_without_rows():
    empty = [c._replace(values=tuple(v[:0] for v in c.values) if c.name == "sky" else c.values[:0]) for c in COLUMNS]
    table = read(encode_table(empty, {}))
    assert len(table) == 0 and table.colnames == [column.name for column in COLUMNS] and table["x"].unit == u.pix


def test_the_same_table_gives_the_same_text_and_columns_must_agree():
    assert encode_table(COLUMNS, META) == encode_table(list(COLUMNS), dict(META))
    with pytest.raises(ValueError, match="zip"):
        encode_table([COLUMNS[0], Column("z", np.zeros(3))], {})
