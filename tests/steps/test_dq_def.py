"""The flags of every kind of reference reach the exposure in the standard bits, whatever bits the file has."""

import numpy as np
import pytest
from astropy.io import fits
from naive_detector import make_ramp

from jwcal import dq
from jwcal.fitsfiles import Extension, write_fits
from jwcal.references import Reference
from jwcal.steps.dark_current import dark_current
from jwcal.steps.dq_init import dq_init
from jwcal.steps.linearity import linearity
from jwcal.steps.reset import reset
from jwcal.steps.saturation import saturation
from jwcal.steps.superbias import superbias

SHAPE = (6, 8)
# What the file calls its bits: none is where the standard has it, one name is of no standard flag.
OWN = {"DO_NOT_USE": 4, "HOT": 0, "NO_SAT_CHECK": 1, "UNRELIABLE_BIAS": 2, "NO_LIN_CORR": 3, "UNRELIABLE_DARK": 31,
       "DEAD": 9, "MADE_UP": 11}  # fmt: skip
# Step, extension and content of its reference, and whether the exposure is MIRI's.
STEPS = {
    "dq_init": (dq_init, "mask", {}, {}),
    "saturation": (saturation, "saturation", {"SCI": np.full(SHAPE, 60000.0)}, {}),
    "superbias": (superbias, "superbias", {"SCI": np.zeros(SHAPE)}, {}),
    "linearity": (linearity, "linearity", {"COEFFS": np.stack([np.zeros(SHAPE), np.ones(SHAPE)])}, {}),
    "dark_current": (dark_current, "dark", {"SCI": np.zeros((3, *SHAPE))}, {"NFRAMES": 1, "GROUPGAP": 0, "NGROUPS": 3}),
    "reset": (reset, "reset", {"SCI": np.zeros((1, 2, *SHAPE))}, {}),
}  # fmt: skip


def write(path, arrays, keywords, flags, names):
    """A reference with flags in bits of its own."""
    rows = [(bit, 1 << bit, name.ljust(20), "") for name, bit in names.items()]
    table = np.array(rows, [("BIT", "i4"), ("VALUE", "u4"), ("NAME", "S40"), ("DESCRIPTION", "S80")])
    header = fits.Header([("SUBSTRT1", 1), ("SUBSTRT2", 1), *keywords.items()])
    images = [Extension(name, np.asarray(array, np.float32)) for name, array in arrays.items()]
    write_fits(path, [Extension("PRIMARY", header=header), *images, Extension("DQ", flags), Extension("DQ_DEF", table)])


@pytest.mark.parametrize("name", STEPS)
def test_flags_are_translated_by_name(name, tmp_path):
    step, reftype, arrays, keywords = STEPS[name]
    flags = np.zeros(SHAPE, np.uint32)
    for column, bit in enumerate(OWN.values()):
        flags[1, column] = np.uint32(1 << bit)
    flags[3, 3] = (1 << OWN["HOT"]) | (1 << OWN["DO_NOT_USE"]) | (1 << 7)  # the last is not in the table
    write(tmp_path / "ref.fits", arrays, keywords, flags, OWN)
    ramp = make_ramp(np.full((1, 3, *SHAPE), 100.0), NGROUPS=3, NINTS=1, TGROUP=1.0, TFRAME=1.0)
    step(ramp, Reference(tmp_path / "ref.fits", reftype))
    expected = np.zeros(SHAPE, np.uint32)
    for column, flag in enumerate(OWN):
        expected[1, column] = dq.FLAGS.get(flag, 0)
    expected[3, 3] = dq.HOT | dq.DO_NOT_USE
    np.testing.assert_array_equal(ramp.pixeldq, expected)
