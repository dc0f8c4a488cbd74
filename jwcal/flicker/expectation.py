"""What the integrations of a time series have in common, scaled by the brightness of the source in each of them.

Subtracting it leaves noise on pixels that are full of light as well. The brightness is the sum over the pixels of the
source, above the background. (The official package takes spectra, aperture photometry or, for images, the median of all
pixels, according to the mode, and scales the background with the source.)
"""

import numpy as np

from jwcal.errors import StepSkipped
from jwcal.kernels.time_medians import median_over_integrations


class Expectation:
    """The expected signal of each integration and group.

    Parameters
    ----------
    data : float32 [integration, group, y, x]
        Ramps, or count rates with a single group.
    rates : float32 [integration, y, x]
        Count rates of the integrations.
    scene : bool [integration, y, x] or [y, x]
        Background pixels.

    Raises
    ------
    StepSkipped
        When there is a single integration, or none with a brightness.
    """

    def __init__(self, data, rates, scene):
        if len(data) < 2:
            raise StepSkipped("background_method median_image needs several integrations")
        background = scene.all(axis=0) if scene.ndim == 3 else scene
        self.scale = measure_brightness(rates, background)
        self.medians = [median_over_integrations(data, g) for g in range(data.shape[1])]
        self.levels = [_median(plane[background & ~np.isnan(plane)]) for plane in self.medians]

    def __call__(self, integration, group=0):
        """Signal float32 [y, x] that is expected in a group of an integration."""
        level = self.levels[group]
        return level + self.scale[integration] * (self.medians[group] - level)


def measure_brightness(rates, background):
    """Brightness of each integration's source relative to their median, float32 [integration]; 1 where unknown.

    Parameters
    ----------
    rates : float32 [integration, y, x]
        Count rates.
    background : bool [y, x]
        Background pixels; all others that are never NaN are the source's.
    """
    source = ~background & ~np.isnan(rates).any(axis=0)
    levels = np.array([_median(plane[background & ~np.isnan(plane)]) for plane in rates])
    sums = rates[:, source].sum(axis=1, dtype=np.float64) - levels * np.count_nonzero(source)
    middle = np.median(sums)
    if not source.any() or not middle > 0:
        return np.ones(len(rates), np.float32)
    return (sums / middle).astype(np.float32)


def _median(values):
    return np.float32(np.median(values)) if values.size else np.float32(0)
