"""Put what alignment, sky matching and outlier detection found into an exposure: `_cal` to `_crf`."""

from jwcal.jobs import run


def crf(cal, plan, crf, alignment=None, levels=None, outliers=None, context=None):
    """Write an exposure with corrected coordinates, its sky level, and outliers flagged.

    Parameters
    ----------
    cal : str
        Calibrated exposure.
    plan : dict
        Which steps were skipped, and the association.
    crf : str
        File to write.
    alignment, levels, outliers : str, optional
        What tweakreg, skymatch and outlier_detection found.
    context : str, optional
        CRDS context.
    """
    from jwcal import products
    from jwcal.findings import Cleaned, Findings

    products.write(crf, Cleaned(cal, Findings(alignment, levels, outliers), plan, crf, context).read())


if "snakemake" in globals():
    run(globals()["snakemake"], crf)
