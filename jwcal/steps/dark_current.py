"""Subtract the dark current."""

import numpy as np

from jwcal.errors import JwcalError, StepSkipped
from jwcal.kernels.subtraction import average_planes, extend_planes, subtract_image
from jwcal.memory.mapping import release
from jwcal.models import Ramp
from jwcal.references import Reference


def dark_current(ramp: Ramp, dark: Reference, *, average_dark_current: float | None = None) -> Ramp:
    """Subtract the dark ramp, averaged to the cadence of the exposure, in place.

    A dark with the exposure's NFRAMES and GROUPGAP is used group by group; one of single frames without gaps is
    averaged over the frames of each group. Beyond its last group it goes on as between the last two. NaN counts as 0.
    In a segment of a long exposure INTSTART tells which integrations of the dark belong to its own (the official
    package takes the last one wherever INTSTART is not 1).
    The dark is cut to the subarray (the official package expects one of the right size), read plane by plane and never
    held whole. ZEROFRAME stays as it is.

    Parameters
    ----------
    ramp : Ramp
        Ramp, DN; keywords NFRAMES, GROUPGAP, INTSTART. Gets `average_dark_current`.
    dark : Reference
        Dark ramp SCI [group, y, x] or, for MIRI, [integration, group, y, x], DN; flags DQ, which are added to PIXELDQ;
        mean dark current AVDRKCUR [y, x] or a keyword of that name, e-/s; keywords NFRAMES, GROUPGAP.
    average_dark_current : float, optional
        Mean dark current for the Poisson noise in ramp_fit, e-/s; default: what the reference says, or 0.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    StepSkipped
        When the dark's groups cannot be averaged to those of the exposure.
    JwcalError
        When the reference does not cover the exposure, or has one group and the exposure more.
    """
    recipe = _match_cadence(ramp, dark)
    stack = dark.lazy("SCI", like=ramp)
    stack = stack[None] if stack.ndim == 3 else stack
    if recipe[-1][1] > stack.shape[1] == 1:
        raise JwcalError("the dark has one group only and cannot be extrapolated; give a longer one", dark.path)
    flags, average = _read_flags(dark, ramp), _read_average(dark, ramp, average_dark_current)
    for dark_integration, integrations in _match_integrations(ramp, stack.shape[0]):
        for g, (first, last) in enumerate(recipe):
            plane = _average_groups(stack[dark_integration], first, last)
            subtract_image(ramp.data, plane, integrations, (g, g + 1))
            release(stack)
    ramp.pixeldq |= flags
    ramp.average_dark_current = average
    return ramp


def _match_cadence(ramp, dark):
    """Groups of the dark, (first, past the last), whose mean is the dark of each group of the exposure."""
    frames, gap = int(ramp.keyword("NFRAMES", 1)), int(ramp.keyword("GROUPGAP", 0))
    dark_frames, dark_gap = int(dark.keyword("NFRAMES", 1)), int(dark.keyword("GROUPGAP", 0))
    groups = range(ramp.data.shape[1])
    if (frames, gap) == (dark_frames, dark_gap):
        return [(g, g + 1) for g in groups]
    if (dark_frames, dark_gap) == (1, 0):
        return [(g * (frames + gap), g * (frames + gap) + frames) for g in groups]
    raise StepSkipped(
        f"the dark (NFRAMES = {dark_frames}, GROUPGAP = {dark_gap}) cannot be averaged to groups with "
        f"NFRAMES = {frames}, GROUPGAP = {gap}"
    )


def _match_integrations(ramp, ndark):
    """Which integration of the dark belongs to which of the exposure, (first, past the last); the last one goes on."""
    nint, first = ramp.data.shape[0], int(ramp.keyword("INTSTART", 1)) - 1 + ramp.offset
    own = [(first + i, (i, i + 1)) for i in range(nint) if first + i < ndark - 1]
    return own + ([(ndark - 1, (len(own), nint))] if len(own) < nint else [])


def _average_groups(stack, first, last):
    """Mean of groups of a dark [group, y, x], extrapolated past its end; NaN counts as 0."""
    available = stack.shape[0]
    if last <= available:
        return average_planes(_as_bits(stack[first:last]))
    beyond = np.arange(max(first, available), last) - (available - 1)
    ends = _as_bits(stack[available - 2 : available])
    plane = extend_planes(ends, np.float32(beyond.size), np.float32(beyond.sum()))
    if first < available:
        plane += average_planes(_as_bits(stack[first:available])) * np.float32(available - first)
    return plane if last - first == 1 else plane / np.float32(last - first)


def _as_bits(planes):
    """Planes of a file for `average_planes`: contiguous, big-endian float32 seen as integers, read-only."""
    bits = np.asarray(np.ascontiguousarray(planes, dtype=">f4")).view(np.uint32)
    bits.flags.writeable = False
    return bits


def _read_flags(dark, ramp):
    """Flags of the dark [y, x]; MIRI's, one set an integration, are merged."""
    flags = dark.dq(like=ramp)
    return np.bitwise_or.reduce(flags.reshape(-1, *flags.shape[-2:]), axis=0)


def _read_average(dark, ramp, setting):
    """Mean dark current of each pixel: the setting, else the reference's image, else its keyword, else 0."""
    if setting is None and dark.has("AVDRKCUR"):
        average = np.nan_to_num(dark.image("AVDRKCUR", like=ramp), nan=0.0)
        if average.any():
            return average
    value = dark.keyword("AVDRKCUR", 0.0) if setting is None else setting
    return np.full(ramp.data.shape[-2:], value, np.float32)
