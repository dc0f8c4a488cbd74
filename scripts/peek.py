"""The intermediate state of an exposure after a given step, as a file."""

from jwcal.jobs import run


def peek(source, plan, product, backgrounds=(), earlier=(), context=None):
    """Run a chain up to a step.

    Parameters
    ----------
    source : str
        `_uncal` or `_rate` product.
    plan : dict
        Steps up to and including the one asked for, settings and references.
    product : str
        File to write.
    backgrounds : list of str
        Count rates of background exposures, where the background step is among the steps.
    earlier : list of str
        Persistence windows that the exposure before left open, where persistence is among the steps.
    context : str, optional
        CRDS context.
    """
    from pathlib import Path

    from jwcal import models, products
    from jwcal.memory.blocks import calibrate_ramp, carry_windows
    from jwcal.runner import run_chain

    if source.endswith("_uncal.fits"):
        carried = carry_windows(earlier, source)
        result = calibrate_ramp(source, plan, Path(product).parent, context, carried)
    else:
        backgrounds = [backgrounds] if isinstance(backgrounds, str) else backgrounds
        members = {"backgrounds": [products.read_image(path) for path in backgrounds]}
        result = run_chain(plan, products.read_image(source), context=context, members=members)
    products.write(product, result.rate if isinstance(result, models.Rates) else result)


if "snakemake" in globals():
    run(globals()["snakemake"], peek)
