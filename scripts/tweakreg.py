"""Align the exposures of an association with each other, and with a catalogue: corrections of their pointings."""

from jwcal.jobs import run


def tweakreg(cals, plan, alignment, catalogs=()):
    """Find the corrections.

    Parameters
    ----------
    cals : list of str
        Calibrated exposures; only their headers are read.
    plan : dict
        Settings, and the group of each exposure.
    alignment : str
        JSON file to write.
    catalogs : list of str
        Catalogue of the sources of each; none are needed where the settings name an earlier result.
    """
    from jwcal import models, products
    from jwcal.alignment.solutions import write_alignment
    from jwcal.steps import tweakreg as step

    images = [products.read(path, models.Image, only=()) for path in cals]
    solution = step.tweakreg(images, catalogs, plan["groups"], **plan["settings"]["tweakreg"])
    write_alignment(alignment, solution)


if "snakemake" in globals():
    run(globals()["snakemake"], tweakreg)
