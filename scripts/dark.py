"""calwebb_dark: a raw dark ramp to a corrected ramp, all detector steps before dark_current."""

from jwcal.jobs import run


def dark(uncal, plan, product, context=None):
    """Correct one raw dark exposure and write it as `_dark`."""
    from pathlib import Path

    from jwcal import products
    from jwcal.memory.blocks import calibrate_ramp

    products.write(product, calibrate_ramp(uncal, plan, Path(product).parent, context))


if "snakemake" in globals():
    run(globals()["snakemake"], dark)
