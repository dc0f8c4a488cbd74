"""First differences of ramps, in electrons, a row of pixels at a time.

d_k = e_{k+1} - e_k with e = gain * data, NaN where either group is flagged as bad (SATURATED or DO_NOT_USE, say). The
product is formed in registers: there is no copy of the ramp in electrons.
"""

import numpy as np

from jwcal.kernels import leaf, pixel
from jwcal.kernels.sorting import WIDTH

DO_NOT_USE, SATURATED, JUMP_DET = np.uint8(1), np.uint8(2), np.uint8(4)
UNUSABLE = np.uint8(3)  # DO_NOT_USE | SATURATED
NAN = np.float32(np.nan)
INF = np.float32(np.inf)


@leaf
def _load_group(samples, flags, gain, bad, seen, signal):
    """Electrons of one group into `signal`, NaN where `bad`; its flags are added to `seen`."""
    for w in range(samples.size):
        electrons = samples[w] * gain[w]
        seen[w] |= flags[w]
        signal[w] = NAN if flags[w] & bad else electrons


@leaf
def _difference(signal, previous, differences):
    """Differences to the group before, of which `signal` then takes the place."""
    for w in range(signal.size):
        differences[w] = signal[w] - previous[w]
        previous[w] = signal[w]


@pixel
def load_differences(data, groupdq, gain, bad, y, x0, differences, seen):
    """Fill `differences` (float32 [NINTS * (NGROUPS - 1), WIDTH]) for the pixels from (y, x0) on.

    Samples with one of the flags `bad` are left out. `seen` (uint8 [WIDTH]) gets the union of each pixel's group flags.
    Returns the number of pixels, at most WIDTH.
    """
    n_integrations, n_groups = data.shape[:2]
    stop = min(x0 + WIDTH, data.shape[3])
    width = stop - x0
    previous, signal = np.empty(width, np.float32), np.empty(width, np.float32)
    seen[:] = 0
    k = 0
    for i in range(n_integrations):
        _load_group(data[i, 0, y, x0:stop], groupdq[i, 0, y, x0:stop], gain[y, x0:stop], bad, seen, previous)
        for g in range(1, n_groups):
            _load_group(data[i, g, y, x0:stop], groupdq[i, g, y, x0:stop], gain[y, x0:stop], bad, seen, signal)
            _difference(signal, previous, differences[k])
            k += 1
    return width


@leaf
def include(seen, flag):
    """Whether any pixel has the flag."""
    union = np.uint8(0)
    for w in range(seen.size):
        union |= seen[w]
    return union & flag != 0


@leaf
def _prepare_row(differences, row, counts):
    for w in range(differences.size):
        usable = differences[w] == differences[w]
        counts[w] += np.int32(usable)
        row[w] = differences[w] if usable else INF


@leaf
def prepare_sorting(differences, block, counts):
    """Copy differences to `block` with +inf for NaN; `counts` tells how many are not NaN."""
    counts[:] = 0
    for k in range(differences.shape[0]):
        _prepare_row(differences[k], block[k], counts)


@leaf
def load_variances(gain, readnoise, nframes, y, x0, variances):
    """Fill `variances` (float64 [WIDTH], e-^2) with that of a difference of two groups by read noise alone.

    The reference gives the noise of a difference of two single frames, in DN.
    """
    for w in range(min(WIDTH, gain.shape[1] - x0)):
        noise = readnoise[y, x0 + w] * gain[y, x0 + w]
        variances[w] = np.float64(noise * noise) / nframes
