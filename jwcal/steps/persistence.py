"""Flag groups that may hold charge left by an earlier bright source."""

import numpy as np

from jwcal import dq
from jwcal.errors import StepSkipped
from jwcal.kernels.persistence import flag_windows
from jwcal.models import Ramp

EPOCH = 40587.0  # MJD of 1970-01-01
DAY = 86400.0


def persistence(
    ramp: Ramp,
    *,
    persistence_time: int | None = None,
    dn_threshold: float | None = None,
    persistence_dnu: bool = False,
    carry_over: bool = False,
) -> Ramp:
    """Set PERSISTENCE in groups read within a time after a pixel saturated or was very bright, in place.

    The official package takes row i of INT_TIMES for integration i, also in later segments of a long exposure; here the
    row is that of the integration's number. There windows that an exposure before left open count only if the length of
    windows was the same; here they do anyway.

    Parameters
    ----------
    ramp : Ramp
        Ramp with SATURATED flags; table INT_TIMES, or keywords EXPSTART and EFFINTTM, and TGROUP.
    persistence_time : int, optional
        Length of the window after a pixel first saturates in an integration, s. The step needs it.
    dn_threshold : float, optional
        Signal above which a window opens too, DN.
    persistence_dnu : bool
        Set DO_NOT_USE as well.
    carry_over : bool
        Begin with the windows that the detector's exposure before left open, and leave one's own to the next one. The
        workflow hands them on, see `jwcal.windows`.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    StepSkipped
        When `persistence_time` is not set or not positive.
    """
    if persistence_time is None or persistence_time <= 0:
        raise StepSkipped("persistence_time is not set; give the length of the window in seconds")
    ends = ramp.carried.setdefault("persistence", np.zeros(ramp.data.shape[-2:]))
    threshold = np.inf if dn_threshold is None else float(dn_threshold)
    flag = dq.PERSISTENCE | (dq.DO_NOT_USE if persistence_dnu else 0)
    flag_windows(ramp.data, ramp.groupdq, _group_times(ramp), float(persistence_time), threshold, flag, ends)
    return ramp


def _group_times(ramp):
    """Time at the end of each group, float64 [integration, group], s since 1970."""
    nint, ngroup = ramp.data.shape[:2]
    starts = _integration_starts(ramp, nint)
    return starts[:, None] + float(ramp.keyword("TGROUP")) * np.arange(1, ngroup + 1)


def _integration_starts(ramp, nint):
    """Start of each integration, s since 1970: from INT_TIMES by number, else from the start of the exposure."""
    numbers = int(ramp.keyword("INTSTART", 1)) + ramp.offset + np.arange(nint)
    table = ramp.tables.get("INT_TIMES")
    if table is not None:
        known = {int(row["integration_number"]): float(row["int_start_MJD_UTC"]) for row in table}
        if all(number in known for number in numbers):
            return (np.array([known[number] for number in numbers]) - EPOCH) * DAY
    start = (float(ramp.keyword("EXPSTART")) - EPOCH) * DAY
    return start + (numbers - 1) * float(ramp.keyword("EFFINTTM"))
