"""The truth about a detector: every map that the reference files later describe, drawn from a seed."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from jwcal import dq
from jwcal.simulate.randoms import draw_normal, draw_smooth, draw_uniform, make_key

FULL_SIZE = 2048
BORDER = 4  # reference pixels along each edge of the full frame
BIAS = 11000.0  # DN
WELL = 46000.0  # DN above bias, measured
SATURATION_MARGIN = 0.97  # the reference's threshold, in units of the well
LINEARITY_AT_WELL = 0.035  # relative loss of signal near the well
SETTLING_FRAMES = 0.4  # time constant of the dark's settling after a reset, frames
INTER_PIXEL = (0.0055, 0.0062)  # coupling to a neighbour along x and y
TRAP_FRACTION = 0.004  # of the charge above half the well that is trapped and released later
TRAP_TIME = 400.0  # s, e-folding time of the release


class Region(NamedTuple):
    """Zero-based place and size on the full frame."""

    x0: int
    y0: int
    nx: int
    ny: int


FULL_FRAME = Region(0, 0, FULL_SIZE, FULL_SIZE)


@dataclass
class Detector:
    """Maps of a detector over a region [y, x].

    Attributes
    ----------
    chip : jwcal.simulate.instruments.Chip
        Which detector.
    region : Region
        Where.
    gain : float32
        e-/DN; NaN where the gain is unknown.
    cds_noise : float32
        Noise of the difference of two frames, DN.
    bias : float32
        Superbias, DN.
    coefficients : float32 [k, y, x]
        Linearity: true signal (DN) = sum of c_k measured^k.
    well : float32
        Greatest measured signal above bias, DN.
    dark : float32
        Dark current, e-/s.
    settling : float32
        Amplitude of the dark's settling after a reset, DN.
    response : float32
        Quantum efficiency relative to the mean, for all bands.
    flags : dict of str to uint32 [y, x]
        Flags by reference type (mask, saturation, superbias, linearity, dark, flat, gain).
    seed : int
        What they were drawn from.
    """

    chip: object
    region: Region
    gain: np.ndarray
    cds_noise: np.ndarray
    bias: np.ndarray
    coefficients: np.ndarray
    well: np.ndarray
    dark: np.ndarray
    settling: np.ndarray
    response: np.ndarray
    flags: dict = field(default_factory=dict)
    seed: int = 0

    @property
    def reference_pixels(self):
        """True where a pixel is a reference pixel [y, x]."""
        return (self.flags["mask"] & dq.REFERENCE_PIXEL) != 0

    @property
    def true_gain(self):
        """Gain without gaps (e-/DN)."""
        return np.where(np.isfinite(self.gain), self.gain, np.float32(self.chip.gain))


def draw_detector(chip, region=FULL_FRAME, *, seed=0, defects=1.0):
    """Draw the maps of a detector.

    Parameters
    ----------
    chip : jwcal.simulate.instruments.Chip
        Detector.
    region : Region
        Part of the full frame; the same pixels come out whatever the region.
    seed : int
        Seed of the observatory.
    defects : float
        Multiplies the number of bad pixels; 0 makes a perfect array.

    Returns
    -------
    Detector
    """
    flags = _draw_flags(chip, region, seed, defects)

    def normal(name):
        return draw_normal(make_key(seed, chip.name, name), region)

    def smooth(name, cells=6):
        return draw_smooth(make_key(seed, chip.name, name), region, cells)

    reference = (flags["mask"] & dq.REFERENCE_PIXEL) != 0
    gain = chip.gain * (1 + 0.006 * smooth("gain") + 0.004 * normal("gain"))
    gain[flags["gain"] != 0] = np.nan
    noise = chip.cds_noise / chip.gain * (1 + 0.02 * smooth("noise") + 0.05 * np.abs(normal("noise")))
    curvature = LINEARITY_AT_WELL / WELL * (1 + 0.06 * smooth("linearity", 3) + 0.03 * normal("linearity"))
    coefficients = np.stack([np.zeros_like(gain), np.ones_like(gain), 0.75 * curvature, 0.25 * curvature / WELL])
    response = 1 + 0.015 * smooth("response") + 0.008 * normal("response")
    response[(flags["mask"] & dq.DEAD) != 0] = 0
    low = (flags["mask"] & dq.FLAGS["LOW_QE"]) != 0
    response[low] *= 0.4
    response[reference] = 0
    settling = 12.0 + 3.0 * smooth("settling") + 1.5 * normal("settling")
    return Detector(
        chip=chip,
        region=region,
        gain=gain.astype(np.float32),
        cds_noise=noise.astype(np.float32),
        bias=_draw_bias(chip, region, seed),
        coefficients=coefficients.astype(np.float32),
        well=(WELL * (1 + 0.02 * smooth("well") + 0.015 * normal("well"))).astype(np.float32),
        dark=np.where(reference, 0, _draw_dark(chip, region, seed, flags)).astype(np.float32),
        settling=np.where(reference, 0, settling).astype(np.float32),
        response=response.astype(np.float32),
        flags=flags,
        seed=seed,
    )


def _draw_bias(chip, region, seed):
    """Superbias: amplifier steps, alternating columns, a gradient and pixel-to-pixel pattern, DN."""
    x, y = np.arange(region.nx) + region.x0, np.arange(region.ny) + region.y0
    fast, slow = (x, y[:, None]) if abs(chip.fastaxis) == 1 else (y[:, None], x)
    rng = np.random.default_rng(int(make_key(seed, chip.name, "bias steps")))
    steps = rng.normal(0, 60, 4)[fast // 512]
    odd = rng.normal(0, 30, 4)[fast // 512] * (fast % 2)
    gradient = 300 * np.exp(-slow / 250.0)
    pattern = 120 * draw_normal(make_key(seed, chip.name, "bias"), region)
    return (BIAS + steps + odd + gradient + pattern).astype(np.float32)


def _draw_dark(chip, region, seed, flags):
    """Dark current, e-/s: a broad distribution, a warm corner, and hot pixels where the mask says so."""
    normal = draw_normal(make_key(seed, chip.name, "dark"), region)
    x, y = (np.arange(region.nx) + region.x0) / FULL_SIZE, (np.arange(region.ny) + region.y0) / FULL_SIZE
    corner = np.exp(-((x[None, :] - 0.05) ** 2 + (y[:, None] - 0.95) ** 2) / 0.05)
    dark = chip.dark * np.exp(0.35 * normal) * (1 + 1.5 * corner)
    uniform = draw_uniform(make_key(seed, chip.name, "hot rate"), region)
    dark += np.where(flags["mask"] & dq.HOT, 2.0 * 30.0**uniform, 0)
    return dark + np.where(flags["mask"] & dq.FLAGS["WARM"], 0.2 * 8.0**uniform, 0)


# Fractions of bad pixels: reference type, flags, fraction.
_DEFECTS = (
    ("mask", ("DEAD", "DO_NOT_USE"), 4e-4),
    ("mask", ("HOT", "DO_NOT_USE"), 4e-4),
    ("mask", ("WARM",), 1.2e-3),
    ("mask", ("LOW_QE",), 3e-4),
    ("mask", ("TELEGRAPH",), 2e-4),
    ("mask", ("OTHER_BAD_PIXEL", "DO_NOT_USE"), 1e-4),
    ("saturation", ("NO_SAT_CHECK",), 1e-4),
    ("superbias", ("UNRELIABLE_BIAS",), 2e-4),
    ("linearity", ("NO_LIN_CORR",), 1e-4),
    ("linearity", ("NONLINEAR",), 1e-4),
    ("dark", ("UNRELIABLE_DARK",), 2e-4),
    ("flat", ("UNRELIABLE_FLAT",), 2e-4),
    ("flat", ("NO_FLAT_FIELD", "DO_NOT_USE"), 1e-4),
    ("gain", ("NO_GAIN_VALUE", "DO_NOT_USE"), 5e-5),
)


def _draw_flags(chip, region, seed, defects):
    """Flags of each reference type; reference pixels are marked in the mask, unusable there for science in the flat."""
    flags = {}
    reference = find_reference_pixels(region, chip.size, chip.border)
    for position, (reftype, names, fraction) in enumerate(_DEFECTS):
        array = flags.setdefault(reftype, np.zeros((region.ny, region.nx), np.uint32))
        chosen = draw_uniform(make_key(seed, chip.name, "defect", position), region) < fraction * defects
        array[chosen & ~reference] |= np.uint32(sum(dq.FLAGS[name] for name in names))
    flags["mask"][reference] = dq.REFERENCE_PIXEL
    bad = draw_uniform(make_key(seed, chip.name, "bad reference"), region) < 1e-3 * defects
    flags["mask"][bad & reference] |= np.uint32(dq.FLAGS["BAD_REF_PIXEL"] | dq.DO_NOT_USE)
    flags["flat"][reference] = dq.NO_FLAT_FIELD | dq.DO_NOT_USE
    return flags


def find_reference_pixels(region, size=(FULL_SIZE, FULL_SIZE), border=(BORDER, BORDER)):
    """True near the full frame's edges [y, x]; `size` and `border` as in `jwcal.simulate.instruments.Chip`."""
    axes = np.arange(region.nx) + region.x0, np.arange(region.ny) + region.y0
    edge_x, edge_y = ((a < width) | (a >= full - width) for a, full, width in zip(axes, size, border))
    return edge_y[:, None] | edge_x[None, :]


def draw_response(detector, filter_name, pupil):
    """Quantum efficiency [y, x] in one band: the detector's own, with a small band-dependent part."""
    key = make_key(detector.seed, detector.chip.name, "band", filter_name, pupil)
    return detector.response * (1 + 0.003 * draw_normal(key, detector.region))


def cut(detector, region):
    """The same detector over a smaller region."""
    y0, x0 = region.y0 - detector.region.y0, region.x0 - detector.region.x0
    window = (Ellipsis, slice(y0, y0 + region.ny), slice(x0, x0 + region.nx))
    names = ("gain", "cds_noise", "bias", "coefficients", "well", "dark", "settling", "response")
    maps = {name: getattr(detector, name)[window] for name in names}
    flags = {reftype: array[window] for reftype, array in detector.flags.items()}
    return Detector(chip=detector.chip, region=Region(*region), flags=flags, seed=detector.seed, **maps)
