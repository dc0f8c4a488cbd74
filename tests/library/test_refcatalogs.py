"""Catalogues: stars with proper motions, magnitudes, files in several forms; and what is said when they are unfit."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from naive_alignment import make_exposure

from jwcal.alignment.sources import COLUMNS, write_sources
from jwcal.alignment.star_catalogs import epoch_of, read_sources, read_stars
from jwcal.associations.catalog_lists import read_catfile
from jwcal.errors import JwcalError

RA, DEC = np.array([110.0, 110.001, 110.002]), np.array([-33.0, -33.001, -32.999])
AROUND = {"epoch": 2022.5, "centre": (110.0, -33.0), "radius": 0.1}


def read(path, **options):
    return read_stars(str(path), **AROUND | options)


@pytest.mark.parametrize("names", [("RA", "DEC"), ("ra", "dec"), ("Ra", "dEc")])
@pytest.mark.parametrize("suffix", ["ecsv", "fits", "csv"])
def test_plain_positions(tmp_path, names, suffix):
    path = tmp_path / f"stars.{suffix}"
    Table([RA, DEC], names=names).write(path)
    stars, name = read(path)
    np.testing.assert_allclose([stars.ra, stars.dec], [RA, DEC], rtol=1e-14)
    assert name == path.name and stars.weight is None


def test_a_catalogue_of_source_catalog(tmp_path):
    QTable({"label": [1, 2, 3], "sky_centroid": SkyCoord(RA, DEC, unit="deg")}).write(tmp_path / "x_cat.ecsv")
    stars, _ = read(tmp_path / "x_cat.ecsv")
    np.testing.assert_allclose([stars.ra, stars.dec], [RA, DEC], rtol=1e-14)


def test_units_of_columns_count(tmp_path):
    QTable({"ra": RA * u.deg, "dec": (DEC * u.deg).to(u.rad)}).write(tmp_path / "s.ecsv")
    np.testing.assert_allclose(read(tmp_path / "s.ecsv")[0].dec, DEC, rtol=1e-14)


def test_stars_move(tmp_path):
    motion = MaskedColumn([100.0, -50.0, 7.0], mask=[False, False, True])
    epoch = np.full(3, 2016.0)
    Table({"ra": RA, "dec": DEC, "pmra": motion, "pmdec": [10.0, 20.0, np.nan], "ref_epoch": epoch}).write(
        tmp_path / "gaia.ecsv"
    )
    stars, _ = read(tmp_path / "gaia.ecsv")
    moved = np.array([stars.ra - RA, stars.dec - DEC]) * 3.6e6
    np.testing.assert_allclose(moved[0] * np.cos(np.radians(DEC)), [650, -325, 0], atol=1e-3)
    np.testing.assert_allclose(moved[1], [65, 130, 0], atol=1e-3)


def test_which_stars_are_taken(tmp_path):
    ra, dec = np.append(RA, [10.0, np.nan, 290.0]), np.append(DEC, [-33.0, -33.0, 33.0])
    table = Table({"ra": ra, "dec": dec, "phot_g_mean_mag": np.arange(15.0, 21), "V": np.arange(6.0), "weight": ra})
    table.write(tmp_path / "s.ecsv")
    np.testing.assert_array_equal(read(tmp_path / "s.ecsv")[0].ra, RA)
    stars, _ = read(tmp_path / "s.ecsv", limits=(15.5, 16.5))
    assert stars.ra == RA[1] and stars.weight == RA[1]
    np.testing.assert_array_equal(read(tmp_path / "s.ecsv", limits=(0, 0.5), column="V")[0].ra, RA[:1])
    with pytest.raises(JwcalError, match=r"s.ecsv: has no column of magnitudes \(Q\); set abs_mag_column or leave"):
        read(tmp_path / "s.ecsv", limits=(0, 1), column="Q")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"x": RA, "y": DEC}, r"has neither RA and DEC nor sky_centroid \(it has x, y\)"),
        ({"ra": RA, "RA": RA, "dec": DEC}, "has several columns RA or DEC that differ in case only"),
    ],
)
def test_unfit_catalogues(tmp_path, content, said):
    Table(content).write(tmp_path / "s.ecsv")
    with pytest.raises(JwcalError, match=f"s.ecsv: {said}"):
        read(tmp_path / "s.ecsv")


def test_files_that_are_none(tmp_path):
    (tmp_path / "s.ecsv").write_text("nonsense here\n1\n")
    with pytest.raises(JwcalError, match="s.ecsv: is no readable table"):
        read(tmp_path / "s.ecsv")
    with pytest.raises(JwcalError, match="absent.fits: file not found"):
        read(tmp_path / "absent.fits")


@pytest.mark.parametrize("service", ["GAIADR3", "gaiadr2", "GAIAREFCAT"])
def test_web_services_are_not_asked(service):
    with pytest.raises(JwcalError, match=f"abs_refcat is {service}, a web service, but jwcal works offline; save the"):
        read(service)


def test_sources_of_an_image(tmp_path):
    sources = np.zeros(2, COLUMNS)
    sources["id"], sources["x"], sources["y"], sources["flux"] = (1, 2), (3.25, 1 / 3), (4.5, 5.0), (6e-7, 7.0)
    write_sources(tmp_path / "s.ecsv", sources)
    for catalog in (sources, str(tmp_path / "s.ecsv"), Table(sources)):
        x, y, weight = read_sources(catalog, "x_cal.fits")
        assert x.tolist() == [3.25, 1 / 3] and y.tolist() == [4.5, 5.0] and weight is None
    back = Table.read(tmp_path / "s.ecsv")
    assert back.colnames == ["id", "x", "y", "flux"] and back["id"].dtype == int
    for name in back.colnames:
        np.testing.assert_array_equal(back[name], sources[name])
    write_sources(tmp_path / "none.ecsv", sources[:0])
    assert [len(column) for column in read_sources(str(tmp_path / "none.ecsv"), "")[:2]] == [0, 0]


@pytest.mark.parametrize("suffix", ["ecsv", "fits"])
def test_catalogues_of_others(tmp_path, suffix):
    path = tmp_path / f"c.{suffix}"
    table = QTable({"label": ["a b", "c", "d"], "xcentroid": [1.0, 2.0, np.nan], "y_centroid": [4.0, 5.0, 6.0]})
    table["weight"] = [0.5, 1.0, 1.0]
    table.write(path)
    x, y, weight = read_sources(str(path), "")
    assert (x.tolist(), y.tolist(), weight.tolist()) == ([1, 2], [4, 5], [0.5, 1])
    with pytest.raises(JwcalError, match=r"x_cal.fits: the catalogue has no column x, xcentroid or x_centroid"):
        read_sources(Table({"y": [1.0]}), "x_cal.fits")


def test_catfile(tmp_path):
    (tmp_path / "list.txt").write_text("# mine\n\njw1_nrca1_cal.fits  cats/a.ecsv\njw2_nrca1\n")
    assert read_catfile(tmp_path / "list.txt") == {"jw1_nrca1": str(tmp_path / "cats/a.ecsv"), "jw2_nrca1": None}
    (tmp_path / "list.txt").write_text("jw1 a b\n")
    with pytest.raises(JwcalError, match=r"list.txt: has 3 columns in the line of jw1; write two"):
        read_catfile(tmp_path / "list.txt")
    with pytest.raises(JwcalError, match=r"absent.txt: cannot be read"):
        read_catfile(tmp_path / "absent.txt")


def test_epoch():
    images = [make_exposure(), make_exposure()]
    assert epoch_of(images) == pytest.approx(2000 + (59752.05 - 51544.5) / 365.25)
    for image in images:
        del image.header["EXPSTART"]
        image.header["DATE-OBS"] = "2022-06-22"
    assert epoch_of(images) == pytest.approx(2000 + (59752 - 51544.5) / 365.25)
