"""What the simulator knows of an instrument: detectors, bands, read patterns, subarrays; the plug-ins register here."""

from dataclasses import dataclass, field
from importlib import import_module

from jwcal.errors import JwcalError
from jwcal.simulate import geometry
from jwcal.simulate.readout import Pixels
from jwcal.simulate.scene import render_scene

PLUGINS = {"NIRCAM": "nircam", "NIRISS": "niriss", "FGS": "fgs", "MIRI": "miri", "NIRSPEC": "nirspec"}
OVERHEAD_COLUMNS = 12  # pixel clocks lost at the end of each row of one output
SAMPLE_TIME = 1e-5  # s, one pixel


@dataclass(frozen=True)
class Band:
    """A filter (with its pupil element): pivot wavelength and width in um, throughput in electrons per photon."""

    pivot: float
    width: float
    throughput: float


@dataclass(frozen=True)
class Chip:
    """One detector.

    Attributes
    ----------
    name : str
        Value of DETECTOR.
    aperture : str
        Name of its full-frame aperture in the SIAF.
    stem : str
        Detector's part of the names of its SIAF apertures (``NRCB5`` of NRCBLONG).
    label : str
        Detector's part of archive file names (``nrcblong``).
    fastaxis, slowaxis : int
        Readout directions, in the science frame.
    gain : float
        Mean gain, e-/DN.
    cds_noise : float
        Mean noise of the difference of two frames, e-.
    dark : float
        Median dark current, e-/s.
    keywords : dict
        Other header keywords (CHANNEL, MODULE).
    size : (int, int)
        Columns and rows of the full frame.
    border : (int, int)
        Reference pixels along its left and right edges, and along its upper and lower ones.
    draw : callable or None
        Draws the truth about the detector where it is of another kind (arguments as `detectors.draw_detector`).
    imaging : bool
        False behind a spectrometer.
    """

    name: str
    aperture: str
    stem: str
    label: str
    fastaxis: int
    slowaxis: int
    gain: float
    cds_noise: float
    dark: float
    keywords: dict = field(default_factory=dict)
    size: tuple = (2048, 2048)
    border: tuple = (4, 4)
    draw: object = None
    imaging: bool = True


@dataclass(frozen=True)
class Instrument:
    """An instrument plug-in.

    Attributes
    ----------
    name : str
        Value of INSTRUME.
    chips : dict of str to Chip
        Detectors by name.
    bands : dict of (str, str) to Band
        Bands by (FILTER, PUPIL).
    patterns : dict of str to (int, int)
        Read patterns: (NFRAMES, GROUPGAP).
    subarrays : dict of str to str
        SIAF aperture of a subarray; ``{stem}`` stands for `Chip.stem`.
    exp_type : str
        EXP_TYPE where the exposure names none.
    four_outputs : frozenset of str
        Subarrays read through four outputs; all others use one.
    filter_offsets : dict of (str, str) to (float, float)
        Image shift (column, row) of a band against the distortion reference, pixels.
    selection : dict of str to tuple of str
        CRDS selection keywords of a reference type where they differ from the common ones.
    makers : dict of str to callable or None
        Makers of reference types that other instruments do not have (see `reference_files.MAKERS`); None for a common
        type that does not exist here.
    zeroframe : bool
        Whether the first frame of averaged groups is kept apart.
    wheels : (str, str)
        Header keywords of a band's two elements.
    distinct : frozenset of (str, str)
        Reference type and selection keyword, where the rules usually leave the keyword open but not for this one.
    """

    name: str
    chips: dict
    bands: dict
    patterns: dict
    subarrays: dict
    exp_type: str
    four_outputs: frozenset = frozenset({"FULL"})
    filter_offsets: dict = field(default_factory=dict)
    selection: dict = field(default_factory=dict)
    makers: dict = field(default_factory=dict)
    zeroframe: bool = True
    wheels: tuple = ("FILTER", "PUPIL")
    distinct: frozenset = frozenset()

    def chip(self, name):
        """Detector by name; an error that lists the known ones."""
        return _look_up(self.chips, name, f"detector of {self.name}")

    def band(self, filter_name, pupil):
        """Band by filter and pupil; an error that lists the known ones."""
        return _look_up(self.bands, (filter_name, pupil), f"(filter, pupil) of {self.name}")

    def pattern(self, name):
        """(NFRAMES, GROUPGAP) of a read pattern."""
        return _look_up(self.patterns, name, f"read pattern of {self.name}")

    def aperture(self, chip, subarray):
        """SIAF aperture name of a subarray of a detector."""
        template = (
            chip.aperture if subarray == "FULL" else _look_up(self.subarrays, subarray, f"subarray of {self.name}")
        )
        return template.format(stem=chip.stem)

    def outputs(self, subarray):
        """Number of outputs the subarray is read through."""
        return 4 if subarray in self.four_outputs else 1

    def pixels(self, setup):
        """How the detectors are read: `readout.Pixels`, or what is called like it."""
        return Pixels

    def divisor(self, nframes):
        """What the sum of a group's frames is divided by on board (FRMDIVSR)."""
        return nframes

    def samples(self, readpatt):
        """Number of times a pixel is sampled in each frame (NSAMPLES)."""
        return 1

    def describe(self, setup):
        """Further header keywords of an exposure."""
        return {}

    def render(self, scene, pointing, band, masked=False):
        """Electrons per second in each pixel of a perfect detector [y, x]; see `scene.render_scene`."""
        return render_scene(scene, pointing, band, masked)

    def load_distortion(self, chip):
        """Distortion of a detector's full frame."""
        return geometry.load_distortion(self, chip)

    def load_aperture(self, chip, subarray):
        """Place and reference point of a subarray."""
        return geometry.load_aperture(self, chip, subarray)

    def frame_time(self, subarray, nx, ny, fastaxis, readpatt=None):
        """Seconds to read one frame of `nx` x `ny` pixels (science frame).

        Rows take their pixels plus twelve clocks through each output; full frames need one more row, subarrays two.
        """
        fast, slow = (nx, ny) if abs(fastaxis) == 1 else (ny, nx)
        outputs = self.outputs(subarray)
        extra_rows = 1 if outputs > 1 else 2
        return (fast // outputs + OVERHEAD_COLUMNS) * (slow + extra_rows) * SAMPLE_TIME


def _look_up(table, key, what):
    try:
        return table[key]
    except KeyError as error:
        known = ", ".join(str(name) for name in table)
        raise JwcalError(f"{key!r} is no {what} that the simulator knows; use one of: {known}") from error


def get_instrument(name):
    """Plug-in by instrument name.

    Parameters
    ----------
    name : str
        ``NIRCAM``, ``NIRISS``, ``FGS``, ``MIRI`` or ``NIRSPEC``.

    Returns
    -------
    Instrument

    Raises
    ------
    JwcalError
        When there is no such plug-in.
    """
    module = _look_up(PLUGINS, name, "instrument")
    return import_module(f"jwcal.simulate.{module}").INSTRUMENT
