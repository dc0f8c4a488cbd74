"""Let the coordinates of an association's exposures follow their moving target."""

from jwcal.jobs import run


def assign_mtwcs(cals, plan, alignment):
    """Find where the target is in each exposure, and on average.

    Parameters
    ----------
    cals : list of str
        Calibrated exposures; only their headers are read.
    plan : dict
        Settings; the step has none.
    alignment : str
        JSON file to write.
    """
    from jwcal import models, products
    from jwcal.alignment.solutions import write_alignment
    from jwcal.steps import assign_mtwcs as step

    images = [products.read(path, models.Image, only=()) for path in cals]
    write_alignment(alignment, step.assign_mtwcs(images, **plan["settings"]["assign_mtwcs"]))


if "snakemake" in globals():
    run(globals()["snakemake"], assign_mtwcs)
