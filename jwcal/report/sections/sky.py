"""Sky levels that were matched."""

from jwcal.report import charts

TITLE = "Sky levels"
MOST_ROWS = 40  # exposures of an association that are drawn one by one
MOST = 12  # associations that are drawn


def gather(evidence):
    """A chart for each association.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where no sky was matched.
    """
    drawn = [_draw(name, members) for name, members in sorted(evidence.skies.items())]
    drawn = [chart for chart in drawn if chart]
    return {"charts": drawn[:MOST], "others": max(0, len(drawn) - MOST)} if drawn else None


def _draw(name, members):
    """Levels of the members of an association, one by one or as a distribution."""
    levels = [(member, float(entry["level"])) for member, entry in members.items()
              if isinstance(entry.get("level"), (int, float))]  # fmt: skip
    if not levels:
        return None
    label, text = f"sky levels of {name}", "sky level (units of the image)"
    if len(levels) <= MOST_ROWS:
        svg = charts.draw_levels(_shorten(levels), text, label)
    else:
        values = [value for _, value in levels]
        low, high = charts.span(values)
        counts = [0] * 30
        for value in values:
            counts[min(29, int(30 * (value - low) / (high - low)))] += 1
        svg = charts.draw_histogram(counts, low, high, text, label, y_label="exposures")
    methods = sorted({str(entry.get("method")) for entry in members.values() if entry.get("method")})
    subtracted = sum(bool(entry.get("subtracted")) for entry in members.values())
    values = sorted(value for _, value in levels)
    about = f"{len(levels)} exposures, {values[0]:.4g} to {values[-1]:.4g}; method {', '.join(methods) or 'unknown'}; "
    about += "subtracted" if subtracted == len(members) else "noted, subtracted when they are combined"
    return {"name": name, "svg": svg, "about": about}


def _shorten(levels):
    """Names without what all of them begin with."""
    names = [name for name, _ in levels]
    if len(names) < 2:
        return [(names[0][-22:], levels[0][1])]
    shared = 0
    while all(len(name) > shared + 1 and name[shared] == names[0][shared] for name in names):
        shared += 1
    shared = names[0].rfind("_", 0, shared) + 1
    return [(name[shared:][-22:], level) for name, level in levels]
