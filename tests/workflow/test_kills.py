"""A killed run leaves no half product, and the next run completes it to the same bits."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time

import pytest


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.fits"))}


def start(bench, cores=2):
    return subprocess.Popen(
        bench.command("all", cores=cores),
        env=bench.environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_group(process):
    """End the workflow and the jobs it started: they share a process group of their own."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_killed_at_random_moments(bench):
    expected = digests(bench.products)
    shutil.rmtree(bench.products)
    shutil.rmtree(bench.work / ".snakemake")
    rng = random.Random(7)
    for _ in range(10):
        process = start(bench)
        time.sleep(rng.uniform(1.5, 9.0))
        kill_group(process)
        for name, digest in digests(bench.products).items():
            assert digest == expected[name], f"{name} is not what an undisturbed run makes"
    bench.run("all")
    assert digests(bench.products) == expected
    assert not [path.name for path in bench.products.iterdir() if ".tmp-" in path.name and path.name.endswith(".fits")]


@pytest.mark.slow
def test_one_core_gives_the_same_bits(bench):
    expected = digests(bench.products)
    shutil.rmtree(bench.products)
    bench.run("all", cores=1)
    assert digests(bench.products) == expected
