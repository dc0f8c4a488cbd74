"""What the run took: time and memory of jobs, and of steps within them."""

import re
from collections import defaultdict
from pathlib import Path
from statistics import median

from jwcal.report import charts

TITLE = "Time and memory"
STEP = re.compile(r" INFO (\w+): COMPLETE in ([\d.]+) s")
MOST_BARS = 14
# MB. Snakemake looks at a job's memory now and then; what it sees of a job that ends before is not its peak.
LEAST_MEMORY = 40


def gather(evidence):
    """Charts and tables by rule, by step and of the longest jobs.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where there are no benchmark files.
    """
    jobs = read_benchmarks(evidence.run.benchmarks)
    if not jobs:
        return None
    rules = defaultdict(list)
    for job in jobs:
        rules[job["rule"]].append(job)
    ranked = sorted(rules.items(), key=lambda item: -_add(item[1], "seconds"))
    times = [(rule, _add(mine, "seconds"), format_time(_add(mine, "seconds"))) for rule, mine in ranked[:MOST_BARS]]
    peaks = [(rule, peak := max(j["memory"] for j in mine), format_memory(peak)) for rule, mine in ranked[:MOST_BARS]]
    drawn = [{"title": "Time by rule, all jobs", "svg": charts.draw_bars(times, "total time by rule")},
             {"title": "Peak memory by rule", "svg": charts.draw_bars(peaks, "largest memory by rule")}]  # fmt: skip
    steps = read_steps(evidence.run.logs)
    if steps:
        bars = [(step, seconds, format_time(seconds)) for step, seconds in steps[:MOST_BARS]]
        drawn.append({"title": "Time by step", "svg": charts.draw_bars(bars, "total time by step")})
    longest = sorted(jobs, key=lambda job: -job["seconds"])[:100]
    rows = [
        [job["rule"], job["job"], f"{job['seconds']:.2f}", f"{job['memory']:.0f}" if job["memory"] else ""]
        for job in longest
    ]
    return {"charts": drawn, "rows": [_make_row(rule, mine) for rule, mine in ranked], "longest": rows}


def _make_row(rule, jobs):
    """Name, number, total, median and longest time, largest memory, processor time."""
    times = [job["seconds"] for job in jobs]
    memory = max(job["memory"] for job in jobs)
    return [rule, str(len(jobs)), f"{sum(times):.1f}", f"{median(times):.2f}", f"{max(times):.2f}", _show(memory),
            f"{_add(jobs, 'cpu'):.1f}"]  # fmt: skip


def _show(memory):
    return f"{memory:.0f}" if memory else ""


def _add(jobs, key):
    return sum(job[key] for job in jobs)


def read_benchmarks(folder):
    """Jobs of Snakemake's benchmark files.

    Parameters
    ----------
    folder : path or None
        One file a job, in a folder of its rule (or, without one, named after the rule).

    Returns
    -------
    list of dict
        ``rule``, ``job``, ``seconds``, ``memory`` (MB; 0 where the job was too short to tell), ``cpu`` (s).
    """
    jobs = []
    for path in sorted(Path(folder).rglob("*.tsv")) if folder else ():
        lines = path.read_text().splitlines()
        if len(lines) < 2:
            continue
        parts = path.relative_to(folder).with_suffix("").parts
        for line in lines[1:]:
            values = dict(zip(lines[0].split("\t"), line.split("\t"), strict=False))
            memory = _number(values.get("max_rss"))
            jobs.append({"rule": parts[0], "job": "/".join(parts[1:]), "seconds": _number(values.get("s")),
                         "memory": memory if memory > LEAST_MEMORY else 0.0,
                         "cpu": _number(values.get("cpu_time"))})  # fmt: skip
    return jobs


def read_steps(folder):
    """Total time of each step, from the jobs' logs, longest first."""
    totals = defaultdict(float)
    for path in sorted(Path(folder).rglob("*.log")) if folder else ():
        for step, seconds in STEP.findall(path.read_text(errors="replace")):
            totals[step] += float(seconds)
    return sorted(totals.items(), key=lambda item: -item[1])


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return 0.0


def format_time(seconds):
    """Seconds in the unit that suits them."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def format_memory(megabytes):
    """Megabytes, or gigabytes if many; in words where nobody saw it."""
    if megabytes == 0:
        return "too short to tell"
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"
