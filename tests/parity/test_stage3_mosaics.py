"""outlier_detection and resample of associations, against the official steps on the same exposures."""

from types import SimpleNamespace

import mosaic_cases
import numpy as np
import pytest
import truth
from comparison import Figure, relative_difference, share_within
from oracle import Oracle
from stepwise import I2D_TOLERANCE, WCS_TOLERANCE

from jwcal import dq, products
from jwcal.models import Mosaic
from jwcal.outliers.maps import apply_outliers
from jwcal.steps.outlier_detection import outlier_detection
from jwcal.steps.resample import resample
from jwcal.steps.skymatch import skymatch
from jwcal.steps.source_catalog import source_catalog
from jwcal.steps.tweakreg import tweakreg
from jwcal.steps.tweakreg_catalog import tweakreg_catalog
from jwcal.wcs import from_tree
from jwcal.wcs.mosaics import parse_footprint

FLAGS_AGREE = 0.999
# The value of an output pixel that an input just touches is a ratio of tiny overlaps: 1e-6 pixels there are a per cent.
SHARE = 0.9999
PLANES = ("data", "err", "weight", "var_poisson", "var_rnoise", "var_flat")
SMALL = {"subarray": "SUB160", "readpatt": "SHALLOW4", "ngroups": 5}
FIELDS = {
    "four dithers": mosaic_cases.dithered(mosaic_cases.BOX, **SMALL, observation=31),
    "nine dithers": mosaic_cases.dithered(mosaic_cases.GRID, **SMALL, observation=32),
    "two detectors": mosaic_cases.two_detectors(mosaic_cases.BOX[:3], **SMALL, observation=33),
}


SHARP = mosaic_cases.dithered(mosaic_cases.BOX, **SMALL | {"subarray": "SUB320"}, filter="F090W", observation=34)
STARS = {"size": 400, "faint": 23.0, "bright": 17.0}
# Settings unlike the defaults, the same for both sides.
OTHER_OUTLIERS = [
    {"weight_type": "exptime", "kernel": "turbo", "pixfrac": 0.8, "snr": "4.0 3.0", "scale": "0.9 0.5", "maskpt": 0.4},
    {"resample_data": False, "snr": "30.0 4.0"},
]
OTHER_MOSAICS = [
    {"pixel_scale_ratio": 0.6, "pixfrac": 0.7, "weight_type": "exptime", "rotation": 12.0},
    {"pixel_scale": 0.05, "kernel": "gaussian", "crpix": [100.0, 90.0], "output_shape": [180, 150]},
    {"kernel": "lanczos3", "fillval": "0", "enable_err": False, "crval": [150.1001, 2.2001]},
]


class Field:
    """Exposures of one field on disk, the official results, and ours."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        clean = mosaic_cases.calibrate(folder, FIELDS[name], faint=26.0, bright=19.0)
        (folder / "hit").mkdir()
        self.paths, self.strengths = mosaic_cases.load_injected(folder / "hit", clean)
        self.maps = outlier_detection(self.paths, core_scale=0.0)

    def crf(self):
        """Write the exposures with our outliers; returns their paths."""
        targets = []
        for path, outliers in zip(self.paths, self.maps, strict=True):
            targets.append(self.folder / path.name.replace("_cal", "_crf"))
            products.write(targets[-1], apply_outliers(products.read_image(path), outliers))
        return targets


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    """The official package's process; its steps need no reference files."""
    folder = tmp_path_factory.mktemp("official")
    from jwcal.simulate import Setup, plan_exposure, write_reference_cache

    write_reference_cache(folder / "crds", [plan_exposure(Setup())], context=truth.CONTEXT)
    oracle = Oracle(folder / "crds", truth.CONTEXT, folder / "official.log")
    yield oracle
    oracle.close()


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    """Fields by name, made when first asked for."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = Field(name, tmp_path_factory.mktemp("field"))
        return made[name]

    return get


def check(figures, start):
    missed = [str(figure) for figure in figures[start:] if not figure.passed]
    assert not missed, "\n" + "\n".join(missed)


def score(masks, strengths):
    """Recall above ten errors, and flags per million pixels where nothing was put."""
    masks, strengths = np.concatenate(masks, axis=None), np.concatenate(strengths, axis=None)
    return masks[strengths > 10].mean(), masks[strengths == 0].mean() * 1e6


@pytest.mark.parametrize("name", FIELDS)
def test_outliers(name, fields, oracle, figures, tmp_path):
    field, start = fields(name), len(figures)
    official = oracle.run("outlier_detection", field.paths, tmp_path)
    ours, theirs = [], []
    for number, (path, outliers) in enumerate(zip(field.paths, field.maps, strict=True)):
        before, state = products.read_image(path), official.state(str(number))
        ours.append(outliers.mask)
        theirs.append((state["dq"] & dq.OUTLIER != 0) & (before.dq & dq.OUTLIER == 0))
        if np.array_equal(ours[-1], theirs[-1]):
            after = apply_outliers(before, outliers)
            for array in ("data", "err", "dq", "var_poisson", "var_rnoise", "var_flat"):
                np.testing.assert_array_equal(getattr(after, array), state[array], array)
    agreement = np.mean([np.mean(a == b) for a, b in zip(ours, theirs, strict=True)])
    figures.append(Figure(name, "outlier_detection", "flags", agreement, FLAGS_AGREE, "flags"))
    (recall, false), (their_recall, their_false) = score(ours, field.strengths), score(theirs, field.strengths)
    note = f"{100 * recall:.2f} % here, {100 * their_recall:.2f} % officially"
    figures.append(Figure(name, "outlier_detection", "recall", 1 - recall + their_recall, 1.002, "values", note))
    note = f"{false:.0f} here, {their_false:.0f} officially, a million pixels"
    figures.append(Figure(name, "outlier_detection", "false flags", false - their_false, 20.0, "values", note))
    check(figures, start)


@pytest.mark.parametrize("name", FIELDS)
def test_mosaic(name, fields, oracle, figures, tmp_path):
    field, start = fields(name), len(figures)
    paths = field.crf()
    official = oracle.run("mosaic", paths, tmp_path)
    theirs, ours = products.read(official.product("i2d"), Mosaic), resample(paths)
    assert ours.data.shape == theirs.data.shape
    weighted = (ours.weight > 0) & (theirs.weight > 0)
    same = np.mean((ours.weight > 0) == (theirs.weight > 0))
    figures.append(Figure(name, "resample", "WHT > 0", same, SHARE, "flags"))
    context = np.mean((ours.context == theirs.context).all(axis=0))
    figures.append(Figure(name, "resample", "CON", context, SHARE, "flags"))
    for plane in PLANES:
        mine, other = getattr(ours, plane), getattr(theirs, plane)
        share = share_within(mine, other, I2D_TOLERANCE, weighted)
        worst = relative_difference(mine, other, weighted)
        figures.append(Figure(name, "resample", plane.upper(), share, SHARE, "share", f"largest {worst:.1e}"))
    compare_headers(ours, theirs)
    x, y = np.array([[0, 0], [ours.data.shape[1] - 1, ours.data.shape[0] - 1]]).T
    back = from_tree(ours.wcs).inverse(*from_tree(theirs.wcs).forward(x, y))
    shift = float(np.hypot(back[0] - x, back[1] - y).max())
    figures.append(Figure(name, "resample", "WCS", shift, WCS_TOLERANCE, "pixel"))
    check(figures, start)


@pytest.mark.parametrize("settings", OTHER_OUTLIERS, ids=lambda settings: next(iter(settings)))
def test_other_outlier_settings(settings, fields, oracle, figures, tmp_path):
    field, start = fields("four dithers"), len(figures)
    official = oracle.run("outlier_detection", field.paths, tmp_path, {"": settings})
    theirs = [official.state(str(number))["dq"] & dq.OUTLIER != 0 for number in range(len(field.paths))]
    ours = [found.mask for found in outlier_detection(field.paths, core_scale=0.0, **settings)]
    before = [products.read_image(path, ("dq",)).dq & dq.OUTLIER != 0 for path in field.paths]
    agreement = np.mean([np.mean((a | c) == b) for a, b, c in zip(ours, theirs, before, strict=True)])
    assert sum(mask.sum() for mask in ours) > 50
    figures.append(Figure(next(iter(settings)), "outlier_detection", "flags", agreement, FLAGS_AGREE, "flags"))
    check(figures, start)


@pytest.mark.parametrize("settings", OTHER_MOSAICS, ids=lambda settings: next(iter(settings)))
def test_other_mosaic_settings(settings, fields, oracle, figures, tmp_path):
    field, start = fields("four dithers"), len(figures)
    theirs = products.read(oracle.run("mosaic", field.paths, tmp_path, {"": settings}).product("i2d"), Mosaic)
    ours = resample(field.paths, **settings)
    assert ours.data.shape == theirs.data.shape
    weighted = (ours.weight > 0) & (theirs.weight > 0)
    for plane in PLANES:
        mine, other = getattr(ours, plane), getattr(theirs, plane)
        assert (mine is None) == (other is None), plane
        if mine is not None:
            share = share_within(mine, other, I2D_TOLERANCE, weighted)
            figures.append(Figure(next(iter(settings)), "resample", plane.upper(), share, 0.999, "share"))
    check(figures, start)


def test_cores_of_undersampled_stars(oracle, figures, tmp_path):
    stars = mosaic_cases.make_field(SHARP, **STARS).stars
    clean, start = mosaic_cases.calibrate(tmp_path, SHARP, **STARS), len(figures)
    cores = np.array([mosaic_cases.find_cores(path, stars) for path in clean])
    official = oracle.run("outlier_detection", clean, tmp_path / "official")
    theirs = np.array([official.state(str(number))["dq"] & dq.OUTLIER != 0 for number in range(len(clean))])
    ours = np.array([found.mask for found in outlier_detection(clean)])
    lost, their_lost = (np.count_nonzero(flags & cores) for flags in (ours, theirs))
    note = f"{lost} here, {their_lost} officially, of {len(stars)} stars"
    figures.append(Figure("F090W", "outlier_detection", "cores lost", lost / their_lost, 0.2, "values", note))
    (tmp_path / "hit").mkdir()
    hit, strengths = mosaic_cases.load_injected(tmp_path / "hit", clean)
    away = np.array(strengths) * ~cores
    recall, without = (
        score([found.mask for found in outlier_detection(hit, core_scale=scale)], away)[0] for scale in (0.5, 0.0)
    )
    note = f"{100 * recall:.2f} % with, {100 * without:.2f} % without keeping cores"
    figures.append(Figure("F090W", "outlier_detection", "recall", without - recall, 0.01, "values", note))
    check(figures, start)


@pytest.mark.parametrize("suffix", ["cal", "a3001_crf"])
def test_every_step_takes_files_as_the_official_package_writes_them(suffix, fields, oracle, figures, tmp_path):
    """`_cal` and `_crf` of the archive: all of stage 3, with the results that our files give."""
    field = fields("four dithers")
    oracle.run("archive", field.paths, tmp_path)
    theirs = [tmp_path / path.name.replace("cal", suffix) for path in field.paths]
    ours = field.paths if suffix == "cal" else field.crf()
    found = [run_stage3(paths, tmp_path) for paths in (theirs, ours)]
    assert found[0].solution["members"].keys() == found[1].solution["members"].keys()
    for name, entry in found[0].solution["members"].items():
        np.testing.assert_allclose(entry["shift"], found[1].solution["members"][name]["shift"], rtol=0, atol=1e-9)
    assert found[0].levels == found[1].levels
    for one, two in zip(found[0].maps, found[1].maps, strict=True):
        np.testing.assert_array_equal(one.mask, two.mask)
    for plane in (*PLANES, "context"):
        np.testing.assert_array_equal(getattr(found[0].mosaic, plane), getattr(found[1].mosaic, plane), plane)
    assert len(found[0].catalog) == len(found[1].catalog) > 0


def run_stage3(paths, folder):
    """What each step of stage 3 makes of exposures."""
    images = [products.read_image(path) for path in paths]
    catalogs = [tweakreg_catalog(image) for image in images]
    solution = tweakreg(images, catalogs, None, minobj=5)
    mosaic = resample(paths)
    products.write(folder / "x_i2d.fits", mosaic)
    return SimpleNamespace(
        solution=solution, levels=skymatch(paths, solution), maps=outlier_detection(paths), mosaic=mosaic,
        catalog=source_catalog(products.read(folder / "x_i2d.fits", Mosaic)),
    )  # fmt: skip


OWN = {"DATE", "FILENAME", "CAL_VER", "ASNPOOL", "ASNTABLE", "S_RESAMP", "S_REGION", "EXTVER"}


def compare_headers(ours, theirs):
    """Keywords of both headers, the table of all headers, and the footprint."""
    for mine, other in ((ours.header, theirs.header), (ours.sci_header, theirs.sci_header)):
        for keyword in set(other) - OWN - {"", "COMMENT", "HISTORY"}:
            expected = other[keyword]
            if isinstance(expected, float):
                expected = pytest.approx(expected, rel=1e-9, abs=1e-9)
            assert mine[keyword] == expected, keyword
    mine, other = ours.tables["HDRTAB"], theirs.tables["HDRTAB"]
    assert set(other.dtype.names) - OWN <= set(mine.dtype.names)
    for keyword in set(other.dtype.names) - OWN:
        assert mine[keyword].tolist() == other[keyword].tolist(), keyword
    one, two = (measure_outline(mosaic) for mosaic in (ours, theirs))
    assert len(one) == len(two)
    np.testing.assert_allclose(one, two, rtol=1e-4)


def measure_outline(mosaic):
    """Areas of the footprint's polygons, in pixels."""
    areas = []
    for polygon in parse_footprint(mosaic.sci_header["S_REGION"]):
        x, y = from_tree(mosaic.wcs).inverse(*polygon.T)
        areas.append(abs(0.5 * (x * np.roll(y, -1) - np.roll(x, -1) * y).sum()))
    return sorted(areas)
