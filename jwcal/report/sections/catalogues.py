"""Catalogues of sources: how faint, how exact, and, where the truth is known, how complete."""

import math
from pathlib import Path

import numpy as np

from jwcal.report import charts

TITLE = "Source catalogues"
MOST = 8  # catalogues that are drawn
RADIUS = 0.1  # arcsec, within which a star is found again; for galaxies half their radius is added
BIN = 0.5  # magnitudes
FEWEST = 4  # true sources in a bin
AT_ONCE = 500  # true sources that are matched together
KINDS = {"STARS": "stars", "GALAXIES": "galaxies"}


def gather(evidence):
    """Charts of each catalogue.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where there is no catalogue.
    """
    names = sorted(name for name, files in evidence.run.mosaics.items() if "cat" in files)
    if not names:
        return None
    members = {product["name"]: [str(m.get("expname", "")).rpartition("/")[2].rpartition("_")[0]
                                 for m in product.get("members", ())]
               for content in evidence.associations for product in content["products"]}  # fmt: skip
    drawn = []
    for name in names[:MOST]:
        try:
            table = read_ecsv(evidence.run.mosaics[name]["cat"])
        except (OSError, ValueError) as error:
            evidence.problems.append(f"{evidence.run.mosaics[name]['cat']}: cannot be read ({error})")
            continue
        truths = [evidence.run.truths[member] for member in members.get(name, ()) if member in evidence.run.truths]
        drawn.append(_describe(name, table, truths, evidence))
    return {"catalogues": drawn, "others": len(names) - len(drawn)} if drawn else None


def read_ecsv(path):
    """Columns of numbers of a catalogue (truths as 1 and 0), by name; positions as ``sky_centroid.ra`` and ``.dec``."""
    lines = [line for line in Path(path).read_text().splitlines() if line and not line.startswith("#")]
    if not lines:
        raise ValueError("no table")
    values = {"True": "1", "False": "0"}
    rows = [[float(values.get(text, text)) for text in line.split(" ")] for line in lines[1:]]
    columns = lines[0].split(" ")
    return dict(zip(columns, np.array(rows, float).reshape(len(rows), len(columns)).T, strict=True))


def _describe(name, table, truths, evidence):
    """One catalogue: numbers and charts."""
    count, extended = len(table["label"]), table["is_extended"] > 0
    magnitude, error = table["aper_total_abmag"], table["aper_total_abmag_err"]
    if not np.isfinite(magnitude).any():
        magnitude, error = table["isophotal_abmag"], table["isophotal_abmag_err"]
    series = [(word, _pair(magnitude, error, mask)) for word, mask in (("stars", ~extended), ("extended", extended))]
    drawn = []
    if any(points for _, points in series):
        drawn.append(_chart("Error against magnitude", charts.draw_points(
            series, "AB magnitude", "error (mag)", f"errors of magnitudes of {name}", log_y=True), series))  # fmt: skip
    drawn += _draw_concentration(table, magnitude, extended, name)
    text = f"{count} sources, {int(extended.sum())} of them extended"
    known = _read_truths(truths, evidence)
    if known and count:
        drawn += _compare(table, magnitude, known, name)
        text += "; truth at hand"
    return {"name": name, "about": text, "charts": drawn}


def _chart(title, svg, series=()):
    """A chart with the names of its series."""
    legend = [(number, word) for number, (word, points) in enumerate(series, 1) if points]
    return {"title": title, "svg": svg, "legend": legend if len(series) > 1 else []}


def _pair(x, y, mask):
    use = mask & np.isfinite(x) & np.isfinite(y)
    return [(round(float(a), 4), round(float(b), 6)) for a, b in zip(x[use], y[use], strict=True)]


def _draw_concentration(table, magnitude, extended, name):
    """Concentration against magnitude, where stars lie on a line."""
    column = next((key for key in table if key.startswith("CI_")), None)
    if column is None or not np.isfinite(table[column]).any():
        return []
    value = np.where((table[column] > 0) & (table[column] < 6), table[column], np.nan)
    series = [(word, _pair(magnitude, value, mask)) for word, mask in (("stars", ~extended), ("extended", extended))]
    label = f"concentration of sources of {name}"
    svg = charts.draw_points(series, "AB magnitude", _explain(column), label)
    return [_chart("Concentration", svg, series)]


def _explain(column):
    """Which fluxes a concentration compares: CI_50_30."""
    _, outer, inner = column.split("_")
    return f"flux in the {outer} % / in the {inner} % circle"


def _read_truths(paths, evidence):
    """True sources of all exposures, each once: kind to right ascension, declination, flux (Jy), reach (arcsec)."""
    from jwcal.errors import JwcalError
    from jwcal.fitsfiles import FitsFile

    found = {kind: {} for kind in KINDS}
    for path in paths[:64]:
        try:
            with FitsFile(path) as file:
                for kind in KINDS:
                    for row in _unlensed(file.table(kind)) if kind in file else ():
                        reach = RADIUS + (float(row["radius"]) / 2 if kind == "GALAXIES" else 0)
                        found[kind][int(row["id"])] = (*(float(row[key]) for key in ("ra", "dec", "flux")), reach)
        except JwcalError as error:
            evidence.problems.append(str(error))
    return {kind: np.array(list(rows.values())).T for kind, rows in found.items() if rows}


def _unlensed(table):
    """Rows of a table of true sources; the place and light of those seen through a lens are not what is observed."""
    return table[table["einstein"] == 0] if "einstein" in table.dtype.names else table


def _compare(table, magnitude, known, name):
    """Completeness, and measured minus true magnitudes."""
    lines, differences = [], []
    ra, dec = table["sky_centroid.ra"], table["sky_centroid.dec"]
    for kind, (true_ra, true_dec, flux, reach) in known.items():
        true = -2.5 * np.log10(np.maximum(flux, 1e-40)) + 8.9
        nearest, matched = _match(true_ra, true_dec, reach, ra, dec)
        lines.append((KINDS[kind], _count_found(true, matched)))
        difference = magnitude[nearest] - true
        if kind == "STARS":
            differences = _pair(true, difference, matched & (np.abs(difference) < 2))
    drawn = []
    if any(points for _, points in lines):
        svg = charts.draw_lines(
            lines, "true AB magnitude", "found again (%)", f"completeness of {name}", y_range=(0, 105)
        )
        drawn.append(_chart("Completeness", svg, lines))
    if differences:
        low, high = charts.span([x for x, _ in differences])
        svg = charts.draw_points([("stars", differences)], "true AB magnitude", "measured − true (mag)",
                                 f"errors of stars of {name}", lines=[[(low, 0), (high, 0)]])  # fmt: skip
        drawn.append(_chart("Stars: measured minus true", svg))
    return drawn


def _match(true_ra, true_dec, reach, ra, dec):
    """Index of the nearest entry of the catalogue for each true source, and whether it is near enough."""
    nearest, matched = [], []
    for start in range(0, len(true_ra), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        east = (ra - true_ra[part, None] + 180) % 360 - 180
        distance = 3600 * np.hypot(east * np.cos(np.radians(true_dec[part, None])), dec - true_dec[part, None])
        nearest.append(distance.argmin(axis=1))
        matched.append(distance.min(axis=1) < reach[part])
    return np.concatenate(nearest), np.concatenate(matched)


def _count_found(magnitude, matched):
    """Per cent of true sources that are found, by magnitude; bins of very few are left out."""
    points = []
    for start in np.arange(math.floor(magnitude.min()), magnitude.max(), BIN):
        inside = (magnitude >= start) & (magnitude < start + BIN)
        if inside.sum() >= FEWEST:
            points.append((float(start + BIN / 2), round(100 * float(matched[inside].mean()), 1)))
    return points
