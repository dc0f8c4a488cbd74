"""Large cosmic-ray events in a ramp: snowballs (near infrared) and showers (MIRI), integration by integration.

The kernels flag one integration; what one event does to another integration or group is arranged here.
"""

import numpy as np

from jwcal.kernels.jump_regions import find_regions
from jwcal.kernels.jump_showers import find_excess, measure_noise, paint_showers, unflag_excessive
from jwcal.kernels.jump_snowballs import flag_snowballs
from jwcal.memory.mapping import list_bands, release, take, walk


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
    count, before = 0, None
    for flags in walk(groupdq):
        core = np.zeros(groupdq.shape[2:], np.uint8)
        count += flag_snowballs(flags, least_area, rules, core)
        if before is not None:
            flags[1 : min(masked, groupdq.shape[1])] |= before
        before = core
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
    noise = None if clip else _measure_noise(ramp, maps, nframes, -1)
    found = []
    for g in range(1, n_groups):
        if clip:
            noise = _measure_noise(ramp, maps, nframes, g - 1)
        found += [(i, g, _find_showers(ramp, maps[0], noise, (i, g), criteria)) for i in range(n_integrations)]
    for i, flags in enumerate(walk(ramp.groupdq)):
        before = flags.copy()
        for g, regions in ((g, regions) for integration, g, regions in found if integration == i):
            paint_showers(flags, regions, g, min(g + lag + 1, n_groups), factor, widest)
        unflag_excessive(ramp.data[i], before, flags, maps[0], float(amplitude))
        release(ramp.data)
    return sum(len(regions) for _, _, regions in found)


def _measure_noise(ramp, maps, nframes, group):
    """Of `jwcal.kernels.jump_showers.measure_noise`, a band of rows at a time."""
    bands = []
    for rows in list_bands(ramp.data):
        own = tuple(take(image, rows) for image in maps)
        bands.append(measure_noise(take(ramp.data, rows), take(ramp.groupdq, rows), own, nframes, group))
    return bands[0] if len(bands) == 1 else np.concatenate(bands, axis=1)


def _find_showers(ramp, gains, noise, at, criteria):
    """Regions of one group."""
    ring, threshold, least_area = criteria
    excess = find_excess(ramp.data, ramp.groupdq, ramp.pixeldq, gains, noise, at, ring, threshold)
    release(ramp.data, ramp.groupdq)
    return find_regions(excess, least_area)
