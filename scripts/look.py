"""What the report needs of a product, taken once: numbers and small pictures as JSON."""

from jwcal.jobs import run


def look(out, rate=None, cal=None, crf=None, i2d=None, truth=None):
    """Look at an exposure (its `_rate`, `_cal`, `_crf`, those that there are), or at a mosaic (`_i2d`)."""
    from jwcal.report import looks

    files = {suffix: path for suffix, path in {"rate": rate, "cal": cal, "crf": crf}.items() if path}
    looks.write_look(out, looks.look_at_mosaic(i2d) if i2d else looks.look_at_exposure(files, truth or None))


if "snakemake" in globals():
    run(globals()["snakemake"], look)
