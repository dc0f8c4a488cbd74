"""Linear transformations between lists of positions, by least squares with clipping.

With weights w and positions p, about their weighted mean, that shall become q, the rotation angle is that of the
complex number S = sum w q conj(p), the scale |S| / sum w |p|^2; a general transformation solves the normal equations.
"""

from typing import NamedTuple

import numpy as np

from jwcal.wcs.tangent_planes import Affine

RMS_OF_MEDIAN = 1.2011  # rms over median of the length of residuals that are normal in both coordinates
FEWEST = {"shift": 1, "rshift": 2, "rscale": 2, "general": 3}
"""Kinds of transformation, and the number of positions that each needs."""


class Fit(NamedTuple):
    """A fit.

    Attributes
    ----------
    affine : Affine
        Takes positions to reference positions.
    used : bool [n]
        Positions that were not clipped.
    residuals : float64 [n, 2]
        Transformed less reference positions, of all.
    rms, mae : float
        Root mean square and mean length of the residuals of those used.
    """

    affine: Affine
    used: np.ndarray
    residuals: np.ndarray
    rms: float
    mae: float


def fit_linear(positions, reference, geometry, *, weights=None, nclip=3, sigma=3.0, accumulate=True,
               median=False):  # fmt: skip
    """Fit a transformation of positions to reference positions.

    Parameters
    ----------
    positions, reference : float64 [n, 2]
        Matched positions.
    geometry : str
        shift, rshift (shift and rotation), rscale (and scale), general (any matrix).
    weights : float64 [n] or None
        Weight of each; those that are not positive take no part.
    nclip : int
        Rounds of clipping; none where there are just enough positions.
    sigma : float
        Positions with residuals of this many rms or more are clipped.
    accumulate : bool
        Positions once clipped stay out. Otherwise each round takes back what earlier rounds have clipped, and leaves
        out only what it clips itself.
    median : bool
        Clip by the median residual in place of the rms, beginning about the median offset: a few false matches swell
        the rms so much that they are not clipped, but not the median. In this case each round begins anew.

    Returns
    -------
    Fit or None
        None where there are too few positions or they do not determine the transformation.
    """
    weights = np.ones(len(positions)) if weights is None else np.asarray(weights, float)
    usable = weights > 0
    used, fewest = usable, FEWEST[geometry]
    if np.count_nonzero(usable) < fewest:
        return None
    if median and nclip and np.count_nonzero(usable) > fewest:
        return _fit_most(positions, reference, weights, geometry, nclip, sigma)
    fit = _fit_once(positions, reference, weights, used, geometry)
    for _ in range(nclip if np.count_nonzero(usable) > fewest else 0):
        if fit is None:
            break
        kept = used & (np.hypot(*fit.residuals.T) < sigma * fit.rms)
        if np.count_nonzero(kept) < fewest or np.array_equal(kept, used):
            break
        used = kept if accumulate else kept | (usable & ~used)
        fit = _fit_once(positions, reference, weights, used, geometry)
    return fit


def _fit_most(positions, reference, weights, geometry, nclip, sigma):
    """Fit with the residuals that do not stand out from the median one, in `nclip` rounds after the first."""
    usable, used, fit = weights > 0, None, None
    offsets = positions - reference
    residuals = offsets - np.median(offsets[usable], axis=0)
    for _ in range(nclip + 1):
        lengths = np.hypot(*residuals.T)
        kept = usable & (lengths <= sigma * RMS_OF_MEDIAN * np.median(lengths[usable]))
        if np.count_nonzero(kept) < FEWEST[geometry] or (used is not None and np.array_equal(kept, used)):
            break
        better = _fit_once(positions, reference, weights, kept, geometry)
        if better is None:
            break
        used, fit, residuals = kept, better, better.residuals
    return fit


def _fit_once(positions, reference, weights, used, geometry):
    weight = weights[used] / weights[used].sum()
    start, end = weight @ positions[used], weight @ reference[used]
    matrix = _solve(positions[used] - start, reference[used] - end, weight, geometry)
    if matrix is None:
        return None
    residuals = positions @ matrix.T + (end - matrix @ start) - reference
    lengths = np.hypot(*residuals[used].T)
    rms, mae = np.sqrt(weight @ lengths**2), weight @ lengths
    return Fit(Affine(matrix, end - matrix @ start), used, residuals, float(rms), float(mae))


def _solve(p, q, weight, geometry):
    """Matrix that takes centred p to centred q; None where they do not determine it."""
    if geometry == "shift":
        return np.identity(2)
    if geometry == "general":
        normal = p.T @ (weight[:, None] * p)
        if np.linalg.cond(normal) > 1 / np.finfo(float).eps:
            return None
        return np.linalg.solve(normal, p.T @ (weight[:, None] * q)).T
    p, q = p[:, 0] + 1j * p[:, 1], q[:, 0] + 1j * q[:, 1]
    turn, size = weight @ (q * p.conj()), weight @ np.abs(p) ** 2
    if size == 0 or turn == 0:
        return None
    turn /= abs(turn) if geometry == "rshift" else size
    return np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
