"""Products are what the observatory's own data models expect, and their coordinates agree however they are read."""

import warnings

import numpy as np
import pytest
import truth
from astropy.io import fits

from jwcal import products
from jwcal.outliers.maps import OutlierMap, write_outliers
from jwcal.runner import run_chain
from jwcal.simulate import STAR, Scene, Setup
from jwcal.wcs import from_tree

SETUP = Setup(subarray="SUB64P", readpatt="SHALLOW4", ngroups=4, nints=2)
GUIDER = Setup("FGS", "GUIDER2", "N/A", "N/A", "128X128", "ACQ1", ngroups=2, nints=3, exp_type="FGS_ACQ1")
MODELS = {
    "ramp": "RampModel",
    "rate": "ImageModel",
    "rateints": "CubeModel",
    "cal": "ImageModel",
    "calints": "CubeModel",
    "i2d": "ImageModel",
    "segm": "SegmentationMapModel",
    "guider": "GuiderCalModel",
}
CONTAINERS = {"i2d": products.models.Mosaic, "segm": products.models.SegmentationMap}
WITH_WCS = ("cal", "calints", "i2d", "segm")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One product of every kind, by suffix."""
    folder = tmp_path_factory.mktemp("conformance")
    star = np.array([(0, SETUP.ra, SETUP.dec, 17.0, 0.0)], STAR)
    exposure, guiding = truth.simulate(folder, [SETUP, GUIDER], [Scene(stars=star), Scene()])
    program, name = truth.load_program(folder), exposure.plan.root
    paths = {suffix: folder / f"{name}_{suffix}.fits" for suffix in MODELS}

    def keep(suffix, product):
        products.write(paths[suffix], product)
        return product

    keep("ramp", truth.run(program, "detector1", name, products.read_ramp(exposure.uncal), until="jump"))
    rates = truth.run(program, "detector1", name, products.read_ramp(exposure.uncal))
    keep("rate", rates.rate), keep("rateints", rates.rateints)
    cal = keep("cal", truth.run(program, "image2", name, products.read_image(paths["rate"])))
    keep("calints", truth.run(program, "image2ints", name, products.read_image(paths["rateints"])))
    mosaic = keep("i2d", truth.run(program, "resample", name, cal))
    keep("segm", find_sources(mosaic, folder / "crds").segmentation)
    keep("guider", truth.run(program, "guider", guiding.plan.root, products.read_ramp(guiding.uncal)))
    return paths


def find_sources(mosaic, cache):
    """Catalogue of a mosaic, made as a job makes it."""
    references = {name: next(cache.rglob(f"*_nircam_{name}_*")) for name in ("apcorr", "abvegaoffset")}
    plan = {"steps": ["source_catalog"], "skipped": {}, "settings": {}, "references": references}
    return run_chain(plan, mosaic, context=truth.CONTEXT)


def test_the_segmentation_map_says_how_it_was_made(made):
    header = fits.getheader(made["segm"])
    assert header["S_SRCCAT"] == "COMPLETE" and header["S_RESAMP"] == "COMPLETE"
    assert header["R_APCORR"] == "crds://jwst_nircam_apcorr_0001.fits"
    assert header["R_ABVEGA"] == "crds://jwst_nircam_abvegaoffset_0001.asdf"
    assert [hdu.name for hdu in fits.open(made["segm"])] == ["PRIMARY", "SCI", "ASDF"]


@pytest.mark.parametrize("suffix", MODELS)
def test_data_models_validate(made, suffix):
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        with datamodels.open(made[suffix]) as model:
            model.validate()
            assert type(model).__name__ == MODELS[suffix]
            assert np.isfinite(model.data).any()
            assert model.meta.filename == made[suffix].name
            assert (model.meta.wcs is not None) == (suffix in WITH_WCS)


def test_outliers_found_open_as_a_data_model(tmp_path):
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    path = tmp_path / "x_outliers.fits"
    write_outliers(path, {"jw00001001001_02101_00001_nrcb1": OutlierMap.pack(np.eye(9, dtype=bool))})
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with datamodels.open(path) as model:
            model.validate()
            assert model.meta.filename == path.name


def test_archive_tables(made):
    names = {hdu.name for hdu in fits.open(made["rateints"])}
    assert {"SCI", "ERR", "DQ", "VAR_POISSON", "VAR_RNOISE", "INT_TIMES", "ASDF"} <= names
    assert "GROUP" not in names


def grid(shape):
    y, x = np.mgrid[0 : shape[-2] - 1 : 9j, 0 : shape[-1] - 1 : 9j]
    return x.ravel(), y.ravel()


@pytest.mark.parametrize("suffix", WITH_WCS)
def test_gwcs_reads_our_tree(made, suffix):
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    with datamodels.open(made[suffix]) as model:
        x, y = grid(model.data.shape)
        ra, dec = model.meta.wcs(x, y, with_bounding_box=False)
    product = products.read(made[suffix], CONTAINERS.get(suffix, products.models.Image))
    wcs = from_tree(product.wcs)
    ours = wcs.forward(x, y)
    np.testing.assert_allclose(ours[0], ra, rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours[1], dec, rtol=0, atol=1e-10)
    back = wcs.inverse(ra, dec)
    np.testing.assert_allclose(back, [x, y], atol=1e-4)


@pytest.mark.parametrize("suffix", WITH_WCS)
def test_fits_keywords_agree_with_the_gwcs(made, suffix):
    from astropy.wcs import WCS

    with fits.open(made[suffix]) as file:
        header, shape = file["SCI"].header, file["SCI"].shape
    keywords = WCS(header, naxis=2)
    x, y = grid(shape)
    product = products.read(made[suffix], CONTAINERS.get(suffix, products.models.Image))
    ra, dec = from_tree(product.wcs).forward(x, y)
    sky = keywords.all_pix2world(x, y, 0)
    back = from_tree(product.wcs).inverse(*sky)
    assert np.max(np.hypot(back[0] - x, back[1] - y)) < 0.01
    back = keywords.all_world2pix(ra, dec, 0, tolerance=1e-5)
    assert np.max(np.hypot(back[0] - x, back[1] - y)) < 0.01
