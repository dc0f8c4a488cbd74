"""Find the sky level of each exposure of an association, or what it differs by from the others."""

from jwcal.jobs import run


def skymatch(cals, plan, levels, alignment=None):
    """Find sky levels.

    Parameters
    ----------
    cals : list of str
        Calibrated exposures; one at a time is in memory.
    plan : dict
        Settings, and the group of each exposure.
    levels : str
        JSON file to write.
    alignment : str, optional
        What tweakreg found.
    """
    from jwcal.alignment.solutions import read_alignment
    from jwcal.sky.levels import write_levels
    from jwcal.steps import skymatch as step

    solution = read_alignment(alignment) if alignment else None
    write_levels(levels, step.skymatch(cals, solution, plan["groups"], **plan["settings"]["skymatch"]))


if "snakemake" in globals():
    run(globals()["snakemake"], skymatch)
