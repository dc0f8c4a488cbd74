"""skymatch: levels that were added come back; methods, groups, memory, and what is refused."""

import json

import numpy as np
import pytest
from naive_drizzle import SCALE, make_image

from jwcal import dq, products
from jwcal.errors import JwcalError
from jwcal.findings import Findings
from jwcal.models import Image
from jwcal.sky.levels import read_levels, write_levels
from jwcal.steps.skymatch import skymatch
from jwcal.wcs import from_tree

SHAPE = (160, 180)
LEVELS = np.array([0.30, 0.42, 0.25, 0.37])
OFFSETS = ((0, 0), (40, 25), (-30, 45), (20, -50))
METHODS = ("match", "global+match")
SIGMA = 0.05


def nebula(ra, dec):
    """Something bright and extended on the sky."""
    x, y = (ra - 30) * np.cos(np.radians(-40)) / SCALE, (dec + 40) / SCALE
    return 4 * np.exp(-((x - 10) ** 2 + (y + 5) ** 2) / 2 / 40**2)


def make_association(sky=None, levels=LEVELS, offsets=OFFSETS, sigma=SIGMA):
    """Exposures of one sky with noise and levels; named e0, e1, ..."""
    images = []
    for number, (level, (dx, dy)) in enumerate(zip(levels, offsets, strict=True)):
        rng = np.random.default_rng(number)
        planes = np.full((4, *SHAPE), 1.0)
        planes[0] = level + rng.normal(0, sigma, SHAPE)
        image = make_image(planes, 30 + dx * SCALE / np.cos(np.radians(-40)), -40 + dy * SCALE, angle=30 + 7 * number)
        if sky is not None:
            y, x = np.indices(SHAPE)
            image.data += sky(*from_tree(image.wcs).forward(x, y)).astype(np.float32)
        hit = rng.random(SHAPE) < 0.01
        image.data[hit] = 1e3
        image.dq[hit] = dq.DO_NOT_USE
        image.path = f"e{number}_cal.fits"
        images.append(image)
    return images


def levels_of(found, images):
    return np.array([found[image.path.removesuffix("_cal.fits")]["level"] for image in images])


@pytest.mark.parametrize("pixel_pairs", [True, False])
@pytest.mark.parametrize("skystat, error", [("mean", 2e-3), ("median", 2e-3), ("midpt", 5e-3), ("mode", 0.02)])
@pytest.mark.parametrize("match_down", [True, False])
def test_differences_come_back(pixel_pairs, skystat, error, match_down):
    images = make_association()
    found = skymatch(images, pixel_pairs=pixel_pairs, skystat=skystat, match_down=match_down)
    expected = LEVELS - (LEVELS.min() if match_down else LEVELS.max())
    np.testing.assert_allclose(levels_of(found, images), expected, atol=1e-3 if pixel_pairs else error)
    assert all(entry["status"] == "COMPLETE" and not entry["subtracted"] for entry in found.values())
    assert json.loads(json.dumps(found)) == found


def test_a_nebula_does_not_matter_to_pixel_pairs():
    images = make_association(nebula)
    pairs, modes = (levels_of(skymatch(images, pixel_pairs=p), images) for p in (True, False))
    np.testing.assert_allclose(pairs, LEVELS - LEVELS.min(), atol=2e-3)
    assert np.abs(modes - LEVELS + LEVELS.min()).max() > 0.02


def test_local_and_global():
    images = make_association()
    local = skymatch(images, skymethod="local", skystat="median")
    np.testing.assert_allclose(levels_of(local, images), LEVELS, atol=2e-3)
    everywhere = skymatch(images, skymethod="global", skystat="median")
    assert levels_of(everywhere, images) == pytest.approx(np.full(4, levels_of(local, images).min()))
    assert everywhere["e0"]["method"] == "global"


def test_global_and_match():
    images = make_association()
    found = skymatch(images, skymethod="global+match", skystat="median")
    np.testing.assert_allclose(levels_of(found, images), LEVELS, atol=4e-3)


@pytest.mark.parametrize("pixel_pairs", [True, False])
def test_groups_have_one_level(pixel_pairs):
    images = make_association(levels=[0.3, 0.3, 0.42, 0.42])
    found = skymatch(images, None, ["a", "a", "b", "b"], pixel_pairs=pixel_pairs, skystat="median")
    assert levels_of(found, images) == pytest.approx([0, 0, 0.12, 0.12], abs=2e-3)
    alone = skymatch(images, None, ["a"] * 4, pixel_pairs=pixel_pairs)
    assert {entry["status"] for entry in alone.values()} == {"SKIPPED"}
    local = skymatch(images, None, ["a", "a", "b", "b"], skymethod="local", skystat="median")
    assert local["e0"] == local["e1"] and local["e2"]["level"] == pytest.approx(0.42, abs=2e-3)


def apply_levels(image, found, folder):
    """Put what was found into an image, by way of the file."""
    write_levels(folder / "found.json", found)
    findings = Findings(levels=folder / "found.json")
    findings.change(image, findings.note(image))


@pytest.mark.parametrize("pixel_pairs", [True, False])
def test_an_exposure_elsewhere_is_skipped(tmp_path, pixel_pairs):
    images = make_association(offsets=((0, 0), (40, 25), (900, 0), (20, -50)))
    found = skymatch(images, pixel_pairs=pixel_pairs, skystat="median")
    assert [found[f"e{k}"]["status"] for k in range(4)] == ["COMPLETE", "COMPLETE", "SKIPPED", "COMPLETE"]
    np.testing.assert_allclose(levels_of(found, images)[[0, 1, 3]], [0, 0.12, 0.07], atol=2e-3)
    apply_levels(images[2], found, tmp_path)
    assert images[2].header["S_SKYMAT"] == "SKIPPED" and "BKGLEVEL" not in images[2].header


def test_settings_of_the_statistics():
    images = make_association()
    quick = {"skymethod": "local", "skystat": "mean"}
    for image in images:
        image.data[:40] += 10
    np.testing.assert_allclose(levels_of(skymatch(images, **quick, upper=5.0), images), LEVELS, atol=2e-3)
    assert levels_of(skymatch(images, **quick, nclip=0), images).min() > 2
    flagged = skymatch(images, **quick, nclip=0, dqbits="")
    assert levels_of(flagged, images).min() > 10
    same = skymatch(images, **quick, nclip=0, dqbits="DO_NOT_USE")
    assert levels_of(same, images) == pytest.approx(levels_of(flagged, images))


@pytest.mark.parametrize("stepsize", [None, 20])
def test_outlines_with_more_points(stepsize):
    images = make_association()
    found = skymatch(images, stepsize=stepsize, pixel_pairs=False, skystat="median")
    np.testing.assert_allclose(levels_of(found, images), LEVELS - LEVELS.min(), atol=2e-3)


def test_alignment_moves_the_overlap():
    images = make_association()
    members = {f"e{k}": {"status": "SKIPPED"} for k in range(4)}
    settings = {"pixel_pairs": False, "skystat": "median"}
    assert skymatch(images, {"members": members}, **settings) == skymatch(images, **settings)


def test_only_one_exposure_is_in_memory(tmp_path, monkeypatch):
    images = make_association()
    paths = [tmp_path / image.path for image in images]
    for path, image in zip(paths, images, strict=True):
        products.write(path, image)
    read, pixels = products.read, []

    def watch(path, container, only=None):
        pixels.append((path.name, only))
        return read(path, container, only)

    monkeypatch.setattr(products, "read", watch)
    assert skymatch(paths) == skymatch(images)
    assert pixels == [(path.name, only) for only in ((), ("data", "dq")) for path in paths]


@pytest.mark.parametrize("subtract", [False, True])
def test_levels_get_into_the_image(tmp_path, subtract):
    images = make_association()
    found = skymatch(images, subtract=subtract)
    write_levels(tmp_path / "levels.json", found)
    assert read_levels(tmp_path / "levels.json") == found
    before = images[1].data.copy()
    apply_levels(images[1], found, tmp_path)
    header, level = images[1].header, found["e1"]["level"]
    assert (header["BKGMETH"], header["BKGLEVEL"], header["BKGSUB"]) == ("match", level, subtract)
    assert header["S_SKYMAT"] == "COMPLETE"
    np.testing.assert_array_equal(images[1].data, before - np.float32(level) if subtract else before)


def test_measuring_again(tmp_path):
    images = make_association()
    found = skymatch(images, subtract=True)
    for image in images:
        apply_levels(image, found, tmp_path)
    again = skymatch(images, subtract=True)
    np.testing.assert_allclose(levels_of(again, images), levels_of(found, images), atol=1e-4)
    before = images[1].data.copy()
    apply_levels(images[1], again, tmp_path)
    np.testing.assert_allclose(images[1].data, before, atol=1e-4)
    with pytest.raises(JwcalError, match=r"e0_cal.fits: its sky was measured before \(BKGLEVEL .*, BKGSUB True\)"):
        skymatch(images, subtract=False)


def test_levels_of_ones_own(tmp_path):
    images = make_association()
    (tmp_path / "sky.txt").write_text("# level\ne1_cal.fits, 0.5\ne0 0.25\ne2_cal.fits 1\ne3 -3e-1\nother 7\n")
    found = skymatch(images, skymethod="user", skylist=str(tmp_path / "sky.txt"))
    assert levels_of(found, images).tolist() == [0.25, 0.5, 1, -0.3]
    assert found["e0"] == {"level": 0.25, "subtracted": False, "method": "user", "status": "COMPLETE"}
    for text, said in [
        ("e0 1\n", "lists e1 0 times"),
        ("e0 1\ne0 1\n", "lists e0 2 times"),
        ("e0\n", "has a line that"),
    ]:
        (tmp_path / "sky.txt").write_text(text)
        with pytest.raises(JwcalError, match=f"sky.txt: {said}"):
            skymatch(images, skymethod="user", skylist=str(tmp_path / "sky.txt"))
    with pytest.raises(JwcalError, match="skymethod is user, but skylist names no file"):
        skymatch(images, skymethod="user")
    with pytest.raises(JwcalError, match="absent.txt: cannot be read"):
        skymatch(images, skymethod="user", skylist=str(tmp_path / "absent.txt"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"skymethod": "best"}, "skymethod is 'best'; it must be one of local, global, match"),
        ({"skystat": "max"}, "skystat is 'max'; it must be one of mean, median, mode, midpt"),
        ({"dqbits": "~DO_NOT_USE+HOTT"}, "dqbits names the unknown flag HOTT"),
    ],
)
def test_what_is_refused(settings, said):
    with pytest.raises(JwcalError, match=said):
        skymatch(make_association(), **settings)


def test_pixels_are_needed(tmp_path):
    image = make_association()[0]
    image.data = image.data[None]
    with pytest.raises(JwcalError, match="skymatch needs two-dimensional images"):
        skymatch([image])
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(JwcalError, match="x.json: is no file of sky levels"):
        read_levels(tmp_path / "x.json")
    assert isinstance(image, Image)
