"""MULTIACCUM timing, and the readout itself: from an electron rate to the uint16 ramp that comes down to Earth."""

from dataclasses import dataclass

import numpy as np

from jwcal import dq
from jwcal.simulate import cosmicrays, effects
from jwcal.simulate.detectors import TRAP_FRACTION, TRAP_TIME
from jwcal.simulate.randoms import make_generator

MIRI_EFFECTS = ("reset_anomaly", "reset_decay", "last_frame", "emi")
EFFECTS = (
    "dark_current", "persistence", "shot_noise", "cosmic_rays", "nonlinearity", "saturation", "superbias", "ktc_noise",
    "coupling", "telegraph_noise", "bias_drift", "odd_even_steps", "flicker_noise", "read_noise",
    *MIRI_EFFECTS,
)  # fmt: skip
DEFAULT_EFFECTS = frozenset(EFFECTS) - {"coupling"}


@dataclass(frozen=True)
class Timing:
    """Numbers of frames, groups and integrations, and the seconds a frame takes.

    Attributes
    ----------
    nints, ngroups, nframes, groupgap : int
        Integrations, groups, frames averaged to a group, frames dropped between groups.
    divisor : int
        FRMDIVSR: what the sum of a group's frames is divided by.
    tframe : float
        Seconds from frame to frame.
    nresets : int
        Frame times that a reset takes between integrations.
    """

    nints: int
    ngroups: int
    nframes: int
    groupgap: int
    divisor: int
    tframe: float
    nresets: int = 1

    @property
    def tgroup(self):
        """Seconds from group to group."""
        return (self.nframes + self.groupgap) * self.tframe

    @property
    def frames(self):
        """Frames of an integration, dropped ones included."""
        return self.ngroups * self.nframes + (self.ngroups - 1) * self.groupgap

    @property
    def integration_time(self):
        """Seconds of one integration."""
        return self.frames * self.tframe

    @property
    def cycle(self):
        """Seconds from the start of one integration to the start of the next."""
        return (self.frames + self.nresets) * self.tframe

    @property
    def duration(self):
        """Seconds of the exposure, resets included."""
        return self.nints * self.cycle

    def frame_number(self, group, frame):
        """One-based number in the integration of a frame of a group (both zero-based)."""
        return group * (self.nframes + self.groupgap) + frame + 1


@dataclass
class Ramps:
    """What `read_out` makes.

    Attributes
    ----------
    data : uint16 [integration, group, y, x]
        Raw groups.
    zeroframe : uint16 [integration, y, x]
        First frame of each integration.
    hits : structured array of `jwcal.simulate.cosmicrays.HIT`
        Cosmic-ray deposits by integration and group.
    traps : float32 [y, x]
        Charge left in traps at the end, e-, to be released in later exposures.
    refout : uint16 [integration, group, y, x / 4] or None
        Raw groups of a reference output.
    """

    data: np.ndarray
    zeroframe: np.ndarray
    hits: np.ndarray
    traps: np.ndarray
    refout: np.ndarray | None = None


def read_out(rate, detector, timing, outputs, *, switches=DEFAULT_EFFECTS, seed=0, traps=None, pixels=None):
    """Expose a detector and read it out.

    Parameters
    ----------
    rate : float32 [y, x]
        Electrons per second that light makes, quantum efficiency included.
    detector : jwcal.simulate.detectors.Detector
        The truth about the detector.
    timing : Timing
        Read pattern.
    outputs : int
        Number of outputs.
    switches : set of str
        Which of `EFFECTS` act.
    seed : int or str
        Seed of all noise.
    traps : float32 [y, x] or None
        Charge in traps when the exposure starts, e-.
    pixels : type, optional
        How the detector is read; default `Pixels`.

    Returns
    -------
    Ramps
    """
    pixels = (pixels or Pixels)(rate, detector, timing, outputs, switches, seed, traps)
    shape = timing.nints, timing.ngroups, *pixels.shape
    data, zeroframe = np.empty(shape, np.uint16), np.empty((shape[0], *shape[2:]), np.uint16)
    refout = np.empty((*shape[:3], shape[3] // 4), np.uint16) if pixels.reference_output else None
    hits = []
    for integration in range(timing.nints):
        pixels.reset(integration)
        for group in range(timing.ngroups):
            total, reference = np.zeros(pixels.shape, np.uint32), np.uint32(0)
            for frame in range(timing.nframes):
                deposits = pixels.collect(timing.frame_number(group, frame))
                deposits["integration"], deposits["group"] = integration, group
                hits.append(deposits)
                sample = pixels.read()
                total += sample
                if group == frame == 0:
                    zeroframe[integration] = sample
                if refout is not None:
                    reference = reference + pixels.read_reference()
            data[integration, group] = effects.average_frames(total, timing.divisor)
            if refout is not None:
                refout[integration, group] = effects.average_frames(reference, timing.divisor)
        pixels.fill_traps()
    return Ramps(data, zeroframe, np.concatenate(hits), pixels.traps, refout)


class Pixels:
    """The pixels of a detector during an exposure: their charge between two resets, and how it is read.

    Parameters
    ----------
    rate, detector, timing, outputs, switches, seed, traps
        As for `read_out`.
    """

    reference_output = False  # whether there is one, of a fourth of the columns

    def __init__(self, rate, detector, timing, outputs, switches, seed, traps):
        self.rate, self.detector, self.timing, self.outputs = rate, detector, timing, outputs
        self.switches, self.dice = switches, {name: make_generator(seed, name) for name in EFFECTS}
        self.traps = np.zeros(rate.shape, np.float32) if traps is None else traps.astype(np.float32)
        self.gain = detector.true_gain.astype(np.float32)
        self.settling = detector.settling * self.gain
        self.noise = effects.white_noise(detector.cds_noise)
        self.telegraph = (detector.flags["mask"] & dq.FLAGS["TELEGRAPH"]) != 0
        self.science = ~detector.reference_pixels

    @property
    def shape(self):
        """Rows and columns of a frame that is read."""
        return self.rate.shape

    def reset(self, integration):
        """Begin an integration (its zero-based number)."""
        self.integration, self.frame = integration, 0
        self.charge, self.reset_level = np.zeros_like(self.rate), np.zeros_like(self.rate)
        self.walk = np.zeros(self.outputs)
        if "ktc_noise" in self.switches:
            effects.add_ktc_noise(self.reset_level, self.gain, self.dice["ktc_noise"])

    def collect(self, frame):
        """Gather charge until frame number `frame`; return the cosmic-ray hits of that time."""
        seconds = (frame - self.frame) * self.timing.tframe
        start = self.frame * self.timing.tframe
        expected = self.rate * np.float32(seconds)
        if "dark_current" in self.switches:
            effects.add_dark_current(expected, self.detector.dark, seconds)
        if "persistence" in self.switches and self.traps.any():
            effects.add_persistence(expected, self.traps, start, start + seconds, TRAP_TIME)
        if "shot_noise" in self.switches:
            effects.add_shot_noise(expected, self.dice["shot_noise"])
        if "dark_current" in self.switches:
            effects.add_settling(expected, self.settling, self.frame, frame)
        self.charge += expected
        self.frame = frame
        if "cosmic_rays" not in self.switches:
            return np.zeros(0, cosmicrays.HIT)
        hits = cosmicrays.draw_hits(self.charge.shape, seconds, self.dice["cosmic_rays"])
        hits = hits[self.science[hits["y"], hits["x"]]]
        effects.add_cosmic_rays(self.charge, hits)
        return hits

    def read(self):
        """One frame, uint16 [y, x]."""
        signal = self.measure()
        self.disturb(signal)
        return effects.convert(signal)

    def measure(self):
        """What the pixels show, before the electronics add their noise, DN [y, x]."""
        detector, dice, on = self.detector, self.dice, self.switches
        signal = self.charge / self.gain
        if "nonlinearity" in on:
            effects.add_nonlinearity(signal, detector.coefficients)
        if "saturation" in on:
            effects.add_saturation(signal, detector.well)
        if "superbias" in on:
            effects.add_superbias(signal, detector.bias)
        if "coupling" in on:
            effects.add_coupling(signal, self.science)
        signal += self.reset_level
        if "telegraph_noise" in on:
            effects.add_telegraph_noise(signal, self.telegraph, dice["telegraph_noise"])
        return signal

    def disturb(self, signal):
        """Add drifts and noise of the read-out to a frame, in place."""
        detector, dice, on = self.detector, self.dice, self.switches
        if "bias_drift" in on:
            self.walk += dice["bias_drift"].normal(0, effects.DRIFT, self.outputs)
            effects.add_bias_drift(signal, detector.chip, self.outputs, self.walk)
        if "odd_even_steps" in on:
            effects.add_odd_even_steps(signal, detector.chip, self.outputs, dice["odd_even_steps"])
        if "flicker_noise" in on:
            effects.add_flicker_noise(signal, detector.chip, self.outputs, dice["flicker_noise"])
        if "read_noise" in on:
            effects.add_read_noise(signal, self.noise, dice["read_noise"])

    def fill_traps(self):
        """End an integration: traps keep what was left, and take a share of the charge above half the well."""
        left = self.traps * np.float32(np.exp(-self.timing.cycle / TRAP_TIME))
        full = self.detector.well * self.gain
        self.traps = left + np.float32(TRAP_FRACTION) * np.clip(self.charge - full / 2, 0, full)
