"""From facts to the page: one file that needs no other, and is never larger than its budget."""

from pathlib import Path

from jwcal.errors import JwcalError
from jwcal.fitsfiles import replacing
from jwcal.report.evidence import collect

TEMPLATES = Path(__file__).parent / "templates"
BUDGET = 6_000_000  # bytes
FEW_TARGETS = 3  # that a title names
# What a page may show: pictures of exposures, of mosaics, rows of a table. Tried in turn until the page fits.
MEASURES = ((24, 8, 2000), (16, 6, 1000), (8, 4, 500), (4, 2, 200), (1, 1, 60), (0, 0, 20))


def write_report(path, run, *, budget=BUDGET):
    """Write the report of a run.

    Parameters
    ----------
    path : str or pathlib.Path
        HTML file; replaced when complete.
    run : jwcal.report.runs.Run
        Where its files are.
    budget : int
        Most bytes; fewer pictures and shorter tables are shown where it takes that.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    JwcalError
        When not even a page of a few rows fits, or the file cannot be written.
    """
    evidence = collect(run, pictures=MEASURES[0][0], mosaics=MEASURES[0][1])
    shown, shown_mosaics = evidence.shown, evidence.shown_mosaics
    for pictures, mosaics, rows in MEASURES:
        evidence.shown, evidence.shown_mosaics, evidence.rows = shown[:pictures], shown_mosaics[:mosaics], rows
        page = render(evidence).encode()
        if len(page) <= budget:
            break
    else:
        raise JwcalError(f"the report takes {len(page)} bytes, its budget is {budget}; raise the budget", path)
    with replacing(path) as temporary:
        temporary.write_bytes(page)
    return len(page)


def render(evidence):
    """Text of the page.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of a run.

    Returns
    -------
    str
        HTML, the same for the same facts.
    """
    import jinja2

    from jwcal.report.sections import SECTIONS, problems

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    gathered = {}
    # Last those of problems: the others may find some.
    for section in sorted(SECTIONS, key=lambda section: section is problems):
        gathered[section] = section.gather(evidence)
    parts = [
        {"id": section.__name__.rpartition(".")[2], "title": section.TITLE, "facts": gathered[section]}
        for section in SECTIONS
        if gathered[section] is not None
    ]
    style, script = ((TEMPLATES / name).read_text() for name in ("style.css", "page.js"))
    return environment.get_template("page.html").render(
        title=_name_page(evidence), parts=parts, limit=evidence.rows, style=style, script=script
    )


def _name_page(evidence):
    """Title of the page: the run's own, with its targets where there are few."""
    targets = sorted({str(look["header"]["TARGNAME"]) for look in evidence.exposures.values()
                      if look["header"].get("TARGNAME")})  # fmt: skip
    return f"{', '.join(targets)} · {evidence.run.title}" if 0 < len(targets) <= FEW_TARGETS else evidence.run.title
