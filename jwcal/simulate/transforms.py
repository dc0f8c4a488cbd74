"""The distortion as a chain of transforms, in the shape of the observatory's own reference files."""

import numpy as np

from jwcal.wcs import nodes

INVERSE_DEGREE = 7


def describe_distortion(distortion):
    """Transform from zero-based full-frame pixels to V2, V3 (arcsec), as a node of an ASDF tree.

    Parameters
    ----------
    distortion : jwcal.simulate.geometry.Distortion
        Coefficients.

    Returns
    -------
    jwcal.asdffiles.TaggedDict
        Its inverse is a polynomial fitted to the forward one, good to 1e-4 pixel over the full frame.
    """
    reference, place = np.array(distortion.reference_pixel), np.array([distortion.v2_ref, distortion.v3_ref])
    coefficients = distortion.x_coefficients, distortion.y_coefficients
    turn, back = distortion.rotation, np.linalg.inv(distortion.rotation)
    forward = (nodes.shift(*-reference), *_pair(*coefficients), *_pair(*map(_linear, turn)), nodes.shift(*place))
    fitted = fit_inverse(distortion)
    inverse = (nodes.shift(*-place), *_pair(*map(_linear, back)), *_pair(*fitted), nodes.shift(*reference))
    model = nodes.compose(*forward)
    model["inverse"] = nodes.compose(*inverse)
    return model


def _pair(first, second):
    """Both coordinates to two polynomials of both."""
    copies = nodes.make("remap_axes", mapping=[0, 1, 0, 1])
    return copies, nodes.concatenate(*(nodes.make("polynomial", coefficients=table) for table in (first, second)))


def _linear(row):
    """Coefficients c[i, j] of row[0] x + row[1] y."""
    return np.array([[0.0, row[1]], [row[0], 0.0]])


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
