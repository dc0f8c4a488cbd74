"""A workbench: a copy of the workflow that tests may edit, a small simulated program, and Snakemake to run on them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "rules", "scripts", "jwcal", "config", "profiles", "envs")

EXPOSURES = (
    {"filter": "F200W", "subarray": "SUB64P", "ngroups": 4, "observation": 1},
    {"filter": "F200W", "subarray": "SUB64P", "ngroups": 4, "observation": 1, "exposure": 2, "position": 2,
     "positions": 2, "dither": (0.2, 0.1)},
    {"filter": "F115W", "subarray": "SUB64P", "ngroups": 4, "observation": 2},
    {"instrument": "NIRISS", "detector": "NIS", "filter": "F480M", "pupil": "NRM", "exp_type": "NIS_AMI",
     "subarray": "SUB80", "readpatt": "NISRAPID", "ngroups": 3, "nints": 2, "observation": 3},
)  # fmt: skip


class Workbench:
    """A working folder, a copy of the repository and a CRDS cache."""

    def __init__(self, folder, cache, repository=ROOT):
        self.work, self.cache, self.repository = Path(folder), Path(cache), Path(repository)
        self.context = "jwst_0001.pmap"
        self.products = self.work / "products"

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("CRDS_", "NUMBA_NUM"))}
        temporary = self.work / "tmp"  # a run that is killed leaves Snakemake's own temporary folder behind
        temporary.mkdir(exist_ok=True)
        env |= {"CRDS_PATH": str(self.cache), "CRDS_CONTEXT": self.context, "TMPDIR": str(temporary)}
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
        return env

    def command(self, *arguments, cores=2):
        snakefile = str(self.repository / "Snakefile")
        return [
            sys.executable,
            "-m",
            "snakemake",
            "-s",
            snakefile,
            "-d",
            str(self.work),
            "--cores",
            str(cores),
            *arguments,
        ]

    def run(self, *arguments, cores=2, check=True, timeout=600):
        command, env = self.command(*arguments, cores=cores), self.environment()
        result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout)
        if check and result.returncode:
            raise AssertionError(f"snakemake failed:\n{result.stdout}\n{result.stderr}")
        return result

    def stale(self, *arguments):
        """(rule, exposure) of all jobs that would run now."""
        result = self.run("-n", "all", *arguments)
        jobs, rule = set(), None
        for line in (result.stdout + result.stderr).splitlines():
            if match := re.match(r"(?:local)?rule (\w+):", line):
                rule = match[1]
            elif match := re.match(r"\s+output: (\S+?),?(?:\s|$)", line):
                jobs.add((rule, re.sub(r"(_o\d+)?_[a-z0-9]+\.(fits|json|ecsv|asdf)$", "", Path(match[1]).name)))
        return jobs

    def associations(self, part):
        """Product names of the associations whose name holds a text."""
        return sorted(
            path.name.removesuffix("_i2d.fits") for path in self.products.glob(f"*-o*{part.lower()}*_i2d.fits")
        )

    def asn_file(self, part):
        """Name, without ending, of the association file of a filter."""
        return next(
            p.name.removesuffix("_asn.json") for p in self.products.glob("*_asn.json") if part.lower() in p.read_text()
        )

    def names(self, part):
        """Names of the exposures whose header has a value."""
        from jwcal.exposures import take_inventory

        inventory = take_inventory(self.work / "raw")
        return sorted(e.name for e in inventory.exposures if part in map(str, e.keywords.values()))


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """Raw exposures and a CRDS cache with two contexts, made once a session; read only."""
    from jwcal.simulate import Scene, Setup, simulate_exposure, write_context, write_reference_cache

    folder = tmp_path_factory.mktemp("simulated")
    setups = [Setup(**exposure) for exposure in EXPOSURES]
    for seed, setup in enumerate(setups):
        simulate_exposure(setup, Scene(), folder / "raw", seed=seed)
    write_reference_cache(folder / "crds", setups)
    write_context(folder / "crds", "jwst_0002.pmap", "NIRCAM", "FLAT")
    return folder


@pytest.fixture(scope="session")
def calibrated(simulated, tmp_path_factory):
    """A workbench on which `all` has run; copy it with the `bench` fixture."""
    folder = tmp_path_factory.mktemp("calibrated")
    _open(folder, simulated).run("all")
    return folder


@pytest.fixture(scope="session")
def open_workbench():
    """Makes a workbench in a folder, of a folder with exposures and reference files."""
    return _open


def _open(folder, simulated):
    for part in PARTS:
        _copy(ROOT / part, folder / "repository" / part)
    shutil.copytree(simulated / "raw", folder / "work" / "raw")
    return Workbench(folder / "work", simulated / "crds", folder / "repository")


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


@pytest.fixture
def bench(calibrated, simulated, tmp_path):
    """A workbench of one's own on which everything is up to date."""
    shutil.copytree(calibrated, tmp_path / "bench", symlinks=True)
    return Workbench(tmp_path / "bench" / "work", simulated / "crds", tmp_path / "bench" / "repository")
