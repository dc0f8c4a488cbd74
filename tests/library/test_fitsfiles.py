import gzip
import os

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, FitsFile, replacing, write_fits

DTYPES = ["u1", "i2", "u2", "i4", "u4", "f4", "f8"]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(DTYPES), st.lists(st.integers(1, 7), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_write_then_read_is_the_identity(tmp_path_factory, dtype, shape, seed):
    rng = np.random.default_rng(seed)
    array = rng.integers(0, 2**31, shape).astype(dtype) if dtype[0] != "f" else rng.normal(size=shape).astype(dtype)
    path = tmp_path_factory.mktemp("fits") / "x.fits"
    write_fits(path, [Extension("PRIMARY"), Extension("SCI", array)])
    ours = FitsFile(path).image("SCI")
    assert ours.dtype == array.dtype
    np.testing.assert_array_equal(ours, array)
    with fits.open(path) as hdus:
        hdus.verify("exception")
        np.testing.assert_array_equal(hdus["SCI"].data, array)
    assert path.stat().st_size % 2880 == 0
    path.unlink()


def test_reads_what_astropy_writes(tmp_path):
    raw = np.arange(24, dtype=np.uint16).reshape(2, 3, 4) + 65000
    table = np.array([(1, "a"), (2, "b")], dtype=[("n", "i2"), ("s", "U3")])
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(raw, name="SCI"), fits.BinTableHDU(table, name="T")]).writeto(
        tmp_path / "x.fits"
    )
    file = FitsFile(tmp_path / "x.fits")
    np.testing.assert_array_equal(file.image("SCI"), raw)
    np.testing.assert_array_equal(file.image("SCI", np.float32), raw.astype(np.float32))
    assert list(file.table("T")["s"]) == ["a", "b"]


def test_gzipped_files_are_read_whatever_their_name(tmp_path):
    raw, path = np.arange(12, dtype=np.uint16).reshape(3, 4), tmp_path / "x.fits"
    table = np.array([(1, 2.5)], dtype=[("n", "u4"), ("x", "f8")])
    write_fits(path, [Extension("PRIMARY"), Extension("SCI", raw), Extension("T", table)])
    whole = gzip.compress(path.read_bytes())
    path.write_bytes(whole)
    with FitsFile(path) as file:
        np.testing.assert_array_equal(file.image("SCI"), raw)
        np.testing.assert_array_equal(file.unscale("SCI", file.lazy("SCI")), raw)
        assert file.table("T")["x"][0] == 2.5
    path.write_bytes(whole[:-20])
    with pytest.raises(JwcalError, match="not a readable FITS file"):
        FitsFile(path)


def test_tables_and_headers_survive(tmp_path):
    table = np.array([(1, 2.5)], dtype=[("n", "u4"), ("x", "f8")])
    header = fits.Header([("EXP_TYPE", "NRC_IMAGE", "mode"), ("BZERO", 7)])
    write_fits(tmp_path / "x.fits", [Extension("PRIMARY", header=header), Extension("INT_TIMES", table)])
    with fits.open(tmp_path / "x.fits") as hdus:
        assert hdus[0].header["EXP_TYPE"] == "NRC_IMAGE" and "BZERO" not in hdus[0].header
        assert hdus["INT_TIMES"].data["n"][0] == 1 and hdus["INT_TIMES"].data["x"][0] == 2.5


@pytest.mark.parametrize("keep", [100, 2880 * 2, 2880 * 3 + 10])
def test_truncated_file_is_one_clear_line(tmp_path, keep):
    path = tmp_path / "x.fits"
    write_fits(path, [Extension("PRIMARY"), Extension("SCI", np.zeros((200, 200), np.float32))])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(JwcalError, match=r"x\.fits: .*fetch it again") as error:
        FitsFile(path).image("SCI")
    assert "\n" not in str(error.value)


def test_missing_file_and_extension(tmp_path):
    with pytest.raises(JwcalError, match="file not found"):
        FitsFile(tmp_path / "no.fits")
    write_fits(tmp_path / "x.fits", [Extension("PRIMARY"), Extension("SCI", np.zeros(3, np.float32))])
    with pytest.raises(JwcalError, match="extension ERR is missing"):
        FitsFile(tmp_path / "x.fits").image("ERR")


def test_failed_write_leaves_nothing(tmp_path):
    target = tmp_path / "x.fits"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.fits"]


def test_full_disk_is_one_clear_line_of_whatever_file(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    target = tmp_path / "x_tweakreg.json"
    with pytest.raises(JwcalError, match=r"x_tweakreg.json: cannot be written \(No space.*free some space"):
        with replacing(target) as temporary:
            temporary.symlink_to("/dev/full")
            temporary.write_text("text")
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(JwcalError, match=r"cannot be written \((Not a directory|File exists)"):
        with replacing(tmp_path / "file" / "x.json"):
            pass


def test_full_disk_is_one_clear_line(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")

    class Full(Extension):
        """An extension whose writing fails as on a full disk."""

        @property
        def data(self):
            raise OSError(28, "No space left on device")

        @data.setter
        def data(self, value):
            pass

    with pytest.raises(JwcalError, match="No space left on device.*free some space"):
        write_fits(tmp_path / "x.fits", [Extension("PRIMARY"), Full("SCI")])
    assert os.listdir(tmp_path) == []
