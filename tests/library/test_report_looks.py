"""Looks: the numbers and pictures that a report keeps of products."""

import json

import numpy as np
import pytest
from naive_sources import make_mosaic

from jwcal import dq, models, products
from jwcal.fitsfiles import Extension, write_fits
from jwcal.report import looks

RNG = np.random.default_rng(17)
SHAPE = (60, 80)


def make_image(shape=SHAPE, level=2.0, noise=0.1, **keywords):
    from astropy.io import fits

    data = RNG.normal(level, noise, shape).astype(np.float32)
    flags = np.zeros(shape, np.uint32)
    known = {"INSTRUME": "NIRCAM", "DETECTOR": "NRCB1", "FILTER": "F200W", "S_JUMP": "COMPLETE", "R_IPC": "N/A"}
    header = fits.Header(list((known | {"R_GAIN": "crds://jwst_nircam_gain_0001.fits"} | keywords).items()))
    sci = fits.Header([("BUNIT", "DN/s")])
    plane = np.full(shape, noise, np.float32)
    return models.Image(header, sci, data=data, err=plane, dq=flags, var_poisson=plane**2, var_rnoise=plane**2)


@pytest.fixture
def files(tmp_path):
    image = make_image()
    image.dq[10:16, 10:20] = dq.JUMP_DET
    image.dq[0, :8] = dq.SATURATED | dq.DO_NOT_USE
    for suffix in ("rate", "cal"):
        products.write(tmp_path / f"x_{suffix}.fits", image)
    truth = np.full(SHAPE, 2.0, np.float32)
    write_fits(tmp_path / "x_truth.fits", [Extension("PRIMARY"), Extension("RATE", truth)])
    return tmp_path, {suffix: tmp_path / f"x_{suffix}.fits" for suffix in ("rate", "cal")}


def test_an_exposure(files):
    folder, paths = files
    outliers = np.zeros(SHAPE, bool)
    outliers[40:42] = True
    look = looks.look_at_exposure(paths, folder / "x_truth.fits", outliers)
    assert look["suffix"] == "cal" and look["image"]["unit"] == "DN/s"
    assert look["sky"] == pytest.approx(2.0, abs=0.01) and look["noise"] == pytest.approx(0.1, rel=0.1)
    assert look["header"]["FILTER"] == "F200W" and look["header"]["steps"] == {"S_JUMP": "COMPLETE"}
    assert look["header"]["references"] == {"GAIN": "jwst_nircam_gain_0001.fits"}
    size = SHAPE[0] * SHAPE[1]
    shares = {"JUMP_DET": 60 / size, "SATURATED": 8 / size, "DO_NOT_USE": 8 / size, "OUTLIER": 160 / size}
    assert look["flags"]["shares"] == pytest.approx(shares, rel=1e-3)
    assert look["pulls"]["kind"] == "truth" and look["pulls"]["number"] == size - 68
    looks.write_look(folder / "x.json", look)
    assert json.loads((folder / "x.json").read_text()) == look
    assert looks.look_at_exposure({"uncal": "x"}) == {}


@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_pulls_tell_whether_errors_are_right(scale):
    shape = (4, 200, 200)
    data = RNG.normal(3.0, 0.2, shape).astype(np.float32)
    err, flags = np.full(shape, 0.2 / scale, np.float32), np.zeros(shape, np.uint32)
    truth = np.full(shape[1:], 3.0, np.float32)
    found = {
        "truth": looks.measure_pulls(data[0], err[0], flags[0], truth),
        "neighbours": looks.measure_pulls(data[0], err[0], flags[0]),
        "integrations": looks.measure_pulls(data, err, flags),
    }
    for kind, pulls in found.items():
        assert pulls["kind"] == kind and len(pulls["counts"]) == looks.BINS
        assert pulls["width"] == pytest.approx(scale, rel=0.03) and abs(pulls["mean"]) < 0.03
        assert sum(pulls["counts"]) == pytest.approx(pulls["number"], rel=1e-3)


def test_flagged_pixels_have_no_pulls():
    data, flags = np.full((5, 6), np.nan, np.float32), np.zeros((5, 6), np.uint32)
    found = looks.measure_pulls(data, data, flags)
    assert found["number"] == 0 and found["width"] is None


def test_a_mosaic(tmp_path):
    mosaic = make_mosaic(sources=[(80, 80, 300, 1.5, 1.5, 0)], EFFEXPTM=100.0)
    mosaic.context = np.zeros((2, *mosaic.data.shape), np.int32)
    mosaic.context[0][mosaic.weight > 0] = 1 | 4
    mosaic.context[1, 50:60, 50:60] = -1
    area = 0.031**2
    mosaic.sci_header["PIXAR_A2"] = area
    products.write(tmp_path / "x_i2d.fits", mosaic)
    look = looks.look_at_mosaic(tmp_path / "x_i2d.fits")
    assert look["scale"] == pytest.approx(0.031) and look["shape"] == list(mosaic.data.shape)
    assert look["exposures"]["most"] == 34 and look["exposures"]["counts"][33] == 100
    jansky = 1e6 * area * (np.pi / 180 / 3600) ** 2
    depth = -2.5 * np.log10(5 * np.sqrt(np.pi * 0.15**2 / area) * jansky * mosaic.err[80, 80]) + 8.9
    assert look["depth"]["median"] == pytest.approx(depth, abs=1e-3)
    assert sum(look["depth"]["counts"]) == np.count_nonzero(mosaic.weight)
    mosaic.err[:] = np.nan
    mosaic.context = None
    products.write(tmp_path / "y_i2d.fits", mosaic)
    poor = looks.look_at_mosaic(tmp_path / "y_i2d.fits")
    assert poor["depth"] is None and "exposures" not in poor
