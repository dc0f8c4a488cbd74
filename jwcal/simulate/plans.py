"""What is asked of the telescope (`Setup`), and everything that follows from it (`Plan`)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from jwcal.errors import JwcalError
from jwcal.fitsfiles import FitsFile
from jwcal.simulate import geometry
from jwcal.simulate.detectors import Region
from jwcal.simulate.instruments import get_instrument
from jwcal.simulate.readout import Timing

VA_SCALE = 1.00004  # velocity aberration: apparent over true angular distances
GUIDER_NAMES = {"FGS_ACQ1": "acq1", "FGS_ACQ2": "acq2", "FGS_TRACK": "track", "FGS_FINEGUIDE": "fg"}
IDENTIFICATION = {"FGS_ID-IMAGE": "image", "FGS_ID-STACK": "stacked"}
POINTING = ("V2_REF", "V3_REF", "V3I_YANG", "VPARITY", "CRPIX1", "CRPIX2", "RA_REF", "DEC_REF", "ROLL_REF", "VA_SCALE")


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
    tso : bool
        Whether the visit is a time series.
    outputs : int or None
        Number of outputs that are read, instead of the subarray's usual one.
    strips : int
        Strips of a guider's identification image.
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
    tso: bool = False
    outputs: int | None = None
    strips: int = 36


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
        visit = f"jw{s.program:05d}{s.observation:03d}{s.visit:03d}"
        if s.exp_type in GUIDER_NAMES:
            return f"{visit}_gs-{GUIDER_NAMES[s.exp_type]}_{format_time(s.start, '%Y%j%H%M%S')}"
        if s.exp_type in IDENTIFICATION:
            return f"{visit}_gs-id_{s.exposure}_{IDENTIFICATION[s.exp_type]}"
        return f"{visit}_021{s.activity:02d}_{s.exposure:05d}_{self.chip.label}"

    @property
    def region(self):
        """Region of the detector that is read."""
        return Region(self.aperture.x0, self.aperture.y0, self.aperture.nx, self.aperture.ny)

    @property
    def outputs(self):
        """Number of outputs used."""
        return self.setup.outputs or self.instrument.outputs(self.setup.subarray)

    @property
    def dark(self):
        """True where no light is let in."""
        return "DARK" in self.setup.exp_type

    @property
    def masked(self):
        """True behind the non-redundant mask."""
        return self.setup.pupil == "NRM"


def format_time(mjd, pattern="%Y-%m-%dT%H:%M:%S.%f"):
    """A moment (MJD, UTC) as text; seconds have six digits."""
    return (datetime(1858, 11, 17) + timedelta(days=float(mjd))).strftime(pattern)


def plan_exposure(setup, va_scale=VA_SCALE, attitude=None):
    """Look up what a set-up implies.

    Parameters
    ----------
    setup : Setup
        What is asked for.
    va_scale : float
        Velocity aberration.
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
    instrument = get_instrument(setup.instrument)
    chip = instrument.chip(setup.detector)
    pupil = setup.pupil or _find_pupil(instrument, setup.filter)
    setup = replace(setup, pupil=pupil, exp_type=setup.exp_type or instrument.exp_type)
    aperture = instrument.place(chip, setup)
    nframes, gap = instrument.pattern(setup.readpatt)
    nframes = setup.nframes or nframes
    gap = gap if setup.groupgap is None else setup.groupgap
    size = aperture.nx, aperture.ny, chip.fastaxis
    tframe = instrument.frame_time(setup.subarray, *size, setup.readpatt, setup.outputs)
    timing = instrument.timing(setup, nframes, gap, tframe)
    attitude = attitude or point_telescope(aperture, setup.ra, setup.dec, setup.roll, setup.dither)
    return _complete(instrument, chip, setup, aperture, timing, attitude, va_scale)


def _complete(instrument, chip, setup, aperture, timing, attitude, va_scale):
    band = instrument.band(setup.filter, setup.pupil)
    offset = instrument.filter_offsets.get((setup.filter, setup.pupil), (0.0, 0.0))
    distortion = instrument.load_distortion(chip)
    pointing = geometry.Pointing(distortion, aperture, attitude, va_scale, offset)
    zeroframe = instrument.zeroframe and timing.nframes > 1 if setup.zeroframe is None else setup.zeroframe
    return Plan(setup, instrument, chip, band, aperture, timing, pointing, zeroframe)


def _find_pupil(instrument, filter_name):
    pupils = {known: pupil for known, pupil in reversed(list(instrument.bands))}
    if filter_name not in pupils:
        known = ", ".join(pupils)
        raise JwcalError(f"{filter_name!r} is no filter of {instrument.name} that is simulated; use one of: {known}")
    return pupils[filter_name]


def point_telescope(aperture, ra, dec, roll, dither=(0.0, 0.0)):
    """Attitude that puts a target (deg) on an aperture's reference point, moved by a dither (arcsec, ideal frame)."""
    angle = np.deg2rad(aperture.yangle)
    dx, dy = dither
    v2 = aperture.v2_ref + aperture.parity * dx * np.cos(angle) + dy * np.sin(angle)
    v3 = aperture.v3_ref - aperture.parity * dx * np.sin(angle) + dy * np.cos(angle)
    return geometry.Attitude.point(v2, v3, ra, dec, roll)


def read_plan(path):
    """Plan of an existing raw file, to make references for it.

    Parameters
    ----------
    path : path
        A raw file, simulated or real; place on the detector, timing and pointing are those of its headers.

    Returns
    -------
    Plan

    Raises
    ------
    JwcalError
        When the simulator does not know the instrument or the band.
    """
    with FitsFile(path) as file:
        header = dict(file.header()) | {key: value for key, value in file.header("SCI").items() if key in POINTING}
    instrument = get_instrument(header["INSTRUME"])
    setup = Setup(
        instrument=instrument.name,
        detector=header["DETECTOR"],
        filter=header.get("FILTER", "N/A"),
        pupil=header.get(instrument.wheels[1], "N/A"),
        subarray=header["SUBARRAY"],
        readpatt=header["READPATT"],
        ngroups=header["NGROUPS"],
        nints=header["NINTS"],
        exp_type=header["EXP_TYPE"],
    )
    divisor = header.get("FRMDIVSR", header["NFRAMES"])
    counts = header["NINTS"], header["NGROUPS"], header["NFRAMES"], header["GROUPGAP"]
    timing = Timing(*counts, divisor, header["TFRAME"])
    aperture = geometry.Aperture(
        name=header.get("APERNAME", header["SUBARRAY"]),
        x0=header["SUBSTRT1"] - 1,
        y0=header["SUBSTRT2"] - 1,
        nx=header["SUBSIZE1"],
        ny=header["SUBSIZE2"],
        v2_ref=header["V2_REF"],
        v3_ref=header["V3_REF"],
        yangle=header["V3I_YANG"],
        parity=header["VPARITY"],
        reference_pixel=(header["CRPIX1"] - 1, header["CRPIX2"] - 1),
    )
    position = (header.get(key, 0.0) for key in ("RA_REF", "DEC_REF", "ROLL_REF"))
    attitude = geometry.Attitude.point(aperture.v2_ref, aperture.v3_ref, *position)
    chip = instrument.chip(setup.detector)
    return _complete(instrument, chip, setup, aperture, timing, attitude, header.get("VA_SCALE", 1.0))
