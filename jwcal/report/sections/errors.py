"""Whether the errors of count rates are right: pulls should be normal numbers."""

import math
from collections import defaultdict

from jwcal.report import charts
from jwcal.report.looks import BINS, LIMIT
from jwcal.report.sections.exposures import describe

TITLE = "Errors of count rates"
KINDS = {
    "truth": "(count rate − true rate) / error, pixels without flags",
    "integrations": "difference of integrations / error of the difference, pixels without flags",
    "neighbours": "difference of neighbouring pixels / error of the difference, pixels without flags",
}


def gather(evidence):
    """Histograms by kind of pull, and a table by detector and filter.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where nobody has looked at count rates.
    """
    pulls = [(look["header"], look["pulls"]) for look in evidence.exposures.values() if look.get("pulls")]
    pulls = [(header, found) for header, found in pulls if found["width"] is not None]
    if not pulls:
        return None
    drawn = []
    for kind, text in KINDS.items():
        mine = [found for _, found in pulls if found["kind"] == kind]
        if mine:
            counts = [sum(column) for column in zip(*(found["counts"] for found in mine), strict=True)]
            drawn.append(_draw(counts, text, len(mine)))
    return {"charts": drawn, "rows": _tabulate(pulls)}


def _draw(counts, text, exposures):
    """Histogram of all exposures with the normal distribution, and its moments."""
    total, step = sum(counts), 2 * LIMIT / BINS
    middles = [-LIMIT + (k + 0.5) * step for k in range(BINS)]
    mean = sum(n * x for n, x in zip(counts, middles, strict=True)) / total
    width = math.sqrt(sum(n * (x - mean) ** 2 for n, x in zip(counts, middles, strict=True)) / total - step**2 / 12)
    scale = total * step / math.sqrt(2 * math.pi)
    curve = [(x / 10, scale * math.exp(-((x / 10) ** 2) / 2)) for x in range(-60, 61)]
    svg = charts.draw_histogram(counts, -LIMIT, LIMIT, "pull (standard deviations)", text, curve=curve)
    return {"svg": svg, "title": text, "mean": f"{mean:+.3f}".replace("-", "−"), "width": f"{width:.3f}",
            "pixels": f"{total:,}".replace(",", " "), "exposures": exposures}  # fmt: skip


def _tabulate(pulls):
    """Rows by detector and filter: exposures, mean, width, widest."""
    kinds = defaultdict(list)
    for header, found in pulls:
        kinds[describe(header), found["kind"]].append(found)
    rows = []
    for (about, kind), found in sorted(kinds.items()):
        mean, width = (sum(one[key] for one in found) / len(found) for key in ("mean", "width"))
        widest = max(one["width"] for one in found)
        rows.append([about, kind, str(len(found)), f"{mean:+.3f}", f"{width:.3f}", f"{widest:.3f}"])
    return rows
