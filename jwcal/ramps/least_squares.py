"""Count rates of an exposure by least squares over the undisturbed segments of each ramp."""

from functools import partial

import numpy as np

from jwcal import dq
from jwcal.errors import JwcalError
from jwcal.kernels.ramp_ols import fit_ramps
from jwcal.kernels.ramp_optional import describe_segments
from jwcal.kernels.ramp_slopes import tabulate_coefficients
from jwcal.memory.mapping import fit_in_bands, walk

SEGMENT_HDUS = ("SLOPE", "SIGSLOPE", "VAR_POISSON", "VAR_RNOISE", "YINT", "SIGYINT", "WEIGHTS")
LOOK = "nothing can be fitted; to see which step flags too much look at GROUPDQ after one, as in products/X_jump.fits"


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
    arrays = ramp.data, ramp.groupdq, ramp.pixeldq, zeroframe
    inputs = tuple(maps), extra, _timing(ramp), (start, stop, suppress), tabulate_coefficients(stop - start)

    def make(height):
        shape = n_integrations + 1, height, ramp.data.shape[-1]
        return np.empty((4, *shape), np.float32), np.empty(shape, np.uint32)

    fitted = fit_in_bands(_fit, make, (*arrays, ramp.spendable and not describe), *inputs)
    return (*fitted, _describe(ramp, arrays, inputs) if describe else None)


def _fit(*inputs):
    *inputs, outputs = inputs
    fit_ramps(*inputs, *outputs)


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
            raise JwcalError(f"fewer than two groups have pixels that may be used; {LOOK}", ramp.path)
    if _all_flagged(ramp.groupdq[:, start], dq.SATURATED):
        raise JwcalError(f"all pixels are saturated from the first group on; {LOOK}", ramp.path)
    return start, stop


def _all_flagged(flags, flag):
    """Whether all samples of an array [integration, y, x] have a flag; a look at the first rows mostly settles it."""
    return all(bool((row & flag).all()) for plane in walk(flags) for row in plane)


def _timing(ramp):
    """Times of a group, a frame and the mean of the first group, s; factor from the read noise to that of a group."""
    tgroup, nframes = float(ramp.keyword("TGROUP")), int(ramp.keyword("NFRAMES", 1))
    tframe = float(ramp.keyword("TFRAME", tgroup))
    return tgroup, tframe, (nframes + 1) * tframe / 2, 1 / np.sqrt(2 * nframes)


def _describe(ramp, arrays, inputs):
    """Per-segment results by HDU name; how many segments and jumps there are is counted first."""
    nframes, gap = int(ramp.keyword("NFRAMES", 1)), int(ramp.keyword("GROUPGAP", 0))
    frames = (nframes + 1) / 2 + int(ramp.keyword("DRPFRMS1", 0))
    since_reset = frames / (nframes + gap) * float(ramp.keyword("TGROUP"))
    counts = []

    def make(height, segments=0, jumps=0):
        n_integrations, size = len(ramp.data), (height, ramp.data.shape[-1])
        shapes = (len(SEGMENT_HDUS), n_integrations, segments), (n_integrations, jumps), (n_integrations,)
        return tuple(np.zeros((*leading, *size), np.float32) for leading in shapes)

    def count(*band):
        *band, _, _ = band
        counts.append(describe_segments(*band, since_reset, make(band[0].shape[2])))

    def describe(*band):
        *band, _, outputs = band
        describe_segments(*band, since_reset, outputs)

    whole = *arrays, False  # nothing is given up
    fit_in_bands(count, lambda height: (), whole, *inputs)
    segments, jumps = map(max, zip(*counts, strict=True))
    further = 4 * (len(SEGMENT_HDUS) * segments + jumps + 1)
    made = partial(make, segments=segments, jumps=jumps)
    results, sizes, pedestals = fit_in_bands(describe, made, whole, *inputs, further=further)
    return dict(zip(SEGMENT_HDUS, results, strict=True)) | {"PEDESTAL": pedestals, "CRMAG": sizes}
