"""Repair the scale of groups that were averaged on board over a number of frames that is no power of two."""

from jwcal.errors import StepSkipped
from jwcal.models import Ramp


def group_scale(ramp: Ramp) -> Ramp:
    """Multiply all groups by FRMDIVSR / NFRAMES, in place.

    On board the sum of NFRAMES frames is divided by shifting bits, that is by a power of two (FRMDIVSR). Where the two
    differ the groups are off by their ratio. ZEROFRAME is one frame and stays.

    Parameters
    ----------
    ramp : Ramp
        Raw ramp, DN; keywords NFRAMES, FRMDIVSR.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    StepSkipped
        When a keyword is missing or the two agree.
    """
    nframes, divisor = ramp.keyword("NFRAMES", None), ramp.keyword("FRMDIVSR", None)
    if nframes is None:
        raise StepSkipped("keyword NFRAMES is missing")
    if divisor is None:
        raise StepSkipped(f"keyword FRMDIVSR is missing (NFRAMES = {nframes})")
    if nframes == divisor:
        raise StepSkipped(f"NFRAMES = FRMDIVSR = {nframes}, nothing to repair")
    ramp.data *= float(divisor) / float(nframes)
    return ramp
