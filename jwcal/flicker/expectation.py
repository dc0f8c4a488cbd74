"""What the integrations of a time series have in common, scaled by the brightness of the source in each of them.

Subtracting it leaves noise on pixels that are full of light as well. The brightness is the sum over the pixels of the
source, above the background. (The official package takes spectra, aperture photometry or, for images, the median of all
pixels, according to the mode, and scales the background with the source.)
"""

import numpy as np

from jwcal.errors import StepSkipped
from jwcal.kernels.time_medians import median_over_integrations
from jwcal.memory.mapping import list_bands, take, walk


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
        self.medians = _take_medians(data)
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
    source = ~background
    for plane in walk(rates):
        source &= ~np.isnan(plane)
    sums = np.empty(len(rates))
    for i, plane in enumerate(walk(rates)):
        level = _median(plane[background & ~np.isnan(plane)])
        sums[i] = plane[source].sum(dtype=np.float64) - level * np.count_nonzero(source)
    middle = np.median(sums)
    if not source.any() or not middle > 0:
        return np.ones(len(rates), np.float32)
    return (sums / middle).astype(np.float32)


def _take_medians(data):
    """Median of each group over the integrations, float32 [group, y, x]."""
    medians = np.empty(data.shape[1:], np.float32)
    for rows in list_bands(data):
        band = take(data, rows)
        for g, median in enumerate(medians):
            median[rows] = median_over_integrations(band, g)
    return medians


def _median(values):
    return np.float32(np.median(values)) if values.size else np.float32(0)
