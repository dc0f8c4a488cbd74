"""Open shutters by the table of the exposure's plan, and shutters that cannot close."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from nirspec_spectra import setup

from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, write_fits
from jwcal.references import Reference
from jwcal.simulate import nirspec_shutters, plan_exposure
from jwcal.wcs.nirspec.shutters import read_failed_open, read_slitlets
from jwcal.wcs.nirspec.slits import fixed_slit

SHUTTERS = nirspec_shutters.SHUTTER_INFO


def write_table(path, *rows, dtype=SHUTTERS):
    """A table of the given columns: slitlet, quadrant, row, column, background, dither point, primary, fixed slit."""
    table = np.zeros(len(rows), dtype)
    names = ("slitlet_id", "shutter_quadrant", "shutter_row", "shutter_column", "background", "dither_point_index",
             "primary_source", "fixed_slit")  # fmt: skip
    for name, values in zip(names, zip(*rows)):
        if name in dtype.names:
            table[name] = values
    table["msa_metadata_id"] = 1
    write_fits(path, [Extension("PRIMARY"), Extension("SHUTTER_INFO", table)])
    return path


def test_a_slitlet_is_counted_from_the_shutter_with_its_source(tmp_path):
    rows = [(7, 3, 20, column, "N" if column == 101 else "Y", 2, "Y" if column == 101 else "N", "NONE")
            for column in (100, 101, 102)]  # fmt: skip
    (slit,) = read_slitlets(write_table(tmp_path / "x_msa.fits", *rows), 1, 2)
    assert (slit.slit_id, slit.name, slit.quadrant, slit.row) == (7, "7", 3, 20 + 100 * 365 - 1)
    assert slit.y_range == pytest.approx((-0.55 - 0.5 - 1.15, 0.55 + 0.5 + 1.15))
    assert read_slitlets(tmp_path / "x_msa.fits", 1, 1) == [] == read_slitlets(tmp_path / "x_msa.fits", 2, 2)


@pytest.mark.parametrize(("columns", "middle", "below", "above"), [((80,), 80, 0, 0), ((80, 81, 82, 83), 81, 1, 2)])
def test_a_background_slitlet_is_counted_from_its_middle(tmp_path, columns, middle, below, above):
    rows = [(1, 4, 5, column, "Y", 1, "N", "NONE") for column in columns]
    (slit,) = read_slitlets(write_table(tmp_path / "x_msa.fits", *rows), 1, 1)
    assert slit.row == 5 + (middle - 1) * 365 - 1
    assert slit.y_range == pytest.approx((-1.05 - 1.15 * below, 1.05 + 1.15 * above))


def test_fixed_slits_beside_shutters(tmp_path):
    rows = [
        (1, 4, 5, 9, "Y", 1, "N", "NONE"),
        (-1, 0, 0, 0, "N", 1, "Y", "S200A1"),
        (-1, 0, 0, 0, "Y", 1, "N", "S400A1"),
    ]
    slits = read_slitlets(write_table(tmp_path / "x_msa.fits", *rows), 1, 1)
    assert [slit.name for slit in slits] == ["1", "S200A1"] and slits[1] == fixed_slit("S200A1")


def test_old_tables_have_no_fixed_slits(tmp_path):
    old = np.dtype([(name, SHUTTERS[name]) for name in SHUTTERS.names if name != "fixed_slit"])
    path = write_table(tmp_path / "x_msa.fits", (1, 4, 5, 9, "Y", 1, "N"), dtype=old)
    assert [slit.name for slit in read_slitlets(path, 1, 1)] == ["1"]


def test_what_is_wrong_is_said(tmp_path):
    twice = [(7, 3, 20, column, "N", 1, "Y", "NONE") for column in (100, 101)]
    with pytest.raises(JwcalError, match="several shutters with the source of slitlet 7"):
        read_slitlets(write_table(tmp_path / "a_msa.fits", *twice), 1, 1)
    beside = (7, 3, 20, 172, "Y", 1, "N", "NONE")
    with pytest.raises(JwcalError, match="slitlet 7 is beside the 4 quadrants"):
        read_slitlets(write_table(tmp_path / "e_msa.fits", beside), 1, 1)
    fixed = [(-1, 0, 0, 0, "N", 1, "Y", "S200A1")] * 2
    with pytest.raises(JwcalError, match="S200A1 more than once"):
        read_slitlets(write_table(tmp_path / "b_msa.fits", *fixed), 1, 1)
    few = np.dtype([(name, SHUTTERS[name]) for name in ("slitlet_id", "msa_metadata_id")])
    with pytest.raises(JwcalError, match="lacks shutter_quadrant, shutter_row"):
        read_slitlets(write_table(tmp_path / "c_msa.fits", (1,), dtype=few), 1, 1)
    write_fits(tmp_path / "d_msa.fits", [Extension("PRIMARY")])
    with pytest.raises(JwcalError, match="SHUTTER_INFO is missing"):
        read_slitlets(tmp_path / "d_msa.fits", 1, 1)


def test_simulated_table_follows_the_dither(tmp_path):
    plan = plan_exposure(setup("NRS_MSASPEC"))
    path = tmp_path / nirspec_shutters.name_table(plan)
    write_fits(path, nirspec_shutters.make_table(plan))
    first, second = (read_slitlets(path, 1, position) for position in (1, 2))
    assert len(first) == len(nirspec_shutters.SLITLETS) == len(second)
    assert second[0].row - first[0].row == 365 and second[3] == first[3]


def test_a_real_table():
    data = os.environ.get("JWCAL_REAL_DATA")
    if not data:
        pytest.skip("needs JWCAL_REAL_DATA")
    (path,) = (Path(data) / "nirspec_mos_jw02736").glob("*_msa.fits")
    slits = [read_slitlets(path, 1, position) for position in (1, 2, 3)]
    assert len(slits[0]) == len(slits[1]) == len(slits[2]) == 74
    assert {slit.quadrant for slit in slits[0]} == {1, 2, 3, 4}
    assert all(0 <= slit.row < 365 * 171 and slit.y_range[0] < slit.y_range[1] for slit in slits[0])


def test_shutters_that_cannot_close(tmp_path):
    usual = {"state": "closed", "TA state": "closed", "Internal state": "closed", "Vignetted": "No"}
    shutters = [{"Q": 2, "x": 7, "y": 3} | usual, {"Q": 3, "x": 365, "y": 171} | usual | {"TA state": "open"}]
    path = tmp_path / "msaoper.json"
    path.write_text(json.dumps({"msaoper": shutters}))
    (slit,) = read_failed_open(Reference(path, "msaoper"))
    assert (slit.quadrant, slit.row, slit.y_range) == (3, 365 * 171 - 1, (-0.5, 0.5))
    path.write_text('{"msaoper": [{"Q": 1}]}')
    with pytest.raises(JwcalError, match="no list of shutters"):
        read_failed_open(Reference(path, "msaoper"))
