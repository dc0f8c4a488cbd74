"""Slow, obvious twin of the correction of interleaved frames (IRS2), and makers of such ramps."""

import numpy as np
from naive_detector import make_ramp

from jwcal import dq

NIRSPEC = {"INSTRUME": "NIRSPEC", "EXP_TYPE": "NRS_IFU", "READPATT": "NRSIRS2RAPID", "NRS_NORM": 16, "NRS_REF": 4,
           "SUBARRAY": "FULL"}  # fmt: skip
AXES = {"NRS1": (2, 1), "NRS2": (-2, -1)}
ROWS, COLUMNS, CLOCKS, SAMPLES = 3200, 2048, 712, 2048 * 712


class Filters:
    """A refpix reference in memory: filters by name (``alpha_0`` ...), 0 where none is given, and bad pairs."""

    path = "irs2.fits"

    def __init__(self, bad=(), **filters):
        names = [f"{name}_{k}" for name in ("alpha", "beta") for k in range(4)]
        self.complex = {name: np.zeros(SAMPLES, np.complex64) for name in names} | filters
        self.bad = bad

    def has(self, extname):
        return True

    def table(self, extname):
        if extname == "DQ":
            return self.bad
        pairs = {name: np.stack([f.real, f.imag], axis=1).reshape(-1) for name, f in self.complex.items()}
        table = np.zeros(2 * SAMPLES, [(name, ">f4") for name in pairs])
        for name, values in pairs.items():
            table[name] = values
        return table


def make_interleaved(data, detector="NRS1", **keywords):
    """Interleaved ramp of data [integration, group, 3200, 2048] with the detector's flags of reference pixels."""
    fast, slow = AXES[detector]
    ramp = make_ramp(data, **(NIRSPEC | {"DETECTOR": detector, "FASTAXIS": fast, "SLOWAXIS": slow} | keywords))
    ramp.header["SUBSIZE2"] = 2048
    ramp.pixeldq[:, :4] = ramp.pixeldq[:, -4:] = dq.REFERENCE_PIXEL
    return ramp


def naive_noise(frames, detector, filters):
    """Corrected frames [group, y, x] of one integration, without interleaved rows; no samples are bad."""
    frames = frames if detector == "NRS1" else frames[:, ::-1, ::-1]
    frames = frames.astype(float)
    mean = frames.mean(axis=0)
    result = np.empty((len(frames), 4 * 512, COLUMNS))
    for g, frame in enumerate(frames - mean):
        series = [naive_series(frame[640 * o : 640 * (o + 1)], backwards=o % 2 == 0) for o in range(5)]
        series = [naive_level(s) for s in series]
        o_spectrum = np.fft.fft(naive_fill(series[0][0]).ravel())
        for o in range(1, 5):
            values, kind = series[o]
            spectrum = np.fft.fft(naive_show(values, kind).ravel())
            model = filters[f"beta_{o - 1}"] * spectrum + filters[f"alpha_{o - 1}"] * o_spectrum
            clean = (values - np.fft.ifft(model).real.reshape(values.shape))[:, kind == "pixel"].T
            result[g, 512 * (o - 1) : 512 * o] = clean if o % 2 else clean[::-1]
    pixels = np.concatenate([640 * o + np.flatnonzero(naive_kinds() == "pixel") for o in range(1, 5)])
    result += mean[pixels]
    return result if detector == "NRS1" else result[:, ::-1, ::-1]


def naive_kinds():
    """What the 640 samples of an output along a column are."""
    return np.array(["pixel"] * 8 + (["reference"] * 4 + ["pixel"] * 16) * 31 + ["reference"] * 4 + ["pixel"] * 8)


def naive_series(output, backwards):
    """Samples of an output in time [column, clock] with gaps as 0, and what is read at each clock."""
    output, kinds = output[::-1] if backwards else output, naive_kinds()
    values, kind = [], []
    for k, sample in zip(kinds, output):
        if kind and k != kind[-1]:
            values.append(np.zeros(COLUMNS))
            kind.append("gap")
        values.append(sample)
        kind.append(k)
    values += [np.zeros(COLUMNS)] * 8
    kind += ["gap"] * 8
    return np.array(values).T, np.array(kind)


def naive_level(series):
    """A series less the straight line through its first and last four columns."""
    values, kind = series
    time = np.arange(SAMPLES).reshape(values.shape) - (SAMPLES - 1) / 2
    ends = np.r_[0:4, -4:0]
    used = values[ends] != 0
    slope, level = np.polyfit(time[ends][used], values[ends][used], 1) if used.any() else (0, 0)
    return np.where(values != 0, values - level - slope * time, 0), kind


def naive_show(values, kind):
    """Reference samples shown at the eight clocks about each block: 1 3 1 3 2 4 2 4."""
    shown = np.zeros_like(values)
    first = np.flatnonzero(kind == "reference")[::4]
    for start in first:
        for k, which in enumerate((0, 2, 0, 2, 1, 3, 1, 3)):
            shown[:, start - 2 + k] = values[:, start + which]
    return shown


def naive_fill(values):
    """The reference output's series with its gaps filled."""
    weights, flat = np.sin(np.pi * np.arange(1, 32) / 32), values.ravel()
    total, weight = np.zeros(SAMPLES), np.zeros(SAMPLES)
    for shift, w in zip(range(-15, 16), weights):
        moved = np.roll(flat, shift)
        total += w * moved
        weight += w * (moved != 0)
    with np.errstate(invalid="ignore"):
        bridged = np.where(flat != 0, flat, np.where(weight > 0, total / weight, 0))
    frequency = np.abs(np.fft.fftfreq(SAMPLES)) * SAMPLES
    frequency = np.minimum(frequency, SAMPLES // 2 - frequency)
    fall = (
        1 + np.cos(np.pi * np.clip((frequency - 30268 + (np.abs(np.fft.fftfreq(SAMPLES)) > 0.25)) / 5000, 0, 1))
    ) / 2
    pixels = np.zeros((COLUMNS, CLOCKS), bool)
    clock = np.arange(CLOCKS)
    pixels[:, ((clock % 22 < 8) | (clock % 22 > 13)) & (clock < 704)] = True
    filled = bridged
    for _ in range(3):
        filled = np.fft.ifft(np.fft.fft(filled) * fall).real
        filled[pixels.ravel()] = bridged[pixels.ravel()]
    return filled.reshape(values.shape)
