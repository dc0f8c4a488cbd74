"""The run in a few numbers."""

from jwcal.report.sections import costs

TITLE = "Overview"


def gather(evidence):
    """Numbers with a word each, and a remark.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict
    """
    run, headers = evidence.run, [look["header"] for look in evidence.exposures.values()]
    products = sum(len(set(files) - {"uncal"}) for files in run.exposures.values())
    products += sum(suffix in ("i2d", "cat", "segm") for files in run.mosaics.values() for suffix in files)
    tiles = [
        ("exposures", len(headers), _list(headers, "INSTRUME")),
        ("filters", len({_band(header) for header in headers}), _list_bands(headers)),
        ("products", products, ""),
        ("mosaics", sum("i2d" in files for files in run.mosaics.values()), ""),
    ]
    jobs = costs.read_benchmarks(run.benchmarks)
    if jobs:
        seconds, peak = sum(job["seconds"] for job in jobs), max(job["memory"] for job in jobs)
        tiles.append(("of computing", costs.format_time(seconds), f"{len(jobs)} jobs, one after the other"))
        tiles.append(("peak memory of a job", costs.format_memory(peak), ""))
    dates = sorted(str(header["DATE-OBS"]) for header in headers if header.get("DATE-OBS"))
    span = dates[0] if dates and dates[0] == dates[-1] else " to ".join([dates[0], dates[-1]]) if dates else ""
    targets = sorted({str(header["TARGNAME"]) for header in headers if header.get("TARGNAME")})
    tiles = [(label, value, detail) for label, value, detail in tiles if value not in (0, "0")]
    return {"tiles": tiles, "observed": span, "targets": targets[:12], "more": max(0, len(targets) - 12),
            "link": run.snakemake_report}  # fmt: skip


def _band(header):
    """Filter with the pupil's element, where that is one too."""
    names = [str(header[key]) for key in ("FILTER", "PUPIL") if header.get(key)]
    return " ".join(name for name in names if name not in ("CLEAR", "N/A", "None", "CLEARP")) or "no filter"


def _list(headers, keyword):
    return ", ".join(sorted({str(header[keyword]) for header in headers if header.get(keyword)}))


def _list_bands(headers):
    bands = sorted({_band(header) for header in headers})
    return ", ".join(bands[:4]) + (f" and {len(bands) - 4} more" if len(bands) > 4 else "")
