"""Flag groups from which charge has spilled to neighbouring pixels."""

from jwcal.errors import StepSkipped
from jwcal.kernels.charge import find_first_groups, flag_migration
from jwcal.models import Ramp

MINIMUM_GROUPS = 3


def charge_migration(ramp: Ramp, *, signal_threshold: float = 25000.0) -> Ramp:
    """Set CHARGELOSS and DO_NOT_USE from the first group above a threshold on, with the four neighbours, in place.

    ramp_fit leaves those groups out of the slopes but not out of the read-noise variance, so that bright and faint
    pixels keep comparable weights.

    Parameters
    ----------
    ramp : Ramp
        Linearised ramp, DN.
    signal_threshold : float
        DN above which charge migrates.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    StepSkipped
        For fewer than three groups.

    References
    ----------
    Goudfrooij et al. 2024, PASP 136, 014503.
    """
    n_groups = ramp.data.shape[1]
    if n_groups < MINIMUM_GROUPS:
        raise StepSkipped(f"needs {MINIMUM_GROUPS} groups, the exposure has {n_groups}")
    flag_migration(ramp.groupdq, find_first_groups(ramp.data, ramp.groupdq, float(signal_threshold)))
    return ramp
