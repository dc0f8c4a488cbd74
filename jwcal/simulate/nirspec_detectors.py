"""The truth about NIRSpec's detectors, and their interleaved read-out (IRS2)."""

from dataclasses import replace

import numpy as np

from jwcal.readout.interleaved import layout
from jwcal.simulate import effects
from jwcal.simulate.detectors import BIAS, FULL_FRAME, Region, draw_detector
from jwcal.simulate.randoms import draw_normal, make_key
from jwcal.simulate.readout import Pixels

SUBARRAY_GAIN = 1.43  # of subarrays over that of full frames
FRAME = Region(0, 0, layout.COLUMNS, layout.ROWS)
PATTERN = 40.0  # DN, scatter of the levels of interleaved samples
BAD_PAIRS = ((1, 7), (2, 40), (4, 21), (4, 22))  # outputs and pairs of reference pixels that are known to be bad
NOISY_PAIR, NOISE = (3, 30), 25.0  # one that nobody has noticed, and its noise in DN
DRIFT_STEP = 8  # clocks over which drifts are taken as constant
COMMON, OWN, LEVEL = 4.0, 2.0, 0.5  # DN: 1/f noise that all outputs share, that of each, and steps from frame to frame


def is_interleaved(readpatt):
    """True for read patterns with interleaved reference pixels."""
    return "IRS2" in readpatt


def draw_nirspec_detector(chip, region, *, seed=0, defects=1.0):
    """Draw the maps of a detector; arguments as `jwcal.simulate.detectors.draw_detector`. Subarrays have more gain."""
    if tuple(region) != tuple(FULL_FRAME):
        chip = replace(chip, gain=chip.gain * SUBARRAY_GAIN)
    return draw_detector(chip, region, seed=seed, defects=defects)


def draw_interleaved_bias(detector):
    """Superbias of an interleaved frame, float32 [3200, 2048], DN."""
    chip = detector.chip
    bias = BIAS + PATTERN * draw_normal(make_key(detector.seed, chip.name, "interleaved bias"), FRAME)
    bias[layout.find_normal(chip.fastaxis)] = detector.bias
    return bias.astype(np.float32)


def find_pair(chip, output, pair):
    """Rows of the image that a pair of interleaved reference samples comes from; the reference output is number 0."""
    place = output * layout.WIDTH + layout.NORMAL // 2 + pair // 2 * (layout.NORMAL + layout.REFERENCE) + 2 * (pair % 2)
    rows = np.array([place, place + 1])
    return rows if chip.fastaxis > 0 else layout.ROWS - 1 - rows


class InterleavedPixels(Pixels):
    """The pixels of a detector during an exposure in IRS2; parameters as `jwcal.simulate.readout.Pixels`."""

    def __init__(self, *exposure):
        super().__init__(*exposure)
        chip = self.detector.chip
        self.normal = layout.find_normal(chip.fastaxis)
        self.bias, self.typical = draw_interleaved_bias(self.detector), np.float32(np.median(self.noise))
        self.rows, self.columns = layout.schedule_rows(chip.fastaxis), layout.schedule_columns(chip.slowaxis)
        self.bad = np.concatenate([find_pair(chip, *NOISY_PAIR), *(find_pair(chip, *pair) for pair in BAD_PAIRS)])

    @property
    def shape(self):
        """Rows and columns of a frame."""
        return layout.ROWS, layout.COLUMNS

    def reset(self, integration):
        """Begin an integration (its zero-based number)."""
        super().reset(integration)
        self.walk = np.zeros(layout.OUTPUTS)

    def read(self):
        """One frame, uint16 [3200, 2048]."""
        frame = self.bias.copy()
        frame[self.normal] = self.measure()
        self.disturb(frame)
        return effects.convert(frame)

    def disturb(self, frame):
        """Add drifts and noise to a frame, in place: reference samples see those of the output that reads them."""
        dice, on = self.dice, self.switches
        if "bias_drift" in on:
            self.walk += dice["bias_drift"].normal(0, LEVEL, layout.OUTPUTS)
        if "bias_drift" in on or "flicker_noise" in on:
            self._add_drifts(frame)
        if "read_noise" in on:
            noise = dice["read_noise"].standard_normal(frame.shape, dtype=np.float32)
            noise *= self.typical
            noise[self.bad] *= np.float32(NOISE / self.typical)
            frame += noise

    def _add_drifts(self, frame):
        rng = self.dice["flicker_noise"]
        flicker = "flicker_noise" in self.switches
        common = COMMON * _draw_series(rng) if flicker else np.float32(0)
        for output, rows in enumerate(self.rows):
            series = np.full((layout.COLUMNS, layout.CLOCKS), self.walk[output], np.float32) + common
            if flicker:
                series += OWN * _draw_series(rng)
            read = rows >= 0
            frame[rows[read]] += series[:, read][self.columns].T


def _draw_series(rng):
    """1/f noise at every clock of a frame [column, clock], of unit variance."""
    number = layout.COLUMNS * layout.CLOCKS // DRIFT_STEP
    return np.repeat(effects.draw_flicker(number, rng), DRIFT_STEP).reshape(layout.COLUMNS, layout.CLOCKS)
