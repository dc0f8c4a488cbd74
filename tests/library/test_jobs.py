"""The frame around jobs: what it leaves out of imports comes back for whoever needs it."""

import subprocess
import sys


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


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
