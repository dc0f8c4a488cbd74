"""Start the data-quality flags of an exposure from the mask of known bad pixels."""

import numpy as np

from jwcal import dq
from jwcal.errors import JwcalError
from jwcal.fitsfiles import FitsFile
from jwcal.models import Ramp
from jwcal.references import Reference

GUIDER_TYPES = {"FGS_ACQ1", "FGS_ACQ2", "FGS_FINEGUIDE", "FGS_ID-IMAGE", "FGS_ID-STACK", "FGS_TRACK"}


def dq_init(ramp: Ramp, mask: Reference, *, user_supplied_dq: str | None = None) -> Ramp:
    """OR the mask into PIXELDQ, and its DO_NOT_USE pixels into all groups, in place.

    Parameters
    ----------
    ramp : Ramp
        Raw ramp. Guider exposures get PIXELDQ only.
    mask : Reference
        Flags DQ of known bad pixels [y, x].
    user_supplied_dq : str, optional
        FITS file with flags of your own (JWST bits, same size as the exposure's image) to add to the mask.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    JwcalError
        When the mask or the user's flags do not fit the exposure, or it was read out in stripes.
    """
    if ramp.keyword("MSTR_RD1", None) is not None:
        raise JwcalError("multistripe read-out (keyword MSTR_RD1) is not supported; leave this exposure out", ramp.path)
    flags = mask.dq(like=ramp)
    if user_supplied_dq is not None:
        flags |= _read_flags(user_supplied_dq, flags.shape)
    ramp.pixeldq |= flags
    if ramp.keyword("EXP_TYPE", "") not in GUIDER_TYPES:
        ramp.groupdq |= (flags & dq.DO_NOT_USE).astype(np.uint8)
    return ramp


def _read_flags(path, shape):
    """First image of a FITS file as flags of the expected shape."""
    with FitsFile(path) as file:
        for name in file.names:
            if file.header(name).get("NAXIS", 0) >= 2 and file.header(name).get("XTENSION", "IMAGE").strip() == "IMAGE":
                flags = file.image(name).astype(np.uint32)
                break
        else:
            raise JwcalError("holds no image; user_supplied_dq wants one with data-quality flags", path)
    if flags.shape != shape:
        raise JwcalError(f"user_supplied_dq has shape {flags.shape}, the exposure's image {shape}; cut it to fit", path)
    return flags
