"""A table of exposures and products: what is there, what is stale and why, and where a mode ends for now."""

from jwcal.jobs import run


def summary(rows, notes, leftovers, snakefile, settings):
    """Print the table.

    Parameters
    ----------
    rows : dict of str to dict of str to str
        Exposure to suffix to path.
    notes : dict of str to list of str
        Exposure to remarks.
    leftovers : list of str
        Products that nothing makes any more.
    snakefile : str
        The workflow, asked what it would make.
    settings : dict
        Its configuration.
    """
    from jwcal.summary import find_stale, format_summary

    print(format_summary(rows, find_stale(snakefile, settings), notes, leftovers))


if "snakemake" in globals():
    run(globals()["snakemake"], summary)
