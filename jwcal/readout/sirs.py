"""Rows of a near-infrared full frame corrected by an optimal filter over its side reference pixels (SIRS).

Four reference pixels at the left and four at the right of each row see the noise that all outputs share. For each
output a filter for either side, fitted to darks and given by its Fourier series, turns their means along the rows into
the noise of that output: ``template = left * means_left + right * means_right`` (convolutions).

Reference: Rauscher et al. 2022, Proc. SPIE 12180, 1218008.
"""

import logging

import numpy as np

from jwcal.errors import JwcalError

log = logging.getLogger("jwcal")

SIDE = 4  # columns of reference pixels at a side
DEVIATION = 1.48  # standard deviations in a median absolute deviation of normal noise


def read_kernels(reference, detector, gaussmooth, halfwidth):
    """Filters of a detector.

    Parameters
    ----------
    reference : jwcal.references.Reference or None
        sirskernel: by detector (lower case) Fourier series ``gamma`` (left) and ``zeta`` (right) [output, frequency].
    detector : str
        Value of DETECTOR.
    gaussmooth : float
        Standard deviation of the Gaussian that smoothes the filters, rows.
    halfwidth : int
        Rows that are kept of a filter on either side of its middle.

    Returns
    -------
    float64 [side, output, row] or None
        None where the file, or there being none, tells nothing of the detector.

    Raises
    ------
    JwcalError
        When a setting makes no sense.
    """
    if not gaussmooth > 0:
        raise JwcalError(f"gaussmooth = {gaussmooth} is out of range; give a positive number")
    branches = {} if reference is None else {name.lower(): branch for name, branch in reference.tree.items()}
    branch = branches.get(detector.lower())
    if branch is None:
        log.warning("refpix: no SIRS kernels for %s; the running median is used", detector)
        return None
    series = np.array([branch["gamma"], branch["zeta"]])
    middle = series.shape[-1] - 1
    if not 0 <= halfwidth <= middle - 1:
        raise JwcalError(f"halfwidth = {halfwidth} is out of range; give 0 to {middle - 1}", reference.path)
    whole = np.fft.fftshift(np.fft.irfft(series, axis=-1), axes=-1)
    rows = np.arange(-halfwidth, halfwidth + 1)
    bell = np.exp(-(rows**2) / (2 * gaussmooth**2))
    kernels = whole[..., middle - halfwidth : middle + halfwidth + 1]
    return np.apply_along_axis(np.convolve, -1, kernels, bell / bell.sum(), mode="same")


def subtract_filtered(stack, axes, kernels, sigreject, keep_zeros):
    """Subtract the filtered side pixels from all planes, in place.

    Side pixels farther than `sigreject` standard deviations from the median of their side are left out, and NaN; flags
    do not count, as in the official package.

    Parameters
    ----------
    stack : float32 [..., y, x]
        Full frames, DN.
    axes : (int, int)
        FASTAXIS and SLOWAXIS.
    kernels : float64 [side, output, row]
        Filters.
    sigreject : float
        Standard deviations.
    keep_zeros : bool
        Samples that are exactly 0 mean "unusable" and stay.
    """
    fast, slow = axes
    for plane in stack.reshape(-1, *stack.shape[-2:]):
        turned = (plane if abs(fast) == 1 else plane.T)[:: np.sign(slow), :: np.sign(fast)]
        noise = filter_sides(turned, kernels, sigreject)
        width = turned.shape[1] // len(noise)
        unusable = plane == 0 if keep_zeros else None
        for output, template in enumerate(noise):
            turned[:, output * width : (output + 1) * width] -= template[:, None]
        if keep_zeros:
            plane[unusable] = 0


def filter_sides(frame, kernels, sigreject):
    """Noise of each output along the rows of a frame as it is read, float32 [output, row]."""
    noise = np.zeros((kernels.shape[1], len(frame)))
    for side, filters in zip((frame[:, :SIDE], frame[:, -SIDE:]), kernels, strict=True):
        values = side.astype(float)
        middle = np.nanmedian(values)
        good = np.abs(values - middle) <= sigreject * DEVIATION * np.nanmedian(np.abs(values - middle))
        share, means = good.mean(axis=1), np.where(good, values, 0).sum(axis=1) / SIDE
        for output, kernel in enumerate(filters):
            weight = np.convolve(share, kernel, mode="same")
            scale = np.convolve(np.ones(len(frame)), kernel, mode="same")
            filtered = np.convolve(means, kernel, mode="same")
            noise[output] += np.divide(filtered * scale, weight, out=np.zeros_like(scale), where=weight != 0)
    return noise
