"""How much memory and time a job of stages 1 and 2 takes, and what is done when a ramp is too large: one place for it.

Asked while Snakemake lays out the workflow, so there are no arrays here, only numbers.
"""

import math
from typing import NamedTuple

# Bytes of ramp and results of an exposure that is calibrated at one go: twice 20 groups of a whole detector just fit.
# Larger ones lie in a temporary file and are worked on in blocks of integrations of at most so many samples; smaller
# blocks are no faster, and larger ones hold memory for nothing.
MOST_BYTES = 1_050_000_000
BLOCK_SAMPLES = 40_000_000
BAND_BYTES = 200_000_000  # of a band of rows of all integrations: samples, flags, results
SHARES, LEAST_SHARE = 8, 1 << 16  # in which a ramp in memory is fitted and given up; pixels of a share that is worth it
SAMPLE_BYTES, RESULT_BYTES, PIXEL_BYTES = 5, 20, 40  # of a group; of an integration's results; of maps and references
INTERPRETER = 175  # MB: Python, its libraries, compiled kernels
MARGIN = 1.1
# A segment of `_fitopt` takes so many bytes of each pixel of an integration, used or not; there are as many as in the
# pixel with most, which the header does not tell: mostly so many, less with few groups or hits.
SEGMENT_BYTES, SEGMENTS = 38, 4
MODEL_BYTES, MODEL = 25, 70  # of a pixel, to model its background; MB of the libraries for that
# Other jobs: bytes in units of the first input's size in memory (float32), and MB that do not grow.
OTHERS = {"guider": (3, 400), "resample": (3, 500)}
RATE_PLANES = 6  # of a `_rate` or `_cal` in memory
LIGHT = 80  # MB: a job of stage 2, which needs next to no compiled kernels
RATE_BYTES, FLAT_BYTES = 48, 16  # of a pixel of an integration: arrays of a `_rate` and of its `_cal`; of maps
BACKGROUND_BYTES = 32  # of a pixel of each background
MOST_PIXELS = 1 << 24  # of all integrations of a `_rateints` that are calibrated at one go
STAGE1 = ("detector1", "dark")
MINUTES, SAMPLES_A_MINUTE = 10, 30_000_000  # a slow disk or processor included


def list_blocks(shape):
    """(first, past the last) integration of the blocks that a ramp [integration, group, y, x] is worked on in."""
    n_integrations, samples = shape[0], math.prod(shape[1:])
    if n_integrations * (SAMPLE_BYTES * samples + RESULT_BYTES * samples // shape[1]) <= MOST_BYTES:
        return [(0, n_integrations)]
    return _cut(n_integrations, samples, BLOCK_SAMPLES)


def list_image_blocks(shape):
    """The same of count rates [integration, y, x], or of a single image [y, x]."""
    if len(shape) == 2 or math.prod(shape) <= MOST_PIXELS:
        return [(0, shape[0] if len(shape) == 3 else 1)]
    return _cut(shape[0], math.prod(shape[1:]), MOST_PIXELS)


def _cut(count, size, most):
    """Blocks of `count` integrations of some size, of at most `most` altogether, of one integration at least."""
    length = max(1, most // size)
    return [(first, min(first + length, count)) for first in range(0, count, length)]


def can_give_up(shape):
    """Whether a ramp in memory gives way to its results while it is fitted: small pieces are not given back."""
    return shape[2] // SHARES * shape[3] >= LEAST_SHARE


def count_rows(shape, further=0):
    """Rows of a ramp that are held at a time, with all their integrations and results; one at least.

    `further` bytes come with each pixel of an integration.
    """
    n_integrations, n_groups, _, nx = shape
    return max(1, BAND_BYTES // (n_integrations * nx * (SAMPLE_BYTES * n_groups + RESULT_BYTES + 4 + further)))


class Extras(NamedTuple):
    """What settings add to the memory of a job that calibrates a ramp at one go.

    Attributes
    ----------
    kept : bool
        Whether the ramp stays while count rates are fitted.
    sample, result, pixel : int
        Bytes of a sample, of an integration's pixel, of a pixel.
    fixed : int
        MB.
    """

    kept: bool = False
    sample: int = 0
    result: int = 0
    pixel: int = 0
    fixed: int = 0


PLAIN = Extras()


def find_extras(settings, n_groups):
    """Extras of a chain, from the settings of the steps that run, by step, and the groups of a ramp."""
    flicker, frame, fit = (settings.get(step) for step in ("clean_flicker_noise", "picture_frame", "ramp_fit"))
    described = bool(fit and fit["save_opt"] and fit["algorithm"] == "OLS_C")
    model = bool(flicker and flicker["background_method"] == "model")
    saved = [flicker["save_noise"], flicker["save_background"]] if flicker else []
    saved += [frame["save_correction"]] if frame else []
    return Extras(
        kept=bool(flicker or frame or described),  # the first two draft count rates from a ramp that they correct then
        sample=4 * sum(saved),
        result=SEGMENT_BYTES * min(SEGMENTS, n_groups // 2) * described,
        pixel=MODEL_BYTES * model,
        fixed=MODEL * model,
    )


def estimate_memory(rule, shape, aside=0, backgrounds=0, extras=PLAIN):
    """Peak memory of a job, MB.

    Parameters
    ----------
    rule : str
        detector1, dark, guider, image2, image2ints or resample.
    shape : (int, int, int, int)
        Integrations, groups, rows, columns of the exposure's file.
    aside : int
        Bytes that come along for each pixel of an integration: first frames, MIRI's reference output.
    backgrounds : int
        Exposures that stage 2 subtracts.
    extras : Extras
        What settings add (`find_extras`).
    """
    n_integrations, n_groups, ny, nx = shape
    if rule.startswith("image2"):
        return _estimate_stage2((n_integrations if rule == "image2ints" else 1, ny, nx), backgrounds)
    if rule not in STAGE1:
        factor, fixed = OTHERS[rule]
        images = n_integrations * n_groups if rule == "guider" else RATE_PLANES
        return int(fixed + factor * 4e-6 * images * ny * nx)
    first, last = max(list_blocks(shape), key=lambda block: block[1] - block[0])
    held = (last - first) * ny * nx * (SAMPLE_BYTES * n_groups + aside)
    if last - first == n_integrations:
        results = (n_integrations + 1) * ny * nx * RESULT_BYTES  # the mean is one of them
        held = max(held, results) if can_give_up(shape) and not extras.kept else held + results
        held += n_integrations * ny * nx * (n_groups * extras.sample + extras.result)
    else:
        rows = min(ny, count_rows(shape))
        held = max(held, rows * n_integrations * nx * (SAMPLE_BYTES * n_groups + RESULT_BYTES + 4))
    held += (PIXEL_BYTES + extras.pixel) * ny * nx
    return int(MARGIN * (INTERPRETER + extras.fixed + 1e-6 * held))


def _estimate_stage2(shape, backgrounds):
    """Peak memory of a job that calibrates count rates [integration, y, x], MB."""
    integrations = max(last - first for first, last in list_image_blocks(shape))
    held = RATE_BYTES * integrations + FLAT_BYTES + BACKGROUND_BYTES * backgrounds
    return int(MARGIN * (LIGHT + 1e-6 * held * shape[1] * shape[2]))


def estimate_minutes(rule, shape):
    """Longest time that a job should take, minutes; arguments as in `estimate_memory`."""
    samples = math.prod(shape) if rule in (*STAGE1, "guider") else RATE_PLANES * math.prod(shape) // shape[1]
    return MINUTES + samples // SAMPLES_A_MINUTE
