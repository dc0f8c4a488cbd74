"""A quick look at one exposure on its way through the pipeline: raw, count rate, rectified."""

import numpy as np

SOFTENING = 8  # of the arcsinh stretch: larger shows fainter things


def draw_stages(panels, path):
    """Draw images side by side, each with a stretch that shows faint and bright alike.

    Parameters
    ----------
    panels : list of (str, str, ndarray [y, x])
        Title, unit, image.
    path : str or pathlib.Path
        PNG file to write.
    """
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 4.6), layout="constrained")
    for axis, (title, unit, image) in zip(np.atleast_1d(axes), panels, strict=True):
        low, high = stretch_limits(image)
        scaled = np.arcsinh((image - low) / (high - low) * SOFTENING)
        axis.imshow(scaled, origin="lower", cmap="magma", vmin=0, vmax=np.arcsinh(SOFTENING), interpolation="nearest")
        axis.set_title(title, fontsize=11)
        axis.set_xlabel(f"{low:.3g} to {high:.3g} {unit}", fontsize=9)
        axis.set_xticks([])
        axis.set_yticks([])
    figure.savefig(path, dpi=110)
    plt.close(figure)


def stretch_limits(image):
    """Black and white levels: just below the background, and the brightest half per cent."""
    values = image[np.isfinite(image)]
    if values.size == 0:
        return 0.0, 1.0
    dark, middle, bright = np.percentile(values, [16, 50, 99.7])
    low = middle - 0.5 * (middle - dark)
    return float(low), float(max(bright, middle + 12 * (middle - dark), low + 1e-6))
