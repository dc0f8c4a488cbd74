"""Rescale count rates that were read with a gain other than the standard one."""

import numpy as np

from jwcal.errors import StepSkipped
from jwcal.memory.mapping import walk
from jwcal.models import Rates
from jwcal.references import Reference


def gain_scale(rates: Rates, gain: Reference) -> Rates:
    """Multiply count rates by GAINFACT, their variances by its square.

    Parameters
    ----------
    rates : Rates
        Count rates, DN/s; keyword GAINFACT, if the exposure has it.
    gain : Reference
        Gain file; its keyword GAINFACT serves where the exposure has none.

    Returns
    -------
    Rates
        The same object.

    Raises
    ------
    StepSkipped
        When neither header has the factor: the gain is the standard one.
    """
    factor = rates.rate.keyword("GAINFACT", gain.keyword("GAINFACT"))
    if factor is None:
        raise StepSkipped("no GAINFACT: the gain is the standard one")
    factor = float(factor)
    scale, square = np.float32(factor), np.float32(factor * factor)
    for image in (rates.rate, rates.rateints):
        for array, power in (
            (image.data, scale),
            (image.err, scale),
            (image.var_poisson, square),
            (image.var_rnoise, square),
        ):
            for part in walk(array):
                part *= power
        image.header["GAINFACT"] = (factor, "Gain scale factor")
    return rates
