"""Every EXP_TYPE of exp_types.csv goes through its stage-1 pipeline: the steps that run, their order, the products."""

import fcntl
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from astropy.io import fits
from conftest import ROOT, Workbench
from modes import NOT_IN_TIME_SERIES, SUFFIX, TIME_SERIES, expect, list_modes

from jwcal.exposures import load_exp_types
from jwcal.simulate.instruments import PLUGINS

EXP_TYPES = {name: row.stage1 for name, row in load_exp_types(ROOT / "config" / "exp_types.csv").items()}
MODES = list_modes(EXP_TYPES)
STAGE1 = ("MASK", "SATURATION", "SUPERBIAS", "LINEARITY", "DARK", "GAIN", "READNOISE", "IPC", "RESET", "RSCD",
          "EMICORR", "FLAT", "REFPIX")  # fmt: skip
RESULT = re.compile(r"(\w+): (COMPLETE|SKIPPED)\b")


class Run:
    """Files that one run over all modes has made, and what it said."""

    def __init__(self, folder, roots):
        self.folder, self.roots = folder, roots

    @property
    def said(self):
        return (self.folder / "said.txt").read_text()

    def product(self, mode, suffix):
        return self.folder / "products" / f"{self.roots[mode]}_{suffix}.fits"

    def steps(self, mode):
        """(step, whether it ran) in order, as the job's log tells."""
        log = next((self.folder / "logs").rglob(f"{self.roots[mode]}.log"))
        return [(match[1], match[2] == "COMPLETE") for match in RESULT.finditer(log.read_text())]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """All exposures in one raw folder, one reference cache, one run: the first process that asks makes it for all."""
    from jwcal.simulate import plan_exposure

    parallel = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp().parent if parallel else tmp_path_factory.getbasetemp()
    plans = {name: plan_exposure(setup) for name, setup in MODES.items() if built(name)}
    result = Run(base / "modes", {name: plan.root for name, plan in plans.items()})
    result.folder.mkdir(exist_ok=True)
    with open(base / "modes.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (result.folder / "said.txt").exists():
            calibrate(result, plans)
    return result


def calibrate(result, plans):
    """Simulate all exposures, and one more that was read in stripes, and take them through stage 1."""
    from jwcal.simulate import Scene, simulate_exposure, write_reference_cache

    raw, crds = result.folder / "raw", result.folder / "crds"
    for plan in plans.values():
        simulate_exposure(plan, Scene(), raw)
    striped = simulate_exposure(replace(MODES["NRC_TSGRISM"], program=999), Scene(), raw).uncal
    fits.setval(striped, "MSTR_RD1", value=1)
    write_reference_cache(crds, plans.values(), coupling=True, types=STAGE1)
    targets = [f"products/{result.product(name, SUFFIX.get(EXP_TYPES[name], 'rate')).name}" for name in plans]
    answer = Workbench(result.folder, crds).run(*targets, "--keep-going", "--quiet", "all", check=False, timeout=1800)
    (result.folder / "said.txt").write_text(answer.stderr)


def built(mode):
    return MODES[mode].instrument in PLUGINS


@pytest.mark.parametrize("mode", EXP_TYPES)
def test_mode(mode, run):
    if not built(mode):
        pytest.skip(f"the simulator has no {MODES[mode].instrument} yet")
    pipeline, setup = EXP_TYPES[mode], MODES[mode]
    suffix = SUFFIX.get(pipeline, "rate")
    product = run.product(mode, suffix)
    assert product.exists(), run.said[-3000:]
    found, expected = run.steps(mode), expect(setup, pipeline)
    if pipeline == TIME_SERIES:  # what they leave out need not be named
        assert not any(ran for step, ran in found if step in NOT_IN_TIME_SERIES)
        found, expected = ([p for p in pairs if p[0] not in NOT_IN_TIME_SERIES] for pairs in (found, expected))
    assert found == expected
    axes = {"rate": 2, "dark": 4, "cal": 3}[suffix]
    assert fits.getheader(product, "SCI")["NAXIS"] == axes
    if suffix == "rate" and setup.nints > 1:
        assert fits.getheader(run.product(mode, "rateints"), "SCI")["NAXIS3"] == setup.nints
    header = fits.getheader(product)
    assert header["EXP_TYPE"] == mode and header["FILENAME"] == Path(product).name


def test_guider_tables_are_carried(run):
    tables = {
        "FGS_ID-IMAGE": {"Flight Reference Stars", "Planned Reference Stars"},
        "FGS_ID-STACK": {"Flight Reference Stars", "Planned Reference Stars"},
        "FGS_TRACK": {"Pointing", "FGS Centroid Packet", "Track subarray table"},
        "FGS_FINEGUIDE": {"Pointing", "FGS Centroid Packet"},
    }
    for mode, names in tables.items():
        with fits.open(run.product(mode, "cal")) as file:
            assert {name.upper() for name in names} <= {hdu.name.upper() for hdu in file}


def test_stripes_are_refused_in_one_line(run):
    lines = [line for line in run.said.splitlines() if "00999" in line]
    assert len(lines) == 1 and "MSTR_RD1" in lines[0] and "move the file" in lines[0] and "Traceback" not in lines[0]
