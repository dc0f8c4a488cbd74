"""calwebb_dark: a raw dark ramp to a corrected ramp, all detector steps before dark_current."""

from jwcal.jobs import run


def dark(uncal, plan, product, earlier=(), context=None):
    """Correct one raw dark exposure and write it as `_dark`.

    `earlier` are persistence windows that the exposure before left open, where the chain looks at them.
    """
    from pathlib import Path

    from jwcal import products
    from jwcal.memory.blocks import calibrate_ramp, carry_windows

    carried = carry_windows(earlier, uncal)
    products.write(product, calibrate_ramp(uncal, plan, Path(product).parent, context, carried))


if "snakemake" in globals():
    run(globals()["snakemake"], dark)
