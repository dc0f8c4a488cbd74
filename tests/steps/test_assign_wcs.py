"""assign_wcs against spelled-out optics, pysiaf's attitude, astropy, gwcs and stdatamodels."""

import io

import asdf
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS as FitsWCS
from naive_wcs import POINTING, distortion_node, make_image, naive_sky, naive_v2v3, write_reference

from jwcal import products
from jwcal.errors import JwcalError, StepSkipped
from jwcal.references import Reference
from jwcal.steps.assign_wcs import IMAGING, assign_wcs
from jwcal.wcs import encode_tree, from_tree

PIXELS = np.random.default_rng(5).uniform(0, 300, (2, 40))


@pytest.fixture
def distortion(tmp_path):
    return write_reference(tmp_path / "distortion.asdf", "distortion", model=distortion_node(inverse=True))


@pytest.fixture
def filteroffset(tmp_path):
    rows = [{"filter": "F444W", "pupil": "CLEAR", "column_offset": 1.25, "row_offset": -0.5},
            {"filter": "F444W", "pupil": "F470N", "column_offset": -3.0, "row_offset": 2.0},
            {"filter": "F277W", "pupil": "CLEAR", "column_offset": "N/A", "row_offset": "N/A"}]  # fmt: skip
    return write_reference(tmp_path / "filteroffset.asdf", "filteroffset", filters=rows)


@pytest.mark.parametrize("exp_type", sorted(IMAGING))
def test_every_imaging_mode(distortion, exp_type):
    image = assign_wcs(make_image(exp_type=exp_type), distortion)
    np.testing.assert_allclose(from_tree(image.wcs).forward(*PIXELS), naive_sky(*naive_v2v3(*PIXELS), {}), atol=1e-11)


@pytest.mark.parametrize("keywords", [{"RA_REF": 0.001, "DEC_REF": 0.0}, {"DEC_REF": 89.999}, {"ROLL_REF": -300.0},
                                      {"VA_SCALE": 0.9999}, {"V2_REF": 0.0, "V3_REF": 0.0}])  # fmt: skip
def test_pointing(distortion, keywords):
    image = assign_wcs(make_image(**keywords), distortion)
    ra, dec = from_tree(image.wcs).forward(*PIXELS)
    expected = naive_sky(*naive_v2v3(*PIXELS), keywords)
    np.testing.assert_allclose(np.mod(ra - expected[0] + 180, 360), 180, atol=1e-8)
    np.testing.assert_allclose(dec, expected[1], atol=1e-11)


def test_missing_aberration_is_none(distortion):
    wcs, same = (from_tree(assign_wcs(make_image(VA_SCALE=value), distortion).wcs) for value in (None, 1.0))
    np.testing.assert_array_equal(wcs.forward(*PIXELS), same.forward(*PIXELS))
    np.testing.assert_allclose(wcs.forward(*PIXELS), naive_sky(*naive_v2v3(*PIXELS), {"VA_SCALE": 1.0}), atol=1e-11)


@pytest.mark.parametrize("start", [(1, 1), (1025, 1), (1, 897), (501, 302)])
def test_subarray_is_cut_from_the_full_frame(distortion, start):
    image = assign_wcs(make_image((160, 320), start), distortion)
    wcs, full = from_tree(image.wcs), from_tree(assign_wcs(make_image(), distortion).wcs)
    x, y = PIXELS / 2
    np.testing.assert_allclose(wcs.forward(x, y), full.forward(x + start[0] - 1, y + start[1] - 1), rtol=1e-13)
    assert wcs.bounding_box == ((-0.5, 319.5), (-0.5, 159.5))


@pytest.mark.parametrize("pupil, offset", [("CLEAR", (1.25, -0.5)), ("F470N", (-3.0, 2.0)), ("GRISMR", (0, 0))])
def test_filter_offset(distortion, filteroffset, pupil, offset):
    wcs = from_tree(assign_wcs(make_image(start=(11, 21), PUPIL=pupil), distortion, filteroffset).wcs)
    x, y = PIXELS
    expected = naive_v2v3(x + 10 + offset[0], y + 20 + offset[1])
    np.testing.assert_allclose(wcs.pixel_to_v2v3(x, y), expected, rtol=1e-13)
    np.testing.assert_allclose(wcs.inverse(*wcs.forward(x, y)), (x, y), atol=0.02)


def test_filter_offset_not_available(distortion, filteroffset):
    images = [assign_wcs(make_image(FILTER=name), distortion, filteroffset) for name in ("F277W", "F070W")]
    for image in images:
        np.testing.assert_allclose(from_tree(image.wcs).pixel_to_v2v3(*PIXELS), naive_v2v3(*PIXELS), rtol=1e-13)


def test_miri_offsets_go_by_filter_alone(distortion, tmp_path):
    rows = [{"filter": "F770W", "column_offset": 2.0, "row_offset": 3.0}]
    offsets = write_reference(tmp_path / "offsets.asdf", "filteroffset", filters=rows)
    image = make_image(INSTRUME="MIRI", exp_type="MIR_IMAGE", FILTER="F770W", PUPIL=None)
    wcs = from_tree(assign_wcs(image, distortion, offsets).wcs)
    np.testing.assert_allclose(wcs.pixel_to_v2v3(0, 0), naive_v2v3(2.0, 3.0))


def test_ambiguous_filter_offset(distortion, tmp_path):
    row = {"filter": "F444W", "pupil": "CLEAR", "column_offset": 0.0, "row_offset": 0.0}
    offsets = write_reference(tmp_path / "offsets.asdf", "filteroffset", filters=[row, row])
    with pytest.raises(JwcalError, match=r"offsets\.asdf: lists F444W/CLEAR 2 times"):
        assign_wcs(make_image(), distortion, offsets)


def test_bounding_box_of_the_reference(tmp_path):
    model = distortion_node(inverse=True)
    model["bounding_box"] = [[-0.5, 1023.5], [3.5, 1027.5]]  # rows first, as old files have it
    distortion = write_reference(tmp_path / "distortion.asdf", "distortion", model=model)
    wcs = from_tree(assign_wcs(make_image((1024, 1032)), distortion).wcs)
    assert wcs.bounding_box == ((3.5, 1027.5), (-0.5, 1023.5))
    wcs = from_tree(assign_wcs(make_image((64, 72), start=(5, 1)), distortion).wcs)
    assert wcs.bounding_box == ((-0.5, 71.5), (-0.5, 63.5))


@pytest.mark.parametrize("shape", [(2048, 2048), (3, 256, 320)])
def test_header(distortion, shape):
    image = make_image(shape, CRPIX1=20.0, PC1_1=-1.0, CDELT1=1e-5, A_ORDER=2, A_2_0=1e-5)
    header = assign_wcs(image, distortion).sci_header
    wcs = from_tree(image.wcs)
    corners = np.array(header["S_REGION"].removeprefix("POLYGON ICRS  ").split(), float).reshape(4, 2)
    np.testing.assert_allclose(corners, wcs.footprint(), atol=6e-10)
    assert header["CRPIX1"] == 20.0 and header["WCSAXES"] == 2 and header["CTYPE1"] == "RA---TAN-SIP"
    assert not {"PC1_1", "CDELT1"} & set(header) and header["A_ORDER"] >= 2 and header["V2_REF"] == POINTING["V2_REF"]
    approximate = FitsWCS(header, naxis=2)
    x, y = PIXELS[0], PIXELS[1] * (shape[-2] / 300)
    np.testing.assert_allclose(approximate.all_world2pix(*wcs.forward(x, y), 0), (x, y), atol=0.01)


def test_without_sip_the_header_keeps_its_own_approximation(distortion):
    header = assign_wcs(make_image(CDELT1=1e-5, CRVAL1=80.0), distortion, sip_approx=False).sci_header
    assert header["CDELT1"] == 1e-5 and header["CRVAL1"] == 80.0 and "S_REGION" in header and "A_ORDER" not in header


def test_settings_reach_the_fit(distortion, caplog):
    header = assign_wcs(make_image(), distortion, sip_degree=2, sip_inv_degree=4, sip_npoints=9).sci_header
    assert (header["A_ORDER"], header["AP_ORDER"]) == (2, 4)
    assert "more than wanted" in caplog.text
    header = assign_wcs(make_image(), distortion, sip_max_pix_error=2.0, sip_max_inv_pix_error=0.0).sci_header
    assert header["A_ORDER"] == 2 and "AP_ORDER" not in header


@pytest.mark.parametrize("name", ["V2_REF", "V3_REF", "ROLL_REF", "RA_REF", "DEC_REF"])
def test_missing_pointing_is_named(distortion, name):
    with pytest.raises(JwcalError, match=rf"jw_rate\.fits: keyword {name} is missing"):
        assign_wcs(make_image(**{name: None}), distortion)


@pytest.mark.parametrize("keywords, message", [({"VA_SCALE": 0.0}, "VA_SCALE is 0"), ({"VA_SCALE": -1.0}, "VA_SCALE"),
                                               ({"RA_REF": "N/A"}, "RA_REF is 'N/A'")])  # fmt: skip
def test_senseless_pointing(distortion, keywords, message):
    with pytest.raises(JwcalError, match=message):
        assign_wcs(make_image(**keywords), distortion)


def test_reference_without_a_model(tmp_path):
    wrong = write_reference(tmp_path / "wrong.asdf", "distortion", x_model=[1])
    with pytest.raises(JwcalError, match=r"wrong\.asdf: holds no transform"):
        assign_wcs(make_image(), wrong)


@pytest.mark.parametrize("exp_type", ["NRC_WFSS", "NRS_IFU", "NRC_DARK", "MIR_MRS"])
def test_other_modes_are_skipped_unchanged(distortion, exp_type):
    image = make_image(exp_type=exp_type)
    before = image.sci_header.copy()
    with pytest.raises(StepSkipped, match=exp_type):
        assign_wcs(image, distortion)
    assert image.wcs is None and image.sci_header == before


def test_two_runs_give_the_same_bytes(distortion):
    contents = [encode_tree(assign_wcs(make_image(), Reference(distortion.path)).wcs) for _ in range(2)]
    assert contents[0] == contents[1]


@pytest.mark.filterwarnings("error:.*:asdf.exceptions.AsdfWarning")
def test_gwcs_of_the_tree(distortion):
    image = assign_wcs(make_image(start=(101, 201), shape=(320, 320)), distortion)
    wcs = from_tree(image.wcs)
    with asdf.open(io.BytesIO(encode_tree(image.wcs)), lazy_load=False, memmap=False) as file:
        theirs = file["meta"]["wcs"]
    assert theirs.available_frames == ["detector", "v2v3", "v2v3vacorr", "world"]
    np.testing.assert_allclose(theirs(*PIXELS), wcs.forward(*PIXELS), rtol=1e-14)
    np.testing.assert_allclose(theirs.invert(*theirs(*PIXELS)), wcs.inverse(*theirs(*PIXELS)), atol=1e-8)
    assert theirs.bounding_box.bounding_box(order="F") == wcs.bounding_box
    np.testing.assert_allclose(theirs.footprint(), wcs.footprint(), rtol=1e-14)


@pytest.mark.filterwarnings("ignore")
def test_product_opens_with_stdatamodels(distortion, tmp_path):
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    image = assign_wcs(make_image((300, 320)), distortion)
    path = tmp_path / "jw_cal.fits"
    products.write(path, image)
    with datamodels.open(path) as model:
        np.testing.assert_allclose(model.meta.wcs(3.0, 4.0), from_tree(image.wcs).forward(3.0, 4.0), rtol=1e-14)
        assert model.meta.wcsinfo.s_region == image.sci_header["S_REGION"]
    again = products.read_image(path)
    np.testing.assert_array_equal(from_tree(again.wcs).forward(*PIXELS), from_tree(image.wcs).forward(*PIXELS))
    assert FitsWCS(fits.getheader(path, "SCI"), naxis=2).sip.a_order == image.sci_header["A_ORDER"]


OBSERVATORY = [("nircam_distortion_0090", "NRC_IMAGE"), ("nircam_distortion_0096", "NRC_CORON"),
               ("niriss_distortion_0010", "NIS_AMI"), ("miri_distortion_0028", "MIR_IMAGE")]  # fmt: skip


@pytest.mark.parametrize("name, exp_type", OBSERVATORY)
def test_observatory_references(real_data, name, exp_type):
    reference = Reference(real_data / "references" / "crds_asdf" / f"jwst_{name}.asdf", "distortion")
    shape = (1024, 1032) if exp_type == "MIR_IMAGE" else (2048, 2048)
    image = assign_wcs(make_image(shape, exp_type=exp_type), reference)
    wcs = from_tree(image.wcs)
    x, y = (axis.ravel() for axis in np.meshgrid(*(np.linspace(0, size - 1, 12) for size in shape[::-1])))
    ra, dec = wcs.forward(x, y)
    with asdf.open(reference.path, lazy_load=False, memmap=False) as file:
        np.testing.assert_allclose((ra, dec), naive_sky(*file["model"](x, y), {}), atol=1e-11)
    np.testing.assert_allclose(wcs.inverse(ra, dec), (x, y), atol=0.1)  # their fits of the inverse are no better
    np.testing.assert_allclose(FitsWCS(image.sci_header).all_world2pix(ra, dec, 0), (x, y), atol=0.01)
