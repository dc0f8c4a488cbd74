"""The report of a run: one HTML file."""

from jwcal.jobs import run


def report(html, folders=None, title="jwcal", settings=None, defaults=None, notes=None, snakemake_report=None):
    """Write the report on the working folder.

    Parameters
    ----------
    html : str
        File to write.
    folders : dict of str to str, optional
        Where ``raw``, ``products``, ``looks`` and ``truths`` are, if elsewhere than by default.
    title : str
        What it is about.
    settings, defaults : dict, optional
        Configuration of the run, and jwcal's own.
    notes : dict of str to list of str, optional
        Remarks about exposures.
    snakemake_report : str, optional
        Link to Snakemake's own report.
    """
    from jwcal.report import find_run, write_report

    about = {"title": title, "settings": settings or {}, "defaults": defaults or {}, "notes": notes or {}}
    write_report(html, find_run(".", **(folders or {}), **about, snakemake_report=snakemake_report))


if "snakemake" in globals():
    run(globals()["snakemake"], report)
