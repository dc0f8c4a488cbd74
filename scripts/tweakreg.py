"""Align the exposures of an association with each other, and with a catalogue: corrections of their pointings."""

from jwcal.jobs import run


def tweakreg(cals, catalogs, plan, alignment):
    """Find the corrections.

    Parameters
    ----------
    cals : list of str
        Calibrated exposures; only their headers are read.
    catalogs : list of str
        Catalogue of the sources of each.
    plan : dict
        Settings, and the group of each exposure.
    alignment : str
        JSON file to write.
    """
    from jwcal import products
    from jwcal.alignment import write_alignment
    from jwcal.steps import tweakreg as step

    images = [products.read_headers(path) for path in cals]
    solution = step.tweakreg(images, catalogs, plan["groups"], **plan["settings"]["tweakreg"])
    write_alignment(alignment, solution)


if "snakemake" in globals():
    run(globals()["snakemake"], tweakreg)
