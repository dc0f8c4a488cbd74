"""Where light is expected on NIRSpec's detectors, by kind of exposure."""

import json

import numpy as np
import pytest
from nirspec_spectra import make_rates, setup, write_optics

from jwcal import dq
from jwcal.errors import NoLight, StepSkipped
from jwcal.flicker import scene
from jwcal.flicker.spectra import FIXED_ROWS, find_lit
from jwcal.references import Reference

MOS = setup("NRS_MSASPEC", "CLEAR", "PRISM")
IFU = setup("NRS_IFU")
SERIES = setup("NRS_BRIGHTOBJ", "F290LP", "G395H", subarray="SUB2048")


@pytest.fixture(scope="module")
def optics(tmp_path_factory):
    """References by grating; those of the prism with a table of open shutters."""
    return {asked.pupil: write_optics(tmp_path_factory.mktemp("optics"), asked) for asked in (MOS, IFU, SERIES)}


def count_rows(lit, column):
    """Lengths of the lit pieces of a column."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lit[:, column], [0]]).astype(int)))
    return edges[1::2] - edges[::2]


def test_slices(optics):
    lit = find_lit(make_rates(IFU), optics["G235M"], failed_open=False)
    pieces = count_rows(lit, 900)
    assert len(pieces) == 31  # thirty slices, and the rows of the fixed slits
    assert sorted(pieces)[-1] == 194 and set(sorted(pieces)[:-1]) <= set(range(28, 35))
    assert lit[FIXED_ROWS].all() and not lit[:, 2000][:900].any()


def test_shutters_that_cannot_close_are_lit(optics):
    image, files = make_rates(IFU), optics["G235M"]
    more = find_lit(image, files) & ~find_lit(image, files, failed_open=False)
    listed = json.loads(files["msaoper"].path.read_text())["msaoper"]
    assert sum(shutter["state"] == "open" for shutter in listed) == 3 and more.any()
    np.testing.assert_array_equal(find_lit(image, files | {"msaoper": None}), find_lit(image, files, False))


def test_boxes_of_slitlets(optics, tmp_path):
    image, files = make_rates(MOS), optics["PRISM"]
    lit = find_lit(image, files, failed_open=False)
    assert lit[FIXED_ROWS].all() and 0.1 < lit.mean() < 0.2
    other = find_lit(make_rates(MOS, PATT_NUM=2), files, failed_open=False)
    assert (other != lit).mean() < 1e-3  # the sources moved, the shutters did not


def test_a_fixed_slit_among_the_shutters_is_a_box_of_its_own(optics, tmp_path):
    from test_nirspec_shutters import write_table

    rows = [(1, 3, 20, 100, "Y", 1, "N", "NONE"), (-1, 0, 0, 0, "N", 1, "Y", "S200A1")]
    files = optics["PRISM"] | {"msametafile": Reference(write_table(tmp_path / "x_msa.fits", *rows))}
    lit = find_lit(make_rates(MOS), files, failed_open=False)
    assert not lit[FIXED_ROWS].all() and lit[FIXED_ROWS].any() and lit[:900].any()


def test_a_time_series_is_one_slit(optics):
    lit = find_lit(make_rates(SERIES), optics["G395H"], failed_open=False)
    assert lit.shape == (32, 2048) and not lit[:, :900].any() and lit[10:20, 1000:].all()


@pytest.mark.parametrize("filters", [("F170LP", "G235M"), ("CLEAR", "PRISM"), ("F070LP", "G140H")])
def test_no_slices_on_the_second_detector(optics, filters):
    image = make_rates(setup("NRS_IFU", *filters, detector="NRS2"))
    with pytest.raises(NoLight, match="no slices fall on NRS2"):
        scene.find_regions(image, optics=optics["PRISM" if filters[1] == "PRISM" else "G235M"])


def test_no_slitlet_on_the_second_detector(optics):
    image = make_rates(setup("NRS_FIXEDSLIT", "CLEAR", "PRISM", detector="NRS2", subarray="SUB2048"))
    with pytest.raises(NoLight, match="no open slit falls on NRS2"):
        scene.find_regions(image, optics=optics["PRISM"])


@pytest.mark.parametrize(
    ("keywords", "files", "message"),
    [
        ({"MSAMETFL": "N/A"}, {}, "keyword MSAMETFL names no table"),
        ({}, {"msametafile": None}, "jw00001001001_01_msa.fits, is not in the raw folder"),
        ({}, {"msa": None, "fpa": None}, "needs the references fpa, msa"),
        ({"GRATING": "MIRROR"}, {}, "GRATING = MIRROR makes none"),
        ({"MSAMETID": "x"}, {}, "keyword MSAMETID is 'x', not a number"),
    ],
)
def test_what_is_missing_is_said_in_a_line(optics, keywords, files, message):
    with pytest.raises(StepSkipped, match=message):
        scene.find_regions(make_rates(MOS, **keywords), optics=optics["PRISM"] | files)


def test_a_broken_table_is_said_in_a_line(optics, tmp_path):
    (tmp_path / "x_msa.fits").write_bytes(b"nothing")
    with pytest.raises(StepSkipped, match=r"of no use: .*x_msa.fits"):
        scene.find_regions(
            make_rates(MOS), optics=optics["PRISM"] | {"msametafile": Reference(tmp_path / "x_msa.fits")}
        )


def test_flags_of_open_shutters_count_as_well(optics):
    image = make_rates(SERIES)
    image.dq[3, 5] = dq.FLAGS["MSA_FAILED_OPEN"]
    dark = scene.find_regions(image, optics=optics["G395H"])
    expected = ~find_lit(image, optics["G395H"], failed_open=False)
    assert not dark[3, 5] and (dark != expected).sum() == 1
