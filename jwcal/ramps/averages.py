"""The mean of integrations that were fitted by themselves, each with errors from its own rate."""

import numpy as np

from jwcal import dq
from jwcal.kernels.stripes import split_rows

SLOPE, ERROR, PHOTONS, READ, CHI_SQUARED = range(5)  # planes of the results


def average_integrations(results, flags, mean, mean_flags):
    """Average integrations with weights that are optimal for the pixel's mean rate.

    An integration's photon variance follows from its own rate: weighted with it, those that happen to be low would
    count more. So the variances are scaled to the mean rate first; two rounds settle it.

    Parameters
    ----------
    results : float32 [5, integration, y, x]
        Slope, error, variances by photons and by read noise, chi^2. NaN slopes do not count.
    flags : uint32 [integration, y, x]
        Flags.
    mean : float32 [5, y, x]
        Filled with the same of the mean; chi^2 is the sum.
    mean_flags : uint32 [y, x]
        Filled with flags of any integration, but DO_NOT_USE only where all have it.
    """
    mean[...], mean_flags[...] = results[:, 0], flags[0]
    if len(flags) > 1:
        for rows in split_rows(flags.shape[1:], max(1, len(flags) // 8)):
            _average_rows(results[:, :, rows], mean[:, rows])
        mean_flags[...] = np.bitwise_or.reduce(flags) & ~np.uint32(dq.DO_NOT_USE)
        mean_flags |= np.bitwise_and.reduce(flags) & np.uint32(dq.DO_NOT_USE)


def _average_rows(results, mean):
    """Fill the mean of some rows."""
    slopes, photons, read = (results[plane].astype(np.float64) for plane in (SLOPE, PHOTONS, READ))
    fitted = np.isfinite(slopes)
    lost = ~fitted.any(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = _median(slopes, fitted)
        for _ in range(2):
            scale = rate / slopes
            scale[~np.isfinite(scale) | (scale < 0)] = 0
            scaled = photons * scale
            weights = np.where(fitted, 1 / (scaled + read), 0)
            weights /= weights.sum(axis=0)
            rate = np.sum(np.where(fitted, slopes, 0) * weights, axis=0)
        mean[SLOPE] = rate
        mean[PHOTONS], mean[READ] = (np.sum(variance * weights**2, axis=0) for variance in (scaled, read))
        mean[ERROR] = np.sqrt(mean[PHOTONS] + mean[READ])
    mean[CHI_SQUARED] = np.sum(results[CHI_SQUARED], axis=0, where=fitted)
    mean[:, lost] = 0
    mean[SLOPE, lost] = mean[CHI_SQUARED, lost] = np.nan


def _median(slopes, fitted):
    """Median of the fitted integrations; NaN sorts to the end."""
    ordered, number = np.sort(slopes, axis=0), fitted.sum(axis=0)
    low, high = (np.clip(k, 0, len(slopes) - 1)[None] for k in ((number - 1) // 2, number // 2))
    return 0.5 * (np.take_along_axis(ordered, low, 0) + np.take_along_axis(ordered, high, 0))[0]
