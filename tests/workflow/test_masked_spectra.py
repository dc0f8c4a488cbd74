"""NIRSpec exposures whose stripes are sought where no light falls: each kind of aperture, a missing table, no light."""

import re
import shutil

import numpy as np
import pytest
import yaml
from astropy.io import fits

from jwcal.simulate import Scene, Setup, simulate_exposure, write_reference_cache

EXPOSURES = {
    "IFU": ("NRS_IFU", "F170LP", "G235M", "FULL"),
    "slit": ("NRS_FIXEDSLIT", "F290LP", "G395H", "SUBS200A1"),
    "series": ("NRS_BRIGHTOBJ", "CLEAR", "PRISM", "SUB512"),
    "MOS": ("NRS_MSASPEC", "CLEAR", "PRISM", "FULL"),
    "MOS without table": ("NRS_MSASPEC", "CLEAR", "PRISM", "FULL"),
    "no light": ("NRS_IFU", "F170LP", "G235M", "FULL"),
    "imager": None,
}
STEPS = {"clean_flicker_noise": {"skip": False, "mask_science_regions": True, "save_mask": True, "n_sigma": 0},
         "picture_frame": {"skip": False, "n_sigma": 0, "save_mask": True}}  # fmt: skip
OPTICS = {"camera", "collimator", "disperser", "fpa", "ifupost", "ifuslicer", "msa", "msaoper", "wavelengthrange"}


def plan(name):
    """Set-up of an exposure, its observation by its place in the list."""
    number = list(EXPOSURES).index(name) + 1
    if EXPOSURES[name] is None:
        return Setup(subarray="SUB64P", ngroups=3, observation=number)
    exp_type, filter_name, grating, subarray = EXPOSURES[name]
    detector = "NRS2" if name == "no light" else "NRS1"
    return Setup("NIRSPEC", detector, filter_name, grating, subarray, "NRSRAPID", 2, 2 if name == "series" else 1,
                 exp_type=exp_type, observation=number)  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory, open_workbench):
    """All count rates, with the masks that were used."""
    folder = tmp_path_factory.mktemp("regions")
    setups = {name: plan(name) for name in EXPOSURES}
    for seed, setup in enumerate(setups.values()):
        simulate_exposure(setup, Scene(), folder / "raw", seed=seed)
    find(folder / "raw", "MOS without table", "msa").unlink()
    write_reference_cache(folder / "crds", setups.values())
    bench = open_workbench(folder, folder)
    shutil.rmtree(folder / "raw")
    (bench.work / "mine.yaml").write_text(yaml.safe_dump({"steps": STEPS}))
    bench.options = ["--configfile", str(bench.work / "mine.yaml")]
    bench.targets = [
        f"products/{raw.name.replace('_uncal', '_rate')}" for raw in sorted(bench.work.glob("raw/*_uncal*"))
    ]
    bench.run(*bench.targets, *bench.options)
    return bench


def find(folder, name, suffix):
    """A file of an exposure."""
    (path,) = folder.rglob(f"jw00001{list(EXPOSURES).index(name) + 1:03d}001_*[0-9]_{suffix}.*")
    return path


def stale(bench):
    """Exposures whose rates would be made anew."""
    said = bench.run("-n", *bench.targets, *bench.options).stdout
    observations = re.findall(r"output: products/jw00001(\d{3})001_\S+_rate.fits", said)
    return {list(EXPOSURES)[int(number) - 1] for number in observations}


def log(bench, name, step):
    """What the log says of a step."""
    text = find(bench.work / "logs", name, "nrs[12]" if EXPOSURES[name] else "nrcb1").read_text()
    return [line for line in text.splitlines() if f"{step}:" in line]


@pytest.mark.parametrize(("name", "lit"), [("IFU", (0.4, 0.6)), ("slit", (0.3, 0.9)), ("series", (0.3, 0.9)),
                                           ("MOS", (0.1, 0.3))])  # fmt: skip
def test_masks(bench, name, lit):
    assert any("COMPLETE" in line for line in log(bench, name, "clean_flicker_noise"))
    mask, rate = (fits.getdata(find(bench.products, name, suffix), "SCI") for suffix in ("mask", "rate"))
    assert lit[0] < 1 - mask.mean() < lit[1]
    assert not mask[np.isnan(rate)].any()
    if name in ("IFU", "MOS"):
        assert not mask[922:1116].any() and mask[1116:].any()
        assert any("COMPLETE" in line for line in log(bench, name, "picture_frame"))
        np.testing.assert_array_equal(fits.getdata(find(bench.products, name, "pctfrm_mask"), "SCI"), mask)


def test_a_missing_table_costs_the_step_only(bench):
    for step in ("clean_flicker_noise", "picture_frame"):
        (line,) = log(bench, "MOS without table", step)
        assert "SKIPPED" in line and "jw00001005001_01_msa.fits, is not in the raw folder; put it there" in line
    assert fits.getheader(find(bench.products, "MOS without table", "rate"))["S_CLNFNS"] == "SKIPPED"


def test_a_detector_without_light(bench):
    (line,) = log(bench, "no light", "clean_flicker_noise")
    assert "SKIPPED" in line and "no slices fall on NRS2" in line
    assert any("COMPLETE" in line for line in log(bench, "no light", "picture_frame"))


def test_references_are_noted_for_nirspec_only(bench):
    header = fits.getheader(find(bench.products, "IFU", "rate"))
    assert header["R_CAMERA"] == "crds://jwst_nirspec_camera_0001.asdf" and header["R_MSAOPE"].endswith(".json")
    assert "R_CAMERA" not in fits.getheader(find(bench.products, "imager", "rate"))
    said = bench.run("references", *bench.options).stdout
    listed = {line.split()[1] for line in said.splitlines() if line.startswith(("present", "MISSING"))}
    assert OPTICS <= listed and "msametafile" not in listed
    assert all("nirspec" in line for line in said.splitlines() if line.split()[1:2] == ["camera"])


def test_a_table_that_comes_later_or_changes_makes_the_rates_anew(bench):
    assert stale(bench) == set()
    table = find(bench.work / "raw", "MOS", "msa")
    copy = table.with_name("jw00001005001_01_msa.fits")
    shutil.copy(table, copy)
    assert stale(bench) == {"MOS without table"}
    copy.unlink()
    assert stale(bench) == set()
    with fits.open(table, mode="update") as file:
        file["SHUTTER_INFO"].data["shutter_row"] += 1
    assert stale(bench) == {"MOS"}
