"""calwebb_detector1 (and calwebb_tso1): a raw ramp to count rates."""

from jwcal.jobs import run


def detector1(uncal, plan, rate, rateints=None, earlier=None, windows=None, context=None):
    """Calibrate one raw exposure.

    Parameters
    ----------
    uncal : str
        Raw ramp.
    plan : dict
        Steps, settings and references (`jwcal.workflow.Program.plan`).
    rate, rateints : str
        Mean count rate, and one plane an integration (exposures of several integrations).
    earlier, windows : str, optional
        Persistence windows that the exposure before left open, and those that this one leaves open.
    context : str, optional
        CRDS context.
    """
    from pathlib import Path

    from jwcal import products
    from jwcal.blocks import calibrate_ramp

    carried = {}
    if windows:
        from jwcal import windows as persistent

        outline = products.outline_ramp(uncal)
        before = persistent.read_windows(earlier, outline)
        carried["persistence"] = persistent.spread_windows(before, outline)
    rates = calibrate_ramp(uncal, plan, Path(rate).parent, context, carried)
    if windows:
        after = persistent.collect_windows(before, outline, carried["persistence"])
        duration = plan["settings"]["persistence"]["persistence_time"]
        persistent.write_windows(windows, after, outline, duration)
    products.write(rate, rates.rate)
    if rateints:
        products.write(rateints, rates.rateints)
    for suffix, extra in rates.extras.items():
        products.write(rate.replace("_rate.fits", f"_{suffix}.fits"), extra)
    if rates.fitopt:
        products.write_tables(rate.replace("_rate.fits", "_fitopt.fits"), rates.rate, rates.fitopt)


if "snakemake" in globals():
    run(globals()["snakemake"], detector1)
