"""How exposures were moved to agree with each other or with a catalogue, and what disagreement is left."""

from jwcal.report import charts

TITLE = "Alignment"
MOST = 12  # exposures whose residuals are drawn
MAS = 1000.0  # in an arcsecond


def gather(evidence):
    """Tables of all members by association, and residuals of some.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where nothing was aligned.
    """
    if not evidence.alignments:
        return None
    rows, fits = [], []
    for name, solution in sorted(evidence.alignments.items()):
        for member, entry in solution["members"].items():
            rows.append(_make_row(name, member, entry))
            kind, fit = _last_fit(entry)
            if fit.get("residuals"):
                fits.append((name, member, kind, fit))
    # Those that agree least tell most.
    fits.sort(key=lambda found: -float(found[3].get("rms") or 0))
    heads = [
        {"name": name, "reasons": solution.get("reasons", [])}
        | {k: solution.get(k) or "" for k in ("status", "reference")}
        for name, solution in sorted(evidence.alignments.items())
    ]
    return {"heads": heads[:60], "rows": rows, "fits": [_draw(*found, evidence) for found in fits[:MOST]],
            "others": max(0, len(fits) - MOST)}  # fmt: skip


def _last_fit(entry):
    """The absolute fit if it was kept, else the relative one."""
    for kind in ("absolute", "relative"):
        fit = entry.get(kind)
        if isinstance(fit, dict) and fit.get("status") == "SUCCESS":
            return kind, fit
    return "moving target" if entry.get("moving_target") else "", {}


def _make_row(name, member, entry):
    kind, fit = _last_fit(entry)
    moved, rms = entry.get("moved"), fit.get("rms")
    reasons = "; ".join(map(str, entry.get("reasons", [])))
    status = (
        "reference" if entry.get("relative", {}).get("status") == "REFERENCE" and not fit else entry.get("status", "")
    )
    return [member, name, status.lower(), kind, _scale(moved, 2), str(entry.get("sources", "")),
            str(fit.get("used", fit.get("matches", ""))), _scale(rms, 2), reasons]  # fmt: skip


def _scale(value, digits):
    return f"{MAS * value:.{digits}f}" if isinstance(value, (int, float)) else ""


def _draw(name, member, kind, fit, evidence):
    """Vectors on the field and offsets about zero, of one exposure."""
    vectors = [(x, y, MAS * dx, MAS * dy) for x, y, dx, dy in fit["residuals"]]
    look = evidence.exposures.get(member, {}).get("image")
    widest = max(max(x for x, _, _, _ in vectors), max(y for _, y, _, _ in vectors)) + 1
    shape = (widest, widest)
    if look and look["width"] and look["height"]:
        longest = max(look["width"], look["height"])
        shape = (widest * look["width"] / longest, widest * look["height"] / longest)
    about = f"{fit.get('used', len(vectors))} sources, rms {MAS * fit['rms']:.2f} mas, {kind}"
    return {"member": member, "association": name, "about": about,
            "field": charts.draw_vectors(vectors, shape, f"residuals of {member} on its detector"),
            "offsets": charts.draw_offsets(vectors, f"residuals of {member}")}  # fmt: skip
