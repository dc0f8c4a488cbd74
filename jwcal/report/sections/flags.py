"""Where samples were flagged: jumps, saturation, outliers."""

from statistics import median

from jwcal.report import charts
from jwcal.report.looks import COLOURS
from jwcal.report.sections.exposures import describe

TITLE = "Flags"
WORDS = {"JUMP_DET": "cosmic-ray jumps", "SATURATED": "saturated", "OUTLIER": "outliers", "DO_NOT_USE": "not usable"}

TITLES = {"JUMP_DET": "Pixels with cosmic-ray jumps", "SATURATED": "Saturated pixels", "OUTLIER": "Outliers",
          "DO_NOT_USE": "Pixels that are not usable"}  # fmt: skip


def gather(evidence):
    """Maps of the exposures shown, and the typical share of pixels by detector.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where nobody has looked at an exposure.
    """
    known = {name: look for name, look in evidence.exposures.items() if look.get("flags")}
    if not known:
        return None
    maps = [
        {"name": name, "about": describe(known[name]["header"]), **known[name]["flags"]}
        for name in evidence.shown
        if name in known
    ]
    for picture in maps:
        picture["text"] = ", ".join(f"{100 * picture['shares'][flag]:.2g} % {WORDS[flag]}" for flag in WORDS
                                    if picture["shares"].get(flag))  # fmt: skip
    colours = [{"word": WORDS[flag], "colour": "#{:02x}{:02x}{:02x}".format(*COLOURS[flag])} for flag in WORDS]
    return {"maps": maps, "colours": colours, "charts": _compare_detectors(known)}


def _compare_detectors(known):
    """A chart for each flag that occurs: median share by detector."""
    drawn = []
    detectors = sorted({str(look["header"].get("DETECTOR", "?")) for look in known.values()})
    for flag, word in WORDS.items():
        rows = []
        for detector in detectors:
            shares = [look["flags"]["shares"].get(flag, 0.0) for look in known.values()
                      if str(look["header"].get("DETECTOR", "?")) == detector]  # fmt: skip
            rows.append((detector, 100 * median(shares), f"{100 * median(shares):.3g} %"))
        if any(value for _, value, _ in rows):
            svg = charts.draw_bars(rows, f"median share of pixels, {word}, by detector")
            drawn.append({"title": TITLES[flag], "svg": svg})
    return drawn
