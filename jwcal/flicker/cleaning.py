"""Take 1/f noise out of the groups of a ramp, or out of count rates."""

import logging
from functools import partial
from typing import NamedTuple

import numpy as np

from jwcal.flicker import fourier
from jwcal.flicker.levels import subtract_level, subtract_model
from jwcal.kernels.flicker_lines import fit_stripes, take_difference
from jwcal.memory.mapping import make_like, release

log = logging.getLogger("jwcal")

WHOLE = (2048, 2048)
NO_FLAT = np.zeros((0, 0), np.float32)


class Method(NamedTuple):
    """How the noise of one image is found.

    Attributes
    ----------
    fit : str
        ``median`` or ``fft``.
    background : str or None
        ``median``, ``model`` or None: what is subtracted first.
    box_size : (int, int) or None
        Boxes of the ``model``.
    n_sigma : float
        Clipping limit.
    fast, slow : int
        FASTAXIS, SLOWAXIS.
    width : int
        Pixels of a line that belong to one output, for ``median``.
    subarray : str
        SUBARRAY, for ``fft``.
    flat : float32 [y, x]
        Relative response, or [0, 0] for none.
    """

    fit: str
    background: str | None
    box_size: tuple | None
    n_sigma: float
    fast: int
    slow: int
    width: int
    subarray: str
    flat: np.ndarray


def find_noise(signal, mask, method):
    """Noise of one image.

    Parameters
    ----------
    signal : float32 [y, x]
        Signal, flattened; overwritten.
    mask : bool [y, x]
        Background pixels; narrowed in place.
    method : Method
        How.

    Returns
    -------
    noise : float32 [y, x] or None
        None where no pixel is background.
    background : float32 [y, x] or float32
        What was subtracted first.
    """
    if not mask.any():
        log.warning("clean_flicker_noise: no background pixels in one of the images; it is left as it is")
        return None, np.float32(0)
    background = np.float32(0)
    if method.background == "median":
        background = subtract_level(signal, mask, method.n_sigma)
    elif method.background == "model":
        background = subtract_model(signal, mask, method.n_sigma, method.box_size)
    if method.fit == "median":
        noise = fit_stripes(signal, mask, 1 if abs(method.slow) == 2 else 0, method.width)
    else:
        noise = _fit_series(signal, mask, method)
    return (noise * method.flat if method.flat.size else noise), background


def _fit_series(signal, mask, method):
    """Fourier series along the lines of the read-out."""
    lines, seen = (_order(array, method) for array in (signal, mask))
    if signal.shape == WHOLE:
        noise = fourier.fit_whole(lines, seen)
    else:
        noise = fourier.fit_subarray(lines, seen, fourier.BANDS.get(method.subarray, fourier.BAND))
    return _order(noise, method, back=True)


def _order(image, method, back=False):
    """An image [y, x] as [line, tick] in the order of read-out, or back."""
    flips = slice(None, None, np.sign(method.slow)), slice(None, None, np.sign(method.fast))
    turned = image.T if abs(method.fast) == 2 and not back else image
    turned = turned[flips]
    return np.ascontiguousarray(turned.T if abs(method.fast) == 2 and back else turned)


def clean(product, scene, method, keep=(), expected=None):
    """Subtract the noise from a ramp or from count rates, in place.

    In a ramp, the noise of a group is found in its difference from the group before, and what earlier groups were
    corrected by goes on. Samples that are NaN stay alone in that (in the official package all later groups become NaN),
    and a group without background pixels keeps the correction of the groups before (there it gets none).

    Parameters
    ----------
    product : Ramp or Image
        DN, or DN/s.
    scene : bool [y, x] or [integration, y, x]
        Background pixels.
    method : Method
        How.
    keep : collection of str
        ``noise`` and ``background``: what to return.
    expected : callable, optional
        ``expected(integration, group)``, float32 [y, x]: what each group (count rates: group 0) would be without noise.
        The noise is then sought in the difference from that, group by group.

    Returns
    -------
    dict of str to float32 like the product's data
        What was asked for: the change of each sample; the background of each difference.
    """
    shape = product.data.shape
    samples = product.data.reshape(shape[0] if len(shape) > 2 else 1, -1, *shape[-2:])
    kept = {name: make_like(samples, samples.shape, samples.dtype) for name in keep}
    for i, groups in enumerate(samples):
        chosen = scene[i] if scene.ndim == 3 else scene
        flags = product.groupdq[i] if len(shape) == 4 and expected is None else [np.zeros(shape[-2:], np.uint8)]
        clean_one = _clean_rates if expected is not None or len(shape) < 4 else _clean_groups
        for g, change, background in clean_one(groups, flags, chosen, method, expected and partial(expected, i)):
            for name, array in (("noise", -change), ("background", background)):
                if name in kept:
                    kept[name][i, g] = array
        release(samples, flags, scene, *kept.values())
    return {name: array.reshape(shape) for name, array in kept.items()}


def _clean_groups(groups, flags, scene, method, _):
    """Clean an integration [group, y, x]; yields each group's number, correction and background."""
    before, total = groups[0].copy(), np.zeros(groups.shape[1:], np.float32)
    for g in range(1, len(groups)):
        after = groups[g].copy()
        signal, mask = take_difference(after, before, flags[g], scene, method.flat)
        noise, background = find_noise(signal, mask, method)
        if noise is not None:
            total += noise
        groups[g] -= total
        before = after
        yield g, total, background


def _clean_rates(groups, flags, scene, method, expected):
    """Clean each plane by itself; yields as `_clean_groups`."""
    for g, group in enumerate(groups):
        model = np.zeros_like(group) if expected is None else expected(g)
        signal, mask = take_difference(group, model, flags[0], scene, method.flat)
        noise, background = find_noise(signal, mask, method)
        noise = np.zeros_like(group) if noise is None else noise
        group -= noise
        yield g, noise, background if expected is None else model
