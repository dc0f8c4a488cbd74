"""Slow, obvious twins of MIRI's kernels, and its exposures and tables for their tests."""

import numpy as np
from naive_detector import DNU, SAT, make_ramp, naive_clipped_mean

MIRI = {"INSTRUME": "MIRI", "DETECTOR": "MIRIMAGE", "EXP_TYPE": "MIR_IMAGE", "FILTER": "F770W", "READPATT": "FASTR1",
        "SUBARRAY": "SUB64", "FASTAXIS": 1, "SLOWAXIS": 2, "NOUTPUTS": 4, "NSAMPLES": 1}  # fmt: skip


def make_miri_ramp(data, **keywords):
    """A raw ramp with MIRI's keywords, others as given; no flags."""
    nint, ngroup = np.shape(data)[:2]
    return make_ramp(data, **(MIRI | {"NINTS": nint, "NGROUPS": ngroup} | keywords))


def naive_groups_left_out(flags, skip):
    """How many first groups of one pixel's integration [group] are left out."""
    saturated = flags & SAT != 0
    if saturated[0]:
        return skip
    while skip > 0 and saturated[skip + 1]:
        skip -= 1
    return skip


def naive_side_columns(integration, bad, odd_even=True, limit=3.0):
    """Reference-pixel correction of one integration [group, y, x] of a full frame with good pixels on both sides."""
    result, nx = integration.astype(float), integration.shape[-1]
    for group in result[1:]:
        drift = group - integration[0]
        for output in range(4):
            for rows in (slice(0, None, 2), slice(1, None, 2)) if odd_even else (slice(None),):
                sides = [drift[rows, column][~bad[rows, column]] for column in (output, nx - 4 + output)]
                group[rows, output::4] -= np.mean([naive_clipped_mean(side, limit) for side in sides])
    return result


def flag_groups(groupdq, counts):
    """Flags with DO_NOT_USE in the first `counts` [integration, y, x] groups."""
    number = np.arange(groupdq.shape[1])[:, None, None]
    return groupdq | np.where(number < counts[:, None], DNU, 0).astype(np.uint8)
