"""calwebb_guider: a raw FGS guiding exposure to flat-fielded count rates, `_cal`."""

from jwcal.jobs import run


def guider(uncal, plan, product, context=None):
    """Calibrate one raw guider exposure; the product has one plane an integration."""
    from jwcal import products
    from jwcal.runner import run_chain

    products.write(product, run_chain(plan, products.read_ramp(uncal), context=context))


if "snakemake" in globals():
    run(globals()["snakemake"], guider)
