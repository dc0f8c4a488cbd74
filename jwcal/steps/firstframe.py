"""Leave out the first group of MIRI's integrations, which lies below the ramp that follows it."""

import numpy as np

from jwcal import dq
from jwcal.errors import StepSkipped
from jwcal.models import Ramp

LEAST_GROUPS = 4
THIRD = 2  # index of the group whose saturation tells a bright pixel


def firstframe(ramp: Ramp, *, bright_use_group1: bool = True) -> Ramp:
    """Set DO_NOT_USE in the first group of every integration, in place.

    rscd leaves out first groups too, by mode; this step is the older way and is off unless asked for.

    Parameters
    ----------
    ramp : Ramp
        MIRI ramp with SATURATED flags.
    bright_use_group1 : bool
        Keep the first group where the third one is saturated: the effect is small against the signal there, and there
        would be no slope without it. PIXELDQ gets FLUX_ESTIMATED.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    StepSkipped
        When the integrations have fewer than four groups: too few would be left.
    """
    groups = ramp.data.shape[1]
    if groups < LEAST_GROUPS:
        raise StepSkipped(f"needs {LEAST_GROUPS} groups, the exposure has {groups}")
    for flags in ramp.groupdq:
        if not bright_use_group1:
            flags[0] |= dq.DO_NOT_USE
            continue
        bright = (flags[THIRD] & dq.SATURATED) != 0
        flags[0] |= np.where(bright, 0, dq.DO_NOT_USE).astype(np.uint8)
        ramp.pixeldq[bright] |= dq.FLUX_ESTIMATED
    return ramp
