"""Laying out the workflow takes time in proportion to the number of exposures."""

import shutil
from types import SimpleNamespace

import truth
from snakemake import io

from jwcal import report_inputs
from jwcal.simulate import Scene, Setup
from jwcal.wildcards import LONG, spare_constraints
from jwcal.workflow import Program

NAMES = "|".join(f"jw{number:011d}_nrca{{1,2}}" for number in range(50))


def test_patterns_are_filled_as_snakemake_does():
    spared = SimpleNamespace(
        apply_wildcards=getattr(io.apply_wildcards, "__wrapped__", io.apply_wildcards),
        strip_wildcard_constraints=io.strip_wildcard_constraints,
    )
    spare_constraints(spared)
    patterns = ["short_{name}.txt", f"p/{{name,{NAMES}}}_{{step,a|b}}.fits", f"p/{{name,{NAMES}}}_{{name}}.fits"]
    for pattern in patterns:
        expected = spared.apply_wildcards.__wrapped__(pattern, {"name": "jw1", "step": "a"})
        assert spared.apply_wildcards(pattern, {"name": "jw1", "step": "a"}) == expected
    assert expected == "p/jw1_jw1.fits"


def test_constraints_are_read_once():
    read = []
    module = SimpleNamespace(
        apply_wildcards=lambda pattern, wildcards: read.append(len(pattern)) or pattern,
        strip_wildcard_constraints=io.strip_wildcard_constraints,
    )
    spare_constraints(module)
    module.apply_wildcards(f"{{name,{NAMES}}}", {"name": "jw1"})
    assert read == [len("{name}")] and len(NAMES) > LONG


def test_what_the_report_looks_at_is_found_in_linear_time(tmp_path, monkeypatch):
    (made,) = truth.simulate(tmp_path, [Setup(subarray="SUB64P", readpatt="RAPID", ngroups=3)], [Scene()])
    calls, locate = [], Program.locate
    monkeypatch.setattr(Program, "locate", lambda self, *asked: calls.append(asked) or locate(self, *asked))
    counts = []
    for number in range(2, 9):
        shutil.copy(made.uncal, made.uncal.with_name(f"jw00001001001_02101_{number:05d}_nrcb1_uncal.fits"))
        if number in (4, 8):
            program = truth.load_program(tmp_path)
            calls.clear()
            assert len(report_inputs.exposures(program)) == number
            counts.append(len(calls))
    assert 0 < counts[1] <= 2 * counts[0]
