"""What stage 1 takes of memory: what was declared, and no more for more integrations. Each case in a fresh process."""

import json
import os
import subprocess
import sys

import pytest
import truth
from astropy.io import fits

from jwcal import jobs
from jwcal.memory import budget
from jwcal.simulate import Scene, Setup

SETUP = Setup(subarray="SUB160", readpatt="RAPID", ngroups=5, nints=2)
FRAME = """
import json, sys
from jwcal import jobs
jobs.prepare_environment(2)
jobs.trim_imports()
from jwcal import products
from jwcal.memory import blocks, budget, image_blocks
job = json.loads(sys.argv[1])
for name, value in job["budget"].items():
    setattr(budget, name, value)
{work}
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1024e-6)
"""
JOB = """
rates = blocks.calibrate_ramp(job["uncal"], job["plan"], job["folder"])
products.write(job["folder"] + "/x_rate.fits", rates.rate)
products.write(job["folder"] + "/x_rateints.fits", rates.rateints)
for suffix, extra in rates.extras.items():
    products.write(job["folder"] + "/x_" + suffix + ".fits", extra)
if rates.fitopt:
    products.write_tables(job["folder"] + "/x_fitopt.fits", rates.rate, rates.fitopt)
"""
STAGE2 = """
image = image_blocks.calibrate_image(job["uncal"], job["plan"], job["folder"], members={"backgrounds": []})
products.write(job["folder"] + "/x_calints.fits", image)
"""
CASES = {
    "as configured": {},
    "flicker": {"clean_flicker_noise": {"skip": False, "single_mask": False, "save_mask": True, "save_noise": True}},
    "flicker over time": {"clean_flicker_noise": {"skip": False, "background_method": "median_image"}},
    "smooth background": {"clean_flicker_noise": {"skip": False, "background_method": "model"}},
    "segments": {"ramp_fit": {"save_opt": True}},
    "likelihood": {"ramp_fit": {"algorithm": "LIKELY", "save_opt": True}},
}

# Peaks repeat to a hundredth, but how bands divide the rows is worth a tenth. Four times as many integrations, were
# they held, would take twice as much.
NOISE = 1.15

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux to measure")


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """`series(n, settings)`: raw file of an exposure of n integrations, and the plan for it."""
    folder = tmp_path_factory.mktemp("memory")
    made = truth.simulate(folder, [SETUP], [Scene()])[0]

    def repeat(n, settings):
        path = folder / f"x{n}_uncal.fits"
        with fits.open(made.uncal) as file:
            file[0].header["NINTS"] = n
            del file[0].header["INTEND"], file["INT_TIMES"]
            samples = file["SCI"].data
            file["SCI"].data = samples.repeat(n // len(samples), axis=0)
            file.writeto(path, overwrite=True)
        program = truth.load_program(folder, [{"when": {}, **settings}])
        return str(path), *(program.plan(rule, made.plan.root) for rule in ("detector1", "image2ints"))

    measure(series=repeat, n=2, folder=folder)  # compiles what is not compiled yet, which takes memory too
    return repeat


def measure(series, n, folder, settings=None, **limits):
    """Peak of a job, MB."""
    uncal, plan, _ = series(n, settings or {})
    return run_job(JOB, uncal=uncal, plan=plan, folder=str(folder), budget=limits)


def run_job(work, **job):
    """Peak of some work in a fresh process, MB."""
    command = [sys.executable, "-c", FRAME.format(work=work), json.dumps(job)]
    environment = os.environ | jobs.ALLOCATION
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return float(result.stdout)


def declare(series, n, case):
    """What a job says that it takes, MB."""
    extras = budget.find_extras(series(n, CASES[case])[1]["settings"], 5)
    return budget.estimate_memory("detector1", (n, 5, 160, 160), extras=extras)


@pytest.mark.parametrize(("n", "case"), [(2, "as configured"), *((200, case) for case in CASES)])
def test_as_much_as_declared(series, tmp_path, n, case):
    declared = declare(series, n, case)
    least = 0.8 if case != "segments" else 0.6  # there are no hits here, so each ramp is one segment
    assert least * declared < measure(series, n, tmp_path, CASES[case]) < 1.2 * declared


@pytest.mark.parametrize("case", CASES)
def test_no_more_for_more_integrations(series, tmp_path, monkeypatch, case):
    limits = {"MOST_BYTES": 1, "BLOCK_SAMPLES": 40 * 5 * 160 * 160, "BAND_BYTES": 100_000_000}
    for name, value in limits.items():
        monkeypatch.setattr(budget, name, value)
    peaks = [measure(series, n, tmp_path, CASES[case], **limits) for n in (100, 400)]
    assert peaks[1] < NOISE * peaks[0]
    assert peaks[1] < 1.2 * declare(series, 400, case)


def test_stage_2(series, tmp_path, monkeypatch):
    peaks, limits = {}, {"MOST_PIXELS": 100 * 160 * 160}
    for n in (100, 400):
        measure(series, n, tmp_path)
        job = {"uncal": str(tmp_path / "x_rateints.fits"), "plan": series(n, {})[2], "folder": str(tmp_path)}
        peaks[n] = run_job(STAGE2, **job, budget=limits)
    whole, declared = run_job(STAGE2, **job, budget={}), budget.estimate_memory("image2ints", (400, 5, 160, 160))
    assert 0.75 * declared < whole < 1.2 * declared
    monkeypatch.setattr(budget, "MOST_PIXELS", limits["MOST_PIXELS"])
    assert peaks[400] < NOISE * peaks[100]
    assert peaks[400] < 1.2 * budget.estimate_memory("image2ints", (400, 5, 160, 160)) < 0.5 * whole
