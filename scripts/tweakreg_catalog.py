"""Find the sources of an exposure, for its alignment: `_cal` to `_tweakregcat`."""

from jwcal.jobs import run


def tweakreg_catalog(cal, plan, catalog):
    """Find sources.

    Parameters
    ----------
    cal : str
        Calibrated exposure.
    plan : dict
        Settings of tweakreg's finder.
    catalog : str
        ECSV table to write.
    """
    from jwcal import products
    from jwcal.sources import find_sources, write_sources

    write_sources(catalog, find_sources(products.read_image(cal), **plan["settings"]["tweakreg"]))


if "snakemake" in globals():
    run(globals()["snakemake"], tweakreg_catalog)
