"""Leave out the first groups of MIRI's integrations, while the charge left by the reset switch decays."""

import numpy as np

from jwcal import dq
from jwcal.errors import StepSkipped
from jwcal.kernels.first_groups import leave_out_groups
from jwcal.models import Ramp
from jwcal.references import Reference

LEAST_GROUPS = 3  # lastframe takes one, a slope needs two
FEW_GROUPS = 5  # up to so many only one group can be spared
FORMER_NAMES = {"SUBPRISM": "SLITLESSPRISM"}


def rscd(ramp: Ramp, rscd: Reference) -> Ramp:
    """Set DO_NOT_USE in the first groups of every integration, in place.

    How many, the reference says for the first integration and for later ones; three groups are kept (lastframe takes
    one of them), and exposures of at most five groups lose one. A pixel that saturates before its second remaining
    group keeps more of its first ones (see `jwcal.kernels.first_groups`) and gets FLUX_ESTIMATED in PIXELDQ. The
    numbers of groups left out, of pixels that kept more, and of those that kept even the first one are noted in the
    header (INTnSKIP, INTnBORS, INTnUGP1; the official package counts every pixel in the last one where no group is to
    be left out).

    Parameters
    ----------
    ramp : Ramp
        Ramp with SATURATED flags; keywords SUBARRAY, READPATT, NINTS, and INTSTART in segments of long exposures.
    rscd : Reference
        Table RSCD_GROUP_SKIP with columns subarray, readpatt, group_skip1 (first integration) and group_skip (others).

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    StepSkipped
        When there are fewer than three groups, or the reference does not know the subarray and read pattern.

    References
    ----------
    Ressler et al. 2015, PASP 127, 675.
    """
    n_integrations, n_groups = ramp.data.shape[:2]
    if n_groups < LEAST_GROUPS:
        raise StepSkipped(f"needs {LEAST_GROUPS} groups, the exposure has {n_groups}")
    skips = [_limit(skip, n_groups) for skip in _look_up(rscd, ramp)]
    first = (
        1 if int(ramp.keyword("INTSTART", 1)) + ramp.offset == 1 else 0
    )  # integrations that are the exposure's first
    if first:
        _leave_out(ramp, (0, 1), skips[0], "INT1")
    if int(ramp.keyword("NINTS", n_integrations)) > 1:
        _leave_out(ramp, (first, n_integrations), skips[1], "INT2")
    return ramp


def _look_up(reference, ramp):
    """Groups to leave out of the first integration, and of later ones, according to the reference."""
    subarray, readpatt = ramp.keyword("SUBARRAY"), ramp.keyword("READPATT")
    subarray = FORMER_NAMES.get(subarray, subarray)
    for row in reference.table("RSCD_GROUP_SKIP"):
        if (str(row["subarray"]).strip(), str(row["readpatt"]).strip()) == (subarray, readpatt):
            first = int(row["group_skip1"])
            return first if first >= 0 else 1, int(row["group_skip"])  # old files do not know the first integration
    raise StepSkipped(f"the reference says nothing of SUBARRAY {subarray} with READPATT {readpatt}")


def _limit(skip, n_groups):
    """Groups that can be left out of so many."""
    return max(0, min(1 if n_groups <= FEW_GROUPS else skip, n_groups - LEAST_GROUPS))


def _leave_out(ramp, integrations, skip, prefix):
    """Flag the first groups of some integrations and note how many."""
    fewest = leave_out_groups(ramp.groupdq, integrations, skip)
    if prefix in ramp.carried:
        fewest = np.minimum(fewest, ramp.carried[prefix])
    ramp.carried[prefix] = fewest
    kept_more = fewest < skip
    ramp.pixeldq[kept_more] |= dq.FLUX_ESTIMATED
    ramp.header[f"{prefix}SKIP"] = (skip, "first groups left out by rscd")
    ramp.header[f"{prefix}BORS"] = (int(np.count_nonzero(kept_more)), "pixels that keep more: saturated early")
    ramp.header[f"{prefix}UGP1"] = (int(np.count_nonzero(kept_more & (fewest == 0))), "pixels that keep all groups")
