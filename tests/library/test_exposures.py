"""The inventory of the raw folder: what is read, what is left out and said, and that the cache changes nothing."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from jwcal.errors import JwcalError
from jwcal.exposures import KEYWORDS, TIME_SERIES, load_exp_types, take_inventory
from jwcal.fitsheaders import read_header

ROOT = Path(__file__).parents[2]
HEADER = {
    "TELESCOP": "JWST", "INSTRUME": "NIRCAM", "DETECTOR": "NRCA1", "EXP_TYPE": "NRC_IMAGE", "FILTER": "F150W",
    "PUPIL": "CLEAR", "NINTS": 1, "NGROUPS": 2, "TSOVISIT": False, "TGROUP": 10.5, "DATE-OBS": "2022-07-01",
}  # fmt: skip


def write(path, shape=(1, 2, 4, 4), **keywords):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = fits.Header([(key, value) for key, value in (HEADER | keywords).items() if value is not ...])
    sci = fits.ImageHDU(np.zeros(shape, np.uint16), name="SCI")
    table = fits.BinTableHDU(np.zeros(3, [("group", "i2"), ("time", "S26")]), name="GROUP")
    fits.HDUList([fits.PrimaryHDU(header=header), sci, table]).writeto(path)
    return path


def only_warning(inventory):
    assert not inventory.exposures
    (line,) = inventory.warnings
    assert "\n" not in line
    return line


def test_reads_exposures_in_nested_folders_and_through_links(tmp_path):
    far = write(tmp_path / "elsewhere" / "b_nrca1_uncal.fits")
    write(tmp_path / "raw" / "deep" / "er" / "a_nrca1_uncal.fits", NINTS=3, shape=(3, 2, 4, 5))
    (tmp_path / "raw" / "linked").symlink_to(far.parent)
    (tmp_path / "raw" / "deep" / "loop").symlink_to(tmp_path / "raw")
    first, second = take_inventory(tmp_path / "raw").exposures
    assert (first.name, first.suffix, first.shape, first.nints, first.ngroups) == (
        "a_nrca1",
        "uncal",
        (3, 2, 4, 5),
        3,
        2,
    )
    assert (first.nx, first.ny, first.size) == (5, 4, os.stat(first.path).st_size)
    assert (first.exp_type, first.instrument, first.detector) == ("NRC_IMAGE", "NIRCAM", "NRCA1")
    assert first.keyword("TGROUP") == 10.5
    assert first.keyword("GRATING", "none") == "none"
    assert Path(second.path).samefile(far)


def test_cache_changes_nothing_and_notices_changed_files(tmp_path):
    path, cache = write(tmp_path / "raw" / "a_uncal.fits"), tmp_path / "cache" / "inventory.json"
    (tmp_path / "raw" / "bad_uncal.fits").write_text("no FITS")
    cold = take_inventory(tmp_path / "raw", cache)
    written = cache.read_bytes()
    assert take_inventory(tmp_path / "raw", cache) == cold
    assert cache.read_bytes() == written
    path.unlink()
    write(path, NGROUPS=7)
    assert take_inventory(tmp_path / "raw", cache).exposures[0].ngroups == 7
    cache.write_text(json.dumps({"version": ["inventory", 0], "entries": {str(path): "old format"}}))
    assert take_inventory(tmp_path / "raw", cache).exposures[0].ngroups == 7
    cache.write_text("{ half a cache")
    assert take_inventory(tmp_path / "raw", cache).exposures[0].ngroups == 7
    assert [p.name for p in cache.parent.iterdir()] == ["inventory.json"]


def test_unwritable_cache_is_no_error(tmp_path):
    write(tmp_path / "raw" / "a_uncal.fits")
    (tmp_path / "file").write_text("")
    assert len(take_inventory(tmp_path / "raw", tmp_path / "file" / "inventory.json").exposures) == 1


@pytest.mark.parametrize(
    ("keywords", "shape", "suffix", "words"),
    [
        ({"TELESCOP": "HST"}, (1, 2, 4, 4), "uncal", "not a JWST exposure (TELESCOP is HST)"),
        ({"EXP_TYPE": ...}, (1, 2, 4, 4), "uncal", "keyword EXP_TYPE missing"),
        ({}, (4, 4), "uncal", "SCI has 2 axes where _uncal files have 4"),
        ({}, (4, 4), "rateints", "SCI has 2 axes where _rateints files have 3"),
        ({}, (4, 4), "mine", "does not end in a product suffix"),
    ],
)
def test_foreign_files_are_named_in_one_line(tmp_path, keywords, shape, suffix, words):
    path = write(tmp_path / f"a_{suffix}.fits", shape, **keywords)
    line = only_warning(take_inventory(tmp_path))
    assert line.startswith(f"{path}: ")
    assert words in line


@pytest.mark.parametrize("kept", [0, 1000, 2880, 2881, 5000, 8640, -2880 - 1])
def test_truncated_files_are_named_in_one_line(tmp_path, kept):
    path = write(tmp_path / "a_uncal.fits", (1, 2, 64, 64))
    path.write_bytes(path.read_bytes()[:kept])
    assert any(word in only_warning(take_inventory(tmp_path)) for word in ("truncated", "not a FITS file", "no SCI"))


def test_a_missing_last_padding_and_trailing_bytes_are_tolerated(tmp_path):
    content = write(tmp_path / "a_uncal.fits").read_bytes()
    (tmp_path / "a_uncal.fits").write_bytes(content[: -2880 + 84])
    (tmp_path / "b_uncal.fits").write_bytes(content + bytes(2880))
    inventory = take_inventory(tmp_path)
    assert len(inventory.exposures) == 2
    assert not inventory.warnings


@pytest.mark.parametrize("seed", range(20))
def test_damaged_headers_never_raise(tmp_path, seed):
    random = np.random.default_rng(seed)
    path = write(tmp_path / "a_uncal.fits")
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    places = random.integers(0, content.size, 400)
    content[places] = random.integers(0, 256, places.size)
    path.write_bytes(content.tobytes())
    inventory = take_inventory(tmp_path)
    assert len(inventory.exposures) + len(inventory.warnings) == 1


def test_dead_links_unreadable_folders_and_absent_raw_folder(tmp_path):
    (tmp_path / "a_uncal.fits").symlink_to(tmp_path / "gone")
    assert "repair or remove the link" in only_warning(take_inventory(tmp_path))
    assert "no such folder; put raw exposures there" in only_warning(take_inventory(tmp_path / "absent"))
    (tmp_path / "empty").mkdir()
    assert "no FITS files in it; put raw exposures there" in only_warning(take_inventory(tmp_path / "empty"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path):
    write(tmp_path / "a_uncal.fits").chmod(0)
    assert "check its permissions" in only_warning(take_inventory(tmp_path))


def test_duplicates_warn_and_the_first_wins(tmp_path):
    first = write(tmp_path / "one" / "a_uncal.fits")
    second = write(tmp_path / "two" / "a_uncal.fits")
    write(tmp_path / "two" / "a_rate.fits", (4, 4))
    inventory = take_inventory(tmp_path)
    assert [(e.name, e.suffix) for e in inventory.exposures] == [("a", "rate"), ("a", "uncal")]
    assert inventory.exposures[1].path == str(first)
    assert len(inventory.warnings) == 1
    assert inventory.warnings[0].startswith(f"{second}: the same exposure as {first}")
    second.unlink()
    second.symlink_to(first)
    assert not take_inventory(tmp_path).warnings


def test_associations_and_companions_are_listed(tmp_path):
    write(tmp_path / "jw1_msa.fits")
    write(tmp_path / "jw1_cat.fits")
    for name in ("jw1_asn.json", "jw1_pool.csv", "notes.txt", ".hidden_uncal.fits"):
        (tmp_path / name).write_text("{}")
    inventory = take_inventory(tmp_path)
    assert inventory.associations == [str(tmp_path / "jw1_asn.json")]
    assert inventory.pools == [str(tmp_path / "jw1_pool.csv")]
    assert set(inventory.companions) == {"jw1_msa.fits", "jw1_cat.fits"}
    assert not inventory.exposures
    assert not inventory.warnings


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"EXP_TYPE": "NIS_SOSS", "NINTS": 2}, True),
        ({"EXP_TYPE": "NIS_SOSS", "NINTS": 1}, False),
        ({"EXP_TYPE": "NRC_IMAGE", "NINTS": 2, "TSOVISIT": True}, True),
        ({"EXP_TYPE": "NRC_IMAGE", "NINTS": 2}, False),
    ],
)
def test_time_series(tmp_path, keywords, expected):
    write(tmp_path / "a_uncal.fits", (keywords["NINTS"], 2, 4, 4), **keywords)
    assert take_inventory(tmp_path).exposures[0].is_tso is expected


def test_header_reader_agrees_with_astropy(tmp_path):
    header = fits.Header()
    header["STRING"] = "it's a / 'quoted' string  "
    header["LONG"] = "x" * 75 + "'" + "y" * 90
    header["EMPTY"] = ""
    header["INT"], header["REAL"], header["SMALL"] = -17, 2.5, 1.5e-12
    header["YES"], header["NO"], header["NOTHING"] = True, False, None
    for number in range(400):
        header[f"FILL{number}"] = number
    header["LAST"] = "end"
    header.append(("", "a blank card"), end=True)
    image = fits.ImageHDU(np.zeros((2, 3), "f4"), name="SCI")
    fits.HDUList([fits.PrimaryHDU(header=header), image]).writeto(tmp_path / "a.fits")
    names = [*header.keys()][:-1]
    keywords, shape = read_header(tmp_path / "a.fits", names)
    written = fits.getheader(tmp_path / "a.fits")
    expected = {name: written[name] for name in names if name not in ("EMPTY", "NOTHING")}
    assert keywords == {name: value.rstrip() if isinstance(value, str) else value for name, value in expected.items()}
    assert {name: type(value) for name, value in keywords.items()} == {name: type(expected[name]) for name in keywords}
    assert shape == (2, 3)


def test_fortran_exponents_and_bad_numbers(tmp_path):
    cards = ["A       = 1.5D3", "B       = NaN", "C       = (1.0, 2.0)", "D       = +4.E0 / comment"]
    header = "".join(card.ljust(80) for card in ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0", *cards, "END"])
    (tmp_path / "a.fits").write_text(header.ljust(2880))
    assert read_header(tmp_path / "a.fits", ("A", "B", "C", "D"))[0] == {"A": 1500.0, "D": 4.0}


def test_real_exposures(real_data):
    exposures = {e.name: e for e in take_inventory(real_data / "exposures").exposures}
    niriss, guider = exposures["jw00793001001_01101_00001_nis"], exposures["jw01019001001_gs-acq1_2022117003102"]
    assert (niriss.shape, niriss.nints, niriss.ngroups, niriss.keyword("PUPIL")) == ((5, 6, 80, 80), 5, 6, "NRM")
    assert (guider.shape, guider.exp_type, guider.keyword("READPATT")) == ((6, 2, 128, 128), "FGS_ACQ1", "ACQ1")
    for exposure in exposures.values():
        header = fits.getheader(exposure.path)
        assert exposure.keywords == {name: header[name] for name in KEYWORDS if name in header}


# The table of the seed (Build 7.1): EXP_TYPE, then stages 1, 2 and 3.
SEED = """
FGS_IMAGE detector1 image2 image3; FGS_FOCUS detector1 image2 -; FGS_DARK dark - -; FGS_SKYFLAT detector1 - -;
FGS_INTFLAT detector1 - -; MIR_IMAGE detector1 image2 image3; MIR_MRS detector1 spec2 spec3; MIR_LRS-FIXEDSLIT
detector1 spec2 spec3; MIR_LRS-SLITLESS tso1 spec2 tso3; MIR_LYOT detector1 image2 coron3; MIR_4QPM detector1
image2 coron3; MIR_TACQ detector1 image2 -; MIR_DARK dark - -; MIR_FLATIMAGE detector1 - -; MIR_FLATMRS detector1 -
-; NRC_IMAGE detector1 image2 image3; NRC_CORON detector1 image2 coron3; NRC_WFSS detector1 spec2 spec3;
NRC_TSIMAGE tso1 image2 tso3; NRC_TSGRISM tso1 spec2 tso3; NRC_TACQ detector1 image2 -; NRC_TACONFIRM detector1
image2 -; NRC_FOCUS detector1 image2 -; NRC_DARK dark - -; NRC_FLAT detector1 - -; NRC_LED detector1 - -; NIS_IMAGE
detector1 image2 image3; NIS_WFSS detector1 spec2 spec3; NIS_SOSS tso1 spec2 tso3; NIS_AMI detector1 image2 ami3;
NIS_TACQ detector1 image2 -; NIS_TACONFIRM detector1 image2 -; NIS_FOCUS detector1 image2 -; NIS_DARK dark - -;
NIS_LAMP detector1 - -; NRS_FIXEDSLIT detector1 spec2 spec3; NRS_IFU detector1 spec2 spec3; NRS_MSASPEC detector1
spec2 spec3; NRS_BRIGHTOBJ tso1 spec2 tso3; NRS_IMAGE detector1 image2 -; NRS_TACQ detector1 image2 -;
NRS_TACONFIRM detector1 image2 -; NRS_BOTA detector1 image2 -; NRS_TASLIT detector1 image2 -; NRS_CONFIRM detector1
image2 -; NRS_FOCUS detector1 image2 -; NRS_MIMF detector1 image2 -; NRS_DARK dark - -; NRS_AUTOWAVE detector1 - -;
NRS_AUTOFLAT detector1 - -; NRS_LAMP detector1 - -
"""
GUIDER = {"FGS_ID-IMAGE", "FGS_ID-STACK", "FGS_ACQ1", "FGS_ACQ2", "FGS_TRACK", "FGS_FINEGUIDE"}
LATER = """
MIR_CORONCAL detector1 image2 -; MIR_DARKALL dark - -; MIR_DARKIMG dark - -; MIR_DARKMRS dark - -;
MIR_FLATIMAGE-EXT detector1 - -; MIR_FLATMRS-EXT detector1 - -; MIR_TACONFIRM detector1 image2 -;
MIR_WFSS detector1 spec2 spec3; NIS_EXTCAL detector1 - -; NRC_GRISM detector1 spec2 -; NRC_WFSC detector1 image2 -;
NRS_MSATA detector1 image2 -; NRS_VERIFY detector1 image2 -; NRS_WATA detector1 image2 -
"""


def test_exp_types_are_the_seeds_table_with_guiders_and_later_modes():
    seed, later = (dict(row.split(maxsplit=1) for row in " ".join(t.split()).split("; ")) for t in (SEED, LATER))
    assert len(seed) == 51
    expected = seed | later | dict.fromkeys(GUIDER, "guider - -")
    table = load_exp_types(ROOT / "config" / "exp_types.csv")
    shown = {
        name: " ".join(stage.removeprefix("calwebb_") if stage else "-" for stage in stages)
        for name, stages in table.items()
    }
    assert shown == expected
    assert len(table) == 71
    assert {name for name, stages in table.items() if stages.stage1 == "calwebb_tso1"} == TIME_SERIES


def test_exp_types_cover_those_of_todays_files():
    pytest.importorskip("stdatamodels")
    from stdatamodels.jwst.datamodels import JwstDataModel

    known = JwstDataModel().schema["properties"]["meta"]["properties"]["exposure"]["properties"]["type"]["enum"]
    table = load_exp_types(ROOT / "config" / "exp_types.csv")
    assert set(table) - set(known) == {"MIR_DARK", "NRS_BOTA"}
    assert set(known) - {"ANY", "N/A"} <= set(table)


@pytest.mark.parametrize("row", ["NRC_IMAGE,calwebb_detector1", "NRC_IMAGE,a,b,c\nNRC_IMAGE,a,b,c"])
def test_bad_tables_are_refused_in_one_line(tmp_path, row):
    (tmp_path / "types.csv").write_text(f"exp_type,stage1,stage2,stage3\n{row}\n")
    with pytest.raises(JwcalError, match=r"types\.csv: "):
        load_exp_types(tmp_path / "types.csv")


def test_inventory_needs_no_numpy():
    code = "import sys, jwcal.exposures; sys.exit(any(name in sys.modules for name in ('numpy', 'astropy', 'crds')))"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
