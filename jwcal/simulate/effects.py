"""What a detector does to the light: one function an effect, each the opposite of a calibration step.

All act in place on signals [..., y, x] and return them. A frame meets them in the reverse order of stage 1.
Charge (e-): dark current, persistence, shot noise, cosmic rays. Signal (DN): non-linearity, saturation. Raw (DN):
superbias, inter-pixel coupling, kTC noise, telegraph noise, bias drift, odd/even steps, 1/f noise, read noise. Then the
converter, and the averaging of frames.
"""

import numpy as np
from numba import njit, prange

from jwcal.simulate.detectors import INTER_PIXEL, SETTLING_FRAMES
from jwcal.simulate.randoms import draw_poisson

DRIFT = 0.2  # DN, step of the amplifiers' random walk from frame to frame
ODD_EVEN = 0.5  # DN, scatter of the odd against the even columns
FLICKER_COMMON = 0.8  # DN rms of the 1/f noise that all outputs share
FLICKER_OUTPUT = 0.4  # DN rms of the 1/f noise of each output
FLICKER_STEP = 16  # pixels over which the 1/f noise is taken as a straight line
KTC_NOISE = 35.0  # e-
TELEGRAPH = 60.0  # DN


def add_dark_current(charge, dark, seconds):
    """Add the expected dark charge: rate (e-/s) [y, x] times `seconds`. Undone by dark_current."""
    charge += dark * np.float32(seconds)
    return charge


def add_settling(charge, settling, first, last):
    """Add the dark's settling between two frames after a reset, A (1 - exp(-n / tau)) in e-. Undone by dark_current."""
    share = np.exp(-first / SETTLING_FRAMES) - np.exp(-last / SETTLING_FRAMES)
    if share > 1e-7:
        charge += settling * np.float32(share)
    return charge


def add_persistence(charge, traps, start, stop, time_constant):
    """Add charge released by traps (e- at time zero) [y, x] between two times in s. Flagged by persistence."""
    charge += traps * np.float32(np.exp(-start / time_constant) - np.exp(-stop / time_constant))
    return charge


def add_shot_noise(charge, rng):
    """Replace expected charges (e-, float32 [y, x]) by Poisson draws, whose variance ramp_fit weights by."""
    draw_poisson(charge, np.uint64(rng.integers(2**63)))
    return charge


def add_cosmic_rays(charge, hits):
    """Add deposits: `hits` is a structured array with columns y, x, electrons. Undone by jump."""
    np.add.at(charge, (hits["y"], hits["x"]), hits["electrons"])
    return charge


@njit(cache=True, parallel=True)
def _delinearise(signal, coefficients):
    order = coefficients.shape[0]
    for row in prange(signal.shape[0]):
        for column in range(signal.shape[1]):
            target = np.float64(signal[row, column])
            measured = target
            for _ in range(25):
                value = np.float64(coefficients[order - 1, row, column])
                slope = 0.0
                for k in range(order - 2, -1, -1):
                    slope = slope * measured + value
                    value = value * measured + coefficients[k, row, column]
                step = (value - target) / slope
                measured -= step
                if abs(step) < 1e-9 * (1 + abs(measured)):
                    break
            signal[row, column] = measured


def add_nonlinearity(signal, coefficients):
    """Turn true signals into measured ones: solve sum of c_k m^k = true for m by Newton's method. Undone by linearity.

    Parameters
    ----------
    signal : float32 [..., y, x]
        True signal above bias, DN; changed in place.
    coefficients : float32 [k, y, x]
        Of the linearity reference.
    """
    for plane in signal.reshape(-1, *signal.shape[-2:]):
        _delinearise(plane, coefficients)
    return signal


def add_saturation(signal, well):
    """Hold measured signals (DN above bias) at the well [y, x]. Flagged by saturation."""
    np.minimum(signal, well, out=signal)
    return signal


def add_superbias(signal, bias):
    """Add the superbias (DN) [y, x]. Undone by superbias."""
    signal += bias
    return signal


def add_ktc_noise(signal, gain, rng):
    """Add the reset level's noise, one draw for all frames of an integration; a constant that slopes do not see."""
    signal += rng.standard_normal(signal.shape[-2:], dtype=np.float32) * np.float32(KTC_NOISE) / gain
    return signal


def coupling_kernel():
    """3 x 3 kernel of inter-pixel capacitance: what a pixel's neighbours see of its signal; sums to one."""
    side, up = INTER_PIXEL
    corner = side * up
    middle = 1 - 2 * side - 2 * up - 4 * corner
    return np.array([[corner, up, corner], [side, middle, side], [corner, up, corner]])


@njit(cache=True, parallel=True)
def _convolve(image, kernel, science):
    result = image.copy()
    ny, nx = image.shape
    for row in prange(ny):
        for column in range(nx):
            if not science[row, column]:
                continue
            total = 0.0
            for j in range(-1, 2):
                for i in range(-1, 2):
                    r, c = row + j, column + i
                    if 0 <= r < ny and 0 <= c < nx and science[r, c]:
                        total += kernel[1 + j, 1 + i] * image[r, c]
            result[row, column] = total
    return result


def add_coupling(signal, science):
    """Share each pixel's signal with its neighbours by capacitance, among `science` (bool [y, x]). Undone by ipc."""
    kernel = coupling_kernel()
    for plane in signal.reshape(-1, *signal.shape[-2:]):
        plane[...] = _convolve(plane, kernel, science)
    return signal


def add_telegraph_noise(signal, telegraph, rng):
    """Let telegraph pixels (bool [y, x]) jump between two levels from frame to frame. Flagged in the mask."""
    count = int(telegraph.sum())
    signal[..., telegraph] += np.float32(TELEGRAPH) * rng.integers(0, 2, (*signal.shape[:-2], count))
    return signal


def detector_view(image, chip):
    """View [..., slow, fast] of an image in the order in which it is read out."""
    slow, fast = image.ndim - 2, image.ndim - 1
    if abs(chip.fastaxis) == 2:
        image = image.swapaxes(slow, fast)
    return image[..., :: 1 if chip.slowaxis > 0 else -1, :: 1 if chip.fastaxis > 0 else -1]


def add_bias_drift(signal, chip, outputs, walk):
    """Add a drift per output (DN), `walk` [outputs]. Undone by refpix."""
    view = detector_view(signal, chip)
    width = view.shape[-1] // outputs
    for output in range(outputs):
        view[..., output * width : (output + 1) * width] += np.float32(walk[output])
    return signal


def add_odd_even_steps(signal, chip, outputs, rng):
    """Add steps between odd and even columns of each output (DN), drawn for each frame. Undone by refpix."""
    view = detector_view(signal, chip)
    width = view.shape[-1] // outputs
    for output in range(outputs):
        for parity in (0, 1):
            view[..., output * width + parity : (output + 1) * width : 2] += np.float32(rng.normal(0, ODD_EVEN))
    return signal


def draw_flicker(samples, rng):
    """A stretch of noise with power 1/f and unit variance, `samples` long."""
    spectrum = rng.standard_normal((2, samples // 2 + 1), dtype=np.float32)
    amplitude = np.zeros(samples // 2 + 1, np.float32)
    amplitude[1:] = 1 / np.sqrt(np.arange(1, samples // 2 + 1, dtype=np.float32))
    series = np.fft.irfft((spectrum[0] + 1j * spectrum[1]) * amplitude, samples)
    return (series / (series.std() or 1)).astype(np.float32)


def add_flicker_noise(signal, chip, outputs, rng):
    """Add 1/f noise along the readout to one frame [y, x]: a part that all outputs share, and a part of each.

    Undone by refpix (from the side pixels) and clean_flicker_noise.
    """
    view = detector_view(signal, chip)
    rows, width = view.shape[0], view.shape[1] // outputs
    knots = max(width // FLICKER_STEP, 1)
    common = FLICKER_COMMON * draw_flicker(rows * knots, rng).reshape(rows, knots)
    for output in range(outputs):
        own = FLICKER_OUTPUT * draw_flicker(rows * knots, rng).reshape(rows, knots)
        columns = np.repeat(common + own, -(-width // knots), axis=1)[:, :width]
        view[:, output * width : (output + 1) * width] += columns
    return signal


def white_noise(cds_noise):
    """Noise of one read (DN) [y, x] besides 1/f noise: a readnoise reference, measured on real frames, holds both."""
    return np.sqrt(np.maximum(cds_noise**2 / 2 - FLICKER_COMMON**2 - FLICKER_OUTPUT**2, 0))


def add_read_noise(signal, noise, rng):
    """Add white noise of standard deviation `noise` (DN) [y, x], drawn for every sample."""
    signal += rng.standard_normal(signal.shape, dtype=np.float32) * noise
    return signal


def convert(signal):
    """Digitise: whole numbers from 0 to 65535 (uint16)."""
    return np.clip(np.floor(signal), 0, 65535).astype(np.uint16)


def average_frames(total, divisor):
    """Average of a group's frames as on board: their sum (uint32) over the divisor, cut to a whole number.

    Undone by group_scale where the divisor is not the number of frames.
    """
    return np.minimum(total // np.uint32(divisor), 65535).astype(np.uint16)
