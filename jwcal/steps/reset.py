"""Subtract what a reset leaves behind in the first groups of MIRI's integrations."""

import numpy as np

from jwcal.errors import JwcalError
from jwcal.kernels.subtraction import subtract_image
from jwcal.memory.mapping import release
from jwcal.models import Ramp
from jwcal.references import Reference


def reset(ramp: Ramp, reset: Reference) -> Ramp:
    """Subtract the reset anomaly from the first groups of every integration, in place.

    The first groups do not lie on the line that the later ones follow; by how much depends on pixel, group and on how
    many integrations went before. Later integrations than the reference knows get its last one. NaN counts as 0. The
    reference is read plane by plane and never held whole.

    Parameters
    ----------
    ramp : Ramp
        Ramp, DN; keyword INTSTART in segments of long exposures.
    reset : Reference
        Anomaly SCI [integration, group, y, x], DN; flags DQ, which are added to PIXELDQ.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    JwcalError
        When the reference does not cover the exposure or has no integrations.
    """
    stack = reset.lazy("SCI", like=ramp)
    if stack.ndim != 4 or stack.shape[0] == 0:
        raise JwcalError(f"SCI of the reset has shape {stack.shape}; [integration, group, y, x] is needed", reset.path)
    flags = reset.dq(like=ramp)
    for known, integrations in _match_integrations(ramp, stack.shape[0]):
        for g in range(min(ramp.data.shape[1], stack.shape[1])):
            subtract_image(ramp.data, np.array(stack[known, g], np.float32), integrations, (g, g + 1))
            release(stack)
    ramp.pixeldq |= flags
    return ramp


def _match_integrations(ramp, n_known):
    """Which integration of the reference belongs to which of the ramp, (first, past the last)."""
    n_here, first = ramp.data.shape[0], int(ramp.keyword("INTSTART", 1)) - 1 + ramp.offset
    own = [(first + i, (i, i + 1)) for i in range(n_here) if first + i < n_known - 1]
    return own + ([(n_known - 1, (len(own), n_here))] if len(own) < n_here else [])
