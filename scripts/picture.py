"""The demo's picture: one exposure raw, as count rate, and rectified."""

from jwcal.jobs import run


def picture(uncal, rate, i2d, png):
    """Draw the stages of an exposure.

    Parameters
    ----------
    uncal, rate, i2d : str
        Its products.
    png : str
        File to write.
    """
    from pathlib import Path

    from jwcal import models, products
    from jwcal.picture import draw_stages

    raw, slopes, mosaic = products.read_ramp(uncal), products.read_image(rate), products.read(i2d, models.Mosaic)
    Path(png).parent.mkdir(parents=True, exist_ok=True)
    draw_stages(
        [
            (f"raw: {raw.keyword('DETECTOR')} {raw.keyword('FILTER')}, last group", "DN", raw.data[0, -1]),
            ("_rate: count rate", "DN/s", slopes.data),
            ("_i2d: rectified, calibrated", "MJy/sr", mosaic.data),
        ],
        png,
    )


if "snakemake" in globals():
    run(globals()["snakemake"], picture)
