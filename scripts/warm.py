"""Compile all kernels into the disk cache, so that no other job has to."""

from jwcal.jobs import run


def warm(warmed):
    """Run each kernel once on tiny arrays and note the cache folder.

    Parameters
    ----------
    warmed : str
        File to write.
    """
    from pathlib import Path

    from jwcal.warm import compile_kernels

    from jwcal.jobs import kernel_cache

    compile_kernels()
    Path(warmed).write_text(f"{kernel_cache()}\n")


if "snakemake" in globals():
    run(globals()["snakemake"], warm)
