"""The distortion as a chain of transforms, in the shape of the observatory's own reference files."""

import numpy as np

from jwcal.wcs import nodes

INVERSE_DEGREES = (7, 8, 9)
ACCURACY = 1.5e-4  # pixels, of the inverse
MARGIN = 10.5  # pixels beyond the detector's edge


def describe_distortion(distortion):
    """Transform from zero-based full-frame pixels to V2, V3 (arcsec), as a node of an ASDF tree.

    Parameters
    ----------
    distortion : jwcal.simulate.geometry.Distortion
        Coefficients.

    Returns
    -------
    jwcal.asdffiles.TaggedDict
        Its inverse is a polynomial fitted to the forward one, good to `ACCURACY` over the full frame.
    """
    reference, place = np.array(distortion.reference_pixel), np.array([distortion.v2_ref, distortion.v3_ref])
    coefficients = distortion.x_coefficients, distortion.y_coefficients
    turn, back = distortion.rotation, np.linalg.inv(distortion.rotation)
    forward = (
        nodes.shift(*-reference),
        *pair_polynomials(*coefficients),
        *pair_polynomials(*map(_linear, turn)),
        nodes.shift(*place),
    )
    fitted = fit_inverse(distortion)
    inverse = (
        nodes.shift(*-place),
        *pair_polynomials(*map(_linear, back)),
        *pair_polynomials(*fitted),
        nodes.shift(*reference),
    )
    model = nodes.compose(*forward)
    model["inverse"] = nodes.compose(*inverse)
    return model


def pair_polynomials(first, second):
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
        Coefficients for x and y, of the lowest of the degrees that are good to `ACCURACY` on the grid.
    """
    ends = [(-ref - MARGIN, size - 1 - ref + MARGIN) for ref, size in zip(distortion.reference_pixel, distortion.size)]
    offsets = [grid.ravel() for grid in np.meshgrid(*(np.linspace(*pair, points) for pair in ends))]
    evaluate = np.polynomial.polynomial.polyval2d
    ideal = evaluate(*offsets, distortion.x_coefficients), evaluate(*offsets, distortion.y_coefficients)
    for degree in INVERSE_DEGREES:
        results = [fit_polynomial(ideal, offset, degree) for offset in offsets]
        errors = [np.abs(evaluate(*ideal, table) - offset).max() for table, offset in zip(results, offsets)]
        if max(errors) < ACCURACY:
            break
    return tuple(results)


def fit_polynomial(places, values, degree):
    """Coefficients c[i, j] of a polynomial of two coordinates, by least squares."""
    scale = max(np.abs(places[0]).max(), np.abs(places[1]).max())
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    design = np.stack([(places[0] / scale) ** i * (places[1] / scale) ** j for i, j in powers], axis=1)
    solution = np.linalg.lstsq(design, values, rcond=None)[0]
    table = np.zeros((degree + 1, degree + 1))
    for (i, j), value in zip(powers, solution):
        table[i, j] = value / scale ** (i + j)
    return table
