"""The demo's picture: one exposure raw, as count rate, and the mosaic that it is part of."""

from jwcal.jobs import run


def picture(uncal, rate, i2d, png):
    """Draw the stages of an exposure.

    Parameters
    ----------
    uncal, rate, i2d : str
        Its products, and the mosaic.
    png : str
        File to write.
    """
    from pathlib import Path

    from jwcal import models, products
    from jwcal.picture import draw_stages

    raw, slopes = products.read_ramp(uncal), products.read_image(rate)
    mosaic = products.read(i2d, models.Mosaic, only=("data",))
    Path(png).parent.mkdir(parents=True, exist_ok=True)
    draw_stages(
        [
            (f"raw: {raw.keyword('DETECTOR')} {raw.keyword('FILTER')}, last group", "DN", raw.data[0, -1]),
            ("_rate: count rate", "DN/s", slopes.data),
            (f"_i2d: mosaic of {mosaic.keyword('NDRIZ')} exposures", "MJy/sr", mosaic.data),
        ],
        png,
    )


if "snakemake" in globals():
    run(globals()["snakemake"], picture)
