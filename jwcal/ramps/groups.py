"""Which groups of a ramp are to be used, and the maps that go with every pixel."""

from typing import NamedTuple

import numpy as np

from jwcal import dq


class Maps(NamedTuple):
    """What the fit has to know of each pixel, float32 [y, x].

    Attributes
    ----------
    gain : ndarray
        e-/DN.
    readnoise : ndarray
        Noise of the difference of two frames, DN.
    dark : ndarray
        Mean dark current, DN/s.
    """

    gain: np.ndarray
    readnoise: np.ndarray
    dark: np.ndarray


def gather_maps(ramp, readnoise, gain):
    """`Maps` of an exposure from its references and from the dark current that dark_current noted, e-/s."""
    gains, noise = gain.image("SCI", like=ramp), readnoise.image("SCI", like=ramp)
    dark = np.zeros(gains.shape, np.float32)
    if ramp.average_dark_current is not None:
        np.divide(ramp.average_dark_current, gains, out=dark, where=gains > 0)
    return Maps(gains, noise, dark)


def exclude_groups(n_groups, firstgroup, lastgroup):
    """Flags to be added to the groups, uint8 [group]: DO_NOT_USE for those before the first and after the last one.

    Neither is heeded if that leaves fewer than two groups.
    """
    first = max(0, firstgroup or 0)
    last = n_groups - 1 if lastgroup is None else lastgroup
    extra = np.zeros(n_groups, np.uint8)
    if first < last:
        extra[:first] = dq.DO_NOT_USE
        extra[last + 1 :] = dq.DO_NOT_USE
    return extra
