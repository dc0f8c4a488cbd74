"""Combine the exposures of an association into a mosaic: `_cal` to `_i2d`."""

from jwcal.jobs import run


def mosaic(cals, plan, i2d, alignment=None, levels=None, outliers=None, context=None):
    """Rectify and add up exposures; one at a time is in memory.

    Parameters
    ----------
    cals : list of str
        Calibrated exposures.
    plan : dict
        Steps and settings; the names of the exposures' `_crf` files, whose content is made of the `_cal` here once
        more, so that the mosaic need not wait for them.
    i2d : str
        File to write.
    alignment, levels, outliers : str, optional
        What tweakreg, skymatch and outlier_detection found. Without any of them there are no `_crf`.
    context : str, optional
        CRDS context.
    """
    from jwcal import products
    from jwcal.findings import Cleaned, Findings
    from jwcal.runner import run_chain

    images = [cals] if isinstance(cals, str) else list(cals)
    if alignment or levels or outliers:
        findings = Findings(alignment, levels, outliers)
        images = [
            Cleaned(cal, findings, plan["cleaned"], crf, context).load
            for cal, crf in zip(images, plan["cleaned"]["files"], strict=True)
        ]
    products.write(i2d, run_chain(plan, images, context=context))


if "snakemake" in globals():
    run(globals()["snakemake"], mosaic)
