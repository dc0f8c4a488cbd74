"""Rectangles of numbers in a temporary file: what would be too much to hold for all exposures at once.

The file lies in TMPDIR and has no name: nothing is left behind, even by a process that is killed. It is read and
written, not mapped, since mapped pages count as the job's memory.
"""

import tempfile
from typing import NamedTuple

import numpy as np

ITEM = np.dtype(np.float32)


class Part(NamedTuple):
    """A rectangle of a frame that is kept: its first row and column, its rows and columns, its place in the file."""

    y: int
    x: int
    ny: int
    nx: int
    offset: int


class Scratch:
    """A temporary file of float32 rectangles; a context manager."""

    def __init__(self):
        self._file = tempfile.TemporaryFile(prefix="jwcal-")
        self._end = 0

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._file.close()

    def reserve(self, shape, origin=(0, 0)):
        """Make room for a rectangle of a shape at an origin (row, column); returns its `Part`."""
        part = Part(*origin, *shape, self._end)
        self._end += part.ny * part.nx * ITEM.itemsize
        return part

    def keep(self, plane, origin=(0, 0)):
        """Write a rectangle; returns its `Part`."""
        part = self.reserve(plane.shape, origin)
        self.write(part, plane, part.y)
        return part

    def write(self, part, rows, first):
        """Write whole rows of a part, from row `first` of the frame on."""
        self._file.seek(part.offset + (first - part.y) * part.nx * ITEM.itemsize)
        self._file.write(memoryview(np.ascontiguousarray(rows, ITEM)).cast("B"))

    def read(self, part, rows, columns=None):
        """Read a rectangle of a part.

        Parameters
        ----------
        part : Part
            Where it is kept.
        rows, columns : (int, int)
            First and last + 1 of the frame, within the part; all columns by default.

        Returns
        -------
        float32 [y, x]
        """
        first, last = (part.x, part.x + part.nx) if columns is None else columns
        result = np.empty((rows[1] - rows[0], last - first), ITEM)
        start = part.offset + ((rows[0] - part.y) * part.nx + first - part.x) * ITEM.itemsize
        if last - first == part.nx:
            self._fill(result, start)
        else:
            for row in result:
                self._fill(row, start)
                start += part.nx * ITEM.itemsize
        return result

    def _fill(self, array, start):
        self._file.seek(start)
        self._file.readinto(memoryview(array).cast("B"))
