"""Rectify one calibrated exposure: `_cal` to `_i2d`."""

from jwcal.jobs import run


def resample(cal, plan, i2d, context=None):
    """Drizzle a calibrated image onto an undistorted grid."""
    from jwcal import products
    from jwcal.runner import run_chain

    products.write(i2d, run_chain(plan, products.read_image(cal), context=context))


if "snakemake" in globals():
    run(globals()["snakemake"], resample)
