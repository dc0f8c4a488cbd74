"""Count rates of an exposure by the likelihood of the differences of groups, with its own rejection of jumps."""

import numpy as np

from jwcal.kernels.ramp_covariance import tabulate_covariance
from jwcal.kernels.ramp_likelihood import fit_likeliest
from jwcal.memory.mapping import fit_in_bands
from jwcal.ramps.averages import average_integrations

# Gains in chi^2 that make one difference a jump (4.5 sigma); two that share a group of several frames; two that share
# the charge of a hit. The latter have one degree of freedom, but as many chances as there are places between frames.
ONE, TWO, SPLIT = 20.25, 23.8, 22.0


def fit_likelihood(ramp, maps, extra, thresholds=(ONE, TWO), guess_from_all=False, *, split_hits=False):
    """Fit all ramps of an exposure.

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        The exposure; JUMP_DET is added to its `groupdq` where jumps are found (in memory; not if it is mapped).
    maps : jwcal.ramps.groups.Maps
        Gain, read noise, dark current.
    extra : uint8 [group]
        Flags to be added to whole groups.
    thresholds : (float, float)
        Gains in chi^2 from which on one difference, and two, are jumps.
    guess_from_all : bool
        Guess rates first from the median of all differences, be they flagged or not, as the official package does.
    split_hits : bool
        Two differences are jumps together only by a charge that they share as a hit among the frames of their common
        group would have it; the second threshold is `SPLIT` then.

    Returns
    -------
    results : float32 [5, integration, y, x]
        Slope, error, variances by photons and by read noise, chi^2.
    flags : uint32 [integration, y, x]
        Flags.
    mean : float32 [5, y, x]
        The same of all integrations; chi^2 is their sum.
    mean_flags : uint32 [y, x]
        Flags.
    """
    nframes = int(ramp.keyword("NFRAMES", 1))
    split = ramp.zeroframe is not None and nframes > 1
    zeroframe = ramp.zeroframe if split else np.zeros((0, 0, 0), np.float32)
    table = tabulate_covariance(list_read_times(ramp, split), split_hits)
    thresholds = (thresholds[0], SPLIT) if split_hits else thresholds
    rules = (float(nframes), *map(float, thresholds), float(guess_from_all))
    inputs = tuple(maps), extra, table, rules
    arrays = ramp.data, ramp.groupdq, ramp.pixeldq, zeroframe, ramp.spendable

    def make(height):
        shape = height, ramp.data.shape[-1]
        kinds = (np.float32, (5, len(ramp.data))), (np.uint32, (len(ramp.data),)), (np.float32, (5,)), (np.uint32, ())
        return tuple(np.empty((*planes, *shape), dtype) for dtype, planes in kinds)

    return fit_in_bands(_fit_and_average, make, arrays, *inputs)


def _fit_and_average(*inputs):
    *inputs, rows, outputs = inputs
    results, flags, mean, mean_flags = outputs
    fit_likeliest(*inputs, rows, results, flags)
    rows = slice(*rows)
    average_integrations(results[:, :, rows], flags[:, rows], mean[:, rows], mean_flags[rows])


def list_read_times(ramp, split):
    """Times of the frames that are averaged in each group, s, from the reset on.

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        Keywords NFRAMES, TFRAME, TGROUP.
    split : bool
        Whether the first frame is known by itself: it becomes the first group, the others of its group the second.

    Returns
    -------
    list of float64 array
    """
    nframes, tgroup = int(ramp.keyword("NFRAMES", 1)), float(ramp.keyword("TGROUP"))
    frames = float(ramp.keyword("TFRAME", tgroup)) * np.arange(1, nframes + 1)
    times = [tgroup * g + frames for g in range(ramp.data.shape[1])]
    return [times[0][:1], times[0][1:], *times[1:]] if split else times
