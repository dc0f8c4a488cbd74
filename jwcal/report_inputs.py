"""What the report is made of: asked by the rules while Snakemake lays out the workflow."""

import os

SNAKEMAKE = "snakemake.html"  # file that `snakemake --report` is told to write
TRUTHS = "truth"  # where the simulator puts what it knows


def exposures(program):
    """Names of the exposures that the report shows: all of which a count rate or calibrated image is made or given."""
    return [name for name in sorted(program.exposures) if look_inputs(program, name)]


def look_inputs(program, name):
    """Products of an exposure that are looked at, by suffix."""
    rows = program.rows.get(name, {})
    files = {suffix: rows[suffix] for suffix in ("rate", "cal") if suffix in rows}
    crf = program.image3.crf_of(name)
    if crf:
        files["crf"] = crf
    truth = f"{TRUTHS}/{name}_truth.fits"
    if files and os.path.exists(truth):
        files["truth"] = truth
    return files


def snakemake_report(folder):
    """Link from the report to that which Snakemake makes itself, where somebody had it made beside; else None."""
    return SNAKEMAKE if os.path.exists(os.path.join(folder, SNAKEMAKE)) else None


def mosaics(program):
    """Names of the associations of which a mosaic is made."""
    return [name for name in program.image3.associations if program.image3.products(name)]
