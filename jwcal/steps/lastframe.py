"""Leave out the last group of MIRI's integrations, which the reset of the next one pulls down."""

from jwcal import dq
from jwcal.errors import StepSkipped
from jwcal.models import Ramp

LEAST_GROUPS = 3


def lastframe(ramp: Ramp) -> Ramp:
    """Set DO_NOT_USE in the last group of every integration, in place.

    MIRI resets its rows in pairs: while the last frame is read, the reset of one row already acts on its neighbour.

    Parameters
    ----------
    ramp : Ramp
        MIRI ramp.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    StepSkipped
        When the integrations have fewer than three groups: too few would be left.

    References
    ----------
    Ressler et al. 2015, PASP 127, 675.
    """
    groups = ramp.data.shape[1]
    if groups < LEAST_GROUPS:
        raise StepSkipped(f"needs {LEAST_GROUPS} groups, the exposure has {groups}")
    ramp.groupdq[:, -1] |= dq.DO_NOT_USE
    return ramp
