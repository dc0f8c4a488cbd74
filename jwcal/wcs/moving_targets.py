"""Coordinates that move along with a target: where it is in an exposure becomes where it is on average.

The frame ``moving_target`` stands behind the sky; constant offsets in right ascension and declination lead to it, as
the archive's products have it. On the target that is exact. Away from it offsets in right ascension are stretched by
tan(declination) times the motion in declination: 0.01 mas an arcsecond, for a motion of 5 arcsec at 20 degrees.
"""

from copy import copy

import numpy as np

from jwcal.wcs import nodes
from jwcal.wcs.pipeline import WCS

MOVING = "moving_target"


def average_position(positions):
    """Mean of positions on the sky.

    Parameters
    ----------
    positions : array_like [n, 2]
        Right ascension and declination, degrees. Right ascensions on both sides of 0 are averaged across it (the
        official package takes the plain mean, half a turn away).

    Returns
    -------
    ra, dec : float
        Degrees, right ascension from 0 to 360.
    """
    ra, dec = np.asarray(positions, float).reshape(-1, 2).T
    return float((ra[0] + turn(ra - ra[0]).mean()) % 360), float(dec.mean())


def turn(angle):
    """An angle in degrees, from -180 to 180."""
    return np.mod(np.asarray(angle) + 180, 360) - 180


def follow_target(wcs, position, average):
    """Put the frame that follows a target behind the sky, in place of one that is there.

    Parameters
    ----------
    wcs : WCS
        Detector to sky; not changed.
    position, average : (float, float)
        Where the target is in the exposure and on average, degrees.

    Returns
    -------
    WCS
    """
    node = copy(wcs.node)
    steps = list(node["steps"])
    if wcs.frames[-1] == MOVING:
        steps.pop()
    sky, behind = copy(steps[-1]), copy(steps[-1])
    behind["frame"] = copy(sky["frame"])
    behind["frame"]["name"] = MOVING
    behind["transform"] = None
    sky["transform"] = nodes.shift(float(turn(average[0] - position[0])), average[1] - position[1])
    node["steps"] = [*steps[:-1], sky, behind]
    return WCS(node)
