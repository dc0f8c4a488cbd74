"""Evaluate trees of coordinate transforms, as reference files and products hold them, with numpy alone.

A transform is a raw ASDF node (`jwcal.asdffiles.TaggedDict`); its tag says what it does: ``shift``, ``polynomial``,
``compose`` (one after the other), ``concatenate`` (side by side), ... Coordinates are a tuple of arrays; angles are
degrees. Kinds that are not listed here are handed to asdf and astropy.modeling, imported only then.

References
----------
ASDF transform schemas 0.6, https://www.asdf-format.org/projects/asdf-transform-schemas.
"""

import math

import numpy as np

from jwcal import asdffiles
from jwcal.asdffiles import TaggedDict, kind
from jwcal.errors import JwcalError
from jwcal.wcs.nodes import expand_fitswcs

FORWARD = {}
"""Function (node, *inputs) -> tuple of outputs, for each kind."""

INPUTS = {}
"""Function (node) -> number of inputs, for each kind whose nodes may not list them."""


def evaluate(node, *inputs):
    """Apply a transform.

    Parameters
    ----------
    node : TaggedDict
        The transform.
    *inputs : float or ndarray
        Coordinates, all of one shape.

    Returns
    -------
    tuple of ndarray
        Transformed coordinates. Bounding boxes are ignored.
    """
    inputs = tuple(np.asarray(value, np.float64) for value in inputs)
    function = FORWARD.get(kind(node))
    if function is None:
        return evaluate_foreign(node, *inputs)
    return function(node, *inputs)


def count_inputs(node):
    """Number of coordinates that a transform takes."""
    if "inputs" in node:
        return len(node["inputs"])
    count = INPUTS.get(kind(node))
    return foreign_model(node).n_inputs if count is None else count(node)


def register(name, inputs):
    """Enter a function in the tables of kinds; `inputs` is its number of inputs, or a function of the node."""

    def enter(function):
        FORWARD[name] = function
        INPUTS[name] = inputs if callable(inputs) else lambda node: inputs
        return function

    return enter


def _first(node):
    return count_inputs(node["forward"][0])


@register("compose", _first)
def _compose(node, *inputs):
    left, right = node["forward"]
    return evaluate(right, *evaluate(left, *inputs))


@register("concatenate", lambda node: sum(count_inputs(part) for part in node["forward"]))
def _concatenate(node, *inputs):
    left, right = node["forward"]
    first = count_inputs(left)
    return (*evaluate(left, *inputs[:first]), *evaluate(right, *inputs[first:]))


def _arithmetic(operation):
    def apply(node, *inputs):
        left, right = (evaluate(part, *inputs) for part in node["forward"])
        return tuple(operation(a, b) for a, b in zip(left, right))

    return apply


for _name, _operation in {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
                          "power": np.power}.items():  # fmt: skip
    register(_name, _first)(_arithmetic(_operation))


@register("fix_inputs", lambda node: _first(node) - len(node["forward"][1]["keys"]))
def _fix_inputs(node, *inputs):
    left, fixed = node["forward"]
    names = left.get("inputs", [])
    indices = [names.index(key) if isinstance(key, str) else key for key in fixed["keys"]]
    fixed = dict(zip(indices, fixed["values"]))
    rest = iter(inputs)
    like = inputs[0] if inputs else np.zeros(())
    free = (np.full_like(like, fixed[i]) if i in fixed else next(rest) for i in range(count_inputs(left)))
    return evaluate(left, *free)


@register("identity", lambda node: node.get("n_dims", 1))
def _identity(node, *inputs):
    return inputs


@register("remap_axes", lambda node: node.get("n_inputs") or max(node["mapping"]) + 1)
def _remap_axes(node, *inputs):
    return tuple(inputs[index] for index in node["mapping"])


@register("shift", 1)
def _shift(node, x):
    return (x + number(node["offset"]),)


@register("scale", 1)
def _scale(node, x):
    return (x * number(node["factor"]),)


@register("constant", lambda node: node.get("dimensions", 1))
def _constant(node, *inputs):
    return (np.full_like(inputs[0], number(node["value"])),)


@register("math_functions", lambda node: getattr(np, node["func_name"]).nin)
def _math_functions(node, *inputs):
    result = getattr(np, node["func_name"])(*inputs)
    return result if isinstance(result, tuple) else (result,)


@register("affine", 2)
def _affine(node, x, y):
    matrix = np.asarray(node["matrix"], float)
    dx, dy = np.asarray(node.get("translation", (0, 0)), float)
    return matrix[0, 0] * x + matrix[0, 1] * y + dx, matrix[1, 0] * x + matrix[1, 1] * y + dy


@register("rotate2d", 2)
def _rotate2d(node, x, y):
    angle = math.radians(number(node["angle"]))
    return math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y


@register("polynomial", lambda node: np.ndim(node["coefficients"]))
def _polynomial(node, *inputs):
    coefficients = np.asarray(node["coefficients"], float)
    # Until version 1.2 "domain" meant something else, which readers ignore.
    limits = node if asdffiles.version(node) >= (1, 2) else {}
    domains, windows = limits.get("domain"), limits.get("window")
    if coefficients.ndim == 1:
        return (_horner(coefficients, _to_window(inputs[0], domains, windows)),)
    pairs = zip(domains or (None, None), windows or (None, None))
    x, y = (_to_window(value, domain, window) for value, (domain, window) in zip(inputs, pairs))
    degree = coefficients.shape[0] - 1
    rows = [_horner(row[: degree + 1 - power], y) for power, row in enumerate(coefficients)]
    return (_horner(rows, x),)


def _horner(coefficients, x):
    """Sum of coefficients[i] x^i; the coefficients may be arrays."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total *= x
        total += coefficient
    return total


def _to_window(x, domain, window):
    """Map `domain` linearly onto `window` (both -1 to 1 unless given)."""
    (a, b), (c, d) = domain or (-1.0, 1.0), window or (-1.0, 1.0)
    if (a, b) == (c, d):
        return x
    return (c * b - d * a) / (b - a) + (d - c) / (b - a) * x


def rotation_matrix(angles, axes):
    """Matrix of successive passive rotations.

    Parameters
    ----------
    angles : sequence of float
        Degrees, the first is applied first.
    axes : str
        An axis, x, y or z, for each angle.

    Returns
    -------
    ndarray (3, 3)
    """
    matrix = np.identity(3)
    for angle, axis in zip(angles, axes):
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        turn = np.identity(3)
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        turn[i, i], turn[i, j], turn[j, i], turn[j, j] = c, s, -s, c
        matrix = turn @ matrix
    return matrix


def to_cartesian(longitude, latitude):
    """Unit vector (x, y, z) of angles in degrees."""
    longitude, latitude = np.radians(longitude), np.radians(latitude)
    cosine = np.cos(latitude)
    return cosine * np.cos(longitude), cosine * np.sin(longitude), np.sin(latitude)


def to_spherical(x, y, z):
    """Longitude (-180 to 180) and latitude of a vector, in degrees."""
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def _turn(matrix, x, y, z):
    return tuple(row[0] * x + row[1] * y + row[2] * z for row in matrix)


@register("rotate3d", 2)
def _rotate3d(node, longitude, latitude):
    phi, theta, psi = (number(node[name]) for name in ("phi", "theta", "psi"))
    direction = node["direction"]
    # phi and theta are where the native pole lies in the sky, psi the native longitude of the celestial pole.
    if direction == "native2celestial":
        angles, axes = (psi - 90, theta - 90, -90 - phi), "zxz"
    elif direction == "celestial2native":
        angles, axes = (90 + phi, 90 - theta, 90 - psi), "zxz"
    else:
        angles, axes = (phi, theta, psi), direction
    longitude, latitude = to_spherical(*_turn(rotation_matrix(angles, axes), *to_cartesian(longitude, latitude)))
    return (longitude if axes is direction else np.where(longitude < 0, longitude + 360, longitude)), latitude


@register("rotate_sequence_3d", lambda node: 2 if node["rotation_type"] == "spherical" else 3)
def _rotate_sequence_3d(node, *inputs):
    matrix = rotation_matrix([number(angle) for angle in node["angles"]], node["axes_order"])
    if node["rotation_type"] == "spherical":
        return to_spherical(*_turn(matrix, *to_cartesian(*inputs)))
    return _turn(matrix, *inputs)


@register("spherical_cartesian", lambda node: 2 if node["transform_type"] == "spherical_to_cartesian" else 3)
def _spherical_cartesian(node, *inputs):
    if node["transform_type"] == "spherical_to_cartesian":
        return to_cartesian(*inputs)
    longitude, latitude = to_spherical(*inputs)
    return (np.mod(longitude, 360) if node["wrap_lon_at"] == 360 else longitude), latitude


@register("gnomonic", 2)
def _gnomonic(node, x, y):
    if node["direction"] == "pix2sky":
        return np.degrees(np.arctan2(x, -y)), np.degrees(np.arctan2(180 / np.pi, np.hypot(x, y)))
    longitude, latitude = np.radians(x), np.radians(y)
    with np.errstate(divide="ignore", invalid="ignore"):
        radius = np.where(np.sin(latitude) > 0, 180 / np.pi * np.cos(latitude) / np.sin(latitude), np.nan)
    return radius * np.sin(longitude), -radius * np.cos(longitude)


@register("fitswcs_imaging", 2)
def _fitswcs_imaging(node, x, y):
    return evaluate(expand_fitswcs(node), x, y)


def number(value):
    """A parameter as a float; a quantity's number (its unit is the one that astropy would assume)."""
    return float(value["value"]) if isinstance(value, dict) else float(np.asarray(value).reshape(-1)[0])


class Foreign(TaggedDict):
    """Node that stands for a model of astropy."""

    model = None


def evaluate_foreign(node, *inputs):
    """Evaluate a node through astropy.modeling."""
    result = foreign_model(node)(*inputs, with_bounding_box=False)
    return result if isinstance(result, tuple) else (result,)


def foreign_model(node):
    """The astropy model of a node; kept with the node, for it takes a second to make."""
    if getattr(node, "model", None) is None:
        node.model = _build_model(node)
    return node.model


def _build_model(node):
    import io
    import warnings

    import asdf

    for standard in ("1.6.0", "1.5.0"):  # the older one fills in what old nodes leave to their schemas' defaults
        content = io.BytesIO(asdffiles.encode({"model": node}, standard))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", asdf.exceptions.AsdfConversionWarning)
            with asdf.open(content, lazy_load=False, memmap=False) as file:
                if callable(file["model"]):
                    return file["model"]
    raise JwcalError(f"transform {kind(node)} is of an unknown kind; install the package that defines {node.tag}")
