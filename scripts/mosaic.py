"""Combine the exposures of an association into a mosaic: `_crf` (or `_cal`) to `_i2d`."""

from jwcal.jobs import run


def mosaic(images, plan, i2d, context=None):
    """Rectify and add up exposures; one at a time is in memory.

    Parameters
    ----------
    images : list of str
        Exposures.
    plan : dict
        Steps and settings.
    i2d : str
        File to write.
    context : str, optional
        CRDS context.
    """
    from jwcal import products
    from jwcal.runner import run_chain

    images = [images] if isinstance(images, str) else list(images)
    products.write(i2d, run_chain(plan, images, context=context))


if "snakemake" in globals():
    run(globals()["snakemake"], mosaic)
