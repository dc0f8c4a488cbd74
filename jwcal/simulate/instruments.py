"""What the simulator knows of an instrument: detectors, bands, read patterns, subarrays; the plug-ins register here."""

from dataclasses import dataclass, field
from importlib import import_module

import numpy as np

from jwcal.errors import JwcalError
from jwcal.simulate import geometry
from jwcal.simulate.readout import Pixels, Timing, read_out
from jwcal.simulate.scene import render_background, render_scene

PLUGINS = {"NIRCAM": "nircam", "NIRISS": "niriss", "FGS": "fgs", "MIRI": "miri", "NIRSPEC": "nirspec"}
OVERHEAD_COLUMNS = 12  # pixel clocks lost at the end of each row of one output
SAMPLE_TIME = 1e-5  # s, one pixel


@dataclass(frozen=True)
class Band:
    """A filter (with its pupil element): pivot wavelength and width in um, throughput in electrons per photon.

    `spread` is the length (pixels) over which a grism draws each source, along `axis` (0: rows, 1: columns).
    """

    pivot: float
    width: float
    throughput: float
    spread: int = 0
    axis: int = 1


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
    subarrays : dict of str to str or tuple of str
        SIAF aperture of a subarray; ``{stem}`` stands for `Chip.stem`. Of several, the detector's first one is taken.
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
        if subarray == "FULL":
            return chip.aperture
        templates = _look_up(self.subarrays, subarray, f"subarray of {self.name}")
        names = [name.format(stem=chip.stem) for name in ([templates] if isinstance(templates, str) else templates)]
        known = geometry.list_apertures(self)
        for name in names:
            if name in known and name.startswith(chip.stem):
                return name
        others = sorted({name[: len(chip.stem)] for name in names if name in known})
        remedy = f"it is one of {', '.join(others)}" if others else "choose another subarray or detector"
        raise JwcalError(f"detector {chip.name} has no subarray {subarray!r}; {remedy}")

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

    def timing(self, setup, nframes, groupgap, tframe):
        """Timing of an exposure: `readout.Timing`, or what is called like it."""
        return Timing(setup.nints, setup.ngroups, nframes, groupgap, setup.divisor or self.divisor(nframes), tframe)

    def render(self, scene, pointing, band, masked=False):
        """Electrons per second in each pixel of a perfect detector [y, x]; see `scene.render_scene`.

        Behind a grism each source's light is spread evenly over `Band.spread` pixels: enough for the correction of
        detectors, no spectrum.
        """
        image = render_scene(scene, pointing, band, masked)
        if not band.spread:
            return image
        sky = render_background(scene, pointing, band)
        return (sky + spread_light(image - sky, band.spread, band.axis)).astype(np.float32)

    def expose(self, plan, rate, detector, **options):
        """What is read of an exposure (`readout.Ramps`); arguments as `readout.read_out`."""
        return read_out(rate, detector, plan.timing, plan.outputs, pixels=self.pixels(plan.setup), **options)

    def frame_size(self, plan):
        """Columns and rows of the raw data."""
        return plan.aperture.nx, plan.aperture.ny

    def keywords(self, plan):
        """Further keywords of the primary header."""
        return {}

    def companions(self, plan):
        """Files that go with an exposure, as lists of extensions by file name."""
        return {}

    def tables(self, plan, scene):
        """Tables of the raw file instead of those of groups and integrations, as extensions; None for those."""
        return None

    def load_distortion(self, chip):
        """Distortion of a detector's full frame."""
        return geometry.load_distortion(self, chip)

    def load_aperture(self, chip, subarray):
        """Place and reference point of a subarray."""
        return geometry.load_aperture(self, chip, subarray)

    def place(self, chip, setup):
        """Place and reference point of what an exposure reads of a detector."""
        return self.load_aperture(chip, setup.subarray)

    def frame_time(self, subarray, nx, ny, fastaxis, readpatt=None, outputs=None):
        """Seconds to read one frame of `nx` x `ny` pixels (science frame).

        Rows take their pixels plus twelve clocks through each output; full frames need one more row, subarrays two.
        """
        fast, slow = (nx, ny) if abs(fastaxis) == 1 else (ny, nx)
        outputs = outputs or self.outputs(subarray)
        extra_rows = 1 if outputs > 1 else 2
        return (fast // outputs + OVERHEAD_COLUMNS) * (slow + extra_rows) * SAMPLE_TIME


def spread_light(image, length, axis):
    """Mean of an image [y, x] over `length` pixels round each one along an axis; light beyond the edge is lost."""
    half = length // 2
    widths = [(half + 1, length - half) if k == axis else (0, 0) for k in (0, 1)]
    total = np.pad(image.astype(float), widths).cumsum(axis=axis)
    size = image.shape[axis]
    return (total.take(range(length, length + size), axis) - total.take(range(size), axis)) / length


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
