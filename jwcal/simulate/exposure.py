"""One exposure: its set-up, and the raw file and truth file that come of it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from jwcal.errors import JwcalError
from jwcal.simulate import geometry, scene as skies
from jwcal.simulate.detectors import Region, draw_detector, draw_response
from jwcal.simulate.headers import write_truth, write_uncal
from jwcal.simulate.instruments import get_instrument
from jwcal.simulate.readout import DEFAULT_EFFECTS, EFFECTS, Timing, read_out


@dataclass(frozen=True)
class Observatory:
    """What all exposures and their references share.

    Attributes
    ----------
    seed : int
        Seed of every detector's maps.
    defects : float
        Multiplies the number of bad pixels.
    va_scale : float
        Velocity aberration.
    """

    seed: int = 0
    defects: float = 1.0
    va_scale: float = 1.00004

    def detector(self, chip, region):
        """The truth about a region of a detector."""
        return draw_detector(chip, region, seed=self.seed, defects=self.defects)


@dataclass(frozen=True)
class Setup:
    """What an observer asks for.

    Attributes
    ----------
    instrument, detector, filter, pupil, subarray, readpatt : str
        Header values. `pupil` None takes the first that goes with the filter.
    ngroups, nints : int
        Groups an integration, integrations.
    ra, dec : float
        Sky position in deg of the subarray's reference point (before dithering).
    roll : float
        Position angle of V3 there, deg.
    dither : (float, float)
        Telescope offset, arcsec in the aperture's ideal frame.
    start : float
        Start, MJD (UTC).
    exp_type : str or None
        None takes the instrument's own.
    nframes, groupgap, divisor : int or None
        Instead of those of the read pattern.
    zeroframe : bool or None
        Whether the first frame is kept apart; None: where frames are averaged.
    program, observation, visit, activity, exposure : int
        Numbers of the file name.
    position, positions : int
        Number of this dither position, and how many there are.
    target : str
        Name of the target.
    """

    instrument: str = "NIRCAM"
    detector: str = "NRCB1"
    filter: str = "F200W"
    pupil: str | None = None
    subarray: str = "SUB160"
    readpatt: str = "RAPID"
    ngroups: int = 6
    nints: int = 1
    ra: float = 150.1
    dec: float = 2.2
    roll: float = 60.0
    dither: tuple = (0.0, 0.0)
    start: float = 60100.0
    exp_type: str | None = None
    nframes: int | None = None
    groupgap: int | None = None
    divisor: int | None = None
    zeroframe: bool | None = None
    program: int = 1
    observation: int = 1
    visit: int = 1
    activity: int = 1
    exposure: int = 1
    position: int = 1
    positions: int = 1
    target: str = "SIMULATION"


@dataclass(frozen=True)
class Plan:
    """A set-up with everything looked up: plug-in, detector, place on the chip, timing, pointing.

    Attributes
    ----------
    setup : Setup
        With pupil and EXP_TYPE filled in.
    instrument, chip, band : plug-in, detector, filter
    aperture : jwcal.simulate.geometry.Aperture
    timing : Timing
    pointing : jwcal.simulate.geometry.Pointing
    zeroframe : bool
    """

    setup: Setup
    instrument: object
    chip: object
    band: object
    aperture: geometry.Aperture
    timing: Timing
    pointing: geometry.Pointing
    zeroframe: bool

    @property
    def root(self):
        """Archive-style file name without suffix."""
        s = self.setup
        return f"jw{s.program:05d}{s.observation:03d}{s.visit:03d}_02{1:01d}{s.activity:02d}_{s.exposure:05d}_{self.chip.label}"

    @property
    def region(self):
        """Region of the detector that is read."""
        return Region(self.aperture.x0, self.aperture.y0, self.aperture.nx, self.aperture.ny)

    @property
    def outputs(self):
        """Number of outputs used."""
        return self.instrument.outputs(self.setup.subarray)

    @property
    def masked(self):
        """True behind the non-redundant mask."""
        return self.setup.pupil == "NRM"


def plan_exposure(setup, observatory=None, attitude=None):
    """Look up what a set-up implies.

    Parameters
    ----------
    setup : Setup
        What is asked for.
    observatory : Observatory, optional
        For the velocity aberration.
    attitude : jwcal.simulate.geometry.Attitude, optional
        Of the telescope; by default the set-up's position lies on the aperture's reference point.

    Returns
    -------
    Plan

    Raises
    ------
    JwcalError
        When the simulator does not know the instrument, detector, filter, subarray or read pattern.
    """
    observatory = observatory or Observatory()
    instrument = get_instrument(setup.instrument)
    chip = instrument.chip(setup.detector)
    setup = replace(
        setup,
        pupil=setup.pupil or _find_pupil(instrument, setup.filter),
        exp_type=setup.exp_type or instrument.exp_type,
    )
    aperture = geometry.load_aperture(instrument, chip, setup.subarray)
    nframes, gap = instrument.pattern(setup.readpatt)
    nframes = setup.nframes or nframes
    gap = gap if setup.groupgap is None else setup.groupgap
    tframe = instrument.frame_time(setup.subarray, aperture.nx, aperture.ny, chip.fastaxis)
    timing = Timing(setup.nints, setup.ngroups, nframes, gap, setup.divisor or nframes, tframe)
    attitude = attitude or point_telescope(aperture, setup.ra, setup.dec, setup.roll, setup.dither)
    offset = instrument.filter_offsets.get((setup.filter, setup.pupil), (0.0, 0.0))
    distortion = geometry.load_distortion(instrument, chip)
    pointing = geometry.Pointing(distortion, aperture, attitude, observatory.va_scale, offset)
    zeroframe = nframes > 1 if setup.zeroframe is None else setup.zeroframe
    band = instrument.band(setup.filter, setup.pupil)
    return Plan(setup, instrument, chip, band, aperture, timing, pointing, zeroframe)


def _find_pupil(instrument, filter_name):
    for known, pupil in instrument.bands:
        if known == filter_name:
            return pupil
    raise JwcalError(f"{filter_name!r} is no filter of {instrument.name} that the simulator knows; use one of: "
                     + ", ".join(sorted({known for known, _ in instrument.bands})))  # fmt: skip


def point_telescope(aperture, ra, dec, roll, dither=(0.0, 0.0)):
    """Attitude that puts a target (deg) on an aperture's reference point, moved by a dither (arcsec, ideal frame)."""
    angle = np.deg2rad(aperture.yangle)
    dx, dy = dither
    v2 = aperture.v2_ref + aperture.parity * dx * np.cos(angle) + dy * np.sin(angle)
    v3 = aperture.v3_ref - aperture.parity * dx * np.sin(angle) + dy * np.cos(angle)
    return geometry.Attitude.point(v2, v3, ra, dec, roll)


@dataclass
class Simulated:
    """Files of one exposure, and what a following exposure needs.

    Attributes
    ----------
    plan : Plan
        What was exposed.
    uncal, truth : pathlib.Path
        Files written; `truth` None where none was asked for.
    traps : float32 [y, x]
        Charge left in traps, e-.
    """

    plan: Plan
    uncal: Path
    truth: Path | None
    traps: np.ndarray


def simulate_exposure(setup, scene=None, raw_dir=".", *, truth_dir=None, observatory=None, attitude=None,
                      switches=DEFAULT_EFFECTS, seed=0, traps=None):  # fmt: skip
    """Simulate one exposure and write its raw file.

    Parameters
    ----------
    setup : Setup or Plan
        What is asked for.
    scene : jwcal.simulate.scene.Scene, optional
        Sky; default: background light only.
    raw_dir : path
        Where ``<root>_uncal.fits`` goes.
    truth_dir : path, optional
        Where ``<root>_truth.fits`` goes; None writes none.
    observatory : Observatory, optional
        Must be that of the reference cache.
    attitude : jwcal.simulate.geometry.Attitude, optional
        See `plan_exposure`.
    switches : set of str
        Which of `jwcal.simulate.readout.EFFECTS` act.
    seed : int
        Seed of the noise.
    traps : float32 [y, x], optional
        Charge in traps left by an earlier exposure.

    Returns
    -------
    Simulated

    Raises
    ------
    JwcalError
        When a setting is unknown or the file cannot be written.
    """
    unknown = set(switches) - set(EFFECTS)
    if unknown:
        raise JwcalError(f"unknown effects {sorted(unknown)}; use some of: {', '.join(EFFECTS)}")
    observatory = observatory or Observatory()
    scene = scene or skies.Scene()
    plan = setup if isinstance(setup, Plan) else plan_exposure(setup, observatory, attitude)
    detector = observatory.detector(plan.chip, plan.region)
    rate = skies.render_scene(scene, plan.pointing, plan.band, plan.masked)
    rate *= draw_response(detector, plan.setup.filter, plan.setup.pupil)
    ramps = read_out(
        rate, detector, plan.timing, plan.outputs, switches=switches, seed=f"{seed}/{plan.root}", traps=traps
    )
    uncal = write_uncal(plan, ramps, Path(raw_dir))
    truth = (
        None if truth_dir is None else write_truth(plan, scene, rate / detector.true_gain, ramps.hits, Path(truth_dir))
    )
    return Simulated(plan, uncal, truth, ramps.traps)
