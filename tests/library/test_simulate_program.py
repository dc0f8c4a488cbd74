"""Whole programs from a description."""

import copy
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.io import fits

from jwcal.errors import JwcalError
from jwcal.simulate import Observatory, simulate_program
from jwcal.simulate.fields import draw_field
from jwcal.simulate.program import choose_effects, list_plans
from jwcal.simulate.readout import DEFAULT_EFFECTS

DEMO = yaml.safe_load((Path(__file__).parents[2] / "config" / "demo.yaml").read_text())

TINY = {
    "seed": 3,
    "target": {"ra": 80.0, "dec": -69.5, "roll": 20.0, "name": "TINY"},
    "field": {
        "stars": {"number": 5},
        "galaxies": False,
        "radius": 4.0,
        "catalogue": [{"ra": 80.0, "dec": -69.5, "mag": 18}],
    },
    "effects": {"cosmic_rays": False, "coupling": True},
    "exposures": [
        {
            "instrument": "NIRCAM",
            "detectors": ["NRCB1", "NRCBLONG"],
            "filters": {"SHORT": "F150W", "LONG": "F356W"},
            "subarray": "SUB64P",
            "readpatt": "BRIGHT1",
            "ngroups": 3,
            "dithers": [[0, 0], [0.3, -0.2]],
        }
    ],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")
    return folder, simulate_program(copy.deepcopy(TINY), folder / "raw", folder / "crds")


def test_a_program_makes_exposures_truth_and_references(made):
    folder, written = made
    assert all(path.is_file() for path in written)
    assert len(list((folder / "raw").iterdir())) == 4
    assert len(list((folder / "truth").iterdir())) == 4
    assert (folder / "crds" / "mappings" / "jwst" / "jwst_0001.pmap").is_file()
    assert any("ipc" in path.name for path in written)


def test_detectors_share_the_attitude_and_dithers_move_it(made):
    headers = {path.name: fits.getheader(path, "SCI") for path in made[1] if path.name.endswith("uncal.fits")}
    v1 = [(headers[name]["RA_V1"], headers[name]["DEC_V1"]) for name in sorted(headers)]
    assert v1[0] == pytest.approx(v1[1], abs=1e-9)  # NRCB1 and NRCBLONG of the first position
    assert v1[0] != pytest.approx(v1[2], abs=1e-9)
    starts = [fits.getheader(path)["EXPSTART"] for path in made[1] if path.name.endswith("uncal.fits")]
    assert starts[0] == starts[1] < starts[2] == starts[3]


def test_the_same_star_is_in_every_exposure(made):
    truths = [path for path in made[1] if path.name.endswith("nrcb1_truth.fits")]
    for path in truths:
        stars = fits.getdata(path, "STARS")
        assert (np.abs(stars["ra"] - 80.0) < 1e-9).any()


def test_the_demo_is_small_and_complete():
    plans = list_plans(DEMO, Observatory())
    assert len(plans) == 6
    assert {plan.setup.filter for plan in plans} == {"F200W", "F444W"}
    samples = sum(plan.timing.ngroups * plan.region.nx * plan.region.ny for plan in plans)
    assert samples < 20e6
    scene = draw_field(DEMO["field"], DEMO["target"], DEMO["seed"])
    assert len(scene.stars) > 20 and len(scene.galaxies) > 100
    assert (scene.galaxies["einstein"] > 0).any()


def test_fields_repeat_with_their_seed():
    target = {"ra": 0.0, "dec": 0.0}
    first, second, third = (draw_field({}, target, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.stars, second.stars) and np.array_equal(first.galaxies, second.galaxies)
    assert not np.array_equal(first.stars, third.stars)


def test_effects_are_chosen_by_name():
    assert choose_effects({}) == DEFAULT_EFFECTS
    assert choose_effects({"read_noise": False, "coupling": True}) == DEFAULT_EFFECTS - {"read_noise"} | {"coupling"}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda spec: spec.update(exposure=[]), "exposure"),
        (lambda spec: spec["exposures"][0].update(readpattern="RAPID"), "readpattern"),
        (lambda spec: spec["effects"].update(jumps=True), "jumps"),
        (lambda spec: spec["field"].update(nebulae=3), "nebulae"),
        (lambda spec: spec["field"]["stars"].update(colour=3), "colour"),
    ],
)
def test_a_typo_is_named(change, name, tmp_path):
    spec = copy.deepcopy(TINY)
    change(spec)
    with pytest.raises(JwcalError, match=f"unknown key '{name}'"):
        simulate_program(spec, tmp_path / "raw", tmp_path / "crds")
