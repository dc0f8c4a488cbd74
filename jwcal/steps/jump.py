"""Flag groups hit by cosmic rays."""

import numpy as np

from jwcal import dq
from jwcal.errors import StepSkipped
from jwcal.kernels.jump_aftermath import flag_aftermath
from jwcal.kernels.jump_clipping import clip_jumps
from jwcal.kernels.jump_neighbours import flag_neighbours
from jwcal.kernels.jump_twopoint import find_jumps
from jwcal.memory.mapping import list_bands, make_like, put, take, walk
from jwcal.models import Ramp
from jwcal.ramps.large_events import lay_ring, mark_showers, mark_snowballs
from jwcal.references import Reference

MINIMUM_GROUPS = 3
MINIMUM_SHOWER_DIFFERENCES = 10
LOST = dq.DO_NOT_USE | dq.SATURATED


def jump(
    ramp: Ramp,
    gain: Reference,
    readnoise: Reference,
    *,
    rejection_threshold: float = 4.0,
    three_group_rejection_threshold: float = 6.0,
    four_group_rejection_threshold: float = 5.0,
    flag_4_neighbors: bool = True,
    max_jump_to_flag_neighbors: float = 1000.0,
    min_jump_to_flag_neighbors: float = 10.0,
    after_jump_flag_dn1: float = 0.0,
    after_jump_flag_time1: float = 0.0,
    after_jump_flag_dn2: float = 0.0,
    after_jump_flag_time2: float = 0.0,
    expand_large_events: bool = False,
    min_sat_area: float = 1.0,
    min_jump_area: float = 5.0,
    expand_factor: float = 2.0,
    sat_required_snowball: bool = True,
    min_sat_radius_extend: float = 2.5,
    sat_expand: int = 2,
    edge_size: int = 25,
    mask_snowball_core_next_int: bool = True,
    snowball_time_masked_next_int: int = 4000,
    find_showers: bool = False,
    max_shower_amplitude: float = 4.0,
    extend_snr_threshold: float = 1.2,
    extend_min_area: int = 90,
    extend_inner_radius: float = 1.0,
    extend_outer_radius: float = 2.6,
    extend_ellipse_expand_ratio: float = 1.1,
    time_masked_after_shower: float = 15.0,
    min_diffs_single_pass: int = 10,
    max_extended_radius: int = 200,
    minimum_groups: int = 3,
    minimum_sigclip_groups: int = 100,
    only_use_ints: bool = True,
) -> Ramp:
    """Set JUMP_DET where the signal rises faster than noise explains, in place.

    Each difference of neighbouring groups is compared with the median difference of its pixel (over all integrations);
    see `jwcal.kernels.jump_twopoint`. With many integrations their differences are compared with each other instead
    (`jwcal.kernels.jump_clipping`). Then the neighbours of jumps (`jump_neighbours`), the groups after large ones
    (`jump_aftermath`), snowballs (`jump_snowballs`) and showers (`jump_showers`) are flagged.

    Unlike the official package: `minimum_groups` is honoured on one core, too; `max_shower_amplitude` is honoured, in
    DN/s (there 6 e-/s acts whatever it says); each axis has its own far edge in the search for snowballs (there the
    number of rows serves for both); combinations of flags with PERSISTENCE and the like are no good groups for showers;
    without enough usable groups PRIMECRS is zero (there it is negative).

    Parameters
    ----------
    ramp : Ramp
        Linearised ramp, DN; keywords TGROUP, NFRAMES.
    gain : Reference
        SCI [y, x], e-/DN; pixels without a positive gain get NO_GAIN_VALUE and DO_NOT_USE.
    readnoise : Reference
        SCI [y, x], DN, noise of the difference of two frames.
    rejection_threshold : float
        Sigma, for pixels with four usable differences or more.
    three_group_rejection_threshold : float
        Sigma, for two usable differences.
    four_group_rejection_threshold : float
        Sigma, for three usable differences.
    flag_4_neighbors : bool
        Flag the four neighbours of a jump too.
    max_jump_to_flag_neighbors, min_jump_to_flag_neighbors : float
        Sigma, between which a jump disturbs its neighbours.
    after_jump_flag_dn1, after_jump_flag_dn2 : float
        Amplitude of a jump, DN, after which the following groups are flagged too.
    after_jump_flag_time1, after_jump_flag_time2 : float
        How long, s; 0 switches the rule off.
    expand_large_events : bool
        Find snowballs and flag their halos.
    min_sat_area : float
        Least area of a saturated core, pixels.
    min_jump_area : float
        Least area of a jump region, pixels.
    expand_factor : float
        Factor by which the minor axis of a snowball's region grows; the major axis grows by as many pixels.
    sat_required_snowball : bool
        Only regions around a saturated core are snowballs; cores are enlarged.
    min_sat_radius_extend : float
        Cores are enlarged if their full minor axis is longer, pixels.
    sat_expand : int
        Added to the half axes of these cores, pixels.
    edge_size : int
        Nearer to the edge a core need not be seen, pixels.
    mask_snowball_core_next_int : bool
        Flag the cores in the next integration.
    snowball_time_masked_next_int : int
        For how long, s.
    find_showers : bool
        Find faint extended showers (MIRI).
    max_shower_amplitude : float
        Largest amplitude of a shower, DN/s.
    extend_snr_threshold : float
        Least smoothed excess of a shower, in units of the noise.
    extend_min_area : int
        Least area of a shower, pixels.
    extend_inner_radius : float
        Inner radius of the smoothing ring, pixels.
    extend_outer_radius : float
        Width of the ring, pixels (its name notwithstanding: defaults were tuned so).
    extend_ellipse_expand_ratio : float
        Factor by which the minor axis of a shower's region grows; the major axis grows by as many pixels.
    time_masked_after_shower : float
        How long the groups after a shower are flagged, s.
    min_diffs_single_pass : int
        From so many usable differences on all outliers are flagged at one go.
    max_extended_radius : int
        Longest half axis of an enlarged region, pixels.
    minimum_groups : int
        Usable groups below which no jumps are searched for.
    minimum_sigclip_groups : int
        Samples from which on integrations are compared with each other.
    only_use_ints : bool
        Compare the same group over integrations, not all differences of a pixel.

    Returns
    -------
    Ramp
        The same object; PRIMECRS and EXTNCRS are set.

    Raises
    ------
    StepSkipped
        For fewer than three groups.
    JwcalError
        When a reference does not cover the exposure.

    References
    ----------
    Anderson & Gordon 2011, PASP 123, 1237; Regan 2023, JWST-STScI-008545.
    """
    n_integrations, n_groups = ramp.data.shape[:2]
    if n_groups < MINIMUM_GROUPS:
        raise StepSkipped(f"needs {MINIMUM_GROUPS} groups, the exposure has {n_groups}")
    maps = gain.image("SCI", like=ramp), readnoise.image("SCI", like=ramp)
    ramp.pixeldq[~(maps[0] > 0)] |= dq.NO_GAIN_VALUE | dq.DO_NOT_USE
    tgroup, widest = float(ramp.keyword("TGROUP")), 2.0 * max_extended_radius
    usable = _count_usable(ramp.groupdq)
    samples = n_integrations if only_use_ints else n_integrations * n_groups - _count_lost(ramp.groupdq)
    clip = samples >= minimum_sigclip_groups
    rays, events = 0, 0
    if clip or usable >= minimum_groups:
        thresholds = (
            rejection_threshold,
            four_group_rejection_threshold,
            three_group_rejection_threshold,
            1.0 if usable - 1 >= min_diffs_single_pass else 0.0,
        )
        limits = (min_jump_to_flag_neighbors, max_jump_to_flag_neighbors) if flag_4_neighbors else (np.inf, np.inf)
        rays = _find(ramp, maps, thresholds, limits, None if not clip else not only_use_ints)
        times = (after_jump_flag_time1, after_jump_flag_time2)
        _flag_after(ramp, maps[0], (after_jump_flag_dn1, after_jump_flag_dn2), [int(t // tgroup) for t in times])
    else:
        _unflag_lost(ramp.groupdq)
    if expand_large_events:
        growth = (min_sat_radius_extend, 2.0 * sat_expand, edge_size, widest)
        rules = (min_jump_area, expand_factor, bool(sat_required_snowball), *growth)
        masked = int(snowball_time_masked_next_int // tgroup) if mask_snowball_core_next_int else 0
        events = mark_snowballs(ramp.groupdq, float(min_sat_area), rules, masked)
    if find_showers and n_integrations * (n_groups - 1) - _count_lost(ramp.groupdq) >= MINIMUM_SHOWER_DIFFERENCES:
        ring = lay_ring(extend_inner_radius, extend_inner_radius + extend_outer_radius)
        clip = n_integrations >= minimum_sigclip_groups
        criteria = (ring, float(extend_snr_threshold), float(extend_min_area))
        growth = (float(extend_ellipse_expand_ratio), widest, int(time_masked_after_shower // tgroup))
        events = mark_showers(ramp, maps, clip, criteria, growth, max_shower_amplitude * tgroup)
    _note_rates(ramp, rays, events)
    return ramp


def _count_usable(groupdq):
    """Groups of the integration with most groups lost, without those that are DO_NOT_USE in every pixel."""
    return groupdq.shape[1] - max(_count_lost(integration[None]) for integration in walk(groupdq))


def _find(ramp, maps, thresholds, limits, together):
    """Number of jumps, after flagging them; `together` None: no clipping over integrations."""
    data, groupdq = ramp.data, ramp.groupdq
    spread = make_like(data, (*data.shape[:3], (data.shape[3] + 7) // 8), np.uint8)
    if together is not None:
        for rows in list_bands(data):
            flags = take(groupdq, rows)
            clip_jumps(take(data, rows), flags, take(maps[0], rows), float(thresholds[0]), together)
            put(groupdq, rows, flags)
        _unflag_whole_groups(groupdq)
        thresholds = (np.inf, np.inf, np.inf, 1.0)
    nframes = float(ramp.keyword("NFRAMES", 1))
    thresholds, limits = tuple(map(float, thresholds)), tuple(map(float, limits))
    found = 0
    for rows in list_bands(data):
        flags, own, part = take(groupdq, rows), tuple(take(image, rows) for image in maps), take(spread, rows)
        found += int(find_jumps(take(data, rows), flags, own, nframes, thresholds, limits, part).sum())
        put(groupdq, rows, flags)
        put(spread, rows, part)
    if limits[0] < np.inf:
        _flag_neighbours(groupdq, spread)
    return found


def _flag_neighbours(groupdq, spread):
    """Flag the neighbours of jumps; each band of rows sees those next to it."""
    for rows in list_bands(groupdq):
        wider = slice(max(0, rows.start - 1), min(rows.stop + 1, groupdq.shape[2]))
        flags = take(groupdq, wider)
        flag_neighbours(flags, take(spread, wider))
        if flags is not groupdq:
            put(groupdq, rows, flags[:, :, rows.start - wider.start : rows.stop - wider.start])


def _unflag_whole_groups(groupdq):
    """A group in which every pixel is a jump or lost was hit as a whole: its jumps are none."""
    for integration in walk(groupdq):
        for group in integration:
            if _all_flagged(group, dq.JUMP_DET | dq.DO_NOT_USE):
                group[group == dq.JUMP_DET] = 0


def _all_flagged(group, flags):
    """Whether all pixels have one of the flags; a look at the first rows mostly settles it."""
    return all(bool(((row & flags) != 0).all()) for row in group)


def _unflag_lost(groupdq):
    """Jumps in groups that are lost anyway are none."""
    for integration in walk(groupdq):
        for group in integration:
            group[((group & dq.JUMP_DET) != 0) & ((group & LOST) != 0)] ^= dq.JUMP_DET


def _flag_after(ramp, gains, amplitudes, lengths):
    """Flag the groups after jumps of at least these amplitudes, DN."""
    if any(lengths):
        typical = float(np.nanmedian(gains))
        amplitudes, lengths = tuple(float(dn * typical) for dn in amplitudes), tuple(lengths)
        for rows in list_bands(ramp.data):
            flags = take(ramp.groupdq, rows)
            flag_aftermath(take(ramp.data, rows), flags, take(gains, rows), amplitudes, lengths)
            put(ramp.groupdq, rows, flags)


def _count_lost(groupdq):
    """Groups, of all integrations, that are DO_NOT_USE in every pixel."""
    groups = (group for integration in walk(groupdq) for group in integration if group[0, 0] & dq.DO_NOT_USE)
    return sum(_all_flagged(group, dq.DO_NOT_USE) for group in groups)


def _note_rates(ramp, rays, events):
    """Set PRIMECRS and EXTNCRS."""
    n_integrations, n_groups, ny, nx = ramp.data.shape
    groups = n_integrations * n_groups - _count_lost(ramp.groupdq) - n_integrations
    if groups >= 1:
        exposure = float(ramp.keyword("TGROUP")) * groups * ny * nx
        ramp.header["PRIMECRS"] = (1e3 * rays / exposure, "[1/1000 pixels/s] rate of primary cosmic rays")
        ramp.header["EXTNCRS"] = (1e6 * events / exposure, "[1/Mpixel/s] rate of snowballs or showers")
