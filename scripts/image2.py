"""calwebb_image2: count rates to calibrated surface brightness with sky coordinates."""

from jwcal.jobs import run


def image2(rate, plan, cal, backgrounds=(), context=None):
    """Calibrate one `_rate` or `_rateints` product.

    Parameters
    ----------
    rate : str
        Count rates.
    plan : dict
        Steps, settings and references (`jwcal.workflow.Program.plan`).
    cal : str
        Calibrated product.
    backgrounds : list of str
        Count rates of the association's background exposures.
    context : str, optional
        CRDS context.
    """
    from pathlib import Path

    from jwcal import products
    from jwcal.memory.image_blocks import calibrate_image

    backgrounds = [backgrounds] if isinstance(backgrounds, str) else backgrounds
    members = {"backgrounds": [products.read_image(path) for path in backgrounds]}
    image = calibrate_image(rate, plan, Path(cal).parent, context, members)
    products.write(cal, image)
    if image.combined_background is not None:
        stem, _, ending = cal.rpartition("_cal")
        products.write(f"{stem}_combinedbackground{ending}", image.combined_background)


if "snakemake" in globals():
    run(globals()["snakemake"], image2)
