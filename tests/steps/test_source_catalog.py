"""source_catalog: what is found on images of known sources, the table's form, and what is missing."""

import logging

import numpy as np
import pytest
from astropy import units as u
from naive_sources import NOISE, SKY, make_mosaic

from jwcal import asdffiles, models, products
from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, write_fits
from jwcal.references import Reference
from jwcal.steps.source_catalog import source_catalog

STARS = [(40.3, 50.7, 300, 1.3, 1.3, 0), (120.0, 40.2, 200, 1.3, 1.3, 0), (80.6, 120.4, 100, 1.3, 1.3, 0)]
GALAXIES = [(150.2, 110.9, 900, 6.0, 3.0, 20)]
APERTURES = [
    "aper30", "aper30_err", "aper50", "aper50_err", "aper70", "aper70_err", "aper_total", "aper_total_err",
]  # fmt: skip


def apertures(kind):
    return [name.replace("_err", "") + f"_{kind}" + ("_err" if name.endswith("_err") else "") for name in APERTURES]


OFFICIAL = [
    "label", "xcentroid", "ycentroid", "sky_centroid", "aper_bkg_flux", "aper_bkg_flux_err", *apertures("flux"),
    *apertures("abmag"), *apertures("vegamag"), "CI_50_30", "CI_70_50", "CI_70_30", "is_extended", "sharpness",
    "roundness", "nn_label", "nn_dist", "isophotal_flux", "isophotal_flux_err", "isophotal_abmag",
    "isophotal_abmag_err", "isophotal_vegamag", "isophotal_vegamag_err", "isophotal_area", "semimajor_sigma",
    "semiminor_sigma", "ellipticity", "orientation", "sky_orientation", "sky_bbox_ll", "sky_bbox_ul", "sky_bbox_lr",
    "sky_bbox_ur",
]  # fmt: skip
OWN = ["xcentroid_err", "ycentroid_err", "ra_err", "dec_err"]


# Pixels that a circle cuts count by the part inside, as if their light were even: that widens the image by a pixel.
SIGMA = np.sqrt(1.3**2 + 1 / 12)


def energy(radius):
    return 1 - np.exp(-(radius**2) / 2 / SIGMA**2)


def write_apcorr(path, columns=("filter", "pupil"), values=("F200W", "CLEAR"), fractions=(0.3, 0.5, 0.7)):
    radii = [SIGMA * np.sqrt(-2 * np.log(1 - fraction)) for fraction in fractions]
    dtype = [
        *((name, "S12") for name in columns),
        *((n, "f4") for n in "eefraction radius apcorr skyin skyout".split()),
    ]
    rows = [(*values, f, r, 1 / energy(r), 9.0, 14.0) for f, r in zip(fractions, radii)]
    others = [(*("OTHER" for _ in columns), 0.3, 9, 9, 1, 2)] if columns else []
    write_fits(path, [Extension("PRIMARY"), Extension("APCORR", np.array(others + rows, dtype))])
    return Reference(path, "apcorr")


def write_offsets(path, offset=1.7, **columns):
    table = {name: ["OTHER", value] for name, value in columns.items()} | {"abvega_offset": [0.5, offset]}
    columns = [{"name": name, "data": np.array(values)} for name, values in table.items()]
    path.write_bytes(asdffiles.encode({"abvega_offset": {"colnames": list(table), "columns": columns}}))
    return Reference(path, "abvegaoffset")


@pytest.fixture
def references(tmp_path):
    return write_apcorr(tmp_path / "a.fits"), write_offsets(tmp_path / "o.asdf", filter="F200W", pupil="CLEAR")


def order(catalog, truth):
    """Rows of the catalogue in the order of true sources."""
    return [int(np.hypot(catalog["xcentroid"] - t[0], catalog["ycentroid"] - t[1]).argmin()) for t in truth]


def test_known_sources_come_back(references):
    mosaic = make_mosaic(sources=STARS + GALAXIES)
    before = mosaic.data.copy()
    catalog = source_catalog(mosaic, *references, ci1_star_threshold=1.75, ci2_star_threshold=1.6)
    np.testing.assert_array_equal(mosaic.data, before)
    assert len(catalog) == 4 and catalog["label"].tolist() == [1, 2, 3, 4]
    rows, jansky = order(catalog, STARS), 1e6 * mosaic.keyword("PIXAR_SR")
    true = np.array(STARS)
    np.testing.assert_allclose(catalog["xcentroid"][rows], true[:, 0], atol=0.02)
    np.testing.assert_allclose(catalog["ycentroid"][rows], true[:, 1], atol=0.02)
    np.testing.assert_allclose(catalog["aper_total_flux"][rows], true[:, 2] * jansky, rtol=0.015)
    for percent in (30, 50, 70):
        np.testing.assert_allclose(catalog[f"aper{percent}_flux"][rows], percent / 100 * true[:, 2] * jansky, rtol=0.05)
    np.testing.assert_allclose(catalog["aper_bkg_flux"][rows], SKY * jansky, rtol=0.03)
    magnitude = -2.5 * np.log10(catalog["aper_total_flux"][rows]) + 8.9
    np.testing.assert_allclose(catalog["aper_total_abmag"][rows], magnitude)
    np.testing.assert_allclose(catalog["aper_total_vegamag"][rows], magnitude - 1.7)
    assert not catalog["is_extended"][rows].any()
    galaxy = order(catalog, GALAXIES)[0]
    assert catalog["is_extended"][galaxy] and catalog["CI_70_50"][galaxy] > 1.6
    assert catalog["isophotal_flux"][galaxy] == pytest.approx(900 * jansky, rel=0.03)
    assert catalog["orientation"][galaxy] == pytest.approx(20, abs=3)


def test_position_angles_point_along_the_sky(references):
    catalog = source_catalog(make_mosaic(sources=GALAXIES), *references)
    mosaic, angle = make_mosaic(sources=GALAXIES), np.radians(catalog["orientation"][0])
    x, y = catalog["xcentroid"][0], catalog["ycentroid"][0]
    from jwcal.wcs import from_tree

    (ra0, dec0), (ra1, dec1) = (
        from_tree(mosaic.wcs).forward(x + k * np.cos(angle), y + k * np.sin(angle)) for k in (-5, 5)
    )
    east_of_north = np.degrees(np.arctan2((ra1 - ra0) * np.cos(np.radians(dec0)), dec1 - dec0))
    assert abs((catalog["sky_orientation"][0] - east_of_north + 90) % 180 - 90) < 0.1


def test_the_table_has_the_official_form(references):
    table = source_catalog(make_mosaic(sources=STARS), *references).to_table()
    assert table.colnames == OFFICIAL + OWN
    units = {"nn_dist": u.pix, "isophotal_area": u.pix**2, "semimajor_sigma": u.pix, "semiminor_sigma": u.pix,
             "orientation": u.deg, "sky_orientation": u.deg, "ellipticity": u.dimensionless_unscaled}  # fmt: skip
    for name in OFFICIAL:
        expected = u.Jy if "_flux" in name else units.get(name)
        assert getattr(table[name], "unit", None) == expected or name.startswith("sky_"), name
        assert table[name].info.description, name
    assert table["sky_bbox_ll"].frame.name == table["sky_centroid"].frame.name == "icrs"
    assert table.meta["aperture_params"]["aperture_ee"] == [30, 50, 70]
    assert table.meta["aperture_params"]["bkg_aperture_outer_radius"] == 14
    assert table.meta["abvega_offset"] == 1.7 and table.meta["version"]["jwcal"]
    assert "date" not in table.meta
    assert table["label"].dtype == np.int32 and table["is_extended"].dtype == bool


def test_positions_on_the_sky_and_their_errors(references):
    mosaic = make_mosaic(sources=STARS)
    catalog = source_catalog(mosaic, *references)
    from jwcal.wcs import from_tree

    wcs = from_tree(mosaic.wcs)
    np.testing.assert_allclose(wcs.inverse(*catalog["sky_centroid"]), [catalog["xcentroid"], catalog["ycentroid"]])
    scale = 0.031
    total = np.hypot(catalog["xcentroid_err"], catalog["ycentroid_err"]) * scale
    np.testing.assert_allclose(np.hypot(catalog["ra_err"], catalog["dec_err"]), total, rtol=1e-4)
    assert (catalog["xcentroid_err"] > 0).all() and (catalog["xcentroid_err"] < 0.02).all()
    corners = np.array([wcs.inverse(*catalog[f"sky_bbox_{name}"]) for name in ("ll", "lr", "ur", "ul")])
    labels = catalog.segmentation.data
    for k, label in enumerate(catalog["label"]):
        y, x = np.nonzero(labels == label)
        sides = [x.min() - 0.5, x.max() + 0.5, y.min() - 0.5, y.max() + 0.5]
        expected = [(sides[i], sides[j]) for i, j in ((0, 2), (1, 2), (1, 3), (0, 3))]
        np.testing.assert_allclose(corners[:, :, k], expected, atol=1e-5)


def test_the_segmentation_map(references, tmp_path):
    mosaic = make_mosaic(sources=STARS + GALAXIES)
    catalog = source_catalog(mosaic, *references)
    segments = catalog.segmentation
    assert segments.data.dtype == np.uint32 and segments.data.max() == 4
    assert not segments.data[:, :4].any() and "BUNIT" not in segments.sci_header
    products.write(tmp_path / "x_segm.fits", segments)
    again = products.read(tmp_path / "x_segm.fits", models.SegmentationMap)
    np.testing.assert_array_equal(again.data, segments.data)
    assert again.wcs is not None and again.header["DATAMODL"] == "SegmentationMapModel"
    assert again.sci_header["CTYPE1"] == "RA---TAN"


def test_the_same_mosaic_gives_the_same_bytes(references, tmp_path):
    for name in "ab":
        products.write_catalog(tmp_path / f"{name}.ecsv", source_catalog(make_mosaic(sources=STARS), *references))
    assert (tmp_path / "a.ecsv").read_bytes() == (tmp_path / "b.ecsv").read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*.ecsv")) == ["a.ecsv", "b.ecsv"]


def test_without_references_what_needs_them_is_nan(references, caplog):
    mosaic = make_mosaic(sources=STARS + GALAXIES)
    with caplog.at_level(logging.WARNING, "jwcal"):
        bare = source_catalog(mosaic)
    assert [record.getMessage().split("; ")[0].split(": ")[1] for record in caplog.records] == [
        "no APCORR reference", "no ABVEGAOFFSET reference",
    ]  # fmt: skip
    full = source_catalog(mosaic, *references)
    assert [c.name for c in bare.columns] == OFFICIAL + OWN
    for column in full.columns:
        ours = np.asarray(bare[column.name], float)
        if column.name.startswith(("aper", "CI_")) or column.name == "isophotal_vegamag":
            assert np.isnan(ours).all(), column.name
        elif column.name != "is_extended":
            np.testing.assert_array_equal(ours, np.asarray(column.values, float), err_msg=column.name)
    assert not bare["is_extended"].any() and bare.meta["aperture_params"] is bare.meta["abvega_offset"] is None
    only = source_catalog(mosaic, references[0])
    np.testing.assert_array_equal(only["aper70_flux"], full["aper70_flux"])
    assert bare.to_table()["aper30_flux"].unit == u.Jy


def test_a_band_that_the_references_lack(references, caplog):
    mosaic = make_mosaic(sources=STARS, FILTER="F115W")
    with caplog.at_level(logging.WARNING, "jwcal"):
        catalog = source_catalog(mosaic, *references)
    assert np.isnan(catalog["aper70_flux"]).all() and np.isnan(catalog["isophotal_vegamag"]).all()
    assert np.isfinite(catalog["isophotal_abmag"]).all()
    assert [r.getMessage() for r in caplog.records] == [
        f"x_i2d.fits: no row for filter F115W, pupil CLEAR in {name}; the catalogue has no {lost}"
        for name, lost in (("a.fits", "aperture photometry"), ("o.asdf", "Vega magnitudes"))
    ]


@pytest.mark.parametrize(
    ("instrument", "columns", "offsets"),
    [
        ({"INSTRUME": "MIRI", "FILTER": "F770W", "SUBARRAY": "SUB128"}, ("filter", "subarray"), ("filter",)),
        ({"INSTRUME": "NIRISS", "FILTER": "CLEAR", "PUPIL": "F150W"}, ("filter", "pupil"), ("filter", "pupil")),
        ({"INSTRUME": "FGS", "DETECTOR": "GUIDER1"}, (), ("detector",)),
    ],
)
def test_rows_of_each_instrument(tmp_path, instrument, columns, offsets):
    apcorr = write_apcorr(tmp_path / "a.fits", columns, [instrument[name.upper()] for name in columns])
    offset = write_offsets(tmp_path / "o.asdf", **{name: instrument[name.upper()] for name in offsets})
    mosaic = make_mosaic(sources=STARS, **instrument)
    catalog = source_catalog(mosaic, apcorr, offset)
    np.testing.assert_allclose(catalog["aper_total_abmag"] - catalog["aper_total_vegamag"], 1.7)


def test_circles_grow_with_finer_pixels(references):
    fine = source_catalog(make_mosaic(sources=STARS, PXSCLRT=0.5), *references)
    assert fine.meta["aperture_params"]["bkg_aperture_outer_radius"] == 28
    assert (fine["aper30_flux"] > 1.5 * source_catalog(make_mosaic(sources=STARS), *references)["aper30_flux"]).all()


def test_nothing_there(references):
    for mosaic in (make_mosaic(), make_mosaic(sources=STARS)):
        if mosaic.data[50, 40] > 5:
            mosaic.weight[:] = 0
        catalog = source_catalog(mosaic, *references)
        assert len(catalog) == 0 and [c.name for c in catalog.columns] == OFFICIAL + OWN
        assert not catalog.segmentation.data.any()
        assert catalog.to_table().colnames == OFFICIAL + OWN


def test_one_source_has_no_neighbour(references):
    catalog = source_catalog(make_mosaic(sources=STARS[:1]), *references)
    assert catalog["nn_label"].tolist() == [-1] and np.isnan(catalog["nn_dist"]).all()
    two = source_catalog(make_mosaic(sources=STARS[:2]), *references)
    assert two["nn_label"].tolist() == [2, 1]


@pytest.mark.parametrize("finder", ["dao", "iraf"])
def test_stars(references, finder):
    settings = {"starfinder": finder, "sharplo": 0.2, "roundlo": -1.0, "roundhi": 1.0, "kernel_fwhm": 3.0}
    catalog = source_catalog(make_mosaic(sources=STARS), *references, snr_threshold=20.0, **settings)
    assert catalog.segmentation is None and len(catalog) == 3
    rows = order(catalog, STARS)
    np.testing.assert_allclose(catalog["xcentroid"][rows], np.array(STARS)[:, 0], atol=0.2)
    assert np.isfinite(catalog["aper_total_flux"]).all() and np.isnan(catalog["isophotal_area"]).all()
    assert catalog.to_table()["sky_bbox_ll"].frame.name == "icrs"
    few = source_catalog(make_mosaic(sources=STARS), *references, snr_threshold=20.0, **settings, brightest=1)
    assert len(few) == 1
    faint = source_catalog(make_mosaic(sources=STARS), *references, snr_threshold=20.0, **settings, peakmax=15.0)
    assert 0 < len(faint) < 3
    assert len(source_catalog(make_mosaic(noise=NOISE), *references, snr_threshold=50.0, **settings)) == 0


def test_settings_of_the_segmentation(references):
    blend = [(60.0, 60.0, 400, 2, 2, 0), (69.0, 60.0, 300, 2, 2, 0)]
    mosaic = make_mosaic(sources=blend)
    assert len(source_catalog(mosaic, *references)) == 2
    assert len(source_catalog(mosaic, *references, deblend=False)) == 1
    assert len(source_catalog(mosaic, *references, contrast=0.9)) == 1
    assert len(source_catalog(mosaic, *references, npixels=5000)) == 0
    assert len(source_catalog(mosaic, *references, snr_threshold=1e4)) == 0
    mosaic.data += np.float32(1)
    lifted = source_catalog(mosaic, *references, bkg_boxsize=60)
    assert len(lifted) == 2


def test_local_sky_and_kron_fluxes(references):
    mosaic = make_mosaic(sources=STARS + GALAXIES)
    plain = source_catalog(mosaic, *references)
    assert "kron_flux" not in [column.name for column in plain.columns]
    catalog = source_catalog(mosaic, *references, kron_params=[2.5, 1.4], localbkg_width=8)
    rows = order(catalog, STARS + GALAXIES)
    np.testing.assert_allclose(
        catalog["kron_flux"][rows], 1e6 * mosaic.keyword("PIXAR_SR") * np.array([300, 200, 100, 900]), rtol=0.05
    )
    assert [column.name for column in catalog.columns][-6:] == [
        "kron_flux", "kron_flux_err", "kron_abmag", "kron_abmag_err", "kron_vegamag", "kron_vegamag_err",
    ]  # fmt: skip
    assert (catalog["isophotal_flux"] != plain["isophotal_flux"]).all()
    np.testing.assert_allclose(catalog["isophotal_flux"], plain["isophotal_flux"], rtol=0.05)


@pytest.mark.parametrize(
    ("spoil", "settings", "said"),
    [
        (lambda m: m.sci_header.set("BUNIT", "DN/s"), {}, "the image is in DN/s, catalogues need MJy/sr; run photom"),
        (lambda m: m.sci_header.remove("BUNIT"), {}, "the image is in no unit"),
        (lambda m: setattr(m, "wcs", None), {}, "no WCS in its ASDF extension"),
        (lambda m: m.header.set("INSTRUME", "NIRSPEC"), {}, "NIRSPEC has no imaging apertures"),
        (lambda m: None, {"aperture_ee1": 50}, r"aperture_ee1 to 3 are \(50, 50, 70\); they must increase"),
        (lambda m: None, {"aperture_ee1": 40}, r"a.fits: no single radius for 40 % of the light; .* among 30, 50, 70"),
    ],
)
def test_what_is_wrong_is_said(references, spoil, settings, said):
    mosaic = make_mosaic(sources=STARS)
    spoil(mosaic)
    with pytest.raises(JwcalError, match=said):
        source_catalog(mosaic, *references, **settings)


def test_without_pixel_area_or_errors(references):
    mosaic = make_mosaic(sources=STARS)
    full = source_catalog(mosaic, *references)
    mosaic.sci_header.remove("PIXAR_SR")
    mosaic.err = None
    catalog = source_catalog(mosaic, *references)
    np.testing.assert_allclose(catalog["aper70_flux"], full["aper70_flux"], rtol=1e-4)
    assert np.isnan(catalog["aper70_flux_err"]).all() and np.isnan(catalog["isophotal_flux_err"]).all()


def test_a_real_miri_image(real_data, tmp_path):
    path = next((real_data / "miri_image_jw01288").glob("*_i2d.fits"))
    mosaic = products.read(path, models.Mosaic, ("data", "err", "weight"))
    offset = Reference(real_data / "references" / "crds_asdf" / "jwst_miri_abvegaoffset_0001.asdf", "abvegaoffset")
    apcorr = write_apcorr(tmp_path / "a.fits", ("filter", "subarray"), ("F770W", "SUB128"))
    catalog = source_catalog(mosaic, apcorr, offset)
    bare = source_catalog(mosaic)
    assert len(catalog) == len(bare) > 0
    np.testing.assert_allclose(catalog["isophotal_abmag"] - catalog["isophotal_vegamag"], 4.38398, rtol=1e-6)
    assert np.isfinite(catalog["aper70_flux"]).any()
    _, dec = catalog["sky_centroid"]
    assert np.abs(dec - mosaic.keyword("CRVAL2")).max() < 0.01 and np.isfinite(catalog["ra_err"]).all()
    products.write(tmp_path / "x_segm.fits", catalog.segmentation)
    products.write_catalog(tmp_path / "x_cat.ecsv", catalog)
    assert catalog.to_table()["sky_centroid"].separation(catalog.to_table()["sky_bbox_ll"]).max() < 5 * u.arcsec
