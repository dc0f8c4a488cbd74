"""photom: which row counts, the change with time, units and keywords."""

import math

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from naive_detector import write_reference
from naive_drizzle import make_image

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.fitsfiles import Extension, write_fits
from jwcal.references import Reference
from jwcal.steps.photom import photom

RNG = np.random.default_rng(41)
PLANES = RNG.uniform(1, 9, (4, 5, 6)).astype(np.float32)
NIRCAM = {"INSTRUME": "NIRCAM", "EXP_TYPE": "NRC_IMAGE", "FILTER": "F200W", "PUPIL": "CLEAR", "SUBARRAY": "FULL",
          "EXPMID": 59365.0}  # fmt: skip
T0 = 59000.0


def table(rows, **columns):
    """Record array of text columns (lengths) and float columns (None)."""
    dtype = [(name, f"S{length}" if length else "f4") for name, length in columns.items()]
    return np.array([tuple(row) for row in rows], dtype)


def write_photom(path, rows, columns=("filter", "pupil"), value="photmjsr", keywords=None, **tables):
    content = table(rows, **dict.fromkeys(columns, 12), **{value: None, "uncertainty": None})
    header = fits.Header(list((keywords or {"PIXAR_SR": 2e-14, "PIXAR_A2": 9e-4}).items()))
    extensions = [Extension(name.upper(), part) for name, part in tables.items()]
    write_fits(path, [Extension("PRIMARY", header=header), Extension("PHOTOM", content), *extensions])
    return Reference(path, "photom")


@pytest.fixture
def reference(tmp_path):
    return write_photom(
        tmp_path / "photom.fits", [("F115W", "CLEAR", 3, 0), ("F200W", "CLEAR", 2, 0), ("F200W", "F164N", 5, 0)]
    )


def test_multiplies_and_says_so(reference, tmp_path):
    area = write_reference(
        tmp_path / "area.fits", "area", keywords={"PIXAR_SR": 3e-14, "PIXAR_A2": 8e-4}, SCI=PLANES[0]
    )
    image = photom(make_image(PLANES, **NIRCAM), reference, area)
    for name, plane, factor in zip(
        ("data", "var_poisson", "var_rnoise", "var_flat"), PLANES, (2, 4, 4, 4), strict=True
    ):
        np.testing.assert_allclose(getattr(image, name), factor * plane, rtol=1e-6)
    np.testing.assert_allclose(image.err, 2 * np.sqrt(PLANES[1:].sum(axis=0)), rtol=1e-6)
    np.testing.assert_array_equal(image.area, PLANES[0])
    header = image.sci_header
    assert header["PHOTMJSR"] == 2 and header["BUNIT"] == "MJy/sr"
    assert header["PHOTUJA2"] == pytest.approx((2 * units.MJy / units.sr).to_value("uJy/arcsec2"))
    assert header["PIXAR_SR"] == 3e-14 and header["PIXAR_A2"] == 8e-4


def test_pixel_areas_of_the_photom_reference(reference):
    image = photom(make_image(PLANES, **NIRCAM), reference)
    assert image.area is None and image.sci_header["PIXAR_SR"] == 2e-14 and image.sci_header["PIXAR_A2"] == 9e-4


def test_inverse_undoes_the_step(reference):
    image = photom(photom(make_image(PLANES, **NIRCAM), reference), reference, inverse=True)
    np.testing.assert_allclose(image.data, PLANES[0], rtol=1e-6)
    np.testing.assert_allclose(image.var_flat, PLANES[3], rtol=1e-6)
    assert image.sci_header["BUNIT"] == "DN/s"


def test_nan_and_do_not_use_agree_afterwards(reference):
    planes = PLANES.copy()
    planes[2, 1, 1] = np.nan
    image = make_image(planes, **NIRCAM)
    image.dq[2, 2] = dq.DO_NOT_USE | dq.HOT
    image = photom(image, reference)
    assert image.dq[1, 1] == dq.DO_NOT_USE and np.isnan(image.data[[1, 2], [1, 2]]).all()
    assert np.isnan(image.data).sum() == 2 == (image.dq != 0).sum()


BY_SUBARRAY = [("F200W", "GENERIC", 2, 0), ("F200W", "SUB64", 4, 0)]


@pytest.mark.parametrize(
    ("keywords", "columns", "rows", "expected"),
    [
        ({"PUPIL": "F164N"}, "filter pupil", [("F200W", "CLEAR", 2, 0), ("f200w", "F164N", 5, 0)], 5),
        ({"SUBARRAY": "SUB64"}, "filter subarray", BY_SUBARRAY, 4),
        ({"INSTRUME": "NIRISS", "FILTER": "CLEAR", "PUPIL": "F150W"}, "filter pupil", [("CLEAR", "F150W", 3, 0)], 3),
        ({"INSTRUME": "MIRI", "SUBARRAY": "SUB64"}, "filter subarray", BY_SUBARRAY, 4),
        ({"INSTRUME": "MIRI", "SUBARRAY": "SUB256"}, "filter subarray", BY_SUBARRAY, 2),
        ({"INSTRUME": "FGS", "FILTER": "NONE"}, "", [(6, 0), (1, 0)], 6),
    ],
)
def test_the_row_of_the_mode(tmp_path, keywords, columns, rows, expected):
    reference = write_photom(tmp_path / "photom.fits", rows, columns.split())
    image = photom(make_image(PLANES, **NIRCAM | keywords), reference)
    assert image.sci_header["PHOTMJSR"] == expected


def test_the_change_with_time(tmp_path):
    years = [("F115W", 0, 9), ("F200W", T0, 0.1)]
    linear = table(years, filter=12, t0=None, lossperyear=None)
    decay = table(
        [("F115W", 0, 0, 1, 1), ("F200W", T0, 0.2, 100, 0.8)], filter=12, t0=None, amplitude=None, tau=None, const=None
    )
    power = table(
        [("F115W", 0, 0, 1, 1), ("F200W", T0, 0.9, 2, -0.1)],
        filter=12,
        t0=None,
        year1value=None,
        tsoft=None,
        alpha=None,
    )
    rows = [("F115W", "CLEAR", 3, 0), ("F200W", "CLEAR", 2, 0)]
    tables = {"timecoeff_linear": linear, "timecoeff_exponential": decay, "timecoeff_powerlaw": power}
    reference = write_photom(tmp_path / "photom.fits", rows, **tables)
    throughput = 0.9 * (0.2 * math.exp(-3.65) + 0.8) * 0.9  # a year of 365 days after T0
    image = photom(make_image(PLANES, **NIRCAM), reference)
    assert image.sci_header["PHOTMJSR"] == pytest.approx(2 / throughput, rel=1e-6)
    np.testing.assert_allclose(image.data, 2 / throughput * PLANES[0], rtol=1e-6)
    image = photom(make_image(PLANES, **NIRCAM), reference, apply_time_correction=False)
    assert image.sci_header["PHOTMJSR"] == 2


@pytest.mark.parametrize(
    ("source_type", "unit", "factor"), [("POINT", "MJy", 2), ("EXTENDED", "MJy/sr", 1e14), (None, "MJy/sr", 1e14)]
)
def test_flux_densities(tmp_path, source_type, unit, factor):
    reference = write_photom(tmp_path / "photom.fits", [("F200W", "CLEAR", 2, 0)], value="photmj")
    image = photom(make_image(PLANES, **NIRCAM), reference, source_type=source_type)
    assert image.sci_header["BUNIT"] == unit
    np.testing.assert_allclose(image.data, factor * PLANES[0], rtol=1e-6)


def test_what_it_leaves_alone(reference, tmp_path):
    image = make_image(PLANES, **NIRCAM | {"FILTER": "F070W"})
    with pytest.raises(StepSkipped, match="no row for F070W CLEAR"):
        photom(image, reference)
    np.testing.assert_array_equal(image.data, PLANES[0])
    with pytest.raises(StepSkipped, match="wavelength"):
        photom(make_image(PLANES, **NIRCAM | {"INSTRUME": "NIRSPEC", "EXP_TYPE": "NRS_IMAGE"}), reference)
    spectral = write_photom(tmp_path / "spectral.fits", [("F200W", "CLEAR", 1, 2)], value="wavelength")
    with pytest.raises(StepSkipped, match="wavelength"):
        photom(make_image(PLANES, **NIRCAM), spectral)
    cube = make_image(PLANES, **NIRCAM | {"INSTRUME": "NIRISS"})
    cube.data = cube.data[None]
    with pytest.raises(StepSkipped, match="DN/s"):
        photom(cube, reference)


def test_ambiguous_tables(tmp_path):
    reference = write_photom(tmp_path / "photom.fits", [("F200W", "CLEAR", 2, 0)] * 2)
    with pytest.raises(JwcalError, match="2 rows"):
        photom(make_image(PLANES, **NIRCAM), reference)
