"""Flag groups hit by cosmic rays."""

import numpy as np

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.kernels.jump_aftermath import flag_aftermath
from jwcal.kernels.jump_clipping import clip_jumps
from jwcal.kernels.jump_neighbours import flag_neighbours
from jwcal.kernels.jump_twopoint import find_jumps
from jwcal.models import Ramp
from jwcal.references import Reference

MINIMUM_GROUPS = 3
NONE = (np.inf, np.inf)


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
    (`jwcal.kernels.jump_clipping`). Unlike the official package with one core, `minimum_groups` is honoured.

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
        Find snowballs and flag all of them.
    min_sat_area : float
        Least area of a saturated core, pixels.
    min_jump_area : float
        Least area of a jump region, pixels.
    expand_factor : float
        Factor by which a snowball's region grows.
    sat_required_snowball : bool
        Only regions around a saturated core are snowballs.
    min_sat_radius_extend : float
        Saturated cores of a larger radius are extended, pixels.
    sat_expand : int
        By how much, pixels.
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
        Signal-to-noise ratio of a shower.
    extend_min_area : int
        Least area of a shower, pixels.
    extend_inner_radius, extend_outer_radius : float
        Radii of the smoothing ring, pixels.
    extend_ellipse_expand_ratio : float
        Factor by which a shower's region grows.
    time_masked_after_shower : float
        How long its groups are flagged, s.
    min_diffs_single_pass : int
        From so many usable differences on all outliers are flagged at one go.
    max_extended_radius : int
        Largest radius of a grown region, pixels.
    minimum_groups : int
        Usable groups below which nothing is done.
    minimum_sigclip_groups : int
        Samples from which on integrations are compared with each other.
    only_use_ints : bool
        Compare the same group over integrations, not all differences of a pixel.

    Returns
    -------
    Ramp
        The same object; PRIMECRS is set.

    Raises
    ------
    StepSkipped
        For fewer than three groups.
    JwcalError
        When a reference does not cover the exposure.

    References
    ----------
    Anderson & Gordon 2011, PASP 123, 1237.
    """
    n_integrations, n_groups = ramp.data.shape[:2]
    if n_groups < MINIMUM_GROUPS:
        raise StepSkipped(f"needs {MINIMUM_GROUPS} groups, the exposure has {n_groups}")
    if expand_large_events or find_showers:
        raise JwcalError("expand_large_events and find_showers are not built yet; set them to false", ramp.path)
    gains, noise = gain.image("SCI", like=ramp), readnoise.image("SCI", like=ramp)
    ramp.pixeldq[~(gains > 0)] |= dq.NO_GAIN_VALUE | dq.DO_NOT_USE
    usable = _count_usable(ramp.groupdq)
    samples = n_integrations if only_use_ints else n_integrations * n_groups
    clip = samples >= minimum_sigclip_groups
    found = 0
    if clip or usable >= minimum_groups:
        thresholds = (
            rejection_threshold,
            four_group_rejection_threshold,
            three_group_rejection_threshold,
            1.0 if usable - 1 >= min_diffs_single_pass else 0.0,
        )
        limits = (min_jump_to_flag_neighbors, max_jump_to_flag_neighbors) if flag_4_neighbors else NONE
        found = _find(ramp, gains, noise, thresholds, limits, None if not clip else not only_use_ints)
    rules = ((after_jump_flag_dn1, after_jump_flag_time1), (after_jump_flag_dn2, after_jump_flag_time2))
    _flag_after(ramp, gains, rules)
    _count_rays(ramp, found)
    return ramp


def _count_usable(groupdq):
    """Groups of the integration with most groups lost, without those that are DO_NOT_USE in every pixel."""
    lost = [
        sum(bool(group[0, 0] & dq.DO_NOT_USE) and bool((group & dq.DO_NOT_USE).all()) for group in integration)
        for integration in groupdq
    ]
    return groupdq.shape[1] - max(lost)


def _find(ramp, gains, noise, thresholds, limits, together):
    """Number of jumps, after flagging them; `together` None: no clipping over integrations."""
    data, groupdq = ramp.data, ramp.groupdq
    spread = np.zeros((*data.shape[:3], (data.shape[3] + 7) // 8), np.uint8)
    if together is not None:
        clip_jumps(data, groupdq, gains, float(thresholds[0]), together)
        _unflag_lost_groups(groupdq)
        thresholds = (np.inf, np.inf, np.inf, 1.0)
    nframes = float(ramp.keyword("NFRAMES", 1))
    thresholds, limits = tuple(map(float, thresholds)), tuple(map(float, limits))
    found = int(find_jumps(data, groupdq, (gains, noise), nframes, thresholds, limits, spread).sum())
    if limits[0] < np.inf:
        flag_neighbours(groupdq, spread)
    return found


def _unflag_lost_groups(groupdq):
    """A group in which every pixel is a jump or lost was hit as a whole: its jumps are none."""
    for integration in groupdq:
        for group in integration:
            if ((group & (dq.JUMP_DET | dq.DO_NOT_USE)) != 0).all():
                group[group == dq.JUMP_DET] = 0


def _flag_after(ramp, gains, rules):
    """Flag the groups after large jumps."""
    tgroup = float(ramp.keyword("TGROUP"))
    amplitude = float(np.nanmedian(gains))
    lengths = tuple(int(time // tgroup) for _, time in rules)
    if any(lengths):
        flag_aftermath(ramp.data, ramp.groupdq, gains, tuple(float(dn * amplitude) for dn, _ in rules), lengths)


def _count_rays(ramp, found):
    """Set PRIMECRS: cosmic rays per 1000 pixels and second."""
    n_integrations, n_groups, ny, nx = ramp.data.shape
    lost = sum(bool((group & dq.DO_NOT_USE).all()) for integration in ramp.groupdq for group in integration)
    groups = n_integrations * n_groups - lost - n_integrations
    if groups >= 1:
        rate = 1000 * found / (float(ramp.keyword("TGROUP")) * groups * ny * nx)
        ramp.header["PRIMECRS"] = (rate, "[1/1000 pixels/s] rate of primary cosmic rays")
