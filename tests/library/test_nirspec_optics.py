"""NIRSpec's way of light: forth and back, edges of slits, boxes, which slits are open."""

import io
import json
from dataclasses import replace
from types import SimpleNamespace

import asdf
import numpy as np
import pytest
from nirspec_spectra import make_rates, real_folder, setup, write_optics

from jwcal import asdffiles
from jwcal.errors import JwcalError
from jwcal.wcs.nirspec import footprints, optics
from jwcal.wcs.nirspec.slits import (
    FIXED_SLITS,
    LightPath,
    fixed_slit,
    list_fixed_slits,
    list_slices,
    shutter_entrance,
    slice_entrance,
)

IFU, SLIT = setup("NRS_IFU"), setup("NRS_FIXEDSLIT", grating="G235H")
PRISM = setup("NRS_FIXEDSLIT", "CLEAR", "PRISM")


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """References by grating."""
    return {asked.pupil: write_optics(tmp_path_factory.mktemp("optics"), asked) for asked in (IFU, SLIT, PRISM)}


def trace(references, asked, slit=None, **keywords):
    """Way of the light of a slice, or of a fixed slit."""
    files = references[asked.pupil]
    spectrograph = optics.Spectrograph(make_rates(asked, **keywords), files)
    if asked.exp_type == "NRS_IFU":
        slit = slit or list_slices()[4]
        return LightPath(spectrograph, slit, slice_entrance(slit, files["ifuslicer"], files["ifupost"]))
    slit = slit or fixed_slit("S200A1")
    return LightPath(spectrograph, slit, shutter_entrance(slit, files["msa"]))


@pytest.mark.parametrize("asked", [IFU, SLIT, PRISM], ids=lambda asked: f"{asked.exp_type}-{asked.pupil}")
def test_there_and_back(references, asked):
    path = trace(references, asked)
    wavelength, height = (g.ravel() for g in np.meshgrid(np.linspace(*path.wavelengths, 11), np.linspace(-0.5, 0.5, 7)))
    x, y = path.to_detector(np.zeros(height.size), height, wavelength)
    across, along, found = path.from_detector(x, y)
    np.testing.assert_array_equal(across, 0)
    # The prism's table of the glass is linear between steps of 5 nm, a tenth of a pixel at most.
    np.testing.assert_allclose(found, wavelength, rtol=1e-4)
    np.testing.assert_allclose(along, height, atol=1e-3)
    assert (np.diff(x.reshape(7, 11)) > 0).all()  # long waves to the right
    assert np.ptp(y.reshape(7, 11), axis=0).min() > 25  # rows: the length of the slit


def test_outside_of_the_slit_there_is_no_wavelength(references):
    path = trace(references, SLIT)
    middle = np.full(4, np.mean(path.wavelengths))
    x, y = path.to_detector(np.zeros(4), np.array([-0.56, -0.54, 0.54, 0.56]), middle)
    height, wavelength = path.from_detector(x, y)[1:]
    np.testing.assert_array_equal(np.isfinite(height), [False, True, True, False])
    np.testing.assert_array_equal(np.isfinite(wavelength), [False, True, True, False])
    across = path.from_detector(x, y)[0]
    assert np.isfinite(across).all()


def test_the_second_detector_continues_the_spectrum(references):
    """The two stand side by side, the second upside down; between them a gap of about 2.6 mm."""
    first, second = (trace(references, replace(SLIT, detector=name)) for name in ("NRS1", "NRS2"))
    wavelength = np.linspace(*first.wavelengths, 5)
    zero = np.zeros(5)
    (x1, y1), (x2, y2) = (path.to_detector(zero, zero, wavelength) for path in (first, second))
    np.testing.assert_allclose(x1 - x2, 2047 + 2 * 1.325e-3 / 18e-6, atol=1)
    np.testing.assert_allclose(y1, y2, atol=1)


def test_a_subarray_is_a_part_of_the_frame(references):
    part = setup("NRS_FIXEDSLIT", grating="G235H", subarray="SUBS200A1")
    whole, cut = trace(references, SLIT), trace(references, part)
    wavelength = np.linspace(*whole.wavelengths, 5)
    (x1, y1), (x2, y2) = (path.to_detector(np.zeros(5), np.zeros(5), wavelength) for path in (whole, cut))
    np.testing.assert_allclose(x1, x2, atol=1e-9)
    np.testing.assert_allclose(y1 - y2, 1040, atol=1e-9)
    np.testing.assert_allclose(cut.from_detector(x2, y2)[2], wavelength, rtol=1e-5)


def test_wheel_tilt_and_velocity_move_the_spectrum(references):
    usual, zero, wavelength = trace(references, SLIT), np.zeros(3), np.linspace(1.7e-6, 2.0e-6, 3)
    x, y = usual.to_detector(zero, zero, wavelength)
    tilted = trace(references, SLIT, GWA_XTIL=0.332).to_detector(zero, zero, wavelength)
    assert 0.05 < abs(tilted[0] - x).min() < abs(tilted[0] - x).max() < 2 and abs(tilted[1] - y).max() < 0.1
    turned = trace(references, SLIT, GWA_YTIL=0.1295).to_detector(zero, zero, wavelength)
    assert 0.01 < abs(turned[1] - y).min() and abs(turned[0] - x).max() < 0.1
    image = make_rates(SLIT)
    image.sci_header["VELOSYS"] = 0.0
    still = optics.Spectrograph(image, references["G235H"])
    path = LightPath(still, fixed_slit("S200A1"), shutter_entrance(fixed_slit("S200A1"), references["G235H"]["msa"]))
    np.testing.assert_allclose(path.from_detector(x, y)[2], wavelength * (1 + 12345.0 / 299792458.0), rtol=1e-6)


def test_boxes_hold_the_spectrum_with_a_margin(references):
    path = trace(references, IFU)
    wavelength = np.linspace(*path.wavelengths, 500)
    x, y = np.concatenate([path.to_detector(np.zeros(500), np.full(500, h), wavelength) for h in (-0.55, 0.55)], axis=1)
    (x0, x1), (y0, y1) = footprints.bounding_box(path, refine=False)
    np.testing.assert_allclose((x0, x1), (max(0, x.min() - 11) - 0.5, min(2047, x.max() + 9) + 0.5), atol=1e-4)
    np.testing.assert_allclose((y0, y1), (y.min() - 3.5, y.max() + 1.5), atol=1e-4)
    rows, columns = footprints.footprint(path, (2048, 2048))
    refined = footprints.bounding_box(path)
    assert refined == ((x0, x1), (rows.min() - 3.5, rows.max() + 1.5))
    assert columns.min() == np.ceil(x0) and columns.max() == np.floor(x1)
    inside = np.isfinite(path.from_detector(*np.meshgrid(columns[:50], np.arange(2048)))[1]).sum(axis=0)
    assert set(inside) == set(np.bincount(columns)[columns[:50]])


def test_a_footprint_is_cut_to_the_array(references):
    path = trace(references, SLIT)
    rows, columns = footprints.footprint(path, (1070, 900))
    assert rows.max() == 1069 and columns.max() == 899


@pytest.mark.parametrize("unknown", [np.nan, np.inf])
def test_where_a_trace_is_not_known_the_box_is_the_detector(unknown):
    def to_detector(x, y, wavelength):
        return np.where(wavelength > 0.5, unknown, 30.0), 100 * (1 + y)

    path = SimpleNamespace(wavelengths=(0, 1), slit=fixed_slit("S200A1"), to_detector=to_detector)
    box = footprints.bounding_box(path, refine=False)
    assert box[0] == (-0.5 if np.isnan(unknown) else 18.5, 2047.5) and box[1] == pytest.approx((41.5, 156.5))


def test_box_slices():
    assert footprints.box_slices(((9.8, 20.2), (-0.5, 3.5))) == (slice(0, 4), slice(10, 20))
    assert np.zeros((8, 8))[footprints.box_slices(((2047.5, 2000.0), (1.0, 3.0)))].size == 0


def test_slits_beside_the_detector(references):
    """S200B1 stands on the other side: its medium-resolution spectrum begins where the first detector ends."""
    b1, a1 = (trace(references, SLIT, fixed_slit(name)) for name in ("S200B1", "S200A1"))
    assert footprints.falls_on_detector(a1)
    right = b1.to_detector(0.0, 0.0, b1.wavelengths[0])[0]
    assert footprints.falls_on_detector(b1) == (right - 11 < 2046)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (SLIT, ["S200A1", "S200A2", "S400A1", "S1600A1", "S200B1"]),
        (setup("NRS_FIXEDSLIT", subarray="ALLSLITS"), ["S200A1", "S200A2", "S400A1", "S1600A1", "S200B1"]),
        (setup("NRS_FIXEDSLIT", subarray="SUBS400A1"), ["S400A1"]),
        (setup("NRS_FIXEDSLIT", subarray="SUB512"), ["S1600A1"]),
        (setup("NRS_BRIGHTOBJ", subarray="SUB2048"), ["S1600A1"]),
        (setup("NRS_BRIGHTOBJ", subarray="SUBS200A1"), ["S1600A1"]),
    ],
)
def test_fixed_slits_of_a_subarray(asked, names):
    slits = list_fixed_slits(make_rates(asked))
    assert [slit.name for slit in slits] == names
    assert [slit.slit_id for slit in slits] == [-101 - fixed_slit(name).row for name in names]


def test_range_of_an_unknown_filter(references):
    files = references["G235H"]
    image = make_rates(SLIT, FILTER="F110W")
    assert optics.Spectrograph(image, files).wavelengths == pytest.approx((1.66e-6, 3.17e-6))
    lamp = make_rates(SLIT, FILTER="OPAQUE", LAMP="FLAT2")
    assert optics.Spectrograph(lamp, files).wavelengths == pytest.approx((1.7e-6, 3.1e-6))
    unknown = optics.Spectrograph(make_rates(SLIT, GRATING="G999H"), files)
    assert (unknown.order, unknown.wavelengths) == (-1, (0.6e-6, 5.3e-6))


def test_what_is_missing_is_named(references, tmp_path):
    files, image = references["PRISM"], make_rates(PRISM)
    del image.header["GWA_TILT"]
    with pytest.raises(JwcalError, match="GWA_TILT is missing"):
        optics.Spectrograph(image, files)
    with pytest.raises(JwcalError, match="GWA_XTIL is 'x', not a number"):
        optics.Spectrograph(make_rates(SLIT, GWA_XTIL="x"), references["G235H"])
    with pytest.raises(JwcalError, match="'model'; is it a camera reference"):
        wrong = references["G235H"]["disperser"]
        wrong.reftype = "camera"
        optics.Spectrograph(make_rates(SLIT), references["G235H"] | {"camera": wrong})
    with pytest.raises(JwcalError, match="no number groovedensity"):
        optics.Spectrograph(make_rates(SLIT), references["G235H"] | {"disperser": files["disperser"]})
    with pytest.raises(JwcalError, match="no aperture in row 7"):
        slit = replace(fixed_slit("S200A1"), row=7)
        shutter_entrance(slit, references["G235H"]["msa"])
    with pytest.raises(JwcalError, match="waverange_selector"):
        optics.Spectrograph(make_rates(SLIT), references["G235H"] | {"wavelengthrange": files["camera"]})
    assert json.loads(files["msaoper"].path.read_text())["msaoper"]


@pytest.mark.parametrize("asked", [IFU, SLIT, PRISM], ids=lambda asked: f"{asked.exp_type}-{asked.pupil}")
def test_other_software_reads_the_transforms(references, asked):
    """Written as ASDF they are models of astropy, gwcs and stdatamodels with the same values, forth and back."""
    path = trace(references, asked)
    tree = {"sca": path.detector_to_gwa, "slit": path.gwa_to_slit}
    with asdf.open(io.BytesIO(asdffiles.encode(tree)), lazy_load=False, memmap=False) as file:
        to_gwa, to_slit = file["sca"], file["slit"]
    wavelength = np.linspace(*path.wavelengths, 9)
    x, y = path.to_detector(np.zeros(9), np.linspace(-0.6, 0.6, 9), wavelength)
    theirs = to_slit(*to_gwa(x, y))
    np.testing.assert_allclose(path.from_detector(x, y), theirs, rtol=1e-12, atol=1e-12)
    assert np.isnan(theirs[2]).sum() == 2
    inverse = to_gwa.inverse(*to_slit.inverse(np.zeros(9), np.linspace(-0.6, 0.6, 9), wavelength))
    np.testing.assert_allclose((x, y), inverse, atol=1e-9)


# Pixels of jwst 3.0.0 with the observatory's references: middle of the slit at the shortest and the longest wavelength,
# and box (x0, x1, y0, y1).
OFFICIAL = {
    (IFU, 0): ((173.1320, 807.2800), (1584.0382, 794.1981), (160.8991, 1594.1839, 774.5, 824.5)),
    (IFU, 15): ((207.1049, 1569.2077), (1621.8938, 1553.7501), (194.5976, 1632.3552, 1534.5, 1586.5)),
    (IFU, 29): ((223.8881, 1912.1340), (1640.8042, 1895.3529), (211.1940, 1651.4799, 1876.5, 1929.5)),
    (PRISM, -101): ((1200.2685, 1072.2854), (1608.5088, 1072.0800), (1186.4096, 1620.2499, 1051.5, 1090.5)),
    (PRISM, -104): ((1202.6432, 960.6191), (1610.2909, 960.4787), (1189.9855, 1620.8931, 948.5, 970.5)),
}


@pytest.mark.parametrize("key", OFFICIAL, ids=lambda key: f"{key[0].exp_type} {key[1]}")
def test_the_observatorys_optics(key, tmp_path):
    """Shutters and fixed slits are simulated ones, all other references those of the flight model."""
    if real_folder() is None:
        pytest.skip("needs JWCAL_REAL_DATA")
    (asked, number), (first, last, box) = key, OFFICIAL[key]
    files = {asked.pupil: write_optics(tmp_path, asked, real_folder())}
    slit = list_slices()[number] if asked is IFU else fixed_slit(FIXED_SLITS[-101 - number])
    path = trace(files, asked, slit)
    pixels = path.to_detector(np.zeros(2), np.zeros(2), np.array(path.wavelengths))
    np.testing.assert_allclose(np.transpose(pixels), (first, last), atol=2e-4)
    np.testing.assert_allclose(np.ravel(footprints.bounding_box(path)), box, atol=2e-4)
