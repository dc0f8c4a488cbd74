"""Slow, obvious twins of the detector kernels, and makers of small ramps and reference files for their tests."""

import numpy as np
from astropy.io import fits

from jwcal.fitsfiles import Extension, write_fits
from jwcal.models import Ramp
from jwcal.references import Reference

DNU, SAT, FLOOR = 1, 2, 64
NIRCAM = {"INSTRUME": "NIRCAM", "DETECTOR": "NRCA1", "EXP_TYPE": "NRC_IMAGE", "FASTAXIS": -1, "SLOWAXIS": 2}
NIRISS = {"INSTRUME": "NIRISS", "DETECTOR": "NIS", "EXP_TYPE": "NIS_IMAGE", "FASTAXIS": -2, "SLOWAXIS": -1}


def make_ramp(data, zeroframe=None, **keywords):
    """A raw ramp with NIRCam's keywords, others as given; no flags."""
    data = np.array(data, np.float32)
    ny, nx = data.shape[-2:]
    keywords = NIRCAM | {"NFRAMES": 1, "GROUPGAP": 0, "NOUTPUTS": 1, "SUBSTRT1": 1, "SUBSTRT2": 1} | keywords
    header = fits.Header(list((keywords | {"SUBSIZE1": nx, "SUBSIZE2": ny}).items()))
    return Ramp(
        header=header,
        sci_header=fits.Header(),
        data=data,
        groupdq=np.zeros(data.shape, np.uint8),
        pixeldq=np.zeros((ny, nx), np.uint32),
        zeroframe=None if zeroframe is None else np.array(zeroframe, np.float32),
    )


def write_reference(path, reftype, start=(1, 1), keywords=None, **arrays):
    """A FITS reference of the given extensions whose first pixel is at `start` (SUBSTRT1, SUBSTRT2)."""
    header = fits.Header([("SUBSTRT1", start[0]), ("SUBSTRT2", start[1]), *(keywords or {}).items()])
    types = {name: np.uint32 if name == "DQ" else np.float32 for name in arrays}
    extensions = [Extension(name, np.asarray(array, types[name])) for name, array in arrays.items()]
    write_fits(path, [Extension("PRIMARY", header=header), *extensions])
    return Reference(path, reftype)


def naive_saturation(data, groupdq, threshold, bias, grow, nframes):
    """Flags of a ramp, sample by sample, by the words of the documentation."""
    flags = groupdq.copy()
    nint, ngroup = data.shape[:2]
    for i in range(nint):
        for g in range(ngroup):
            reached = (data[i, : g + 1] >= threshold).any(axis=0)
            flags[i, g][naive_dilate(reached, grow)] |= SAT
            flags[i, g][data[i, g] <= 0] |= FLOOR | DNU
        if nframes == 1:
            continue
        before = flags[i].copy()
        for g in range(ngroup - 1):
            reads = g * nframes + np.arange(1, nframes + 1)
            diluted = np.where(threshold == 65536, threshold, threshold * (reads.mean() / reads[-1]))
            partial = (data[i, g] >= diluted) & (before[g] & (SAT | DNU) == 0) & (before[g + 1] & SAT != 0)
            flags[i, g][naive_dilate(partial, grow)] |= DNU
        if ngroup > 2:
            expected = (data[i, 0] - bias) / (0.5 * (nframes + 1)) * 3 * nframes + bias
            surprise = (data[i, 1] - data[i, 0]) > (threshold - data[i, 0]) / np.float32(nframes)
            third = (before[2] & SAT != 0) & (before[1] & SAT == 0)
            flags[i, 1][(expected < threshold) & surprise & third] |= DNU
    return flags


def naive_dilate(mask, grow):
    """Every pixel within `grow` rows and columns of one in the mask."""
    result = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        result[max(0, y - grow) : y + grow + 1, max(0, x - grow) : x + grow + 1] = True
    return result


def naive_linear(coefficients, signal):
    """One pixel's polynomial."""
    return sum(float(c) * signal**k for k, c in enumerate(coefficients))


def naive_linearize_reads(data, flags, coefficients, inverse, nframes):
    """One pixel's groups [group], each the mean of reads, made linear read by read."""
    good = flags & SAT == 0
    reads = np.arange(len(data))[:, None] * nframes + np.arange(nframes)
    linear = np.where(good, naive_linear(coefficients, data.astype(float)), data)
    last = max(good.sum() - 2, 1)
    rate = (linear[last] - linear[0]) / (reads[last].mean() - reads[0].mean())
    result = data.astype(float)
    for g in np.flatnonzero(good):
        shown = naive_linear(inverse, linear[0] + rate * (reads[g] - reads[0].mean()))
        result[g] = naive_linear(coefficients, shown + data[g] - shown.mean()).mean()
    return result


def naive_convolve(image, kernel, rows, columns):
    """Convolution of a region [y, x] with kernels [j, i, y, x]."""
    result, kernel = image.astype(float), kernel.astype(float)
    ny, nx = kernel.shape[:2]
    for y in range(*rows):
        for x in range(*columns):
            result[y, x] = sum(
                kernel[j, i, min(y, kernel.shape[2] - 1), min(x, kernel.shape[3] - 1)]
                * float(image[y + ny // 2 - j, x + nx // 2 - i])
                for j in range(ny)
                for i in range(nx)
                if rows[0] <= y + ny // 2 - j < rows[1] and columns[0] <= x + nx // 2 - i < columns[1]
            )
    return result


def naive_clipped_mean(values, limit):
    """Mean after repeated clipping."""
    values = np.asarray(values, float)
    while True:
        kept = values[np.abs(values - values.mean()) <= limit * values.std()]
        if kept.size in (0, values.size):
            return values.mean()
        values = kept


def naive_four_outputs(image, bad, x0, y0, fast, slow, length=11, limit=3.0):
    """Reference-pixel correction of one image, put into a whole detector that is turned the way it is read."""
    whole, use = np.full((2048, 2048), np.nan), np.zeros((2048, 2048), bool)
    ny, nx = image.shape
    whole[y0 : y0 + ny, x0 : x0 + nx], use[y0 : y0 + ny, x0 : x0 + nx] = image, ~bad
    turned, usable = (turn(a, fast, slow).copy() for a in (whole, use))
    for output in range(4):
        means = []
        for parity in (0, 1):
            columns = slice(512 * output + parity, 512 * (output + 1), 2)
            edges = [turned[rows, columns][usable[rows, columns]] for rows in (slice(0, 4), slice(2044, 2048))]
            found = [naive_clipped_mean(edge, limit) for edge in edges if edge.size]
            means.append(np.mean(found) if found else np.nan)
        if not np.isnan(means).any():
            for parity in (0, 1):
                turned[:, 512 * output + parity : 512 * (output + 1) : 2] -= means[parity]
    turned -= naive_sides(turned, usable, length)[:, None]
    return turn(turned, fast, slow, back=True)[y0 : y0 + ny, x0 : x0 + nx]


def naive_sides(turned, usable, length):
    """Mean of the running medians of the left and right reference pixels of each row; 0 where there are none."""
    half = length // 2
    result = np.zeros(2048)
    for row in range(2048):
        window = np.abs(np.arange(row - half, row + half + 1))
        window[window > 2047] = 2 * 2047 - window[window > 2047]
        blocks = [(turned[window][:, c], usable[window][:, c]) for c in (slice(0, 4), slice(2044, 2048))]
        medians = [np.median(values[good]) for values, good in blocks if good.any()]
        result[row] = np.mean(medians) if medians else 0.0
    return result


def turn(image, fast, slow, back=False):
    """Science image to the order of read-out (row, column), or back."""
    rows, columns = (slow, fast) if abs(fast) == 1 else (fast, slow)
    flipped = slice(None, None, rows // abs(rows)), slice(None, None, columns // abs(columns))
    if abs(fast) == 1:
        return image[flipped]
    return image.T[flipped] if back else image[flipped].T


def naive_persistence(data, groupdq, times, duration, threshold):
    """True for groups [integration, group] of one pixel that lie in a window."""
    end, inside = 0.0, np.zeros(data.shape, bool)
    for i in range(data.shape[0]):
        for g in range(data.shape[1]):
            if times[i, g] > end:
                end = 0.0
            saturated_so_far = (groupdq[i, : g + 1] & SAT != 0).sum()
            if saturated_so_far == 1 or (end == 0 and data[i, g] > threshold):
                end = times[i, g] + duration
            inside[i, g] = end > 0
    return inside
