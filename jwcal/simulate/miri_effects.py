"""What MIRI's detectors do besides, one function an effect, each the opposite of a calibration step.

All act in place on one frame [y, x] (DN) and return it. Frames of an integration are counted from one.
"""

import numpy as np

RESET_TIME = 3.0  # e-folding time of the reset anomaly, frames
RESET_FRAMES = 16  # frames after which it is gone
RESET_LATER = 0.7  # its size in later integrations, relative to the first
FIRST_FRAME = 40.0  # DN that the first frame lies below the ramp
FIRST_TIME = 0.15  # e-folding time of that, frames
DECAY_SHARE = 0.01  # of the last integration's signal that the next one lacks at first
DECAY_TIME = 0.4  # e-folding time of that, frames
LAST_FRAME = 0.03  # share of the signal that the reset takes from the last frame
OUTPUTS = 4

# Electromagnetic interference: frequency in Hz, and its wave in DN by phase as sums of (order, sine, cosine).
WAVES = {
    "Hz390": (390.625, ((1, 3.0, 0.5), (2, 0.8, -0.6), (3, 0.0, 0.3))),
    "Hz218": (218.52055, ((1, 1.5, 0.0), (2, 0.0, 0.4))),
    "Hz10": (10.039216, ((1, 1.6, 0.4), (2, -0.3, 0.2))),
}
CLOCK = 1e-5  # s, of one pixel
DETECTOR_ROWS = 1024
IDLE_CLOCKS = 7  # that a row outside of the subarray takes


def share_reset_anomaly(integration, frame):
    """Size of the reset anomaly in a frame (from one) of an integration (from zero), relative to that of frame 0."""
    if frame > RESET_FRAMES:
        return 0.0
    return float((RESET_LATER if integration else 1.0) * np.exp(-frame / RESET_TIME))


def add_reset_anomaly(signal, amplitude, integration, frame):
    """Add the reset anomaly of a map of amplitudes (DN) [y, x]. Undone by reset."""
    share = share_reset_anomaly(integration, frame)
    if share:
        signal += amplitude * np.float32(share)
    return signal


def add_reset_decay(signal, previous, frame):
    """Take away what the first frames lack after an integration that ended at `previous` DN [y, x]. Flagged by rscd."""
    first, later = (np.float32(np.exp(-(frame - 1) / time)) for time in (FIRST_TIME, DECAY_TIME))
    if later > 1e-6:
        signal -= np.float32(FIRST_FRAME) * first + np.float32(DECAY_SHARE) * previous * later
    return signal


def add_last_frame(signal, bias):
    """Pull the last frame down towards the bias (DN) [y, x], as the reset of its rows begins. Flagged by lastframe."""
    signal -= np.float32(LAST_FRAME) * (signal - bias)
    return signal


def add_output_drift(signal, drifts):
    """Add a drift (DN) for each parity of rows and each interleaved output, `drifts` [2, 4]. Undone by refpix."""
    for parity, output in np.ndindex(2, OUTPUTS):
        signal[parity::2, output::OUTPUTS] += np.float32(drifts[parity, output])
    return signal


def draw_wave(name, phase):
    """Wave of an interference (DN) at phases in cycles."""
    phase = np.asarray(phase, float) * 2 * np.pi
    return sum(sine * np.sin(k * phase) + cosine * np.cos(k * phase) for k, sine, cosine in WAVES[name][1])


def count_clocks(rows, rowclocks):
    """Clocks of one frame of a subarray of so many rows: its own rows, and those that are passed over."""
    return rows * rowclocks + (DETECTOR_ROWS - rows) * IDLE_CLOCKS


def time_pixels(shape, rowclocks, samples):
    """When each pixel of an output is read, in clocks from the start of a frame, int64 [y, x / 4]."""
    ny, nx = shape
    return np.arange(ny)[:, None] * rowclocks + np.arange(nx // OUTPUTS)[None, :] * samples


def measure_interference(name, clocks, phase):
    """Interference (DN) at times in clocks from the start of the exposure; `phase` is that of time zero, in cycles."""
    return draw_wave(name, clocks * (WAVES[name][0] * CLOCK) + phase)


def add_interference(signal, wave):
    """Add an interference [y, x / 4] to all four outputs at once. Undone by emicorr."""
    signal += np.repeat(wave, OUTPUTS, axis=1).astype(np.float32)
    return signal
