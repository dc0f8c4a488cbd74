"""The truth about MIRI's detectors, and how they are read: four interleaved outputs, and one that sees no pixels."""

from dataclasses import dataclass

import numpy as np

from jwcal.simulate import effects, miri_effects
from jwcal.simulate.detectors import FULL_SIZE, Detector, draw_detector, find_reference_pixels
from jwcal.simulate.randoms import draw_normal, draw_smooth, make_generator, make_key
from jwcal.simulate.readout import Pixels

BIAS = 9000.0  # DN
REFERENCE_BIAS = 8000.0  # DN, of the reference output
RESET_ANOMALY = 60.0  # DN at the reset
SETTLING_FIRST = 1.6  # size of the dark's settling in the first integration, relative to later ones


@dataclass
class MiriDetector(Detector):
    """Maps of a MIRI detector over a region [y, x].

    Attributes
    ----------
    anomaly : float32
        Reset anomaly at the reset, DN.
    """

    anomaly: np.ndarray = None


def draw_miri_detector(chip, region, *, seed=0, defects=1.0):
    """Draw the maps of a detector of MIRI; arguments as `jwcal.simulate.detectors.draw_detector`.

    The response acts on the raw signal, bias included, as MIRI's linearity reference expects: a raw level m (DN) stands
    for a true one of sum c_k m^k. Reference pixels respond in proportion.

    Returns
    -------
    MiriDetector
    """
    maps = dict(vars(draw_detector(chip, region, seed=seed, defects=defects)))
    maps["coefficients"][2:, find_reference_pixels(region, chip.size, chip.border)] = 0
    maps["bias"] = _draw_bias(chip, region, seed)
    maps["flags"]["reset"] = maps["flags"].pop("superbias")
    smooth = draw_smooth(make_key(seed, chip.name, "anomaly"), region)
    anomaly = RESET_ANOMALY * (1 + 0.3 * smooth + 0.1 * draw_normal(make_key(seed, chip.name, "anomaly 2"), region))
    return MiriDetector(**maps, anomaly=anomaly.astype(np.float32))


def _draw_bias(chip, region, seed):
    """Level after a reset, DN: steps between interleaved outputs and row parities, a gradient, a pattern."""
    x, y = np.arange(region.nx) + region.x0, np.arange(region.ny) + region.y0
    steps = make_generator(seed, chip.name, "bias steps").normal(0, 60, (2, miri_effects.OUTPUTS))
    gradient = 200 * np.exp(-y[:, None] / (FULL_SIZE / 8))
    pattern = 80 * draw_normal(make_key(seed, chip.name, "bias"), region)
    return (BIAS + steps[y[:, None] % 2, x % miri_effects.OUTPUTS] + gradient + pattern).astype(np.float32)


class MiriPixels(Pixels):
    """The pixels of a MIRI detector during an exposure.

    Parameters
    ----------
    rate, detector, timing, outputs, switches, seed, traps
        As for `jwcal.simulate.readout.read_out`.
    rowclocks : int
        Clocks from row to row.
    samples : int
        Clocks that a pixel takes.
    waves : tuple of str
        Interferences that this subarray sees, out of `miri_effects.WAVES`.
    """

    reference_output = True

    def __init__(self, *exposure, rowclocks, samples, waves):
        super().__init__(*exposure)
        detector, region = self.detector, self.detector.region
        self.noise = detector.cds_noise / np.float32(np.sqrt(2))
        self.zero = np.polynomial.polynomial.polyval(detector.bias, detector.coefficients, tensor=False)
        self.drifting = (region.nx, region.ny) == tuple(detector.chip.size)  # in subarrays nothing would undo it
        self.level = np.minimum(self.rate * np.float32(self.timing.integration_time) / self.gain, detector.well)
        self.clocks = miri_effects.time_pixels(self.rate.shape, rowclocks, samples)
        self.frameclocks = miri_effects.count_clocks(region.ny, rowclocks)
        self.phases = dict(zip(waves, self.dice["emi"].uniform(0, 1, len(waves))))

    def reset(self, integration):
        """Begin an integration (its zero-based number)."""
        super().reset(integration)
        self.walk = np.zeros((2, miri_effects.OUTPUTS))
        self.settling = self.detector.settling * self.gain * np.float32(1 if integration else SETTLING_FIRST)

    def read(self):
        """One frame, uint16 [y, x]."""
        detector, dice, on = self.detector, self.dice, self.switches
        signal = self.charge / self.gain + self.zero
        if "reset_decay" in on:
            miri_effects.add_reset_decay(signal, self.level if self.integration else 0 * self.level, self.frame)
        if "nonlinearity" in on:
            effects.add_nonlinearity(signal, detector.coefficients)
        if "saturation" in on:
            effects.add_saturation(signal, detector.bias + detector.well)
        if "reset_anomaly" in on:
            miri_effects.add_reset_anomaly(signal, detector.anomaly, self.integration, self.frame)
        if "last_frame" in on and self.frame == self.timing.frames:
            miri_effects.add_last_frame(signal, detector.bias)
        if "coupling" in on:
            effects.add_coupling(signal, self.science)
        signal += self.reset_level
        if "telegraph_noise" in on:
            effects.add_telegraph_noise(signal, self.telegraph, dice["telegraph_noise"])
        self._add_drifts(signal)
        if "emi" in on:
            miri_effects.add_interference(signal, self._interfere())
        if "read_noise" in on:
            effects.add_read_noise(signal, self.noise, dice["read_noise"])
        return effects.convert(signal)

    def _add_drifts(self, signal):
        """Slow drifts of the outputs, and steps from frame to frame between even and odd rows."""
        if not self.drifting:
            return
        for name, size in (("bias_drift", effects.DRIFT), ("odd_even_steps", effects.ODD_EVEN)):
            if name in self.switches:
                drifts = self.dice[name].normal(0, size, self.walk.shape)
                if name == "bias_drift":
                    drifts = self.walk = self.walk + drifts
                miri_effects.add_output_drift(signal, drifts)

    def _interfere(self):
        """Interference in the frame that is being read, DN [y, x / 4]."""
        frame = self.integration * (self.timing.frames + self.timing.nresets) + self.frame - 1
        clocks = self.clocks + frame * self.frameclocks
        return sum(miri_effects.measure_interference(name, clocks, phase) for name, phase in self.phases.items())

    def read_reference(self):
        """One frame of the reference output, uint16 [y, x / 4]."""
        signal = np.full(self.clocks.shape, REFERENCE_BIAS, np.float32)
        if "emi" in self.switches:
            signal += self._interfere()
        if "read_noise" in self.switches:
            noise = np.float32(np.median(self.noise))
            effects.add_read_noise(signal, noise, self.dice["emi"])
        return effects.convert(signal)
