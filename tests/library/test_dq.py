import numpy as np
import pytest

from jwcal import dq


def definitions(*rows):
    return np.array(list(rows), dtype=[("BIT", "i4"), ("VALUE", "u4"), ("NAME", "U40"), ("DESCRIPTION", "U80")])


def test_translate_maps_by_name():
    table = definitions((0, 1, "DO_NOT_USE", ""), (1, 2, "HOT", ""), (2, 4, "NOT_A_FLAG", ""))
    np.testing.assert_array_equal(dq.translate([[0, 1], [2, 7]], table), [[0, 1], [dq.HOT, 1 | dq.HOT]])


def test_translate_keeps_standard_bits():
    table = definitions(*((bit, 1 << bit, name, "") for name, bit in dq.BITS.items()))
    values = np.array([0, dq.REFERENCE_PIXEL, dq.DO_NOT_USE | dq.DEAD], np.uint32)
    np.testing.assert_array_equal(dq.translate(values, table), values)


def test_translate_without_definitions_is_the_identity():
    np.testing.assert_array_equal(dq.translate([3, 5], None), [3, 5])


@pytest.mark.parametrize(
    "text, bad, good",
    [
        ("~DO_NOT_USE+NON_SCIENCE", dq.DO_NOT_USE | dq.NON_SCIENCE, dq.HOT),
        ("DO_NOT_USE", dq.HOT, dq.DO_NOT_USE),
        ("~1", 1, 2),
        (None, 0, 0xFFFFFFFF),
    ],
)
def test_interpret(text, bad, good):
    mask = dq.interpret(text)
    assert mask & bad == bad and mask & good == 0


def test_the_table_is_that_of_the_archive():
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    assert {name: value for name, value in datamodels.dqflags.pixel.items() if name in dq.FLAGS} == dq.FLAGS
