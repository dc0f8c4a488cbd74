"""FITS keywords that approximate an imaging WCS: a tangent plane with polynomial distortion (SIP).

With u, v pixels from the reference pixel, the plane coordinates are CD · (u + A(u, v), v + B(u, v)); the inverse
polynomials AP, BP take U = CD^-1 · (plane coordinates) back: u = U + AP(U, V). Both are least-squares fits on a grid
over the bounding box; the lowest degree that is good to the wanted fraction of a pixel is taken. (The official package
stops at degree 5 where none is good enough, which leaves MIRI's inverse short of its own default; here 6 is tried.)

References
----------
Shupe et al. 2005, ASP Conf. Ser. 347, 491.
"""

import math
from typing import NamedTuple

import numpy as np

from jwcal.errors import JwcalError
from jwcal.wcs import nodes
from jwcal.wcs.inverses import invert
from jwcal.wcs.transforms import evaluate

HIGHEST = 6
DEGREES = range(1, HIGHEST + 1)  # tried in turn unless one is given


class Polynomial(NamedTuple):
    """Two polynomials without constant term: `powers` (i, j) of u^i v^j, `coefficients` (terms, 2), worst residual."""

    degree: int
    powers: list
    coefficients: np.ndarray
    error: float

    def __call__(self, u, v):
        """Values (2, n)."""
        return _terms(u, v, self.powers) @ self.coefficients


class Sip(NamedTuple):
    """A fit: FITS keywords, and the largest errors, in pixels, of the forward and inverse approximation."""

    keywords: dict
    error: float
    inverse_error: float


def fit_sip(wcs, *, crpix=None, max_pix_error=0.01, degree=None, max_inv_pix_error=0.01, inv_degree=None, npoints=12):
    """Approximate a WCS by FITS keywords.

    Parameters
    ----------
    wcs : WCS
        Pixels to RA and Dec, with a bounding box.
    crpix : (float, float) or None
        Reference pixel, one-based; None: the middle of the bounding box, to a tenth of a pixel.
    max_pix_error, max_inv_pix_error : float
        Largest error wanted, in pixels, of the forward and inverse polynomials; with `max_inv_pix_error` 0 or None no
        inverse is fitted.
    degree, inv_degree : int or None
        Degree of the polynomials, 1 to 6; None: the lowest that meets the error.
    npoints : int
        Points along each axis at which they are fitted (twice as many check them).

    Returns
    -------
    Sip

    Raises
    ------
    JwcalError
        When a setting is out of range or the bounding box is smaller than a pixel.
    """
    _check(wcs, npoints, degree, inv_degree)
    box = np.array(wcs.bounding_box)
    reference = np.round(box.mean(axis=1), 1) if crpix is None else np.asarray(crpix, float) - 1
    crval = tuple(float(value) for value in wcs.forward(*reference))
    to_plane = invert(nodes.fitswcs((0, 0), crval, (1, 1), np.identity(2)))

    def plane(u, v):
        """Tangent-plane coordinates, degrees (n, 2), of pixels from the reference pixel."""
        return np.stack(evaluate(to_plane, *wcs.forward(u + reference[0], v + reference[1])), axis=-1)

    pixels, checks = (_grid(box, reference, count) for count in (npoints, 2 * npoints))
    scale = _scale(plane)
    forward = _fit(pixels, plane(*pixels), degree, max_pix_error * scale)
    error = max(forward.error, _residual(forward(*checks), plane(*checks))) / scale
    cd = forward.coefficients[[forward.powers.index((1, 0)), forward.powers.index((0, 1))]].T
    keywords = _linear_keywords(reference, crval, cd, sip=forward.degree > 1)
    inverse_error = math.nan
    if forward.degree > 1:
        keywords |= _coefficient_keywords("A", "B", forward, forward.coefficients @ np.linalg.inv(cd).T, lowest=2)
    if forward.degree > 1 and max_inv_pix_error:
        (start, offsets), (check_start, check_offsets) = (_undo(grid, plane, cd) for grid in (pixels, checks))
        inverse = _fit(start, offsets, inv_degree, max_inv_pix_error)
        inverse_error = max(inverse.error, _residual(inverse(*check_start), check_offsets))
        keywords |= _coefficient_keywords("AP", "BP", inverse, inverse.coefficients, lowest=1)
    return Sip(keywords, float(error), float(inverse_error))


def _check(wcs, npoints, degree, inv_degree):
    if npoints < 8:
        raise JwcalError(f"sip_npoints is {npoints}; at least 8 points are needed")
    for name, value in (("sip_degree", degree), ("sip_inv_degree", inv_degree)):
        if value is not None and value not in DEGREES:
            raise JwcalError(f"{name} is {value}; it must be from 1 to {HIGHEST}")
    if min(high - low for low, high in wcs.bounding_box) < 1:
        raise JwcalError("the bounding box is smaller than a pixel; no SIP keywords can be fitted")


def _grid(box, reference, count):
    """Pixels (2, n) from the reference on a regular grid over the bounding box."""
    x, y = (np.linspace(low, high, count) - origin for (low, high), origin in zip(box, reference))
    return np.stack([axis.ravel() for axis in np.meshgrid(x, y)])


def _scale(plane):
    """Degrees a pixel at the reference pixel."""
    here, right, up = plane(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    (a, b), (c, d) = right - here, up - here
    return math.sqrt(abs(a * d - b * c))


def _undo(grid, plane, cd):
    """Linear estimate (2, n) of pixels from their plane coordinates, and what it lacks (n, 2)."""
    estimate = np.linalg.solve(cd, plane(*grid).T)
    return estimate, (grid - estimate).T


def _fit(inputs, outputs, degree, tolerance):
    """Fit polynomials of the given degree, or of the lowest that meets the tolerance (else of the best)."""
    best = None
    for trial in DEGREES if degree is None else [degree]:
        fit = _fit_degree(inputs, outputs, trial)
        if best is None or fit.error < best.error:
            best = fit
        if fit.error <= tolerance:
            break
    return best


def _fit_degree(inputs, outputs, degree):
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i) if i + j]
    size = np.abs(inputs).max()  # powers of numbers up to 1 keep the system well conditioned
    solution = np.linalg.lstsq(_terms(*inputs / size, powers), outputs, rcond=None)[0]
    coefficients = solution / np.array([[size ** (i + j)] for i, j in powers])
    return Polynomial(degree, powers, coefficients, _residual(_terms(*inputs, powers) @ coefficients, outputs))


def _terms(u, v, powers):
    return np.stack([u**i * v**j for i, j in powers], axis=-1)


def _residual(fitted, exact):
    return float(np.hypot(*(fitted - exact).T).max())


def _linear_keywords(reference, crval, cd, sip):
    suffix = "-SIP" if sip else ""
    keywords = {"WCSAXES": 2}
    for axis, name in enumerate(("RA---TAN", "DEC--TAN")):
        keywords |= {f"CRPIX{axis + 1}": float(reference[axis]) + 1, f"CRVAL{axis + 1}": crval[axis]}
        keywords |= {f"CTYPE{axis + 1}": name + suffix, f"CUNIT{axis + 1}": "deg"}
        keywords |= {f"CD{axis + 1}_{column + 1}": float(cd[axis, column]) for column in range(2)}
    return keywords


def _coefficient_keywords(first, second, fit, coefficients, lowest):
    """Keywords of a pair of polynomials, their terms from the total degree `lowest`."""
    keywords = {f"{first}_ORDER": fit.degree, f"{second}_ORDER": fit.degree}
    for column, prefix in enumerate((first, second)):
        for (i, j), value in zip(fit.powers, coefficients[:, column]):
            if i + j >= lowest:
                keywords[f"{prefix}_{i}_{j}"] = float(value)
    return keywords
