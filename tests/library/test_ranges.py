"""Header values that make no sense are named; those of real exposures pass."""

import numpy as np
import pytest
from astropy.io import fits

from jwcal import products
from jwcal.errors import JwcalError
from jwcal.exposures import take_inventory
from jwcal.ranges import find_fault

SOUND = {"NGROUPS": 5, "NINTS": 1, "NFRAMES": 4, "GROUPGAP": 0, "FASTAXIS": -1, "SLOWAXIS": 2, "TGROUP": 10.7,
         "SUBSTRT1": 1, "SUBSIZE1": 4, "INSTRUME": "NIRCAM", "EXP_TYPE": "NRC_IMAGE", "EXPSTART": 59000.5}  # fmt: skip


def test_sound_values_pass():
    assert find_fault(SOUND.get) is None and find_fault({}.get) is None


@pytest.mark.parametrize(
    ("keyword", "value", "wanted"),
    [("NGROUPS", 0, "whole number"), ("NGROUPS", "5", "whole number"), ("NINTS", 1.5, "whole number"),
     ("NFRAMES", True, "whole number"), ("GROUPGAP", -1, "whole number"), ("NGROUPS", 1 << 40, "whole number"),
     ("TGROUP", 0.0, "positive"), ("TGROUP", "long", "positive"), ("EXPSTART", "today", "a number"),
     ("FASTAXIS", 3, "one of 1"), ("INSTRUME", 7, "a text")],
)  # fmt: skip
def test_absurd_values_are_named(keyword, value, wanted):
    fault = find_fault((SOUND | {keyword: value}).get)
    assert f"keyword {keyword} is {value!r}" in fault and wanted in fault and "correct it" in fault


def test_axes_must_differ():
    assert "the same axis" in find_fault((SOUND | {"FASTAXIS": -2}).get)


def write_raw(folder, card):
    """A raw file one card of which is replaced."""
    path = folder / "jw00001001001_02101_00001_nrca1_uncal.fits"
    primary = fits.PrimaryHDU(header=fits.Header(list((SOUND | {"TELESCOP": "JWST", "NGROUPS": 2}).items())))
    fits.HDUList([primary, fits.ImageHDU(np.zeros((1, 2, 4, 4), np.float32), name="SCI")]).writeto(path)
    content = path.read_bytes()
    place = content.index(card[:8])
    path.write_bytes(content[:place] + card.ljust(80) + content[place + 80 :])
    return path


@pytest.mark.parametrize(
    ("card", "line"),
    [(b"NGROUPS = 'many'", "keyword NGROUPS is 'many'"), (b"TGROUP  =                   -1", "keyword TGROUP is -1"),
     (b"NAXIS1  =                    0", "no samples"), (b"PCOUNT  =                1E300", "without a valid PCOUNT"),
     (b"BITPIX  =                   12", "without a valid BITPIX")],
)  # fmt: skip
def test_inventory_leaves_them_out_in_a_line(tmp_path, card, line):
    path = write_raw(tmp_path, card)
    inventory = take_inventory(tmp_path)
    assert not inventory.exposures and len(inventory.warnings) == 1
    assert inventory.warnings[0].startswith(str(path)) and line in inventory.warnings[0]


@pytest.mark.parametrize(
    ("card", "line"),
    [(b"NGROUPS =              +-.E5", "keyword NGROUPS has no readable value"), (b"NGROUPS =  -7", "NGROUPS is -7"),
     (b"TELESCOP= 2.2\xe5\x01\x07", "header of PRIMARY is damaged"), (b"NAXIS1  =                    0", "no samples")],
)  # fmt: skip
def test_reading_stops_at_them(tmp_path, card, line):
    path = write_raw(tmp_path, card)
    with pytest.raises(JwcalError) as raised:
        products.read_ramp(path)
    assert str(raised.value).startswith(str(path)) and line in str(raised.value)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("GROUPDQ", (7,)), ("GROUPDQ", (4, 4)), ("GROUPDQ", (1, 3, 4, 4)), ("PIXELDQ", (1, 4, 4)), ("PIXELDQ", (4, 5)),
     ("ZEROFRAME", (4, 4)), ("ZEROFRAME", (2, 4, 4)), ("REFOUT", (1, 3, 4, 1)), ("REFOUT", (4, 4)), ("AVDRKCUR", (3,))],
)  # fmt: skip
def test_arrays_that_do_not_belong_together(tmp_path, name, shape):
    path = write_raw(tmp_path, b"GROUPGAP=                    0")
    with fits.open(path, mode="append") as hdus:
        hdus.append(fits.ImageHDU(np.zeros(shape, np.float32), name=name))
    with pytest.raises(JwcalError, match=f"{name} has shape"):
        products.read_ramp(path)
