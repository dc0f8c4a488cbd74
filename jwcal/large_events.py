"""Large cosmic-ray events in a ramp: snowballs (near infrared) and showers (MIRI), integration by integration.

The kernels flag one integration; what one event does to another integration or group is arranged here.
"""

import numpy as np

from jwcal.kernels.jump_regions import find_regions
from jwcal.kernels.jump_showers import find_excess, measure_noise, paint_showers, unflag_excessive
from jwcal.kernels.jump_snowballs import flag_snowballs


def mark_snowballs(groupdq, least_area, rules, masked):
    """Flag snowballs, and their cores in the next integration, in place.

    Parameters
    ----------
    groupdq : uint8 [integration, group, y, x]
        Flags, after the search for jumps.
    least_area : float
        Smallest area of a saturated core, pixels.
    rules : tuple
        Of `jwcal.kernels.jump_snowballs.flag_snowballs`.
    masked : int
        Groups of the next integration, without the first, end before this one.

    Returns
    -------
    int
        Number of snowballs.
    """
    rules = tuple(rule if isinstance(rule, bool) else float(rule) for rule in rules)
    cores = np.zeros((groupdq.shape[0], *groupdq.shape[2:]), np.uint8)
    count = sum(flag_snowballs(flags, least_area, rules, core) for flags, core in zip(groupdq, cores, strict=True))
    for flags, core in zip(groupdq[1:], cores[:-1], strict=True):
        flags[1 : min(masked, groupdq.shape[1])] |= core
    return count


def lay_ring(inner, outer):
    """Offsets (y, x), int64 [n, 2], of the pixels whose distance lies between two radii (pixels)."""
    reach = np.arange(-int(outer), int(outer) + 1)
    y, x = np.meshgrid(reach, reach, indexing="ij")
    distance = np.hypot(y, x)
    return np.argwhere((distance >= inner) & (distance <= outer)).astype(np.int64) - int(outer)


def mark_showers(ramp, maps, clip, criteria, growth, amplitude):
    """Flag showers, in place; all are found before the first is flagged.

    Parameters
    ----------
    ramp : Ramp
        After the search for jumps, DN.
    maps : (float32 [y, x], float32 [y, x])
        Gain, e-/DN, and read noise of a difference of two frames, DN.
    clip : bool
        Compare the same difference over integrations.
    criteria : (int64 [n, 2], float, float)
        Ring to smooth with (see `lay_ring`); least smoothed excess in units of the noise; least area, pixels.
    growth : (float, float, int)
        Factor by which the minor axis grows; longest full axis, pixels; groups flagged after that of the shower.
    amplitude : float
        Largest change of a pixel's mean difference, DN per group.

    Returns
    -------
    int
        Number of showers.
    """
    n_integrations, n_groups = ramp.data.shape[:2]
    nframes = float(ramp.keyword("NFRAMES", 1))
    factor, widest, lag = growth
    noise = None if clip else measure_noise(ramp.data, ramp.groupdq, maps, nframes, -1)
    found = []
    for g in range(1, n_groups):
        if clip:
            noise = measure_noise(ramp.data, ramp.groupdq, maps, nframes, g - 1)
        found += [(i, g, _find_showers(ramp, maps[0], noise, (i, g), criteria)) for i in range(n_integrations)]
    for i, flags in enumerate(ramp.groupdq):
        before = flags.copy()
        for g, regions in ((g, regions) for integration, g, regions in found if integration == i):
            paint_showers(flags, regions, g, min(g + lag + 1, n_groups), factor, widest)
        unflag_excessive(ramp.data[i], before, flags, maps[0], float(amplitude))
    return sum(len(regions) for _, _, regions in found)


def _find_showers(ramp, gains, noise, at, criteria):
    """Regions of one group."""
    ring, threshold, least_area = criteria
    excess = find_excess(ramp.data, ramp.groupdq, ramp.pixeldq, gains, noise, at, ring, threshold)
    return find_regions(excess, least_area)
