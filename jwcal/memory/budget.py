"""How much memory and time a job of stages 1 and 2 takes, and what is done when a ramp is too large: one place for it.

Asked while Snakemake lays out the workflow, so there are no arrays here, only numbers.
"""

import math

# Bytes of ramp and results of an exposure that is calibrated at one go: twice 20 groups of a whole detector just fit.
# Larger ones lie in a temporary file and are worked on in blocks of integrations of at most so many samples; smaller
# blocks are no faster, and larger ones hold memory for nothing.
MOST_BYTES = 1_050_000_000
BLOCK_SAMPLES = 40_000_000
BAND_BYTES = 200_000_000  # of a band of rows of all integrations: samples, flags, results
SHARES, LEAST_SHARE = 8, 1 << 16  # in which a ramp in memory is fitted and given up; pixels of a share that is worth it
SAMPLE_BYTES, RESULT_BYTES, PIXEL_BYTES = 5, 20, 40  # of a group; of an integration's results; of maps and references
INTERPRETER = 165  # MB: Python, its libraries, compiled kernels
MARGIN = 1.1
# Other jobs: bytes in units of the first input's size in memory (float32), and MB that do not grow.
OTHERS = {"guider": (3, 400), "resample": (3, 500), "image2": (2.5, 500), "image2ints": (2.5, 500)}
RATE_PLANES = 6  # of a `_rate` or `_cal` in memory
STAGE1 = ("detector1", "dark")
MINUTES, SAMPLES_A_MINUTE = 10, 30_000_000  # a slow disk or processor included


def list_blocks(shape):
    """(first, past the last) integration of the blocks that a ramp [integration, group, y, x] is worked on in."""
    n_integrations, samples = shape[0], math.prod(shape[1:])
    if n_integrations * (SAMPLE_BYTES * samples + RESULT_BYTES * samples // shape[1]) <= MOST_BYTES:
        return [(0, n_integrations)]
    length = max(1, BLOCK_SAMPLES // samples)
    return [(first, min(first + length, n_integrations)) for first in range(0, n_integrations, length)]


def can_give_up(shape):
    """Whether a ramp in memory gives way to its results while it is fitted: small pieces are not given back."""
    return shape[2] // SHARES * shape[3] >= LEAST_SHARE


def count_rows(shape, further=0):
    """Rows of a ramp that are held at a time, with all their integrations and results; one at least.

    `further` bytes come with each pixel of an integration.
    """
    n_integrations, n_groups, _, nx = shape
    return max(1, BAND_BYTES // (n_integrations * nx * (SAMPLE_BYTES * n_groups + RESULT_BYTES + 4 + further)))


def estimate_memory(rule, shape, aside=0):
    """Peak memory of a job, MB.

    Parameters
    ----------
    rule : str
        detector1, dark, guider, image2, image2ints or resample.
    shape : (int, int, int, int)
        Integrations, groups, rows, columns of the exposure's file.
    aside : int
        Bytes that come along for each pixel of an integration: first frames, MIRI's reference output.
    """
    n_integrations, n_groups, ny, nx = shape
    if rule not in STAGE1:
        factor, fixed = OTHERS[rule]
        return int(fixed + factor * 4e-6 * n_integrations * ny * nx * (n_groups if rule == "guider" else RATE_PLANES))
    first, last = max(list_blocks(shape), key=lambda block: block[1] - block[0])
    held = (last - first) * ny * nx * (SAMPLE_BYTES * n_groups + aside)
    if last - first == n_integrations:
        results = (n_integrations + 1) * ny * nx * RESULT_BYTES  # the mean is one of them
        held = max(held, results) if can_give_up(shape) else held + results
    else:
        rows = min(ny, count_rows(shape))
        held = max(held, rows * n_integrations * nx * (SAMPLE_BYTES * n_groups + RESULT_BYTES + 4))
    return int(MARGIN * (INTERPRETER + 1e-6 * (held + PIXEL_BYTES * ny * nx)))


def estimate_minutes(rule, shape):
    """Longest time that a job should take, minutes; arguments as in `estimate_memory`."""
    samples = math.prod(shape) if rule in (*STAGE1, "guider") else RATE_PLANES * math.prod(shape) // shape[1]
    return MINUTES + samples // SAMPLES_A_MINUTE
