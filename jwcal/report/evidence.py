"""What the sections of a report share: looks, solutions and associations, each file read once."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from jwcal.errors import JwcalError
from jwcal.fitsheaders import read_header
from jwcal.report import looks
from jwcal.report.runs import Run

ORDER = ("crf", "cal", "rate", "calints", "rateints", "uncal")  # which product tells of an exposure


@dataclass
class Evidence:
    """Facts of a run.

    Attributes
    ----------
    run : Run
        Where they come from.
    exposures, mosaics : dict of str to dict
        Looks by name (see `jwcal.report.looks`); those of exposures have at least a ``header``.
    shown, shown_mosaics : list of str
        Names of those whose pictures are shown.
    alignments, skies, outliers : dict of str to dict
        By association: what tweakreg or assign_mtwcs found, sky levels and numbers of outliers by exposure.
    associations : list of dict
        Contents of association files.
    problems : list of str
        Files that could not be read.
    rows : int
        Longest table.
    """

    run: Run
    exposures: dict = field(default_factory=dict)
    mosaics: dict = field(default_factory=dict)
    shown: list = field(default_factory=list)
    shown_mosaics: list = field(default_factory=list)
    alignments: dict = field(default_factory=dict)
    skies: dict = field(default_factory=dict)
    outliers: dict = field(default_factory=dict)
    associations: list = field(default_factory=list)
    problems: list = field(default_factory=list)
    rows: int = 2000


def collect(run, *, pictures=24, mosaics=8):
    """Read the small files of a run.

    Exposures and mosaics that nobody has looked at yet are looked at here, as far as they are shown.

    Parameters
    ----------
    run : Run
        Where the files are.
    pictures, mosaics : int
        Most exposures and mosaics with pictures.

    Returns
    -------
    Evidence
    """
    evidence = Evidence(run)
    for path in run.associations:
        content = _read_json(path, evidence)
        if isinstance(content, dict) and content.get("products"):
            evidence.associations.append(content)
    for name, files in sorted(run.mosaics.items()):
        _collect_solutions(name, files, evidence)
    _collect_looks(evidence)
    evidence.shown = choose(evidence.exposures, pictures)
    for name in evidence.shown:
        if "image" not in evidence.exposures[name]:
            found = [run.mosaics[a]["outliers"] for a, counts in evidence.outliers.items() if name in counts]
            outliers = _look(_read_outliers, evidence, found[0], name) if found else None
            files, truth = run.exposures.get(name, {}), run.truths.get(name)
            evidence.exposures[name] |= _look(looks.look_at_exposure, evidence, files, truth, outliers)
    evidence.shown_mosaics = [name for name in sorted(run.mosaics) if "i2d" in run.mosaics[name] or name in run.looks]
    evidence.shown_mosaics = evidence.shown_mosaics[:mosaics]
    for name in evidence.shown_mosaics:
        if name not in evidence.mosaics:
            evidence.mosaics[name] = _look(looks.look_at_mosaic, evidence, run.mosaics[name]["i2d"])
    return evidence


def choose(exposures, number):
    """Names of exposures to show: one of each detector and filter, then a second one, and so on."""
    kinds = defaultdict(list)
    for name, look in sorted(exposures.items()):
        header = look["header"]
        kinds[tuple(str(header.get(key)) for key in ("INSTRUME", "FILTER", "PUPIL", "DETECTOR"))].append(name)
    rounds = sorted((place, kind, name) for kind, names in kinds.items() for place, name in enumerate(names))
    return [name for _, _, name in rounds[:number]]


def _collect_solutions(name, files, evidence):
    for suffix in ("mtwcs", "tweakreg"):
        solution = _read_json(files[suffix], evidence) if suffix in files else None
        if isinstance(solution, dict) and isinstance(solution.get("members"), dict):
            evidence.alignments[name] = solution
    if "skymatch" in files:
        levels = _read_json(files["skymatch"], evidence)
        if isinstance(levels, dict):
            levels = levels["members"] if isinstance(levels.get("members"), dict) else levels
            evidence.skies[name] = {member: entry for member, entry in levels.items() if isinstance(entry, dict)}
    if "outliers" in files:
        evidence.outliers[name] = _look(_count_outliers, evidence, files["outliers"])


def _count_outliers(path):
    """Outliers by exposure, from the headers alone."""
    from jwcal.fitsfiles import FitsFile

    with FitsFile(path) as file:
        headers = [file.header(("OUTLIERS", number + 1)) for number in range(file.names.count("OUTLIERS"))]
    return {header["MEMBER"]: int(header["NOUTLIER"]) for header in headers if "NOUTLIER" in header}


def _read_outliers(path, member):
    """Pixels of an exposure that outlier detection flags: bool [y, x]."""
    import numpy as np

    from jwcal.fitsfiles import FitsFile

    with FitsFile(path) as file:
        for number in range(file.names.count("OUTLIERS")):
            header = file.header(("OUTLIERS", number + 1))
            if header["MEMBER"] == member:
                packed = file.image(("OUTLIERS", number + 1))
                return np.unpackbits(packed, axis=1, count=int(header["MEMBERNX"])).view(bool)
    return None


def _collect_looks(evidence):
    """Looks that were kept; of exposures without one the keywords."""
    for name, path in evidence.run.looks.items():
        look = _read_json(path, evidence)
        if isinstance(look, dict) and "header" in look:
            (evidence.mosaics if look.get("kind") == "mosaic" else evidence.exposures)[name] = look
    for name, files in sorted(evidence.run.exposures.items()):
        if name not in evidence.exposures:
            path = next((files[suffix] for suffix in ORDER if suffix in files), None)
            if path is not None:
                evidence.exposures[name] = {"kind": "exposure", "header": _look(_read_keywords, evidence, path)}


def _read_keywords(path):
    return read_header(str(path), looks.KEYWORDS)[0]


def _read_json(path, evidence):
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        evidence.problems.append(f"{path}: cannot be read ({error}); made anew it will be shown")
        return None


def _look(function, evidence, *arguments):
    """What a function finds; a file that cannot be read costs the report no more than its own part."""
    try:
        return function(*arguments)
    except (JwcalError, OSError) as error:
        evidence.problems.append(" ".join(str(error).split()))
        return {}
