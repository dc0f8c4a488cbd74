"""Where the files of a run are. What is missing is left out of the report."""

import re
from dataclasses import dataclass, field
from pathlib import Path

EXPOSURE = re.compile(r"(jw\d{11}_\d{5}_\d{5}_[a-z0-9-]+)_([a-z0-9]+)\.fits")
ASSOCIATION = re.compile(r"(?P<name>.+)_(?P<suffix>i2d|cat|segm|mtwcs|tweakreg|skymatch|outliers)\.(fits|ecsv|json)")
SUFFIXES = ("uncal", "ramp", "rate", "rateints", "cal", "calints", "crf", "i2d")


@dataclass
class Run:
    """Files of a run.

    Attributes
    ----------
    title : str
        What the report is about.
    exposures : dict of str to dict of str to path
        Products by exposure and suffix; ``crf`` stands for the one of any association.
    mosaics : dict of str to dict of str to path
        Products of associations by name and suffix: i2d, cat, segm, mtwcs, tweakreg, skymatch, outliers.
    associations : list of path
        Association files (JSON).
    looks : dict of str to path
        What `jwcal.report.looks` kept of an exposure or a mosaic, by its name.
    truths : dict of str to path
        Truth files of simulated exposures.
    benchmarks, logs : path or None
        Folders of Snakemake's benchmark files and of the jobs' logs, with one folder a rule.
    settings, defaults : dict
        Configuration of the run, and that of jwcal.
    notes : dict of str to list of str
        Remarks about exposures.
    snakemake_report : str or None
        Link to the report that Snakemake itself makes.
    """

    title: str = "jwcal"
    exposures: dict = field(default_factory=dict)
    mosaics: dict = field(default_factory=dict)
    associations: list = field(default_factory=list)
    looks: dict = field(default_factory=dict)
    truths: dict = field(default_factory=dict)
    benchmarks: Path | None = None
    logs: Path | None = None
    settings: dict = field(default_factory=dict)
    defaults: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    snakemake_report: str | None = None


def find_run(folder, *, raw="raw", products="products", looks="reports/looks", truths="truth", **properties):
    """List the files of a working folder.

    Parameters
    ----------
    folder : path
        Where the workflow ran.
    raw, products, looks, truths : str
        Folders in it.
    **properties
        Further attributes of `Run`.

    Returns
    -------
    Run
    """
    folder = Path(folder)
    run = Run(**properties)
    for path in sorted([*(folder / raw).rglob("*"), *(folder / products).glob("*")]):
        _file(run, path)
    run.looks = {path.stem: path for path in sorted((folder / looks).glob("*.json"))}
    run.truths = {path.stem.removesuffix("_truth"): path for path in sorted((folder / truths).glob("*_truth.fits"))}
    for name in ("benchmarks", "logs"):
        if getattr(run, name) is None and (folder / name).is_dir():
            setattr(run, name, folder / name)
    return run


def _file(run, path):
    """Put a file where it belongs."""
    exposure, association = EXPOSURE.fullmatch(path.name), ASSOCIATION.fullmatch(path.name)
    if path.name.endswith("_asn.json"):
        run.associations.append(path)
    elif exposure and exposure[2] in SUFFIXES:
        run.exposures.setdefault(exposure[1], {})[exposure[2]] = path
    elif crf := re.fullmatch(r"(jw\d{11}_\d{5}_\d{5}_[a-z0-9-]+)_[a-z]\d+_crf\.fits", path.name):
        run.exposures.setdefault(crf[1], {})["crf"] = path
    elif association:
        run.mosaics.setdefault(association["name"], {})[association["suffix"]] = path
