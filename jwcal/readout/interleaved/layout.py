"""Where an interleaved frame (NIRSpec's IRS2) holds which sample, and when each of them is read.

A frame has 3200 rows of 2048 columns. Along a column lie, in the order of the detector, 640 samples of the reference
output and 640 of each of the four outputs: after every 16 samples of pixels come 4 of reference pixels, the first of
these blocks after 8. The reference output is read out just so. All outputs are read at the same time, a column after
the other; the reference output, the second and the fourth from the last row to the first. A clock is lost at each
jump to the reference pixels and back, eight at the end of a column: 712 clocks in all.
"""

import numpy as np

from jwcal.errors import JwcalError

OUTPUTS = 5  # the reference output and four others
WIDTH = 640  # samples of an output along a column
NORMAL, REFERENCE = 16, 4  # samples of pixels, and of reference pixels, in turn
ROWS, COLUMNS = OUTPUTS * WIDTH, 2048  # of a frame
CLOCKS = 712  # from the start of a column to that of the next
EDGE = 4  # columns of reference pixels at either side, as in every frame
_PERIOD = NORMAL + REFERENCE
_FIRST = NORMAL // 2  # where the first block of reference pixels begins


def is_interleaved(ramp):
    """True where a ramp holds interleaved reference pixels."""
    return ramp.keyword("INSTRUME", "") == "NIRSPEC" and ramp.data.shape[-2] > COLUMNS


def check_layout(ramp):
    """Refuse frames of another layout.

    Raises
    ------
    JwcalError
        When the size, the numbers of samples in turn (NRS_NORM, NRS_REF) or the direction of reading is another one.
    """
    turns = int(ramp.keyword("NRS_NORM", NORMAL)), int(ramp.keyword("NRS_REF", REFERENCE))
    if ramp.data.shape[-2:] != (ROWS, COLUMNS) or turns != (NORMAL, REFERENCE) or abs(find_axes(ramp)[0]) != 2:
        raise JwcalError(
            f"interleaved frames of {ramp.data.shape[-2]} rows with NRS_NORM = {turns[0]}, NRS_REF = {turns[1]} and "
            f"FASTAXIS = {find_axes(ramp)[0]} are not supported; only IRS2 frames of {ROWS} rows, 16 and 4 along "
            "axis 2 are",
            ramp.path,
        )


def find_axes(ramp):
    """FASTAXIS and SLOWAXIS: the rows and the columns of the image, negative for backwards."""
    return int(ramp.keyword("FASTAXIS")), int(ramp.keyword("SLOWAXIS"))


def _order(fast):
    """Place on the detector of each row of the image, along the way that it is read; its own inverse."""
    return np.arange(ROWS)[:: 1 if fast > 0 else -1]


def find_interleaved(fast):
    """True for rows of the image that hold reference pixels, in the reference output also where it takes its turn."""
    place = _order(fast) % WIDTH
    return (place >= _FIRST) & ((place - _FIRST) % _PERIOD < REFERENCE)


def find_outputs(fast):
    """True for rows of the image that do not belong to the reference output."""
    return _order(fast) >= WIDTH


def find_normal(fast):
    """Rows of the image that hold pixels of the detector, int64 [2048], ascending."""
    return np.flatnonzero(find_outputs(fast) & ~find_interleaved(fast))


def schedule_rows(fast):
    """Row of the image that each output reads at each clock of a column, int64 [output, clock]; -1 for none."""
    place = np.arange(WIDTH)
    block, interleaved = (place - _FIRST) // _PERIOD, (place - _FIRST) % _PERIOD < REFERENCE
    clock = np.where(place < _FIRST, place, place + 2 * block + np.where(interleaved, 1, 2))
    rows = np.full((OUTPUTS, CLOCKS), -1)
    for output in range(OUTPUTS):
        along = place if output % 2 else WIDTH - 1 - place
        rows[output, clock] = _order(fast)[output * WIDTH + along]
    return rows


def schedule_columns(slow):
    """Columns of the image in the order in which they are read, int64 [2048]."""
    return np.arange(COLUMNS)[:: 1 if slow > 0 else -1].copy()


def find_pairs(fast):
    """Pairs of reference pixels: rows of the image int64 [output, pair, 2]; a reference pixel is read twice.

    Outputs are in the order of the image's rows.
    """
    rows = np.flatnonzero(find_interleaved(fast))
    return rows.reshape(OUTPUTS, -1, 2)


def find_parity(fast):
    """Parity (0 or 1) of the detector's column that each row of the image was read from, int64 [3200].

    Pixels alternate; of the four reference samples in a block two are of either kind.
    """
    place = _order(fast)
    return np.where(find_interleaved(fast), place % 4 // 2, place % 2)


def drop_interleaved(ramp, data=None):
    """Leave only the pixels of the detector in a ramp, in place; arrays move to the front of their memory.

    Parameters
    ----------
    ramp : jwcal.models.Ramp
        Interleaved ramp.
    data : float32 [integration, group, y, x], optional
        Data that have been moved already.
    """
    rows = find_normal(find_axes(ramp)[0])
    ramp.data = _pack(ramp.data, rows) if data is None else data
    ramp.groupdq = _pack(ramp.groupdq, rows)
    if ramp.zeroframe is not None:
        ramp.zeroframe = _pack(ramp.zeroframe, rows)
    ramp.pixeldq = ramp.pixeldq[rows]
    return ramp


def view_front(array, count):
    """The front of an array's memory as an array [..., row, x] of `count` rows."""
    shape = *array.shape[:-2], count, array.shape[-1]
    return array.reshape(-1)[: np.prod(shape)].reshape(shape)


def _pack(array, rows):
    """Move some rows (ascending) of all planes [..., y, x] to the front of the memory, plane by plane."""
    target = view_front(array, len(rows))
    for plane in np.ndindex(array.shape[:-2]):
        target[plane] = array[plane][rows]
    return target
