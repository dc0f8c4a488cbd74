"""Arrays too large to hold: they lie in a nameless temporary file that is mapped, and look like any other array.

Pages of the file that were touched count as the job's memory until they are let go (`release`), which loses nothing:
they are read again from the system's own cache, or from disk. Whoever walks through a large array lets go as it
proceeds; for arrays in memory that does nothing and costs nothing.

The file lies beside the product that is made and has no name, so that nothing is left behind, even by a process that
is killed.
"""

import errno
import math
import mmap
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from jwcal.errors import JwcalError
from jwcal.memory import budget


def map_array(shape, dtype, folder):
    """An array of zeros in a nameless file.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : numpy dtype
        Its type.
    folder : str or pathlib.Path
        Where the file lies; made if there is none.

    Raises
    ------
    JwcalError
        When there is no room for the file.
    """
    size = max(1, math.prod(shape) * np.dtype(dtype).itemsize)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".jwcal-") as file:
            if hasattr(os, "posix_fallocate"):  # else a full disk would end the process later, without a word
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
            pages = _Pages(file.fileno(), size)
            pages.file = os.dup(file.fileno())
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS):
            raise
        message = f"no room for a temporary file of {size / 1e9:.1f} GB ({error.strerror}); free some space"
        raise JwcalError(message, folder) from error
    array = np.ndarray(shape, dtype, pages)
    pages.folder, pages.address = folder, _find_address(array)
    return array


class _Pages(mmap.mmap):
    """The pages of a file; where they lie in memory, the folder and the descriptor of the file."""

    folder, address, file = None, 0, -1

    def __del__(self):
        os.close(self.file)


def _find_address(array):
    return array.__array_interface__["data"][0]


def find_pages(array):
    """The mapped pages of a temporary file that an array is a view of, None for others."""
    pages = _find_map(array)
    return pages if isinstance(pages, _Pages) else None


def _find_map(array):
    """Pages that can be let go without loss: a temporary file's, or of a file that is only read."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return array._mmap if array.mode == "r" else None
        array = array.base
    if isinstance(array, memoryview):
        array = array.obj
    return array if isinstance(array, _Pages) else None


def release(*arrays):
    """Let go of the pages of mapped arrays, temporary or of a reference file; others stay as they are."""
    for array in arrays:
        pages = _find_map(array)
        if pages is not None:
            pages.madvise(mmap.MADV_DONTNEED)


def make_like(array, shape, dtype):
    """An array of zeros: in memory, or mapped where another one is."""
    pages = find_pages(array)
    return np.zeros(shape, dtype) if pages is None else map_array(shape, dtype, pages.folder)


def walk(array):
    """Yield the parts of an array along its first axis, and let go of each."""
    for part in array:
        yield part
        release(array)


def list_bands(array, further=0):
    """Slices of rows of a ramp [integration, group, y, x]: all if it is in memory, else so many as memory takes.

    `further` bytes of results come with each pixel of an integration.
    """
    ny = array.shape[2]
    if find_pages(array) is None:
        return [slice(0, ny)]
    height = budget.count_rows(array.shape, further)
    return [slice(first, min(first + height, ny)) for first in range(0, ny, height)]


def list_stretches(array):
    """Slices along the first axis of an array: all at once for arrays in memory, else so many as memory takes."""
    count = array.shape[0]
    if find_pages(array) is None:
        return [slice(0, count)]
    length = max(1, budget.BAND_BYTES * count // array.nbytes)
    return [slice(first, min(first + length, count)) for first in range(0, count, length)]


def take(array, rows):
    """Some rows of an array [..., y, x], contiguous: the array itself if these are all, else a copy."""
    if rows.stop - rows.start == array.shape[-2]:
        return np.ascontiguousarray(array)
    part = np.empty((*array.shape[:-2], rows.stop - rows.start, array.shape[-1]), array.dtype)
    for index in np.ndindex(array.shape[:-2]):
        copy(array[index][rows], part[index])
    return part


def put(array, rows, part):
    """Write rows back into an array they were taken from (`take`), or into another one of its shape."""
    if part is not array:
        for index in np.ndindex(array.shape[:-2]):
            copy(part[index], array[index][rows])


def copy(source, target):
    """Copy a contiguous array. Mapped ones are read and written like files: that is faster, and touches no pages."""
    pages, written = find_pages(source), find_pages(target)
    if pages is not None:
        _transfer(os.preadv, pages, source, target)
    elif written is not None:
        _transfer(os.pwritev, written, target, source)
    else:
        target[...] = source


def _transfer(call, pages, mapped, array):
    """Read or write all of an array, whatever part of it the system takes at once."""
    offset, content = _find_address(mapped) - pages.address, memoryview(array.reshape(-1)).cast("B")
    while content:
        done = call(pages.file, [content], offset)
        content, offset = content[done:], offset + done


def give_up(array, rows):
    """Give the memory of some rows of an array [..., y, x] back to the system; they are lost.

    Arrays that are no plain memory stay as they are, and so do all where the system knows no such thing.
    """
    if find_pages(array) is not None or not array.flags.c_contiguous or not sys.platform.startswith("linux"):
        return
    width = array.shape[-1] * array.itemsize
    advise = _find_advise()
    for plane in np.ndindex(array.shape[:-2]):
        start = _find_address(array[plane])
        first = -(-(start + rows.start * width) // mmap.PAGESIZE) * mmap.PAGESIZE
        past = (start + rows.stop * width) // mmap.PAGESIZE * mmap.PAGESIZE
        if past > first:
            advise(first, past - first, mmap.MADV_DONTNEED)


def _find_advise():
    """The system's madvise, which the module mmap has for its own arrays only."""
    import ctypes

    advise = ctypes.CDLL(None).madvise
    advise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    return advise


def fit_in_bands(fit, make, ramp, maps, *rest, further=0):
    """Fit ramps pixel by pixel, some rows at a time.

    Parameters
    ----------
    fit : callable
        ``fit(data, groupdq, pixeldq, zeroframe, maps, *rest, rows, outputs)`` fills those rows of the outputs,
        arrays [..., y, x], that `rows`, (first, past the last), tells.
    make : callable
        ``make(height)`` gives the outputs, unfilled, for so many rows.
    ramp : (ndarray, ndarray, ndarray, ndarray, bool)
        data and groupdq [integration, group, y, x], pixeldq [y, x], zeroframe [integration, y, x]; and whether data and
        groupdq may be given up row by row (`Ramp.spendable`), which makes room for the outputs.
    maps : tuple of ndarray
        [y, x] each.
    rest : tuple
        What is the same for all pixels.
    further : int
        Bytes of results that come with each pixel of an integration, besides count rates.

    Returns
    -------
    tuple of ndarray
        The outputs for all rows; mapped where the ramp is.
    """
    *arrays, spendable = ramp
    if find_pages(arrays[0]) is not None:
        return _fit_mapped(fit, make, arrays, maps, rest, further)
    ny = arrays[0].shape[2]
    outputs, height = make(ny), -(-ny // budget.SHARES) if spendable else ny
    for first in range(0, ny, height):
        rows = slice(first, min(first + height, ny))
        fit(*arrays, maps, *rest, (rows.start, rows.stop), outputs)
        if spendable:
            give_up(arrays[0], rows)
            give_up(arrays[1], rows)
    return outputs


def _fit_mapped(fit, make, arrays, maps, rest, further):
    """Fit a mapped ramp, as many rows at a time as memory takes."""
    outputs, size = None, arrays[0].shape[-2:]
    for rows in list_bands(arrays[0], further):
        parts, height = make(rows.stop - rows.start), rows.stop - rows.start
        own = tuple(take(image, rows) for image in maps)
        fit(*(take(array, rows) for array in arrays), own, *rest, (0, height), parts)
        if outputs is None:
            outputs = tuple(make_like(arrays[0], (*part.shape[:-2], *size), part.dtype) for part in parts)
        for output, part in zip(outputs, parts, strict=True):
            put(output, rows, part)
        parts = part = own = None  # before the next ones are made
    return outputs
