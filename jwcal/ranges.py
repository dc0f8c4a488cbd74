"""What values of header keywords may be: one that makes no sense is named before anything is computed with it.

The inventory asks this of each raw file, and so does the reading of a ramp, which may have changed since.
"""

import math

WHOLE = {
    **dict.fromkeys("NGROUPS NINTS NFRAMES FRMDIVSR INTSTART INTEND NSAMPLES NOUTPUTS NRS_NORM NRS_REF".split(), 1),
    **dict.fromkeys("GROUPGAP DRPFRMS1 NRESETS".split(), 0),
    **dict.fromkeys("SUBSIZE1 SUBSIZE2".split(), 1),
    **dict.fromkeys("SUBSTRT1 SUBSTRT2".split(), -4096),
}  # least value
MOST = 1 << 20  # more than any exposure has of anything
AXES = {"FASTAXIS", "SLOWAXIS"}
POSITIVE = {"TGROUP", "TFRAME", "GAINFACT"}
FINITE = {"EFFINTTM", "EXPSTART", "EXPEND"}
TEXT = set("INSTRUME EXP_TYPE DETECTOR READPATT SUBARRAY FILTER PUPIL".split())


def find_fault(look_up):
    """Why a header cannot be computed with, and what to do; None if it can.

    Parameters
    ----------
    look_up : callable
        Gives the value of a keyword, None where the header lacks it.
    """
    for name in (*WHOLE, *AXES, *POSITIVE, *FINITE, *TEXT):
        value = look_up(name)
        if value is not None and (wanted := _find_wanted(name, value)):
            return f"keyword {name} is {value!r}, not {wanted}; correct it or fetch the file again"
    axes = [look_up(name) for name in ("FASTAXIS", "SLOWAXIS")]
    if None not in axes and abs(axes[0]) == abs(axes[1]):
        return f"FASTAXIS is {axes[0]} and SLOWAXIS {axes[1]}, the same axis; correct them or fetch the file again"
    return None


def _find_wanted(name, value):
    """What the value of a keyword should be, None if it is."""
    if name in TEXT:
        return None if isinstance(value, str) else "a text"
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if name in FINITE:
        return None if number else "a number"
    if name in POSITIVE:
        return None if number and 0 < value < math.inf else "a positive number"
    whole = number and value == int(value)
    if name in AXES:
        return None if whole and abs(value) in (1, 2) else "one of 1, -1, 2, -2"
    return None if whole and WHOLE[name] <= value <= MOST else f"a whole number from {WHOLE[name]} to {MOST}"
