"""Find and measure the sources on a mosaic: `_i2d` to `_cat` and `_segm`."""

from pathlib import Path

from jwcal.jobs import run

NEEDED = ("data", "err", "weight")


def source_catalog(i2d, plan, cat, segm=None, context=None):
    """Write the catalogue and, where the finder makes one, the segmentation map."""
    from jwcal import models, products
    from jwcal.runner import run_chain

    catalog = run_chain(plan, products.read(i2d, models.Mosaic, NEEDED, tables=False), context=context)
    products.write_catalog(cat, catalog)
    if segm and catalog.segmentation is not None:
        catalog.segmentation.header["SCATFILE"] = (Path(cat).name, "Source catalog file")
        products.write(segm, catalog.segmentation)


if "snakemake" in globals():
    run(globals()["snakemake"], source_catalog)
