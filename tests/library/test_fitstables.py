import numpy as np
import pytest
from astropy.io import fits

from jwcal.fitsfiles import Extension, FitsFile, write_fits

TABLE = np.array(
    [
        (1, 2**31 + 5, -3, 1.5, True, "nrca1", [1, 2, 3], [[1, 2], [3, 4]]),
        (2, 7, 9, np.nan, False, "é", [4, 5, 6], [[0, 0], [0, 0]]),
    ],
    dtype=[
        ("i", "i2"), ("u", "u4"), ("s", "i8"), ("x", "f8"),
        ("b", "?"), ("name", "U8"), ("v", "f4", 3), ("m", "u2", (2, 2)),
    ],
)  # fmt: skip


def check(path):
    with fits.open(path) as hdus:
        hdus.verify("exception")
        read = hdus["T"].data
        for name in ("i", "u", "s", "b", "v", "m"):
            np.testing.assert_array_equal(read[name], TABLE[name])
        np.testing.assert_array_equal(read["x"], TABLE["x"])
        assert list(read["name"]) == ["nrca1", "?"]


def test_structured_arrays_are_written_as_astropy_reads_them(tmp_path):
    write_fits(tmp_path / "x.fits", [Extension("PRIMARY"), Extension("T", TABLE)])
    check(tmp_path / "x.fits")


def test_tables_are_carried_unchanged(tmp_path):
    write_fits(tmp_path / "x.fits", [Extension("PRIMARY"), Extension("T", TABLE)])
    carried = FitsFile(tmp_path / "x.fits").table("T").copy()
    write_fits(tmp_path / "y.fits", [Extension("PRIMARY"), Extension("T", carried)])
    check(tmp_path / "y.fits")
    write_fits(tmp_path / "z.fits", [Extension("PRIMARY"), Extension("T", FitsFile(tmp_path / "y.fits").table("T"))])
    assert (tmp_path / "z.fits").read_bytes() == (tmp_path / "y.fits").read_bytes()


def test_tables_of_real_exposures_survive(tmp_path, real_data):
    source = real_data / "exposures/jw00793001001_01101_00001_nis_uncal.fits"
    table = FitsFile(source).table("GROUP").copy()
    write_fits(tmp_path / "x.fits", [Extension("PRIMARY"), Extension("GROUP", table)])
    with fits.open(tmp_path / "x.fits") as ours, fits.open(source) as theirs:
        assert ours["GROUP"].columns.formats == theirs["GROUP"].columns.formats
        assert (np.asarray(ours["GROUP"].data) == np.asarray(theirs["GROUP"].data)).all()


def test_no_rows(tmp_path):
    write_fits(tmp_path / "x.fits", [Extension("PRIMARY"), Extension("T", TABLE[:0])])
    assert len(fits.getdata(tmp_path / "x.fits", "T")) == 0


@pytest.mark.parametrize("dtype", ["i1", "u8"])
def test_other_integers(tmp_path, dtype):
    limits = np.iinfo(dtype)
    table = np.array([(limits.min,), (limits.max,)], dtype=[("n", dtype)])
    write_fits(tmp_path / "x.fits", [Extension("PRIMARY"), Extension("T", table)])
    assert [int(n) for n in fits.getdata(tmp_path / "x.fits", "T")["n"]] == [limits.min, limits.max]
