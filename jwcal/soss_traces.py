"""Where NIRISS's SOSS spectra lie on the detector, for the position at which the pupil wheel stopped."""

import numpy as np

from jwcal.errors import JwcalError

SUBSTRIP96_OFFSET = 10  # rows that SUBSTRIP96 begins after SUBSTRIP256


def find_traces(pastasoss, image):
    """Trace of each spectral order.

    The reference has each order's trace for the commanded position of the wheel; it turns with the wheel about a pivot.

    Parameters
    ----------
    pastasoss : Reference
        Traces and wavelength solutions by order (ASDF).
    image : Product
        Exposure; keywords PWCPOS and SUBARRAY.

    Returns
    -------
    dict of int to (float64 [n], float64 [n], float64 [n])
        By order: column and row (zero-based pixels of the image) and wavelength, um, over the range of the reference.

    Raises
    ------
    JwcalError
        When the wheel stands outside of the range of the reference.
    """
    tree, position = pastasoss.tree, float(image.keyword("PWCPOS"))
    meta = tree["meta"]
    low, high = meta["pwcpos_bounds"]
    if not low <= position <= high:
        raise JwcalError(f"PWCPOS = {position} is outside of {low} to {high}, which the traces cover", image.path)
    turn = position - meta["pwcpos_cmd"]
    wavelengths = np.linspace(meta["wavemap_wlmin"], meta["wavemap_wlmax"], int(meta["wavemap_nwl"]))
    offset = _row_offset(str(image.keyword("SUBARRAY", "")), meta)
    traces = {}
    for trace in tree["traces"]:
        order = int(trace["spectral_order"])
        solution = next(model for model in tree["wavecal_models"] if int(model["spectral_order"]) == order)
        x, y = _turn_trace(trace, turn)
        known = _find_wavelengths(solution, x, turn)
        traces[order] = _extend(wavelengths, known, x), _extend(wavelengths, known, y) + offset, wavelengths
    return traces


def _row_offset(subarray, meta):
    """Rows to add to a trace, which the reference gives in the frame of SUBSTRIP256."""
    return {"SUBSTRIP96": -SUBSTRIP96_OFFSET, "FULL": int(meta["subarray_ymin"])}.get(subarray, 0)


def _turn_trace(trace, angle):
    """Columns and rows of a trace turned by `angle`, deg, on its own columns, up to the top of the subarray."""
    x, y = np.asarray(trace["trace"], float).T
    pivot_x, pivot_y = float(trace["pivot_x"]), float(trace["pivot_y"])
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turned_x = pivot_x + cosine * (x - pivot_x) - sine * (y - pivot_y)
    turned_y = pivot_y + sine * (x - pivot_x) + cosine * (y - pivot_y)
    on_columns = _extend(x, turned_x, turned_y)
    inside = on_columns <= 255
    return x[inside], on_columns[inside]


def _extend(places, known, values):
    """Linear interpolation, and extrapolation along the first and the last piece."""
    order = np.argsort(known)
    known, values = known[order], values[order]
    result = np.interp(places, known, values)
    for end, outside in (((0, 1), places < known[0]), ((-1, -2), places > known[-1])):
        slope = (values[end[0]] - values[end[1]]) / (known[end[0]] - known[end[1]])
        result[outside] = values[end[0]] + (places[outside] - known[end[0]]) * slope
    return result


def _find_wavelengths(solution, x, turn):
    """Polynomial in column and wheel offset, both scaled to 0..1: 1, x, y, x^2, xy, y^2, ..."""
    (low_x, low_turn), (high_x, high_turn) = np.asarray(solution["scale_extents"], float)
    u = (x - low_x) / (high_x - low_x)
    v = (turn - low_turn) / (high_turn - low_turn)
    result, coefficients, degree = np.zeros_like(u), iter(np.asarray(solution["coefficients"], float)), 0
    for coefficient in coefficients:
        terms = [coefficient, *(next(coefficients) for _ in range(degree))]
        for power, term in enumerate(terms):
            result += term * u ** (degree - power) * v**power
        degree += 1
    return result
