"""Undo the capacitive coupling between neighbouring pixels."""

from dataclasses import replace

import numpy as np

from jwcal.errors import JwcalError
from jwcal.kernels.ipc import convolve
from jwcal.models import Ramp
from jwcal.readout.interleaved.layout import find_axes, find_normal, is_interleaved
from jwcal.references import Reference

LONGEST_SIDE = 2048
EDGE = 4  # reference pixels at each edge of a detector
MIRI_COLUMNS = 1032


def ipc(ramp: Ramp, ipc: Reference) -> Ramp:
    """Convolve each group with the deconvolution kernel, in place.

    Reference pixels are neither changed nor used: four rows and columns at the edges of near-infrared detectors, four
    columns at both sides of MIRI's; nor are interleaved ones (NIRSpec's IRS2). ZEROFRAME stays as it is.

    Parameters
    ----------
    ramp : Ramp
        Ramp, DN.
    ipc : Reference
        Kernel SCI: one [j, i] for all pixels, or one a pixel [j, i, y, x] (full frame; cut to the subarray here).

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    JwcalError
        When the kernel has an even size or does not cover the exposure.
    """
    place = find_normal(find_axes(ramp)[0]) if is_interleaved(ramp) else np.arange(ramp.data.shape[2])
    outline = replace(ramp, data=np.broadcast_to(np.float32(0), (1, 1, len(place), ramp.data.shape[3])))
    kernel = _read_kernel(outline, ipc)
    rows, columns = _science_region(outline)
    convolve(ramp.data, place, kernel, rows, columns)
    return ramp


def _read_kernel(ramp, ipc):
    """Kernel as [j, i, y, x], with y and x of length 1 if it is the same everywhere."""
    ndim = ipc.lazy("SCI").ndim
    if ndim not in (2, 4):
        raise JwcalError(f"IPC kernel has {ndim} dimensions; 2 or 4 are possible", ipc.path)
    kernel = ipc.image("SCI")[..., None, None] if ndim == 2 else ipc.image("SCI", like=ramp)
    if kernel.shape[0] % 2 == 0 or kernel.shape[1] % 2 == 0:
        raise JwcalError(
            f"IPC kernel of {kernel.shape[1]}x{kernel.shape[0]} has no central pixel; odd sizes only", ipc.path
        )
    return np.ascontiguousarray(kernel)


def _science_region(ramp):
    """Rows and columns of the image that see light: (first, past the last) of each."""
    x0, y0, nx, ny = ramp.subarray
    if ramp.keyword("INSTRUME") == "MIRI":
        return (0, ny), (max(0, EDGE - x0), min(nx, MIRI_COLUMNS - EDGE - x0))
    last = LONGEST_SIDE - EDGE
    return (max(0, EDGE - y0), min(ny, last - y0)), (max(0, EDGE - x0), min(nx, last - x0))
