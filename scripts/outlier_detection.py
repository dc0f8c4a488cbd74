"""Find the pixels of an association's exposures that the others contradict."""

from jwcal.jobs import run


def outlier_detection(cals, plan, outliers, alignment=None, levels=None):
    """Find outliers.

    Parameters
    ----------
    cals : list of str
        Calibrated exposures.
    plan : dict
        Settings, and the names of the exposures.
    outliers : str
        FITS file to write, one bit a pixel.
    alignment, levels : str, optional
        What tweakreg and skymatch found.
    """
    import logging
    from pathlib import Path

    from jwcal.errors import StepSkipped
    from jwcal.findings import Findings
    from jwcal.outliers.maps import write_outliers
    from jwcal.steps import outlier_detection as step

    findings, settings = Findings(alignment, levels), plan["settings"]["outlier_detection"]
    try:
        maps = step.outlier_detection(cals, findings.prepare, Path(outliers).parent, **settings)
    except StepSkipped as skipped:
        logging.getLogger("jwcal").warning("outlier_detection: SKIPPED, %s", skipped)
        maps = []
    write_outliers(outliers, dict(zip(plan["members"], maps, strict=False)))


if "snakemake" in globals():
    run(globals()["snakemake"], outlier_detection)
