"""Compile all kernels into the disk cache, so that no other job has to."""

from jwcal.jobs import run


def warm():
    """Run each kernel once on tiny arrays."""
    from jwcal.warm import main

    main()


if "snakemake" in globals():
    run(globals()["snakemake"], warm)
