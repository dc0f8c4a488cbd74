"""Slow, obvious twins of the kernels that clean 1/f noise, and exposures with stripes for their tests."""

import numpy as np
from naive_detector import make_ramp


def naive_clip(values, sigma, rounds):
    """Mean, median and standard deviation after clipping about the median, by the words of the documentation."""
    kept = np.asarray(values, float)
    for _ in range(rounds):
        near = np.abs(kept - np.median(kept)) <= sigma * kept.std()
        if near.all() or not near.any():
            break
        kept = kept[near]
    return kept.mean(), np.median(kept), kept.std()


def naive_stripes(signal, mask, axis, width):
    """Median of each line of each output, line by line."""
    lines = signal if axis == 1 else signal.T
    seen = mask if axis == 1 else mask.T
    result = np.zeros(lines.shape, np.float32)
    for line, visible, stripe in zip(lines, seen, result, strict=True):
        for start in range(0, line.size, width):
            part = slice(start, start + width)
            if visible[part].any():
                stripe[part] = np.median(line[part][visible[part]].astype(float))
    return result if axis == 1 else result.T


def naive_series(samples, visible, weights, number):
    """Weighted least squares of `number` complex exponentials through the visible samples of one line."""
    ticks = np.arange(samples.size)[visible]
    waves = np.exp(2j * np.pi * np.outer(ticks, np.arange(number)) / samples.size)
    root = weights[visible]
    return np.linalg.lstsq(root[:, None] * waves, root * samples[visible], rcond=None)[0]


def make_striped_ramp(rng, shape=(2, 5, 40, 48), axis=1, level=20.0, noise=1.0, stripes=30.0, **keywords):
    """A ramp whose groups have an offset for each line, and the same ramp without them."""
    nint, ngroup, ny, nx = shape
    clean = 1000 + level * np.arange(1, ngroup + 1)[:, None, None] + rng.normal(0, noise, shape)
    clean[:, :, 10:16, 12:18] += 300 * np.arange(1, ngroup + 1)[:, None, None]
    offsets = rng.normal(0, stripes, (nint, ngroup, ny, 1) if axis == 1 else (nint, ngroup, 1, nx))
    offsets[:, 0] = 0
    timing = {"TGROUP": 10.0, "TFRAME": 10.0, "NGROUPS": ngroup, "NINTS": nint, "SUBARRAY": "SUB64P"}
    return make_ramp(clean + offsets, **(timing | keywords)), clean.astype(np.float32)
