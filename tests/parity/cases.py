"""The exposures that are compared: what is observed, and settings that differ from the official code's defaults."""

from dataclasses import dataclass, field

import numpy as np

from jwcal.simulate import STAR, Scene, Setup


@dataclass(frozen=True)
class Case:
    """One simulated exposure.

    Attributes
    ----------
    name : str
        For the table and for ``pytest -k``.
    setup : jwcal.simulate.exposure.Setup
        Instrument, subarray, read pattern, groups and integrations.
    settings : dict of str to dict
        Step settings, given to both sides.
    faint, bright : float
        Magnitudes of the faintest and the brightest star.
    rectified : bool
        Whether stage 2 is compared as well (full frames cost minutes).
    damage : callable or None
        Called with the raw file, the CRDS cache and the exposure's plan, to spoil them before they are used.
    """

    name: str
    setup: Setup
    settings: dict = field(default_factory=dict)
    faint: float = 25.0
    bright: float = 15.0
    rectified: bool = True
    damage: object = None


LARGE_EVENTS = {
    "charge_migration": {"skip": False, "signal_threshold": 15000.0},
    "jump": {
        "expand_large_events": True, "min_jump_area": 4.0, "after_jump_flag_dn1": 1000.0, "after_jump_flag_time1": 1.0,
        "after_jump_flag_dn2": 5000.0, "after_jump_flag_time2": 3.0, "rejection_threshold": 5.0,
    },
    "ramp_fit": {"suppress_one_group": False},
    "saturation": {"n_pix_grow_sat": 2},
    "refpix": {"odd_even_columns": False, "side_smoothing_length": 7, "side_gain": 0.9},
}  # fmt: skip
# Not together with large events: the official persistence step, which comes after jump, sees their saturation as well.
PERSISTENT = {
    "persistence": {"skip": False, "persistence_time": 60},
    "ipc": {"skip": True},
    "saturation": {"use_readpatt": False},
    "jump": {"flag_4_neighbors": False, "after_jump_flag_dn1": 1000.0, "after_jump_flag_time1": 1.0},
    "ramp_fit": {"firstgroup": 1, "lastgroup": 6},
}


# The official fit adds e-/s of dark current to DN/s of light (README, difference 22): both sides go without.
NO_DARK_NOISE = {"dark_current": {"average_dark_current": 0.0}}


def nircam(name, number, **properties):
    """A case with NIRCam; `number` keeps the file names apart."""
    case = {key: properties.pop(key) for key in ("settings", "faint", "bright", "rectified") if key in properties}
    return Case(name, Setup(observation=number, **properties), **case)


CASES = [
    nircam("full A1 SHALLOW4", 1, detector="NRCA1", subarray="FULL", readpatt="SHALLOW4", ngroups=5,
           settings={"jump": {"rejection_threshold": 5.0}}),
    nircam("full ALONG SHALLOW4 x3", 2, detector="NRCALONG", filter="F356W", subarray="FULL", readpatt="SHALLOW4",
           ngroups=4, nints=3, bright=13, rectified=False),
    nircam("SUB640 MEDIUM8", 4, subarray="SUB640", readpatt="MEDIUM8", ngroups=5),
    nircam("SUB320 BRIGHT1 x3", 5, subarray="SUB320", readpatt="BRIGHT1", ngroups=7, nints=3, bright=13),
    nircam("SUB160 RAPID x3", 6, subarray="SUB160", readpatt="RAPID", ngroups=14, nints=3, bright=13),
    nircam("SUB64P SHALLOW4 x3", 7, subarray="SUB64P", readpatt="SHALLOW4", ngroups=9, nints=3),
    nircam("SUB400P SHALLOW4", 8, subarray="SUB400P", readpatt="SHALLOW4", ngroups=6),
    nircam("SUB400P long wave x3", 9, detector="NRCBLONG", filter="F356W", subarray="SUB400P", readpatt="BRIGHT1",
           ngroups=12, nints=3),
    nircam("SUB160 1 group", 10, subarray="SUB160", readpatt="RAPID", ngroups=1),
    nircam("SUB160 2 groups", 11, subarray="SUB160", readpatt="RAPID", ngroups=2, nints=3),
    nircam("SUB320 large events", 12, subarray="SUB320", readpatt="RAPID", ngroups=12, nints=3, bright=10,
           settings=LARGE_EVENTS),
    nircam("SUB400P large events", 13, subarray="SUB400P", readpatt="BRIGHT2", ngroups=8, bright=10,
           settings=LARGE_EVENTS),
    nircam("SUB160 persistence", 15, subarray="SUB160", readpatt="BRIGHT1", ngroups=8, nints=2, bright=12,
           settings=PERSISTENT, rectified=False),
    nircam("SUB160 1/f noise", 16, subarray="SUB160", readpatt="RAPID", ngroups=6, nints=2, rectified=False,
           settings={"clean_flicker_noise": {"skip": False}}),
    Case("NIRISS SUB80 AMI x3", Setup("NIRISS", "NIS", "F480M", "NRM", "SUB80", "NISRAPID", 12, 3, exp_type="NIS_AMI",
                                      observation=14), bright=9, faint=12),
]  # fmt: skip


def make_scene(case, aperture, scale):
    """Stars over the field, uniform in magnitude, one bright star at the centre.

    Parameters
    ----------
    case : Case
        Magnitudes and pointing.
    aperture : object with nx, ny
        Size of the subarray in pixels.
    scale : float
        Pixel scale, arcsec.
    """
    rng = np.random.default_rng(case.setup.observation)
    number = int(np.clip(aperture.nx * aperture.ny / 600, 12, 1500))
    half = 0.5 * np.hypot(aperture.nx, aperture.ny) * scale / 3600
    stars = np.zeros(number, STAR)
    stars["id"] = np.arange(number)
    stars["ra"] = case.setup.ra + rng.uniform(-half, half, number) / np.cos(np.radians(case.setup.dec))
    stars["dec"] = case.setup.dec + rng.uniform(-half, half, number)
    stars["mag"] = rng.uniform(case.bright, case.faint, number)
    stars[0] = (0, case.setup.ra, case.setup.dec, case.bright, 0.0)
    return Scene(stars=stars)
