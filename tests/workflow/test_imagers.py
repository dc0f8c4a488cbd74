"""Mosaics and catalogues of the imagers besides NIRCam, and of a target that moves: two small exposures each."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from jwcal import models, products
from jwcal.simulate import Scene, Setup, simulate_exposure, write_reference_cache
from jwcal.simulate.scene import STAR
from jwcal.wcs import from_tree

IMAGERS = {
    "MIRI": Setup(instrument="MIRI", detector="MIRIMAGE", filter="F770W", subarray="SUB128", readpatt="FASTR1",
                  ngroups=6, observation=1),
    "NIRISS": Setup(instrument="NIRISS", detector="NIS", filter="CLEAR", pupil="F150W", subarray="SUB128",
                    readpatt="NISRAPID", ngroups=5, observation=2),
    "FGS": Setup(instrument="FGS", detector="GUIDER1", filter="N/A", pupil="N/A", subarray="128X128",
                 readpatt="FGSRAPID", ngroups=5, observation=3),
    "moving": Setup(filter="F200W", subarray="SUB160", ngroups=4, observation=4),
}  # fmt: skip
MOTION = np.array([0.25, -0.4])  # arcsec by which the target is east and north in the second exposure
DITHER = (0.9, 0.5)
# arcsec east and north of the pointing, magnitude; the first one is the target.
STARS = ((0.3, 0.2, 17.0), (-1.4, 1.1, 18.0), (1.2, -1.6, 18.0), (-1.1, -1.0, 18.5))


def draw(setup, motion=(0.0, 0.0)):
    """The sky; of a field that the motion concerns its first star moves."""
    stars = np.zeros(len(STARS), STAR)
    east, north, stars["mag"] = np.array(STARS).T
    east[0], north[0] = east[0] + motion[0], north[0] + motion[1]
    stars["ra"] = setup.ra + east / 3600 / np.cos(np.radians(setup.dec))
    stars["dec"] = setup.dec + north / 3600
    return Scene(stars=stars)


@pytest.fixture(scope="module")
def bench(tmp_path_factory, open_workbench):
    """Everything but the rectified single exposures."""
    folder = tmp_path_factory.mktemp("imagers")
    setups = [
        replace(setup, exposure=number, position=number, positions=2, dither=DITHER if number == 2 else (0.0, 0.0))
        for setup in IMAGERS.values()
        for number in (1, 2)
    ]
    write_reference_cache(folder / "crds", setups)
    for seed, setup in enumerate(setups):
        moved = MOTION if setup.observation == 4 and setup.exposure == 2 else np.zeros(2)
        scene = draw(setup, moved)
        path = simulate_exposure(setup, scene, folder / "raw", seed=seed).uncal
        if setup.observation == 4:
            note_motion(path, scene.stars[0])
    bench = open_workbench(folder, folder)
    listed = {word.rstrip(",") for word in bench.run("-n", "all").stdout.split()}
    bench.run(*sorted(name for name in listed if name.endswith(("_cat.ecsv", "_crf.fits"))))
    return bench


def note_motion(path, target):
    """What the observatory says of a moving target, into a raw file."""
    fits.setval(path, "TARGTYPE", value="MOVING")
    for keyword, value in (("MT_RA", target["ra"]), ("MT_DEC", target["dec"])):
        fits.setval(path, keyword, value=float(value), extname="SCI")


def find(bench, observation, ending):
    (path,) = bench.products.glob(f"jw00001-o{observation:03d}_*_{ending}")
    return path


@pytest.mark.parametrize("name", IMAGERS)
def test_mosaic_and_catalogue(bench, name):
    setup = IMAGERS[name]
    path = find(bench, setup.observation, "i2d.fits")
    mosaic = products.read(path, models.Image)
    assert mosaic.keyword("INSTRUME") == setup.instrument and mosaic.keyword("S_RESAMP") == "COMPLETE"
    with fits.open(path) as hdus:
        assert len(hdus["HDRTAB"].data) == 2 and set(np.unique(hdus["CON"].data)) == {0, 1, 2, 3}
        assert np.isfinite(hdus["SCI"].data[hdus["WHT"].data > 0]).all()
    stars = draw(setup, MOTION / 2 if name == "moving" else (0.0, 0.0)).stars
    written = find(bench, setup.observation, "cat.ecsv")
    assert fits.getheader(find(bench, setup.observation, "segm.fits"))["SCATFILE"] == written.name
    catalogue = Table.read(written, format="ascii.ecsv")
    positions = catalogue["sky_centroid"]
    offsets = np.hypot((positions.ra.deg - stars["ra"][0]) * np.cos(np.radians(setup.dec)),
                       positions.dec.deg - stars["dec"][0]) * 3600  # fmt: skip
    scale = np.sqrt(mosaic.keyword("PIXAR_A2"))
    assert offsets.min() < 0.1 * scale, f"{offsets.min() / scale:.3f} pixels off"


@pytest.mark.parametrize("name", ["MIRI", "NIRISS", "FGS"])
def test_steps_of_a_fixed_target(bench, name):
    exposures = list(bench.products.glob(f"jw00001{IMAGERS[name].observation:03d}001_*_crf.fits"))
    assert len(exposures) == 2
    for path in exposures:
        header = fits.getheader(path)
        assert header["S_SKYMAT"] == header["S_OUTLIR"] == "COMPLETE" and "S_MTWCS" not in header
        assert header["S_TWKREG"] in ("COMPLETE", "SKIPPED")  # four stars are too few to align by


def test_coordinates_follow_the_target(bench):
    """The target is sharp and where it was on average; a star is seen twice."""
    scene = [draw(IMAGERS["moving"], moved).stars[0] for moved in (np.zeros(2), MOTION)]
    average = [(scene[0][axis] + scene[1][axis]) / 2 for axis in ("ra", "dec")]
    exposures = sorted(bench.products.glob("jw00001004001_*_crf.fits"))
    assert len(exposures) == 2
    for path, star in zip(exposures, scene):
        image = products.read(path, models.Image, only=())
        assert (image.keyword("S_MTWCS"), image.keyword("S_TWKREG")) == ("COMPLETE", "SKIPPED")
        assert (image.keyword("MT_AVRA"), image.keyword("MT_AVDEC")) == pytest.approx(tuple(average), abs=1e-9)
        wcs = from_tree(image.wcs)
        before = partial(wcs.transform, "world", wcs.frames[0])
        np.testing.assert_allclose(wcs.forward(*before(star["ra"], star["dec"])), average, atol=1e-8)
    solution = json.loads(find(bench, 4, "mtwcs.json").read_text())
    assert solution["status"] == "COMPLETE" and not list(bench.products.glob("jw00001-o004_*_tweakreg.json"))
