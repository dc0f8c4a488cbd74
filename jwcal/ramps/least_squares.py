"""Count rates of an exposure by least squares over the undisturbed segments of each ramp."""

import numpy as np

from jwcal import dq
from jwcal.errors import JwcalError
from jwcal.kernels.ramp_ols import fit_ramps
from jwcal.kernels.ramp_optional import describe_segments
from jwcal.kernels.ramp_slopes import tabulate_coefficients
from jwcal.mapping import fit_in_bands, walk

SEGMENT_HDUS = ("SLOPE", "SIGSLOPE", "VAR_POISSON", "VAR_RNOISE", "YINT", "SIGYINT", "WEIGHTS")


def fit_least_squares(ramp, maps, extra, suppress_one_group, describe):
    """Fit all ramps of an exposure.

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        The exposure.
    maps : jwcal.ramps.groups.Maps
        Gain, read noise, dark current.
    extra : uint8 [group]
        Flags to be added to whole groups.
    suppress_one_group : bool
        Whether ramps with one good group have no slope.
    describe : bool
        Whether to tell of each segment.

    Returns
    -------
    results : float32 [4, integration + 1, y, x]
        Slope, error, variances by photons and by read noise; the last plane of each is the average.
    flags : uint32 [integration + 1, y, x]
        Flags.
    segments : dict of str to ndarray, or None
        Results of each segment by HDU name.
    """
    n_integrations, n_groups = ramp.data.shape[:2]
    start, stop = _used_groups(ramp, extra)
    suppress = bool(suppress_one_group and n_groups > 1)
    zeroframe = ramp.zeroframe
    if zeroframe is None or suppress:
        zeroframe = np.zeros((n_integrations, *maps.gain.shape), np.float32)
    inputs = (
        *(ramp.data, ramp.groupdq, ramp.pixeldq, zeroframe, tuple(maps)),
        *(extra, _timing(ramp), (start, stop, suppress), tabulate_coefficients(stop - start)),
    )
    return (*fit_in_bands(fit_ramps, *inputs), _describe(ramp, inputs) if describe else None)


def _used_groups(ramp, extra):
    """First and last-plus-one group; MIRI drops leading groups, and the last one, that no pixel may use."""
    n_groups = ramp.data.shape[1]
    start, stop = 0, n_groups
    if ramp.keyword("INSTRUME", "") == "MIRI" and n_groups > 1:
        lost = [bool(extra[g]) or _all_flagged(ramp.groupdq[:, g], dq.DO_NOT_USE) for g in range(n_groups)]
        while start < n_groups and lost[start]:
            start += 1
        stop -= lost[-1]
        if stop - start < 2:
            raise JwcalError("fewer than two groups can be used; nothing can be fitted", ramp.path)
    if _all_flagged(ramp.groupdq[:, start], dq.SATURATED):
        raise JwcalError("all pixels are saturated from the first group on; nothing can be fitted", ramp.path)
    return start, stop


def _all_flagged(flags, flag):
    """Whether all samples of an array [integration, y, x] have a flag; a look at the first rows mostly settles it."""
    return all(bool((row & flag).all()) for plane in walk(flags) for row in plane)


def _timing(ramp):
    """Times of a group, a frame and the mean of the first group, s; factor from the read noise to that of a group."""
    tgroup, nframes = float(ramp.keyword("TGROUP")), int(ramp.keyword("NFRAMES", 1))
    tframe = float(ramp.keyword("TFRAME", tgroup))
    return tgroup, tframe, (nframes + 1) * tframe / 2, 1 / np.sqrt(2 * nframes)


def _describe(ramp, inputs):
    """Per-segment results by HDU name; how many segments and jumps there are is counted first."""
    nframes, gap = int(ramp.keyword("NFRAMES", 1)), int(ramp.keyword("GROUPGAP", 0))
    frames = (nframes + 1) / 2 + int(ramp.keyword("DRPFRMS1", 0))
    since_reset = frames / (nframes + gap) * float(ramp.keyword("TGROUP"))
    counts = []

    def count(*band):
        counts.append(_list_segments((0, 0), since_reset, band)[1])
        return ()

    fit_in_bands(count, *inputs)
    most = tuple(map(max, zip(*counts, strict=True)))

    def describe(*band):
        return _list_segments(most, since_reset, band)[0]

    further = 4 * (len(SEGMENT_HDUS) * most[0] + most[1] + 1)
    results, sizes, pedestals = fit_in_bands(describe, *inputs, further=further)
    return dict(zip(SEGMENT_HDUS, results, strict=True)) | {"PEDESTAL": pedestals, "CRMAG": sizes}


def _list_segments(most, since_reset, band):
    """Results, sizes of jumps and pedestals of some rows; how many segments and jumps there are, room or not."""
    shape, size = (len(band[0]),), band[0].shape[-2:]
    shapes = (len(SEGMENT_HDUS), *shape, most[0]), (*shape, most[1]), shape
    outputs = tuple(np.zeros(leading + size, np.float32) for leading in shapes)
    return outputs, describe_segments(*band, since_reset, outputs)
