"""calwebb_dark: a raw dark ramp to a corrected ramp, all detector steps before dark_current."""

from jwcal.jobs import run


def dark(uncal, plan, product, context=None):
    """Correct one raw dark exposure and write it as `_dark`."""
    from jwcal import products
    from jwcal.runner import run_chain

    products.write(product, run_chain(plan, products.read_ramp(uncal), context=context))


if "snakemake" in globals():
    run(globals()["snakemake"], dark)
