"""The distortion as a chain of astropy models, in the shape of the observatory's own reference files."""

import numpy as np

INVERSE_DEGREE = 6


def model_distortion(distortion):
    """Model from zero-based full-frame pixels to V2, V3 (arcsec), with an analytic inverse.

    Parameters
    ----------
    distortion : jwcal.simulate.geometry.Distortion
        Coefficients.

    Returns
    -------
    astropy.modeling.Model
        Its `inverse` is a polynomial fitted to the forward one, good to 1e-3 pixel over the full frame.
    """
    from astropy.modeling.models import Mapping, Shift

    x_ref, y_ref = distortion.reference_pixel
    centre = Shift(-x_ref) & Shift(-y_ref)
    polynomials = _polynomial(distortion.x_coefficients) & _polynomial(distortion.y_coefficients)
    turn = Mapping((0, 1, 0, 1)) | _linear(distortion.rotation[0]) & _linear(distortion.rotation[1])
    place = Shift(distortion.v2_ref) & Shift(distortion.v3_ref)
    model = centre | Mapping((0, 1, 0, 1)) | polynomials | turn | place
    back = np.linalg.inv(distortion.rotation)
    inverse_x, inverse_y = fit_inverse(distortion)
    model.inverse = (
        (Shift(-distortion.v2_ref) & Shift(-distortion.v3_ref))
        | (Mapping((0, 1, 0, 1)) | _linear(back[0]) & _linear(back[1]))
        | Mapping((0, 1, 0, 1))
        | _polynomial(inverse_x) & _polynomial(inverse_y)
        | Shift(x_ref) & Shift(y_ref)
    )
    return model


def _polynomial(coefficients):
    from astropy.modeling.models import Polynomial2D

    degree = coefficients.shape[0] - 1
    terms = {f"c{i}_{j}": float(coefficients[i, j]) for i in range(degree + 1) for j in range(degree + 1 - i)}
    return Polynomial2D(degree, **terms)


def _linear(row):
    from astropy.modeling.models import Polynomial2D

    return Polynomial2D(1, c0_0=0.0, c1_0=float(row[0]), c0_1=float(row[1]))


def fit_inverse(distortion, points=41):
    """Polynomials from ideal coordinates (arcsec) to pixel offsets, fitted on a grid over the full frame.

    Parameters
    ----------
    distortion : jwcal.simulate.geometry.Distortion
        Forward polynomials.
    points : int
        Grid points along each axis.

    Returns
    -------
    tuple of float64 [i, j]
        Coefficients for x and y.
    """
    axis = np.linspace(-1034, 1034, points)
    dx, dy = (grid.ravel() for grid in np.meshgrid(axis, axis))
    evaluate = np.polynomial.polynomial.polyval2d
    ideal = evaluate(dx, dy, distortion.x_coefficients), evaluate(dx, dy, distortion.y_coefficients)
    scale = max(np.abs(ideal[0]).max(), np.abs(ideal[1]).max())
    powers = [(i, j) for i in range(INVERSE_DEGREE + 1) for j in range(INVERSE_DEGREE + 1 - i)]
    design = np.stack([(ideal[0] / scale) ** i * (ideal[1] / scale) ** j for i, j in powers], axis=1)
    results = []
    for offsets in (dx, dy):
        solution = np.linalg.lstsq(design, offsets, rcond=None)[0]
        table = np.zeros((INVERSE_DEGREE + 1, INVERSE_DEGREE + 1))
        for (i, j), value in zip(powers, solution):
            table[i, j] = value / scale ** (i + j)
        results.append(table)
    return tuple(results)
