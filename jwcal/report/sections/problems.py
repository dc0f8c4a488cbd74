"""What went wrong, or what the user should know: remarks, and warnings in the logs."""

from pathlib import Path

TITLE = "Problems and remarks"
MOST_LINES = 400  # of logs
SERIOUS = (" ERROR ", " CRITICAL ")
TAIL = 200_000  # bytes of a log that are searched


def gather(evidence):
    """Lines with the exposure or job that each is about.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where there is nothing to say.
    """
    rows = [["report", "", line] for line in dict.fromkeys(evidence.problems)]
    for name, remarks in sorted(evidence.run.notes.items()):
        rows += [["remark", name, " ".join(str(remark).split())] for remark in remarks]
    rows += _read_logs(evidence.run.logs)
    if not rows:
        return None
    rows.sort(key=lambda row: ("error", "warning", "report", "remark").index(row[0]))
    counts = {kind: sum(row[0] == kind for row in rows) for kind in ("error", "warning", "remark", "report")}
    return {"rows": rows, "counts": {kind: number for kind, number in counts.items() if number}}


def _read_logs(folder):
    """Warnings and errors: kind, rule and job, line."""
    rows = []
    for path in sorted(Path(folder).rglob("*.log")) if folder else ():
        with open(path, errors="replace") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            lines = file.read().splitlines()
        job = str(path.relative_to(folder).with_suffix(""))
        for line in lines:
            kind = "error" if any(word in line for word in SERIOUS) else "warning" if " WARNING " in line else None
            if kind:
                rows.append([kind, job, line.partition(f" {kind.upper()} ")[2] or line])
                if len(rows) >= MOST_LINES:
                    return rows
    return rows
