"""Speed and memory of jwcal against the official package: ``make bench``.

Both sides do the same work on the same simulated exposures (NIRCam's full frame; stage 1 of other instruments; the
likelihood fit alone, of a ramp that is ready to be fitted) with the same reference files and the
official code's default settings, each as a whole process with its start-up. Runs alternate (A B A B ...); medians and
ratios are printed. Byte code of both environments is compiled first, and the kernels are in their disk cache, as after
the workflow's ``warm`` job. Peak memory is that of the largest process.
``fit`` is the time of the step alone in the processes of ``likelihood``, from both sides' logs. ``threads`` compares us
with ourselves: the time in compiled kernels (loaded before, `kernel_times.py`) of stage 1 with two threads, in the
columns of jwcal, and with one, in those of jwst; it needs two idle cores. ``growth`` compares the largest job of stage
3 over 24 exposures with that over 8, likewise.
Options: ``--repeat 5``, ``--only detector1 image2 image3 workflow cold likelihood fit niriss soss miri irs2 threads
growth``.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = str(HERE), str(ROOT)
# Nothing heavy is imported here: the kernel counts a parent's memory at fork as its child's peak.
from oracle import find_python, offline_environment  # noqa: E402

from jwcal.jobs import ALLOCATION  # noqa: E402

WORK = ROOT / ".parity" / "bench"
CONTEXT = "jwst_0001.pmap"
ASSOCIATION = "jw00001-o090"  # program and observation of `bench_inputs`
THREADS = 2


class Run(NamedTuple):
    """Wall time in seconds and peak memory in MB of a process and those it waited for."""

    seconds: float
    megabytes: float


def measure(command, environment, log, work=WORK):
    """Run a command to its end in a folder and measure it."""
    with open(log, "w") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environment, cwd=work, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed; its last lines:\n{Path(log).read_text()[-2000:]}")
    return Run(seconds, usage.ru_maxrss / 1024)


def one_after_another(runs):
    """Total time, largest memory."""
    return Run(sum(run.seconds for run in runs), max(run.megabytes for run in runs))


def our_environment(work=WORK):
    """Environment of our own processes: the same cache; kernels in a cache of the benchmark."""
    environment = offline_environment(work / "crds_cache", CONTEXT)
    environment.pop("OMP_NUM_THREADS")
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    # Single jobs are started here as the workflow starts them.
    return environment | ALLOCATION | {"PATH": path, "JWCAL_KERNEL_CACHE": str(WORK / "kernels")}


def official_environment(work=WORK):
    """Environment of the official package: untouched but for being offline."""
    environment = offline_environment(work / "crds_cache", CONTEXT)
    environment.pop("OMP_NUM_THREADS")
    return environment


def prepare():
    """Simulate the exposures, compile byte code and kernels."""
    WORK.mkdir(parents=True, exist_ok=True)
    print("compiling the byte code of both environments")
    for python in (sys.executable, find_python()):
        where = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                               capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
        subprocess.run([python, "-m", "compileall", "-q", "-j", "2", where], stdout=subprocess.DEVNULL, check=False)
    subprocess.run([sys.executable, "-m", "compileall", "-q", ROOT / "jwcal"], check=True)
    print("simulating four NIRCam full-frame exposures and their reference files")
    measure([sys.executable, HERE / "bench_inputs.py", "simulate"], our_environment(), WORK / "simulate.log")
    measure([sys.executable, HERE / "bench_inputs.py", "plan"], our_environment(), WORK / "plan.log")
    print("compiling the kernels")
    our_job("warm")


def our_job(name, environment=None, work=WORK):
    """Run one of our jobs in a fresh process."""
    command = [sys.executable, HERE / "jwcal_job.py", work / "jobs" / f"{name}.json"]
    return measure(command, environment or our_environment(work), work / f"{name}.log", work)


def official_job(pipeline, source, folder="official", work=WORK):
    """Run one official pipeline in a fresh process."""
    (work / folder).mkdir(exist_ok=True)
    command = [find_python(), HERE / "official_job.py", pipeline, source, folder]
    return measure(command, official_environment(work), work / f"official_{pipeline}.log", work)


def exposures(work=WORK):
    """Names of the simulated exposures."""
    return sorted(path.name.removesuffix("_uncal.fits") for path in (work / "raw").glob("*_uncal.fits"))


def bench_detector1():
    """One pair of runs of stage 1."""
    return our_job("detector1"), official_job("detector1", f"raw/{exposures()[0]}_uncal.fits")


def bench_mode(mode):
    """One pair of runs of stage 1 on another instrument's exposure, which lies in a folder of its own."""
    work = WORK / mode
    if not (work / "jobs" / "detector1.json").exists():
        work.mkdir(exist_ok=True)
        for action in ("simulate", "plan"):
            measure([sys.executable, HERE / "bench_inputs.py", action, mode], our_environment(work),
                    work / f"{action}.log", work)  # fmt: skip
    raw = f"raw/{exposures(work)[0]}_uncal.fits"
    return our_job("detector1", work=work), official_job("detector1", raw, work=work)


def bench_likelihood():
    """One pair of runs of the likelihood fit alone, of the same calibrated ramp."""
    ramp = WORK / "official" / f"{exposures()[0]}_ramp.fits"
    if not ramp.exists():
        official_job("ramp", f"raw/{exposures()[0]}_uncal.fits")
    return our_job("likelihood"), official_job("likelihood", ramp, "official_likelihood")


def bench_fit():
    """The step alone in one pair of runs of the likelihood fit."""
    ours, theirs = bench_likelihood()
    step = re.search(r"ramp_fit: COMPLETE in ([\d.]+) s", (WORK / "logs" / "likelihood.log").read_text())
    lines = (WORK / "official_likelihood.log").read_text().splitlines()
    begun, ended = (
        datetime.fromisoformat(next(line for line in lines if f"RampFitStep {event}" in line)[:19])
        for event in ("running", "done")
    )
    return ours._replace(seconds=float(step[1])), theirs._replace(seconds=(ended - begun).total_seconds())


def bench_threads():
    """Time in kernels of one run of stage 1 with two threads, and with one."""
    runs = []
    for threads in (THREADS, 1):
        log = WORK / "kernel_times.log"
        command = [sys.executable, HERE / "kernel_times.py", WORK / "jobs" / "detector1.json", str(threads)]
        run = measure(command, our_environment(), log)
        runs.append((run, json.loads(log.read_text().splitlines()[-1])))
    (many, fast), (one, slow) = runs
    for name in sorted(slow, key=slow.get, reverse=True):
        print(f"  {name:32} {slow[name]:7.3f} s {fast[name]:7.3f} s  {slow[name] / fast[name]:5.2f} x")
    return many._replace(seconds=sum(fast.values())), one._replace(seconds=sum(slow.values()))


def bench_image2():
    """One pair of runs of stage 2, from the same `_rate`."""
    rate = WORK / "official" / f"{exposures()[0]}_rate.fits"
    if not rate.exists():
        official_job("detector1", f"raw/{exposures()[0]}_uncal.fits")
    shutil.copy(rate, WORK / "products" / rate.name)
    return one_after_another([our_job("image2"), our_job("resample")]), official_job("image2", rate)


def our_workflow(folder, log, *targets):
    """One call of snakemake on a working folder."""
    command = ["snakemake", "-s", ROOT / "Snakefile", "-d", folder, "--workflow-profile", ROOT / "profiles" / "default",
               "-j", "2", "--configfile", ROOT / "config" / "official.yaml", "--", *targets]  # fmt: skip
    return measure(command, our_environment(), WORK / log)


def calibrated():
    """Folder with the `_cal` files of the four exposures."""
    raw = WORK / "image3" / "raw"
    if not raw.exists():
        raw.mkdir(parents=True)
        singles = [f"products/{name}_cal.fits" for name in exposures()]
        our_workflow(WORK, "singles.log", *singles)
        for name in exposures():
            shutil.copy(WORK / "products" / f"{name}_cal.fits", raw)
    return raw


def bench_image3():
    """Four `_cal` to `_crf`, a mosaic and its catalogue: our workflow, and one official run, from the same files."""
    work = calibrated().parent
    shutil.rmtree(work / "products", ignore_errors=True)
    our_workflow(work, "associate.log", f"products/{ASSOCIATION}_image3_00001_asn.json")
    content = json.loads((work / "products" / f"{ASSOCIATION}_image3_00001_asn.json").read_text())
    product = content["products"][0]
    for member in product["members"]:
        member["expname"] = str(work / "raw" / member["expname"])
    (work / "official_asn.json").write_text(json.dumps(content))
    cleaned = [f"products/{name}_{content['asn_id']}_crf.fits" for name in exposures()]
    ours = our_workflow(work, "image3.log", f"products/{product['name']}_cat.ecsv", *cleaned)
    return ours, official_job("image3", work / "official_asn.json", "official")


def bench_growth():
    """Stage 3 over 24 exposures, and over 8: the largest job of each, and by rule, since not all grow alike."""
    runs, peaks = [], []
    for number in (24, 8):
        work = WORK / f"growth{number}"
        if not (work / "raw").exists():
            work.mkdir()
            command = [sys.executable, HERE / "bench_inputs.py", "repeat", calibrated(), str(number)]
            measure(command, our_environment(), work / "repeat.log", work)
        for name in ("products", "logs", ".snakemake"):
            shutil.rmtree(work / name, ignore_errors=True)
        runs.append(our_workflow(work, f"growth{number}.log", "all"))
        peaks.append(read_peaks(work / "logs"))
    for rule in sorted(peaks[0], key=peaks[0].get, reverse=True):
        many, few = (peak.get(rule, 0.0) for peak in peaks)
        print(f"  {rule:32} {many:7.0f} MB {few:7.0f} MB  {many / few if few else 0:5.2f}")
    return tuple(run._replace(megabytes=max(peak.values())) for run, peak in zip(runs, peaks, strict=True))


def read_peaks(folder):
    """Largest peak of the jobs of each rule, MB, from their logs (``rule/name.log``)."""
    peaks = {}
    for path in folder.glob("*/*.log"):
        if found := re.search(r"with (\d+) MB of memory at most", path.read_text()):
            peaks[path.parent.name] = max(peaks.get(path.parent.name, 0.0), float(found[1]))
    return peaks


def bench_workflow():
    """The whole workflow over four exposures, and four official runs, two at a time on both sides."""
    for name in ("products", ".snakemake", ".jwcal"):
        shutil.rmtree(WORK / name, ignore_errors=True)
    singles = [f"products/{name}_i2d.fits" for name in exposures()]
    ours = our_workflow(WORK, "workflow.log", *singles)
    listing = "\n".join(f"raw/{name}_uncal.fits" for name in exposures())
    call = f"xargs -P 2 -I FILE {find_python()} {HERE / 'official_job.py'} all FILE official"
    theirs = measure(
        ["sh", "-c", f"printf '%s\\n' '{listing}' | {call}"], official_environment(), WORK / "official.log"
    )
    return ours, theirs


def bench_cold():
    """Compile all kernels into an empty cache, in the `warm` job."""
    with tempfile.TemporaryDirectory(dir=WORK) as empty:
        return our_job("warm", our_environment() | {"JWCAL_KERNEL_CACHE": empty}), None


BENCHES = {
    "detector1": (bench_detector1, "1x10 groups, uncal -> rate", 10),
    "image2": (bench_image2, "rate -> cal -> i2d", 5),
    "image3": (bench_image3, "4 cal -> crf, i2d, cat (snakemake)", 8),
    "workflow": (bench_workflow, "4 uncal -> i2d (snakemake)", None),
    "cold": (bench_cold, "cold kernel cache: warm job", None),
    "likelihood": (bench_likelihood, "1x10, likelihood fit: ramp -> rate", 30),
    "fit": (bench_fit, "1x10, likelihood fit: the step alone", 30),
    "niriss": (partial(bench_mode, "niriss"), "NIRISS full 2x20, uncal -> rate", 10),
    "soss": (partial(bench_mode, "soss"), "SOSS SUBSTRIP256 50x5, uncal -> rate", 10),
    "miri": (partial(bench_mode, "miri"), "MIRI full 1x40, uncal -> rate", 10),
    "irs2": (partial(bench_mode, "irs2"), "NIRSpec IRS2 full 1x10, uncal -> rate", 10),
    "threads": (bench_threads, "1x10, kernels: 2 threads, 1 thread", 1.7),
    "growth": (bench_growth, "cal -> crf, i2d, cat: 24, 8 exposures", None),
}


def report(title, pairs, goal):
    """One line of the table."""
    ours = Run(*(median(values) for values in zip(*(pair[0] for pair in pairs))))
    line = f"{title:38} {ours.seconds:8.1f} s {ours.megabytes:6.0f} MB"
    if pairs[0][1] is not None:
        theirs = Run(*(median(values) for values in zip(*(pair[1] for pair in pairs))))
        speed, memory = theirs.seconds / ours.seconds, ours.megabytes / theirs.megabytes
        line += f"  {theirs.seconds:8.1f} s {theirs.megabytes:6.0f} MB  {speed:6.1f} x  {memory:6.2f}"
        line += f"  (asked: {goal} x)" if goal else ""
    return line


def main():
    """Run the benchmarks that were asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="pairs of runs; medians are shown")
    parser.add_argument("--only", nargs="+", choices=list(BENCHES), default=list(BENCHES))
    options = parser.parse_args()
    prepare()
    head = f"{'NIRCam full frame, if not said':38} {'jwcal':>20}  {'jwst 3.0.0':>20}  {'faster':>8}  {'memory':>6}"
    lines = [head, "-" * len(head)]
    for name in options.only:
        bench, title, goal = BENCHES[name]
        pairs = []
        for number in range(1 if name == "cold" else options.repeat):
            pairs.append(bench())
            print(f"{name} {number + 1}: {json.dumps(pairs[-1])}", flush=True)
        lines.append(report(title, pairs, goal))
    table = "\n".join(lines)
    (WORK / "table.txt").write_text(table + "\n")
    print(f"\n{table}\n\n{options.repeat} alternating pairs, medians; whole processes with start-up; byte code and")
    print(f"kernels compiled; {THREADS} threads a job, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
