"""Subtract the detector's pedestal."""

import numpy as np

from jwcal.kernels.subtraction import subtract_image
from jwcal.models import Ramp
from jwcal.references import Reference


def superbias(ramp: Ramp, superbias: Reference) -> Ramp:
    """Subtract the superbias from every group and from ZEROFRAME, in place.

    Pixels without a bias (NaN) are left as they are; ZEROFRAME stays 0 where 0 says that it is unusable.

    Parameters
    ----------
    ramp : Ramp
        Ramp, DN.
    superbias : Reference
        Pedestal SCI [y, x], DN, and flags DQ, which are added to PIXELDQ.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    JwcalError
        When the reference does not cover the exposure.
    """
    bias, flags = superbias.image("SCI", like=ramp), superbias.dq(like=ramp)
    subtract_image(ramp.data, bias, (0, ramp.data.shape[0]), (0, ramp.data.shape[1]))
    if ramp.zeroframe is not None:
        for frame in ramp.zeroframe:
            np.subtract(frame, bias, out=frame, where=(frame != 0) & ~np.isnan(bias))
    ramp.pixeldq |= flags
    return ramp
