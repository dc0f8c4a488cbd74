"""calwebb_detector1 (and calwebb_tso1): a raw ramp to count rates."""

from jwcal.jobs import run


def detector1(uncal, plan, rate, rateints=None, earlier=(), context=None):
    """Calibrate one raw exposure.

    Parameters
    ----------
    uncal : str
        Raw ramp.
    plan : dict
        Steps, settings and references (`jwcal.workflow.Program.plan`).
    rate, rateints : str
        Mean count rate, and one plane an integration (exposures of several integrations).
    earlier : list of str
        Persistence windows that the exposure before left open.
    context : str, optional
        CRDS context.
    """
    from pathlib import Path

    from jwcal import products
    from jwcal.memory.blocks import calibrate_ramp, carry_windows

    carried = carry_windows(earlier, uncal)
    rates = calibrate_ramp(uncal, plan, Path(rate).parent, context, carried)
    products.write(rate, rates.rate)
    if rateints:
        products.write(rateints, rates.rateints)
    for suffix, extra in rates.extras.items():
        products.write(rate.replace("_rate.fits", f"_{suffix}.fits"), extra)
    if rates.fitopt:
        products.write_tables(rate.replace("_rate.fits", "_fitopt.fits"), rates.rate, rates.fitopt)


if "snakemake" in globals():
    run(globals()["snakemake"], detector1)
