"""What Snakemake says of jobs with many files."""

import logging

import pytest
from snakemake.exceptions import MissingRuleException
from snakemake.logging import ColorizingTextHandler, DefaultFormatter
from snakemake.persistence import ParamsChange

from jwcal.messages import explain_missing, shorten_messages, tell_changes, write_whole

FILES = [f"products/x{k}_rate.fits" for k in range(400)]
MESSAGE = {
    "local": True, "is_checkpoint": False, "rule_name": "all", "rule_msg": None, "input": FILES, "output": [],
    "log": [], "jobid": 0, "benchmark": None, "wildcards": {}, "priority": 0, "threads": 1, "resources": {},
    "reason": "Missing output files: a.fits; Input files updated by another job: " + ", ".join(FILES),
}  # fmt: skip


def tell(shorten, **changes):
    """A job's message, by a formatter of our own, so that other tests find Snakemake's as it was."""
    formatter = type("Formatter", (DefaultFormatter,), {})
    for _ in range(shorten):
        shorten_messages(formatter, type("Change", (), {}))
    return formatter(quiet=set(), show_failed_logs=False).format_job_info(MESSAGE | changes)


def test_long_lists_are_told_by_their_first_and_their_number():
    few = "products/x0_rate.fits, products/x1_rate.fits, products/x2_rate.fits, and 397 more"
    brief = tell(shorten=2)  # twice is once
    assert len(tell(shorten=0)) > 15_000 and len(brief) < 500
    assert f"input: {few}\n" in brief
    assert f"reason: Missing output files: a.fits; Input files updated by another job: {few}" in brief


def test_short_lists_are_told_whole():
    assert f"input: {', '.join(FILES[:12])}\n" in tell(shorten=1, input=FILES[:12], output=FILES[:2])


PLAN = {"steps": ["jump", "ramp_fit"], "settings": {"jump": {"rejection_threshold": 4.0, "find_showers": False}},
        "references": {"gain": "/a/b/gain_1.fits", "ipc": None}, "code": "112f"}  # fmt: skip


def tell_against(**changes):
    return tell_changes({repr(PLAN)}, {repr(PLAN | changes)})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"settings": {"jump": {"rejection_threshold": 5.0, "find_showers": False}}},
         "settings.jump.rejection_threshold 4.0 -> 5.0"),
        ({"references": {"gain": "/a/c/gain_2.fits", "ipc": None}}, "references.gain gain_1.fits -> gain_2.fits"),
        ({"code": "4630"}, "code of its steps"),
        ({"code": "4630", "references": {"gain": "/a/b/gain_1.fits"}},
         "code of its steps | references.ipc no longer: None"),
        ({"members": ["a", "b"]}, "members added: ['a', 'b']"),
        ({"settings": {}}, "settings added: {} | settings.jump.find_showers no longer: False | "
                           "settings.jump.rejection_threshold no longer: 4.0"),
    ],
)  # fmt: skip
def test_of_params_what_differs_is_told(changes, told):
    assert tell_against(**changes) == told


def test_many_and_long_changes():
    told = tell_against(**{f"entry{k:02}": "x" * 500 for k in range(20)})
    assert told.count("added") == 6 and told.endswith(" | 14 more") and len(told) < 600


def test_params_that_are_no_dicts():
    assert tell_changes({"'mean'"}, {"'median'"}) == "params mean -> median"
    assert tell_changes(set(), {"<object>"}) == "params added: <object>"


def test_snakemake_asks_for_what_has_changed():
    change = type("Change", (ParamsChange,), {})
    shorten_messages(type("Formatter", (DefaultFormatter,), {}), change)
    assert str(change(only_old={"{'a': 1}"}, only_new={"{'a': 2}"}, files={"x"})) == "a 1 -> 2"


def test_messages_are_written_whole():
    """Else the line of a job on the same terminal may begin in the middle of a message's last line."""
    handler, written = type("Handler", (ColorizingTextHandler,), {}), []
    for _ in range(2):  # twice is once
        write_whole(handler)
    stream = type("Stream", (), {"write": lambda self, text: written.append(text), "flush": lambda self: None})()
    record = logging.makeLogRecord({"msg": "Finished jobid: 1\n1 of 2 steps done", "levelname": "INFO"})
    handler(nocolor=True, stream=stream).emit(record)
    assert [text for text in written if text] == ["Finished jobid: 1\n1 of 2 steps done\n"]


def test_targets_that_nothing_makes_are_explained():
    exception = type("Missing", (MissingRuleException,), {})
    for _ in range(2):  # twice is once
        explain_missing(exception, {"sumary": "did you mean summary?"}.get)
    assert str(exception("sumary")) == "sumary: did you mean summary?"
    assert str(exception("other")).startswith("No rule to produce other")
