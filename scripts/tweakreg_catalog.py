"""Find the sources of an exposure, for its alignment: `_cal` to `_tweakregcat`."""

from jwcal.jobs import run


def tweakreg_catalog(cal, plan, catalog):
    """Find sources.

    Parameters
    ----------
    cal : str
        Calibrated exposure.
    plan : dict
        Settings.
    catalog : str
        ECSV table to write.
    """
    from jwcal import products
    from jwcal.alignment.sources import write_sources
    from jwcal.steps import tweakreg_catalog as step

    image = products.read_image(cal, ("data", "dq"))
    write_sources(catalog, step.tweakreg_catalog(image, **plan["settings"]["tweakreg_catalog"]))


if "snakemake" in globals():
    run(globals()["snakemake"], tweakreg_catalog)
