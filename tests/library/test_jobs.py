"""The frame around jobs: what it leaves out of imports comes back for whoever needs it."""

import os
import re
import subprocess
import sys

from jwcal import jobs


def run(program, **environment):
    command = [sys.executable, "-c", program]
    environment = os.environ | environment
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def test_units_are_left_out_until_they_are_needed():
    program = """
from jwcal import jobs
jobs.trim_imports()
import sys
from astropy.io import fits
print("astropy.units.core" in sys.modules)
from astropy import units
from astropy.table import Table
print((1 * units.m).to(units.km).value, Table({"a": [1] * units.s})["a"].unit)
"""
    assert run(program).split() == ["False", "0.001", "s"]


def test_a_job_of_plain_arithmetic_does_not_import_numba():
    program = """
from jwcal import jobs
jobs.trim_imports()
import sys
from jwcal import products, runner
from jwcal.steps import assign_wcs, flat_field, photom
print("numba" in sys.modules)
"""
    assert run(program).split() == ["False"]


def test_kernels_from_the_cache_do_not_import_the_compiler(tmp_path):
    program = """
from jwcal import jobs
jobs.prepare_environment(1)
jobs.trim_imports()
import sys
import numpy as np
from jwcal.kernels.segments import enclose_segments
print(enclose_segments(np.eye(3, dtype=np.int32), 1).tolist())
print("numba.np.random.legacy" in sys.modules)
"""
    compiled, loaded = (run(program, NUMBA_CACHE_DIR=str(tmp_path)).splitlines() for _ in range(2))
    assert compiled == ["[[0, 0, 3, 3, 3]]", "True"] and loaded == ["[[0, 0, 3, 3, 3]]", "False"]


def test_jobs_set_their_threads_before_they_import():
    program = """
from jwcal import jobs
import os
jobs.prepare_environment(3)
print(*(os.environ[name] for name in ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_WAIT_POLICY")))
"""
    assert run(program, OMP_WAIT_POLICY="active").split() == ["3", "1", "active"]  # the user's word counts


def test_the_workflow_says_how_memory_is_allocated_unless_the_user_does():
    program = "from jwcal import jobs; import os; jobs.prepare_children(); print(os.environ['GLIBC_TUNABLES'])"
    mine = "glibc.malloc.check=0"
    assert run(program, GLIBC_TUNABLES=mine).strip() == mine
    without = f"import os; os.environ.pop('GLIBC_TUNABLES', None); {program}"
    assert run(without).strip() == jobs.ALLOCATION["GLIBC_TUNABLES"]


def test_what_is_left_of_timers_does_not_delay_the_end():
    program = """
import threading
from jwcal import jobs
for delay in (5, 6):
    threading.Timer(delay, print).start()
jobs.drop_timers()
print("done")
"""
    assert run(program) == "done\n"


def test_warnings_of_libraries_are_for_the_log(tmp_path):
    """They name no exposure, and astropy writes them to the terminal in pieces."""
    program = """
from types import SimpleNamespace
from jwcal import jobs
def work():
    from astropy.io import fits
    header = fits.Header()
    header["KEY"] = ("x" * 60, "a comment for which there is no room")
    str(header)
jobs.run(SimpleNamespace(threads=1, log=["job.log"], config={}, input={}, output={}, params={}), work)
"""
    environment = os.environ | {"PYTHONPATH": str(jobs.Path(jobs.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    log = (tmp_path / "job.log").read_text()
    assert done.stderr == "" and "INFO VerifyWarning: Card is too long" in log
    assert 20 < float(re.search(r"done in [\d.]+ s with (\d+) MB of memory at most", log)[1]) < 2000
