import numpy as np
import pytest
from astropy.io import fits

from jwcal import dq, models
from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, write_fits
from jwcal.references import Reference
from jwcal.simulate.instruments import get_instrument


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
    start = fits.Header([("SUBSTRT1", 1), ("SUBSTRT2", 1)])
    arrays = [Extension("SCI", data), Extension("DQ", flags), Extension("DQ_DEF", table)]
    write_fits(path, [Extension("PRIMARY", header=start), *arrays])
    return Reference(path, "dark"), data


def write_image(path, size, **keywords):
    """A reference of `size` (columns, rows) whose pixels hold 10000 row + column, counted from the array's corner."""
    y, x = np.mgrid[: size[1], : size[0]]
    header = fits.Header(list(keywords.items()))
    write_fits(path, [Extension("PRIMARY", header=header), Extension("SCI", (10000 * y + x).astype(np.float32))])
    return Reference(path, "gain")


def test_cut_to_the_subarray(full_frame):
    reference, data = full_frame
    like = exposure(8, 10, 6, 5)
    cut = reference.image("SCI", like)
    np.testing.assert_array_equal(cut, data[:, 10:15, 8:14])
    assert cut.dtype == np.float32 and cut.flags.c_contiguous and cut.flags.owndata
    assert reference.dq(like)[0, 4] == dq.HOT


@pytest.mark.parametrize("name", ["NIRCAM", "NIRISS", "FGS", "MIRI"])
def test_every_subarray_is_cut_from_its_place(name, tmp_path):
    """References of the full frame, of the subarray itself, and of a part of the detector round it."""
    instrument = get_instrument(name)
    chip = next(iter(instrument.chips.values()))
    whole = write_image(tmp_path / "whole.fits", chip.size, SUBSTRT1=1, SUBSTRT2=1, SUBARRAY="GENERIC")
    silent = write_image(tmp_path / "silent.fits", chip.size)  # without keywords: the full frame
    places = [instrument.load_aperture(c, s) for c, s in list_subarrays(instrument)]
    assert len(places) > 5
    for place in places:
        like, corner = exposure(place.x0, place.y0, place.nx, place.ny), 10000 * place.y0 + place.x0
        for reference in (whole, silent):
            cut = reference.lazy("SCI", like)
            assert cut.shape == (place.ny, place.nx) and cut[0, 0] == corner
            assert cut[-1, -1] == corner + 10000 * (place.ny - 1) + place.nx - 1
    place = next(p for p in places if max(p.nx, p.ny) < 700)
    like = exposure(place.x0, place.y0, place.nx, place.ny)
    keywords = {"SUBSTRT1": place.x0 + 1, "SUBSTRT2": place.y0 + 1}
    own = write_image(tmp_path / "own.fits", (place.nx, place.ny), **keywords)
    assert own.image("SCI", like)[0, 0] == 0 and own.image("SCI", like).shape == (place.ny, place.nx)
    lies = write_image(tmp_path / "lies.fits", (place.nx, place.ny), **keywords, SUBSIZE1=2048, SUBSIZE2=2048)
    np.testing.assert_array_equal(lies.image("SCI", like), own.image("SCI", like))  # the array itself counts
    inner = exposure(place.x0 + 3, place.y0 + 2, place.nx - 5, place.ny - 4)
    assert own.image("SCI", inner)[0, 0] == 20003 and own.image("SCI", inner).shape == (place.ny - 4, place.nx - 5)


def list_subarrays(instrument):
    """(detector, subarray) of each of an instrument's subarrays on the first detector that has it."""
    for subarray in instrument.subarrays:
        for chip in instrument.chips.values():
            try:
                instrument.aperture(chip, subarray)
            except JwcalError:
                continue
            yield chip, subarray
            break


def test_same_size_without_keywords_is_taken_as_is(tmp_path):
    reference = write_image(tmp_path / "same.fits", (40, 32))
    assert reference.image("SCI", exposure(100, 50, 40, 32))[3, 4] == 30004


@pytest.mark.parametrize(
    ("size", "keywords", "said"),
    [
        ((40, 32), {}, ["40x32", "8x6", "SUBSTRT1 and SUBSTRT2 are missing", "references.override"]),
        ((40, 32), {"SUBSTRT1": 1, "SUBSTRT2": 1}, ["40x32", "8x6", "column 101, row 51", "references.override"]),
        ((40, 32), {"SUBSTRT1": 110, "SUBSTRT2": 1}, ["40x32", "8x6", "does not cover"]),
        ((8, 6), {"SUBSTRT1": 1, "SUBSTRT2": 1}, ["8x6", "does not cover"]),
        ((7, 6), {"SUBSTRT1": 101, "SUBSTRT2": 51}, ["7x6", "8x6", "does not cover"]),
        ((2048, 40), {"SUBSTRT1": 0, "SUBSTRT2": 1}, ["SUBSTRT1, SUBSTRT2 = 0, 1", "counted from 1"]),
    ],
)
def test_a_reference_that_does_not_fit_is_one_line(size, keywords, said, tmp_path):
    """File, shapes, what to do."""
    reference = write_image(tmp_path / "wrong.fits", size, **keywords)
    with pytest.raises(JwcalError) as error:
        reference.image("SCI", exposure(100, 50, 8, 6))
    line = str(error.value)
    assert "wrong.fits" in line and "\n" not in line and all(part in line for part in said), line


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
