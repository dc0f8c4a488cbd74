"""A killed run's lock goes, a living run's stays."""

import subprocess
import sys

PROGRAM = """
import sys
from pathlib import Path
from jwcal.locks import release_stale_lock
print(release_stale_lock(Path("run.lock"), Path("locks")), flush=True)
sys.stdin.readline()
"""


def start(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip() == "True"


def end(process, kill=False):
    if kill:
        process.kill()
    process.communicate()


def test_lock_of_a_killed_run_goes_and_of_a_living_one_stays(tmp_path):
    (tmp_path / "locks").mkdir()
    lock = tmp_path / "locks" / "0.output.lock"
    first, removed = start(tmp_path)
    assert not removed
    lock.touch()  # as Snakemake does when the run begins
    second, removed = start(tmp_path)
    assert not removed and lock.exists()
    end(second)
    end(first, kill=True)
    third, removed = start(tmp_path)
    assert removed and not lock.exists()
    end(third)
