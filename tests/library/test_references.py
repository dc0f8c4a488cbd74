import numpy as np
import pytest
from astropy.io import fits

from jwcal import dq, models
from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, write_fits
from jwcal.references import Reference


def exposure(x0, y0, nx, ny):
    header = fits.Header([("SUBSTRT1", x0 + 1), ("SUBSTRT2", y0 + 1), ("SUBSIZE1", nx), ("SUBSIZE2", ny)])
    return models.Image(header=header, sci_header=fits.Header(), data=np.zeros((ny, nx), np.float32))


@pytest.fixture
def full_frame(tmp_path):
    data = np.arange(2 * 32 * 40, dtype=np.float32).reshape(2, 32, 40)
    flags = np.zeros((32, 40), np.uint32)
    flags[10, 12] = 2
    table = np.array(
        [(1, 2, "HOT", "")], dtype=[("BIT", "i4"), ("VALUE", "u4"), ("NAME", "U40"), ("DESCRIPTION", "U80")]
    )
    path = tmp_path / "ref.fits"
    write_fits(path, [Extension("PRIMARY"), Extension("SCI", data), Extension("DQ", flags), Extension("DQ_DEF", table)])
    return Reference(path, "dark"), data


def test_cut_to_the_subarray(full_frame):
    reference, data = full_frame
    like = exposure(8, 10, 6, 5)
    cut = reference.image("SCI", like)
    np.testing.assert_array_equal(cut, data[:, 10:15, 8:14])
    assert cut.dtype == np.float32 and cut.flags.c_contiguous and cut.flags.owndata
    assert reference.dq(like)[0, 4] == dq.HOT


def test_same_size_is_taken_as_is(full_frame):
    reference, data = full_frame
    np.testing.assert_array_equal(reference.image("SCI", exposure(100, 50, 40, 32)), data)


def test_subarray_that_is_not_covered(full_frame):
    with pytest.raises(JwcalError, match=r"dark array SCI of 40x32 pixels does not cover the exposure's subarray"):
        full_frame[0].image("SCI", exposure(36, 0, 8, 8))


def test_missing_file(tmp_path):
    with pytest.raises(JwcalError, match=r"no\.fits: file not found"):
        Reference(tmp_path / "no.fits", "gain").image()


def test_broken_references(real_data):
    broken = sorted((real_data / "references/bad").glob("*.fits"))
    assert broken
    for path in broken:
        try:
            Reference(path, "dark").image()
        except JwcalError as error:
            assert path.name in str(error) and "\n" not in str(error)
