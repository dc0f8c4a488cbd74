"""Inverses of transforms: the inverse that a node brings along, else the analytic one of its kind."""

import numpy as np

from jwcal.asdffiles import TaggedDict, kind
from jwcal.wcs.nodes import expand_fitswcs, make
from jwcal.wcs.transforms import FORWARD, Foreign, foreign_model, number

INVERSE = {}
"""Function (node) -> node of the inverse, for each kind that has one."""


class NotInvertible(ValueError):
    """No inverse is known: the caller solves numerically."""


def invert(node):
    """Inverse of a transform, as a transform.

    Parameters
    ----------
    node : TaggedDict
        The transform.

    Returns
    -------
    TaggedDict

    Raises
    ------
    NotInvertible
        When a part has neither an `inverse` of its own nor an analytic one (polynomials).
    """
    if node.get("inverse") is not None:
        return node["inverse"]
    name = kind(node)
    if name in INVERSE:
        return INVERSE[name](node)
    if name in FORWARD:
        raise NotInvertible(name)
    return _invert_foreign(node)


def inverts(name):
    """Enter a function (node) -> node of the inverse in the table of kinds."""

    def enter(function):
        INVERSE[name] = function
        return function

    return enter


@inverts("compose")
def _compose(node):
    left, right = node["forward"]
    return make("compose", forward=[invert(right), invert(left)])


@inverts("concatenate")
def _concatenate(node):
    return make("concatenate", forward=[invert(part) for part in node["forward"]])


@inverts("identity")
def _identity(node):
    return node


@inverts("remap_axes")
def _remap_axes(node):
    mapping = list(node["mapping"])
    inputs = node.get("n_inputs") or max(mapping) + 1
    if set(mapping) != set(range(inputs)):
        raise NotInvertible("remap_axes")
    return make("remap_axes", mapping=[mapping.index(index) for index in range(inputs)], n_inputs=len(mapping))


@inverts("shift")
def _shift(node):
    return make("shift", offset=-number(node["offset"]))


@inverts("scale")
def _scale(node):
    return make("scale", factor=1 / number(node["factor"]))


@inverts("affine")
def _affine(node):
    matrix = np.linalg.inv(np.asarray(node["matrix"], float))
    return make("affine", matrix=matrix, translation=-matrix @ np.asarray(node.get("translation", (0, 0)), float))


@inverts("rotate2d")
def _rotate2d(node):
    return make("rotate2d", angle=-number(node["angle"]))


@inverts("rotate3d")
def _rotate3d(node):
    opposite = {"native2celestial": "celestial2native", "celestial2native": "native2celestial"}
    phi, theta, psi, direction = (node[name] for name in ("phi", "theta", "psi", "direction"))
    if direction in opposite:
        return make("rotate3d", phi=phi, theta=theta, psi=psi, direction=opposite[direction])
    return make("rotate3d", phi=-number(psi), theta=-number(theta), psi=-number(phi), direction=direction[::-1])


@inverts("rotate_sequence_3d")
def _rotate_sequence_3d(node):
    angles = [-number(angle) for angle in reversed(node["angles"])]
    return make("rotate_sequence_3d", angles=angles, axes_order=node["axes_order"][::-1],
                rotation_type=node["rotation_type"])  # fmt: skip


@inverts("spherical_cartesian")
def _spherical_cartesian(node):
    forward = node["transform_type"] == "spherical_to_cartesian"
    content = {"transform_type": "cartesian_to_spherical" if forward else "spherical_to_cartesian"}
    return TaggedDict({**content, "wrap_lon_at": node["wrap_lon_at"]}, tag=node.tag)


@inverts("gnomonic")
def _gnomonic(node):
    return make("gnomonic", direction="sky2pix" if node["direction"] == "pix2sky" else "pix2sky")


@inverts("fitswcs_imaging")
def _fitswcs_imaging(node):
    return invert(expand_fitswcs(node))


def _invert_foreign(node):
    try:
        model = foreign_model(node).inverse
    except NotImplementedError as error:
        raise NotInvertible(kind(node)) from error
    inverse = Foreign({"inputs": list(model.inputs)}, tag="astropy")
    inverse.model = model
    return inverse
