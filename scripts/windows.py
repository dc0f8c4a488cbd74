"""The persistence windows that an exposure leaves open, for the next one of its detector."""

from jwcal.jobs import run


def windows(uncal, plan, product, earlier=(), context=None):
    """Run stage 1 as far as persistence and keep its windows.

    Parameters
    ----------
    uncal : str
        Raw ramp.
    plan : dict
        Steps up to and including persistence, settings and references.
    product : str
        File to write.
    earlier : list of str
        Windows that the exposure before left open.
    context : str, optional
        CRDS context.
    """
    from pathlib import Path

    from jwcal import products
    from jwcal.memory.blocks import calibrate_ramp
    from jwcal.windows import collect_windows, inherit_windows, write_windows

    outline = products.outline_ramp(uncal)
    before, image = inherit_windows(earlier, outline)
    calibrate_ramp(uncal, plan, Path(product).parent, context, {"persistence": image})
    duration = plan["settings"]["persistence"]["persistence_time"]
    write_windows(product, collect_windows(before, outline, image), outline, duration)


if "snakemake" in globals():
    run(globals()["snakemake"], windows)
