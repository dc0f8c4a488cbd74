"""Ramps in blocks of integrations, bands of rows: the same products, bit for bit, as at one go; in bounded memory."""

import sys
from itertools import pairwise

import numpy as np
import pytest
import truth

from jwcal import products
from jwcal.memory import blocks, budget, image_blocks, mapping
from jwcal.runner import run_chain
from jwcal.simulate import Scene, Setup

NIRCAM = Setup(subarray="SUB64P", readpatt="BRIGHT1", ngroups=5, nints=7, zeroframe=True)
MIRI = Setup("MIRI", "MIRIMAGE", "F770W", "N/A", "SUB64", "FASTR1", 12, 5, program=2)
SERIES = Setup(subarray="SUB64P", readpatt="RAPID", ngroups=4, nints=6, exp_type="NRC_TSIMAGE", tso=True, observation=2)
EVENTS = {"expand_large_events": True, "min_jump_area": 1.0, "sat_required_snowball": False}
AFTER = {"after_jump_flag_dn1": 1.0, "after_jump_flag_time1": 100.0}
CASES = {
    "windows and the zeroframe": (NIRCAM, {"persistence": {"skip": False, "persistence_time": 60},
                                           "ramp_fit": {"suppress_one_group": False}}),
    "large events": (NIRCAM, {"jump": EVENTS | AFTER | {"rejection_threshold": 3.0}}),
    "integrations clipped": (SERIES, {"jump": {"minimum_sigclip_groups": 5}}),
    "all clipped together": (SERIES, {"jump": {"minimum_sigclip_groups": 5, "only_use_ints": False}}),
    "flicker": (SERIES, {"clean_flicker_noise": {"skip": False}}),
    "flicker of each integration": (SERIES, {"clean_flicker_noise": {"skip": False, "single_mask": False,
                                             "save_mask": True, "save_noise": True, "save_background": True}}),
    "flicker over time": (SERIES, {"clean_flicker_noise": {"skip": False, "background_method": "median_image",
                                   "save_mask": True, "save_noise": True}}),
    "segments": (NIRCAM, {"jump": {"rejection_threshold": 3.0}, "ramp_fit": {"save_opt": True}}),
    "chi squared": (SERIES, {"ramp_fit": {"algorithm": "LIKELY", "save_opt": True}}),
    "interference": (MIRI, {"emicorr": {"skip": False}, "firstframe": {"skip": False}}),
    "interference folded": (MIRI, {"emicorr": {"skip": False, "algorithm": "sequential"}}),
    "showers": (MIRI, {"jump": {"find_showers": True, "extend_min_area": 2, "extend_snr_threshold": 0.5}}),
    "showers over time": (MIRI, {"jump": {"find_showers": True, "minimum_sigclip_groups": 5, "extend_min_area": 2}}),
}  # fmt: skip


@pytest.fixture(scope="module")
def exposures(tmp_path_factory):
    """Folder with the raw exposures, and their files by set-up."""
    folder = tmp_path_factory.mktemp("blocks")
    setups = [NIRCAM, MIRI, SERIES]
    made = truth.simulate(folder, setups, [Scene()] * 3)
    return folder, {setup: simulated for setup, simulated in zip(setups, made, strict=True)}


@pytest.fixture
def small(monkeypatch):
    """Little memory: blocks of two integrations, bands of some rows."""
    monkeypatch.setattr(budget, "MOST_BYTES", 1 << 16)
    monkeypatch.setattr(budget, "BLOCK_SAMPLES", 2 * 4 * 64 * 64)
    monkeypatch.setattr(budget, "BAND_BYTES", 1 << 19)


@pytest.mark.parametrize("case", CASES)
def test_blocks_change_nothing(exposures, small, case, tmp_path):
    setup, steps = CASES[case]
    folder, made = exposures
    program = truth.load_program(folder, [{"when": {}, **steps}])
    plan = program.plan("detector1", made[setup].plan.root)
    whole = run_chain(plan, products.read_ramp(made[setup].uncal), context=truth.CONTEXT)
    assert len(budget.list_blocks(products.outline_ramp(made[setup].uncal).data.shape)) > 2
    parts = blocks.calibrate_ramp(made[setup].uncal, plan, tmp_path, truth.CONTEXT)
    assert mapping.find_pages(parts.rateints.data) is not None
    assert write_all(tmp_path / "whole", whole) == write_all(tmp_path / "parts", parts)
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "parts"}


def write_all(folder, rates):
    """Content of all files that ramp_fit's results give, by name."""
    for suffix, product in {"rate": rates.rate, "rateints": rates.rateints, **rates.extras}.items():
        products.write(folder / f"x_{suffix}.fits", product)
    if rates.fitopt:
        products.write_tables(folder / "x_fitopt.fits", rates.rate, rates.fitopt)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_ramp_in_blocks(exposures, small, tmp_path):
    folder, made = exposures
    program = truth.load_program(folder)
    plan = program.peeks.plan(made[MIRI].plan.root, "ramp")
    whole = run_chain(plan, products.read_ramp(made[MIRI].uncal), context=truth.CONTEXT)
    parts = blocks.calibrate_ramp(made[MIRI].uncal, plan, tmp_path, truth.CONTEXT)
    products.write(tmp_path / "x" / "x_ramp.fits", whole)
    products.write(tmp_path / "y" / "x_ramp.fits", parts)
    assert (tmp_path / "x" / "x_ramp.fits").read_bytes() == (tmp_path / "y" / "x_ramp.fits").read_bytes()


@pytest.mark.parametrize("algorithm", ["OLS_C", "LIKELY"])
def test_a_ramp_that_is_given_up_is_fitted_alike(exposures, algorithm, tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "LEAST_SHARE", 1)
    folder, made = exposures
    program = truth.load_program(folder, [{"when": {}, "ramp_fit": {"algorithm": algorithm}}])
    plan = program.plan("detector1", made[NIRCAM].plan.root)
    kept = run_chain(plan, products.read_ramp(made[NIRCAM].uncal), context=truth.CONTEXT)
    lost = blocks.calibrate_ramp(made[NIRCAM].uncal, plan, tmp_path, truth.CONTEXT)
    for suffix in ("rate", "rateints"):
        for name in ("data", "err", "dq", "var_poisson", "var_rnoise"):
            own, other = (getattr(getattr(rates, suffix), name) for rates in (kept, lost))
            assert own.tobytes() == other.tobytes()


def test_a_ramp_is_only_given_up_if_it_may_be(exposures, tmp_path):
    folder, made = exposures
    plan = truth.load_program(folder).plan("detector1", made[SERIES].plan.root)
    ramp = run_chain(plan, products.read_ramp(made[SERIES].uncal), until="jump")
    before = ramp.data.copy()
    run_chain({**plan, "steps": ["ramp_fit"]}, ramp)
    assert ramp.data.tobytes() == before.tobytes()


def test_memory_is_given_up_by_rows():
    array = np.ones((3, 400, 1024), np.float32)
    mapping.give_up(array, slice(100, 300))
    assert (array[:, :100] == 1).all() and (array[:, 300:] == 1).all()
    if sys.platform.startswith("linux"):
        assert not array[:, 110:290].any()
    mapping.give_up(array[:, ::2], slice(0, 50))  # no plain memory: nothing happens
    assert (array[:, :100] == 1).all()


def test_ordinary_exposures_have_one_block():
    assert budget.list_blocks((1, 10, 2048, 2048)) == [(0, 1)]
    assert budget.list_blocks((2, 20, 2048, 2048)) == [(0, 2)]
    assert len(budget.list_blocks((50, 5, 256, 2048))) > 1
    series = budget.list_blocks((500, 5, 256, 2048))
    assert len(series) > 1 and series[0][0] == 0 and series[-1][1] == 500
    assert all(before[1] == after[0] for before, after in pairwise(series))
    assert len(budget.list_blocks((3, 400, 2048, 2048))) == 3  # an integration is never cut


def test_letting_go_loses_nothing(tmp_path):
    array = mapping.map_array((4, 3, 600, 512), np.float32, tmp_path)
    for k, part in enumerate(mapping.walk(array)):
        part[...] = k
    mapping.release(array)
    assert (array == np.arange(4)[:, None, None, None]).all() and not list(tmp_path.iterdir())
    assert mapping.find_pages(array[1:, 2]) is not None and mapping.find_pages(array.copy()) is None


def test_only_what_can_be_read_again_is_let_go(tmp_path):
    (tmp_path / "x").write_bytes(bytes(1 << 16))
    changed = np.memmap(tmp_path / "x", np.uint8, mode="c")
    changed[:] = 7
    mapping.release(changed, changed[5:], np.ones(3))
    assert (changed == 7).all()
    read = np.memmap(tmp_path / "x", np.uint8, mode="r")[3:]
    assert not read.any()
    mapping.release(read)
    assert not read.any()


def test_no_room(tmp_path):
    with pytest.raises(blocks.products.JwcalError, match="free some space"):
        mapping.map_array((1 << 62,), np.uint8, tmp_path)


@pytest.fixture(scope="module")
def count_rates(exposures, tmp_path_factory):
    """Count rates of the time series, one plane an integration, and the plan of their stage 2."""
    folder, made = exposures
    program, name = truth.load_program(folder), made[SERIES].plan.root
    rates = run_chain(program.plan("detector1", name), products.read_ramp(made[SERIES].uncal), context=truth.CONTEXT)
    path = tmp_path_factory.mktemp("rates") / f"{name}_rateints.fits"
    products.write(path, rates.rateints)
    return path, program.plan("image2ints", name)


@pytest.mark.parametrize("length", [1, 4])
def test_stage_2_in_blocks(count_rates, monkeypatch, tmp_path, length):
    path, plan = count_rates
    image = products.read_image(path)
    whole = run_chain(plan, image, context=truth.CONTEXT, members={"backgrounds": []})
    assert whole.area is not None and whole.wcs is not None and whole.var_flat is not None
    monkeypatch.setattr(budget, "MOST_PIXELS", length * 64 * 64)
    parts = image_blocks.calibrate_image(path, plan, tmp_path, truth.CONTEXT, {"backgrounds": []})
    assert mapping.find_pages(parts.data) is not None and parts.data.shape == (6, 64, 64)
    for name, product in {"whole": whole, "parts": parts}.items():
        products.write(tmp_path / name / "x_calints.fits", product)
    assert (tmp_path / "whole/x_calints.fits").read_bytes() == (tmp_path / "parts/x_calints.fits").read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {"whole", "parts"}


def test_backgrounds_are_subtracted_from_each_block(count_rates, monkeypatch, tmp_path):
    path, plan = count_rates
    settings = plan["settings"] | {"background": {"save_combined_background": True}}
    plan = plan | {"steps": ["background", "flat_field"], "skipped": {}, "settings": settings}
    members = {"backgrounds": [products.read_image(path)]}
    whole = run_chain(plan, products.read_image(path), context=truth.CONTEXT, members=members)
    monkeypatch.setattr(budget, "MOST_PIXELS", 64 * 64)
    parts = image_blocks.calibrate_image(path, plan, tmp_path, truth.CONTEXT, members)
    assert str(whole.header) == str(parts.header) and whole.header["S_BKDSUB"] == "COMPLETE"
    for name in ("data", "err", "dq", "var_poisson", "var_rnoise", "var_flat"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_array_equal(parts.combined_background.data, whole.combined_background.data)


def test_a_single_image_is_one_block():
    assert budget.list_image_blocks((4096, 4096)) == [(0, 1)]
    assert budget.list_image_blocks((20, 256, 2048)) == [(0, 20)]
    series = budget.list_image_blocks((1000, 256, 2048))
    assert series[-1][1] == 1000 and all(last - first <= 32 for first, last in series)
    for rule in ("image2", "resample"):  # one image, of however many integrations
        assert len({budget.estimate_memory(rule, (n, 5, 256, 2048)) for n in (1, 500)}) == 1
    declared = [budget.estimate_memory("image2ints", (n, 5, 256, 2048)) for n in (20, 64, 1000)]
    assert declared[0] < declared[1] == declared[2]
