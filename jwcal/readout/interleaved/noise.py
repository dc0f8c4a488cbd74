"""The noise that interleaved reference pixels and the reference output show, subtracted in Fourier space (IRS2).

The noise of an output is modelled as beta F(r) + alpha F(o) at each frequency, where r is the series of its own
reference samples (each shown at the clocks about it, 0 elsewhere) and o that of the reference output, and alpha and
beta come from the reference file, where they were fitted to darks. Gaps in o are filled first, by means of neighbours,
then by what remains of its low frequencies (and of those near the highest one: even and odd columns differ).

Only noise that changes within the ramp is seen: the mean of all groups is taken off first and stays in the data.

Reference: Rauscher et al. 2017, PASP 129, 105003.
"""

from typing import NamedTuple

import numpy as np

from jwcal.errors import JwcalError
from jwcal.kernels.interleaved_references import bridge_gaps, lay_out, subtract_series
from jwcal.readout.interleaved import layout, transforms
from jwcal.readout.interleaved.layout import CLOCKS, COLUMNS, EDGE, OUTPUTS

SAMPLES = COLUMNS * CLOCKS
ROWS_AT_ONCE = 64
BRIDGE = np.sin(np.pi * np.arange(1, 32) / 32)  # weights of neighbours across a gap
TAPER = 5000  # frequencies over which the low-pass filter falls
PASSED = CLOCKS // 22 * COLUMNS // 2 - TAPER // 2  # frequencies that it leaves
PASSES = 3
BLOCK, SHOWN = 22, (9, 11, 9, 11, 10, 12, 10, 12)  # clocks of a block; which of them clocks 7 to 14 show


class Schedule(NamedTuple):
    """What is read when.

    Attributes
    ----------
    read : int64 [output, clock]
        Row that each output reads at each clock of a column; -1 for none.
    rows, clocks : int64 [output, clock]
        Row and own clock of the sample that a series shows at each clock: all of the reference output, the reference
        samples of the others. -1 for none.
    columns, places_in_time : int64 [column]
        Columns of the image as they are read; when each of them is read.
    normal : bool [clock]
        Where pixels are read.
    places : int64 [row, 3]
        Rows of the image to be corrected, their output and clock.
    """

    read: np.ndarray
    rows: np.ndarray
    clocks: np.ndarray
    columns: np.ndarray
    places_in_time: np.ndarray
    normal: np.ndarray
    places: np.ndarray


def make_schedule(fast, slow, kept):
    """`Schedule` for frames of FASTAXIS and SLOWAXIS, of which the rows `kept` are corrected."""
    read = layout.schedule_rows(fast)
    clock = np.arange(CLOCKS)
    shown = np.full(CLOCKS, -1)
    inside = (clock % BLOCK >= 7) & (clock % BLOCK < 15) & (clock < CLOCKS // BLOCK * BLOCK)
    shown[inside] = clock[inside] // BLOCK * BLOCK + np.array(SHOWN)[clock[inside] % BLOCK - 7]
    clocks = np.stack([clock] + [shown] * (OUTPUTS - 1))
    rows = np.where(clocks >= 0, np.take_along_axis(read, np.maximum(clocks, 0), axis=1), -1)
    columns = layout.schedule_columns(slow)
    where = {int(row): (output, t) for (output, t), row in np.ndenumerate(read) if row >= 0}
    places = np.array([(row, *where[int(row)]) for row in kept if where[int(row)][0] > 0])
    return Schedule(read, rows, clocks, columns, np.argsort(columns), _find_normal(), places)


def _find_normal():
    clock = np.arange(CLOCKS)
    inside = (clock % BLOCK < 8) | (clock % BLOCK >= 14)
    return inside & (clock < CLOCKS // BLOCK * BLOCK)


def read_filters(reference):
    """Filters alpha and beta of the reference file, each complex64 [output - 1, 45, 16384] as spectra are laid out.

    The noise is real; of filters that are not those of a real kernel only that part counts.
    """
    if not reference.has("IRS2"):
        raise JwcalError("has no table IRS2; give a refpix reference for the IRS2 read-out", reference.path)
    table = reference.table("IRS2")
    if len(table) != 2 * SAMPLES:
        raise JwcalError(f"table IRS2 has {len(table)} rows; {2 * SAMPLES} are expected", reference.path)
    order = transforms.list_frequencies()
    names = [[f"{name}_{k}" for k in range(OUTPUTS - 1)] for name in ("alpha", "beta")]
    return [np.stack([_read_filter(table[name], order) for name in group]) for group in names]


def _read_filter(column, order):
    """One filter; real and imaginary parts take turns."""
    whole = np.empty(SAMPLES, np.complex64)
    whole.real, whole.imag = column[0::2], column[1::2]
    return (np.take(whole, order) + np.take(whole, -order, mode="wrap").conj()) / 2


def make_low_pass():
    """The filter that fills gaps of the reference output, float32 [45, 16384]: it leaves both ends of the spectrum."""
    frequency = transforms.list_frequencies()
    frequency = np.minimum(frequency, SAMPLES - frequency)
    fall = (np.cos(np.pi * np.arange(TAPER) / TAPER) + 1) / 2
    passed = np.zeros(SAMPLES // 2 + 1, np.float32)
    passed[:PASSED], passed[PASSED : PASSED + TAPER] = 1, fall
    passed[-1 - PASSED :], passed[-1 - PASSED - TAPER : -1 - PASSED] = 1, fall[::-1]
    return passed[frequency]


def subtract_noise(integration, target, schedule, filters, preserve=False):
    """Correct all groups of an integration.

    Parameters
    ----------
    integration : float32 [group, y, x]
        Interleaved frames, DN.
    target : float32 [group, row, x]
        Where the corrected rows go (`schedule.places`); may be memory of `integration`, see `subtract_series`.
    schedule : Schedule
        What is read when.
    filters : (alpha, beta)
        As `read_filters` gives them.
    preserve : bool
        Correct the reference samples as well, in `integration`: those of the reference output are those that were used,
        interleaved ones are left without their mean.
    """
    low_pass, mean = make_low_pass(), average_groups(integration)
    series = np.empty((OUTPUTS, COLUMNS, CLOCKS), np.float32)
    for plane, corrected in zip(integration, target, strict=True):
        lines = fit_lines(plane, mean, schedule)
        lay_out(plane, mean, schedule.rows, schedule.clocks, schedule.columns, lines, series)
        model_noise(series, filters, low_pass, schedule.normal)
        subtract_series(plane, corrected, mean, schedule.places, schedule.places_in_time, lines, series[1:])
        if preserve:
            _restore_references(plane, mean, series[0], schedule)


def _restore_references(plane, mean, used, schedule):
    """Put what was used of the reference output [column, clock] into a frame; take the mean off interleaved rows."""
    read = schedule.read >= 0
    plane[schedule.read[0, read[0]]] = used[schedule.places_in_time][:, read[0]].T
    plane[schedule.read[0, read[0]]] += mean[schedule.read[0, read[0]]]
    interleaved = schedule.read[1:][read[1:] & ~schedule.normal]
    plane[interleaved] -= mean[interleaved]


def average_groups(integration):
    """Mean of all groups, float64 [y, x]: exactly that of a sample which never changes."""
    mean = np.empty(integration.shape[1:])
    for row in range(0, len(mean), ROWS_AT_ONCE):
        part = np.s_[row : row + ROWS_AT_ONCE]
        mean[part] = integration[:, part].sum(axis=0, dtype=np.float64) / len(integration)
    return mean


def fit_lines(plane, mean, schedule):
    """Straight line in time through the first and the last four columns of each output, float64 [output, 2].

    Level and slope (DN, DN a clock) about the middle of the frame: they take out the step from one frame to the next.
    """
    ends = np.r_[0:EDGE, COLUMNS - EDGE : COLUMNS]
    columns = schedule.columns[ends]
    values = (plane[:, columns] - mean[:, columns]).T
    lines = np.zeros((OUTPUTS, 2))
    for output, (rows, clocks) in enumerate(_list_samples(schedule)):
        own = values[:, rows]
        time = ends[:, None] * CLOCKS + clocks - (SAMPLES - 1) / 2
        used = (own != 0) & ~np.isnan(own)
        if used.any():
            lines[output] = _fit_line(time[used], own[used])
    return lines


def _list_samples(schedule):
    """Rows and clocks of all samples of a column, for each output."""
    for rows in schedule.read:
        read = rows >= 0
        yield rows[read], np.flatnonzero(read)


def _fit_line(time, values):
    """Level at time 0 and slope of the straight line by least squares."""
    centre = time.mean()
    slope = ((time - centre) * values).sum() / max(np.square(time - centre).sum(), np.finfo(float).tiny)
    return values.mean() - slope * centre, slope


def model_noise(series, filters, low_pass, normal):
    """Replace the series of all outputs but the first by the noise of these outputs, and fill the first one's gaps.

    Parameters
    ----------
    series : float32 [output, column, clock]
        Series of the reference output, and of the others' reference samples; overwritten.
    filters : (alpha, beta)
        complex64 [output - 1, 45, 16384].
    low_pass : float32 [45, 16384]
        What fills the gaps.
    normal : bool [clock]
        Where pixels are read.
    """
    reference, *others = series.reshape(OUTPUTS, SAMPLES)
    fill_gaps(reference, low_pass, normal)
    shared = transforms.transform(reference)
    for own, alpha, beta in zip(others, *filters, strict=True):
        spectrum = transforms.transform(own)
        spectrum *= beta
        spectrum += alpha * shared
        transforms.transform_back(spectrum, own)


def fill_gaps(reference, low_pass, normal):
    """Fill the gaps of the reference output's series float32 [sample], in place."""
    bridged = bridge_gaps(reference, BRIDGE).reshape(COLUMNS, CLOCKS)
    reference[:] = bridged.reshape(-1)
    for _ in range(PASSES):
        spectrum = transforms.transform(reference)
        spectrum *= low_pass
        transforms.transform_back(spectrum, reference)
        np.copyto(reference.reshape(COLUMNS, CLOCKS), bridged, where=normal)
