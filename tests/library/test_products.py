import numpy as np
import pytest
from astropy.io import fits

from jwcal import models, products
from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, write_fits


def header(**keywords):
    return fits.Header([(k.replace("_", "-") if k == "DATE_OBS" else k, v) for k, v in keywords.items()])


def make_ramp(rng, shape=(2, 3, 4, 5)):
    table = np.array([(1, 2)], dtype=[("integration_number", "i4"), ("group_number", "i2")])
    return models.Ramp(
        header=header(TELESCOP="JWST", NINTS=shape[0], NGROUPS=shape[1], EXP_TYPE="NRC_IMAGE"),
        sci_header=header(BUNIT="DN", RA_REF=1.5),
        tables={"GROUP": table},
        data=rng.normal(size=shape).astype(np.float32),
        groupdq=rng.integers(0, 8, shape).astype(np.uint8),
        pixeldq=rng.integers(0, 2**32, shape[-2:]).astype(np.uint32),
        zeroframe=rng.normal(size=(shape[0], *shape[-2:])).astype(np.float32),
    )


def test_ramp_write_read_identity(tmp_path):
    ramp = make_ramp(np.random.default_rng(1))
    ramp.header["FILETYPE"] = "raw"
    products.write(tmp_path / "x_ramp.fits", ramp)
    again = products.read_ramp(tmp_path / "x_ramp.fits")
    for name in ("data", "groupdq", "pixeldq", "zeroframe"):
        np.testing.assert_array_equal(getattr(again, name), getattr(ramp, name))
    assert again.keyword("RA_REF") == 1.5 and again.tables["GROUP"]["group_number"][0] == 2
    assert again.header["DATAMODL"] == "RampModel" and again.header["FILENAME"] == "x_ramp.fits"
    assert "FILETYPE" not in again.header


@pytest.mark.parametrize("shape, datamodel", [((4, 5), "ImageModel"), ((2, 4, 5), "CubeModel")])
def test_image_write_read_identity(tmp_path, shape, datamodel):
    rng = np.random.default_rng(2)
    planes = {n: rng.normal(size=shape).astype(np.float32) for n in ("data", "err", "var_poisson", "var_rnoise")}
    image = models.Image(header=header(EXP_TYPE="NRC_IMAGE"), sci_header=header(BUNIT="DN/s"), **planes)
    image.dq = rng.integers(0, 2**32, shape).astype(np.uint32)
    products.write(tmp_path / "x_rate.fits", image)
    again = products.read_image(tmp_path / "x_rate.fits")
    for name, plane in planes.items():
        np.testing.assert_array_equal(getattr(again, name), plane)
    np.testing.assert_array_equal(again.dq, image.dq)
    assert again.header["DATAMODL"] == datamodel and again.var_flat is None
    assert fits.getheader(tmp_path / "x_rate.fits", "ERR")["BUNIT"] == "DN/s"


def test_the_same_product_gives_the_same_bytes(tmp_path):
    ramp = make_ramp(np.random.default_rng(3))
    for folder in ("a", "b"):
        products.write(tmp_path / folder / "x_ramp.fits", ramp)
    assert (tmp_path / "a/x_ramp.fits").read_bytes() == (tmp_path / "b/x_ramp.fits").read_bytes()


def test_data_that_do_not_cover_their_subarray(tmp_path):
    """Except where the detector is read out with more rows than it has, or a guider stacks its strips."""
    ramp = make_ramp(np.random.default_rng(4))
    ramp.header["SUBSIZE1"], ramp.header["SUBSIZE2"] = 5, 8
    path = tmp_path / "x_uncal.fits"
    products.write(path, ramp)
    with pytest.raises(JwcalError, match="SUBSIZE2 = 8 but SCI has 4 pixels"):
        products.read_ramp(path)
    for keyword, value in (("READPATT", "NRSIRS2"), ("EXP_TYPE", "FGS_ID-STACK")):
        unusual = make_ramp(np.random.default_rng(4))
        unusual.header["SUBSIZE1"], unusual.header["SUBSIZE2"], unusual.header[keyword] = 5, 8, value
        products.write(path, unusual)
        assert products.read_ramp(path).data.shape == ramp.data.shape


@pytest.mark.filterwarnings("error")
def test_long_file_names_leave_no_room_for_a_comment(tmp_path):
    ramp = make_ramp(np.random.default_rng(5))
    ramp.header["FILENAME"] = ("x_uncal.fits", "Name of the file")
    for name in ("x_ramp.fits", "jw00001001001_02101_00001_mirimage_charge_migration.fits"):
        products.write(tmp_path / name, ramp)
        assert fits.getheader(tmp_path / name)["FILENAME"] == name


def test_tables_are_named_as_products_are(tmp_path):
    rate = make_ramp(np.random.default_rng(6))
    rate.header["FILETYPE"], rate.header["FILENAME"] = "raw", "x_uncal.fits"
    products.write_tables(tmp_path / "x_fitopt.fits", rate, {"SLOPE": np.zeros((2, 3), np.float32)})
    written = fits.getheader(tmp_path / "x_fitopt.fits")
    assert written["DATAMODL"] == "RampFitOutputModel" and written["FILENAME"] == "x_fitopt.fits"
    assert "FILETYPE" not in written


def test_wrong_number_of_dimensions(tmp_path):
    write_fits(tmp_path / "x_uncal.fits", [Extension("PRIMARY"), Extension("SCI", np.zeros((4, 4), np.float32))])
    with pytest.raises(JwcalError, match="SCI has 2 dimensions, a Ramp needs 4"):
        products.read_ramp(tmp_path / "x_uncal.fits")


def test_counts_that_disagree_with_the_array(tmp_path):
    primary = Extension("PRIMARY", header=header(NINTS=1, NGROUPS=9))
    write_fits(tmp_path / "x_uncal.fits", [primary, Extension("SCI", np.zeros((1, 3, 4, 4), np.float32))])
    with pytest.raises(JwcalError, match="NGROUPS = 9 but SCI holds 3"):
        products.read_ramp(tmp_path / "x_uncal.fits")


def test_missing_keyword_names_itself():
    ramp = make_ramp(np.random.default_rng(4))
    with pytest.raises(JwcalError, match="keyword TGROUP is missing"):
        ramp.keyword("TGROUP")
    assert ramp.keyword("TGROUP", None) is None


def test_real_raw_exposures(real_data):
    ramp = products.read_ramp(real_data / "exposures/jw00793001001_01101_00001_nis_uncal.fits")
    assert ramp.data.shape == (5, 6, 80, 80) and ramp.zeroframe.shape == (5, 80, 80)
    assert ramp.subarray == (1044, 0, 80, 80)
    guide = products.read_ramp(real_data / "exposures/jw01019001001_gs-acq1_2022117003102_uncal.fits")
    assert guide.data.shape == (6, 2, 128, 128)
