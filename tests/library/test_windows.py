"""Persistence windows handed from exposure to exposure: subarrays, time order, the job that reads and writes them."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import truth
from naive_detector import make_ramp

from jwcal import dq, products
from jwcal.errors import JwcalError
from jwcal.exposures import Exposure
from jwcal.simulate import STAR, Scene, Setup
from jwcal.successions import Succession
from jwcal.windows import Windows, collect_windows, read_windows, spread_windows, write_windows

START, DAY = 60100.0, 86400.0
NOW = (START - 40587.0) * DAY
SCRIPTS = Path(__file__).parents[2] / "scripts"


def at(x, y, nx=4, ny=3, start=START):
    """A ramp whose subarray begins at column x, row y (from 0)."""
    keywords = {"SUBSTRT1": x + 1, "SUBSTRT2": y + 1, "EXPSTART": start, "DETECTOR": "NRCA1"}
    return make_ramp(np.zeros((1, 1, ny, nx)), **keywords)


def test_windows_of_other_subarrays_wait(tmp_path):
    path = tmp_path / "x_persistence.asdf"
    image = np.zeros((3, 4))
    image[1, 2] = NOW + 50
    write_windows(path, collect_windows(read_windows(None, at(10, 20)), at(10, 20), image), at(10, 20), 60)
    found = read_windows(path, at(0, 0))
    assert (found.rows.tolist(), found.columns.tolist(), found.ends.tolist()) == ([21], [12], [NOW + 50])
    assert not spread_windows(found, at(0, 0)).any()
    assert spread_windows(found, at(11, 21))[0, 1] == NOW + 50
    other = collect_windows(found, at(0, 0), image)  # elsewhere: the first window stays
    assert sorted(zip(*other, strict=True)) == [(1, 2, NOW + 50), (21, 12, NOW + 50)]
    same = collect_windows(found, at(10, 20), np.zeros((3, 4)))  # looked at, and closed
    assert same.rows.size == 0


def test_windows_that_are_over_are_dropped(tmp_path):
    path = tmp_path / "x_persistence.asdf"
    write_windows(path, Windows(*np.array([[1, 2], [1, 2], [NOW + 5, NOW + 50]])), at(0, 0), 60)
    assert read_windows(path, at(0, 0, start=START + 20 / DAY)).rows.tolist() == [2]


def test_windows_of_another_detector(tmp_path):
    write_windows(tmp_path / "x.asdf", Windows(*np.zeros((3, 1))), at(0, 0), 60)
    ramp = at(0, 0)
    ramp.header["DETECTOR"] = "NRCB1"
    with pytest.raises(JwcalError, match="NRCB1"):
        read_windows(tmp_path / "x.asdf", ramp)


def test_who_follows_whom():
    def exposure(name, start, detector="NRCA1", length=100.0):
        keywords = {"EXPSTART": START + start / DAY, "EXPEND": START + (start + length) / DAY, "DETECTOR": detector}
        return Exposure(name, "uncal", name, {"INSTRUME": "NIRCAM", **keywords}, (1, 1, 1, 1), 0)

    exposures = {name: exposure(name, start) for name, start in zip("cabef", (250, 0, 120, 1000, 200), strict=True)}
    exposures["d"] = exposure("d", 130, "NRCA2")
    on = {"carry_over": True, "persistence_time": 60}
    order = Succession(exposures, dict.fromkeys("abcde", on) | {"f": {"carry_over": False, "persistence_time": 60}})
    assert {name: order.before(name) for name in "abcdef"} == {
        "a": None, "b": "a", "c": "b", "d": None, "e": None, "f": None}  # fmt: skip
    assert set(order) == {"a", "b"}


def test_a_saturated_star_is_felt_by_the_next_exposure(tmp_path):
    common = {"subarray": "SUB64P", "ngroups": 5, "nints": 2}
    setups = [Setup(**common), Setup(**common, exposure=2, start=60100.001)]
    bright = np.array([(0, setups[0].ra, setups[0].dec, 8.0, 0.0)], STAR)
    first, second = truth.simulate(tmp_path, setups, [Scene(stars=bright), Scene()])
    settings = {"skip": False, "persistence_time": 10_000, "carry_over": True}
    program = truth.load_program(tmp_path, [{"when": {}, "persistence": settings}])
    names = [made.plan.root for made in (first, second)]
    earlier = [program.handover.earlier_windows(name) for name in names]
    assert earlier == [[], [f"products/{names[0]}_persistence.asdf"]]
    assert program.handover.pattern() == names[0]
    detector1, windows = (runpy.run_path(str(SCRIPTS / f"{name}.py"))[name] for name in ("detector1", "windows"))
    rates = {name: str(tmp_path / f"{name}_rate.fits") for name in ("first", "second", "alone")}
    handed_on = str(tmp_path / "x_persistence.asdf")
    windows(str(first.uncal), program.handover.plan(names[0]), handed_on)
    detector1(str(first.uncal), program.plan("detector1", names[0]), rates["first"])
    detector1(str(second.uncal), program.plan("detector1", names[1]), rates["second"], earlier=handed_on)
    detector1(str(second.uncal), program.plan("detector1", names[1]), rates["alone"])
    flags = {name: products.read_image(path).dq for name, path in rates.items()}
    felt = (flags["second"] & dq.PERSISTENCE) != 0
    assert 0 < felt.sum() < felt.size / 2 and ((flags["first"][felt] & dq.PERSISTENCE) != 0).all()
    assert ((flags["alone"] & dq.PERSISTENCE) != 0).sum() < felt.sum()


def test_a_time_series_is_felt_by_a_dark_and_the_exposure_after(tmp_path):
    common = {"subarray": "SUB64P", "ngroups": 5}
    setups = [
        Setup(**common, nints=2, exp_type="NRC_TSIMAGE", tso=True),
        Setup(**common, exp_type="NRC_DARK", observation=2, start=60100.001),
        Setup(**common, observation=3, start=60100.002),
    ]
    bright = np.array([(0, setups[0].ra, setups[0].dec, 8.0, 0.0)], STAR)
    scenes = Scene(stars=bright), Scene(), Scene()
    uncal = [str(made.uncal) for made in truth.simulate(tmp_path, setups, scenes)]
    settings = {"skip": False, "persistence_time": 10_000, "carry_over": True}
    program = truth.load_program(tmp_path, [{"when": {}, "persistence": settings}])
    handover, names = program.handover, [Path(path).name.removesuffix("_uncal.fits") for path in uncal]
    assert "persistence" not in program.plan("detector1", names[0])["steps"]
    assert [handover.rule(name) for name in names] == ["detector1", "dark", "detector1"]
    assert set(handover.pattern().split("|")) == set(names[:2])
    assert handover.inherited_windows("dark", names[1]) == [f"products/{names[0]}_persistence.asdf"]
    assert handover.inherited_windows("detector1", names[0]) == []

    windows, dark, detector1 = (runpy.run_path(str(SCRIPTS / f"{n}.py"))[n] for n in ("windows", "dark", "detector1"))
    files = [str(tmp_path / f"{number}_persistence.asdf") for number in range(2)]
    windows(uncal[0], handover.plan(names[0]), files[0])
    windows(uncal[1], handover.plan(names[1]), files[1], earlier=files[0])
    dark(uncal[1], program.plan("dark", names[1]), str(tmp_path / "x_dark.fits"), earlier=files[0])
    detector1(uncal[2], program.plan("detector1", names[2]), str(tmp_path / "x_rate.fits"), earlier=files[1])
    detector1(uncal[2], program.plan("detector1", names[2]), str(tmp_path / "y_rate.fits"))
    felt, alone = ((products.read_image(tmp_path / f"{n}_rate.fits").dq & dq.PERSISTENCE) != 0 for n in "xy")
    in_dark = (products.read_ramp(tmp_path / "x_dark.fits").groupdq[0, -1] & dq.PERSISTENCE) != 0
    assert alone.sum() < felt.sum() < felt.size / 2 and (felt >= in_dark).all() and in_dark.any()


def test_time_series_that_stay_by_themselves_hand_nothing_on(tmp_path):
    setups = [Setup(subarray="SUB64P", nints=2, exp_type="NRC_TSIMAGE", tso=True, observation=k) for k in (1, 2)]
    truth.simulate(tmp_path, setups, [Scene()] * 2)
    settings = {"skip": True, "persistence_time": 10_000, "carry_over": True}
    assert truth.load_program(tmp_path, [{"when": {}, "persistence": settings}]).handover.pattern() == "(?!)"
