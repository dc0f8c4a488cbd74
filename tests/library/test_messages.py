"""What Snakemake says of jobs with many files."""

from snakemake.logging import DefaultFormatter

from jwcal.messages import shorten_messages

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
        shorten_messages(formatter)
    return formatter(quiet=set(), show_failed_logs=False).format_job_info(MESSAGE | changes)


def test_long_lists_are_told_by_their_first_and_their_number():
    few = "products/x0_rate.fits, products/x1_rate.fits, products/x2_rate.fits, and 397 more"
    brief = tell(shorten=2)  # twice is once
    assert len(tell(shorten=0)) > 15_000 and len(brief) < 500
    assert f"input: {few}\n" in brief
    assert f"reason: Missing output files: a.fits; Input files updated by another job: {few}" in brief


def test_short_lists_are_told_whole():
    assert f"input: {', '.join(FILES[:12])}\n" in tell(shorten=1, input=FILES[:12], output=FILES[:2])
