"""Headers of many exposures made one."""

import numpy as np
from astropy.io import fits
from naive_drizzle import make_image

from jwcal import products
from jwcal.blending import OUTSIDE, WITHIN, Blender
from jwcal.models import Mosaic
from jwcal.steps.resample import resample


def make_images(*keywords):
    planes = np.ones((4, 12, 12))
    return [make_image(planes, **row) for row in keywords]


def blend(*keywords):
    images, blender = make_images(*keywords), Blender()
    for image in images:
        blender.add(image)
    product = Mosaic(images[0].header.copy(), images[0].sci_header.copy(), data=np.ones((3, 3), np.float32))
    blender.blend(product)
    return product


def test_rules():
    first = {"DETECTOR": "NRCA1", "FILTER": "F200W", "PWPOSTOL": WITHIN, "FWPOSOFF": 0.1, "EXPMID": 1.0, "INTSTART": 3}
    other = {"DETECTOR": "NRCA2", "FILTER": "F200W", "PWPOSTOL": OUTSIDE, "FWPOSOFF": 0.3, "EXPMID": 2.5, "INTSTART": 1}
    first |= {"INTEND": 4, "TARGNAME": "A", "EFFEXPTM": 10.0}
    other |= {"INTEND": 2, "TARGNAME": "B", "EFFEXPTM": 30.0, "BAND": "SHORT"}
    both = {"DETECTOR": "MULTIPLE", "FILTER": "F200W", "PWPOSTOL": OUTSIDE, "FWPOSOFF": 0.3, "EXPMID": 1.75}
    both |= {"INTSTART": 1, "INTEND": 4, "TARGNAME": "A", "EFFEXPTM": 40.0, "BAND": "SHORT"}
    header = blend(first, other).header
    assert {name: header[name] for name in both} == both


def test_date_and_time_are_those_of_one_exposure():
    header = blend(
        {"DATE-OBS": "2023-05-02", "TIME-OBS": "00:10:00.0", "DATE-BEG": "2023-05-02T00:10:00"},
        {"DATE-OBS": "2023-05-01", "TIME-OBS": "23:50:00.0", "DATE-BEG": "2023-05-01T23:50:00"},
    ).header
    assert (header["DATE-OBS"], header["TIME-OBS"]) == ("2023-05-01", "23:50:00.0")
    assert header["DATE-BEG"] == "2023-05-01T23:50:00"


def test_the_table_holds_what_each_exposure_said(tmp_path):
    product = blend(
        {"FILENAME": "a_cal.fits", "TSOVISIT": False, "NGROUPS": 5, "TFRAME": 1.5, "LAMP": "ON"},
        {"FILENAME": "longer_cal.fits", "TSOVISIT": True, "NGROUPS": 6, "TFRAME": 2.5, "NINTS": 2},
    )
    products.write(tmp_path / "x_i2d.fits", product)
    with fits.open(tmp_path / "x_i2d.fits") as file:
        assert [hdu.name for hdu in file][-2:] == ["HDRTAB", "ASDF"]
        table = file["HDRTAB"].data
        assert table["FILENAME"].tolist() == ["a_cal.fits", "longer_cal.fits"]
        assert table["TSOVISIT"].tolist() == [False, True] and table["NGROUPS"].tolist() == [5, 6]
        assert table["TFRAME"].tolist() == [1.5, 2.5] and table["LAMP"].tolist() == ["ON", ""]
        assert np.isnan(table["NINTS"][0]) and table["NINTS"][1] == 2
        assert "RA_REF" in table.names and "A_ORDER" not in table.names
    assert "HDRTAB" in products.read(tmp_path / "x_i2d.fits", Mosaic).tables


def test_resample_blends_sequences_only():
    images = make_images({"DETECTOR": "NRCA1"}, {"DETECTOR": "NRCA2"})
    together = resample(images)
    assert together.header["DETECTOR"] == "MULTIPLE" and len(together.tables["HDRTAB"]) == 2
    for alone in (resample(images[0]), resample(images, blendheaders=False)):
        assert alone.header["DETECTOR"] == "NRCA1" and "HDRTAB" not in alone.tables
