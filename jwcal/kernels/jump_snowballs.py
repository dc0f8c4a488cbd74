"""Snowballs: large cosmic-ray events with a saturated core and a halo below the threshold of the jump search.

In each group the pixels that newly saturate, and those flagged as jumps, form regions (`jump_regions`). A jump region
around a core, of this or of the next group, is a snowball: its ellipse is enlarged and flagged as a jump. Near the edge
the core may lie outside of the detector, so there every large jump region counts. Large cores are enlarged too, and
saturated for the rest of the integration; they can be masked in the next integration, where their charge decays.

Reference: Regan 2023, JWST-STScI-008545.
"""

import numpy as np

from jwcal.kernels import leaf, pixel
from jwcal.kernels.jump_differences import JUMP_DET, SATURATED
from jwcal.kernels.jump_ellipses import contain, lengthen_axes, paint_core, paint_jump, scale_axes
from jwcal.kernels.jump_regions import MAJOR, MINOR, X, Y, find_regions


@leaf
def _mask_new(groupdq, g, mask):
    """Pixels that are saturated in group g but not before, into `mask`."""
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            mask[y, x] = groupdq[g, y, x] & ~groupdq[g - 1, y, x] & SATURATED


@leaf
def _mask_jumps(groupdq, g, mask):
    """Pixels with a jump in group g, into `mask`."""
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            mask[y, x] = groupdq[g, y, x] & JUMP_DET


@leaf
def _contain_any(region, cores):
    """Whether one of the cores is centred inside of the region."""
    found = False
    for k in range(cores.shape[0]):
        found |= contain(region, cores[k, X], cores[k, Y])
    return found


@leaf
def _lie_near_edge(region, edge, ny, nx):
    """Whether a region is centred less than `edge` pixels from the border."""
    y, x = region[Y], region[X]
    return x < edge or y < edge or x > max(0, nx - edge) or y > max(0, ny - edge)


@leaf
def _enlarge_cores(groupdq, g, cores, rules, core):
    """Enlarge the cores that are wide enough; returns their number."""
    _, _, needs_core, least_core, growth, _, widest = rules
    count = 0
    for k in range(cores.shape[0]):
        if needs_core and min(cores[k, MINOR], cores[k, MAJOR]) > least_core:
            paint_core(groupdq, cores[k], lengthen_axes(cores[k], growth, widest), g, core)
            count += 1
    return count


@leaf
def _enlarge_halos(groupdq, g, jumps, cores, following, rules):
    """Flag the enlarged ellipses of those jump regions that are snowballs; returns their number."""
    _, factor, needs_core, _, _, edge, widest = rules
    ny, nx = groupdq.shape[1:]
    count = 0
    for k in range(jumps.shape[0]):
        region = jumps[k]
        around_core = _contain_any(region, cores) or _contain_any(region, following)
        if around_core or not needs_core or _lie_near_edge(region, edge, ny, nx):
            paint_jump(groupdq, region, scale_axes(region, factor, widest), g, g + 1)
            count += 1
    return count


@pixel
def flag_snowballs(groupdq, least_area, rules, core):
    """Flag the snowballs of one integration, in place.

    Parameters
    ----------
    groupdq : uint8 [group, y, x]
        Flags.
    least_area : float
        Smallest area of a saturated core, pixels.
    rules : (float, float, bool, float, float, float, float)
        Smallest area of a jump region; factor by which its minor axis grows; whether it needs a core; full minor axis
        above which a core is enlarged, and by how much; distance from the edge within which no core is needed; longest
        full axis. All in pixels.
    core : uint8 [y, x]
        Gets JUMP_DET in the cores that were enlarged.

    Returns
    -------
    int
        Number of snowballs.
    """
    n_groups, ny, nx = groupdq.shape
    mask = np.empty((ny, nx), np.uint8)
    following = np.empty((0, 5))
    count, enlarged = 0, 1
    for g in range(1, n_groups):
        cores = following
        if enlarged:  # otherwise the cores are those found ahead
            _mask_new(groupdq, g, mask)
            cores = find_regions(mask, least_area)
        following = np.empty((0, 5))
        if g + 1 < n_groups:
            _mask_new(groupdq, g + 1, mask)
            following = find_regions(mask, least_area)
        _mask_jumps(groupdq, g, mask)
        jumps = find_regions(mask, rules[0])
        enlarged = _enlarge_cores(groupdq, g, cores, rules, core)
        count += _enlarge_halos(groupdq, g, jumps, cores, following, rules)
    return count
