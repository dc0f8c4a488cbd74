"""The telescope's tangent plane, and the linear correction of a WCS in it.

The plane touches the sphere of (V2, V3) at the reference point of an exposure, its axes turned by the roll angle, so
that they point east and north there. A correction takes plane coordinates p to M p + s. In a WCS it stands behind
``v2v3`` (or ``v2v3vacorr``) and ends in the frame ``v2v3corr``: to the plane, M and s, and back to V2, V3. Names of the
parts are those that tweakwcs and gwcs look for.
"""

import math
from copy import copy
from typing import NamedTuple

import numpy as np

from jwcal.asdffiles import kind
from jwcal.wcs import nodes
from jwcal.wcs.pipeline import WCS
from jwcal.wcs.transforms import rotation_matrix, to_cartesian, to_spherical

NAME = "JWST tangent-plane linear correction. v1"
CORRECTED = "v2v3corr"
ARCSEC = math.pi / 180 / 3600


class TangentPlane(NamedTuple):
    """Where a plane touches.

    Attributes
    ----------
    v2_ref, v3_ref : float
        Tangent point, arcseconds.
    roll_ref : float
        Position angle of V3 there, degrees.
    """

    v2_ref: float
    v3_ref: float
    roll_ref: float

    def project(self, v2, v3):
        """Plane coordinates x, y, arcseconds, of V2, V3 in arcseconds."""
        x, y, z = self._matrix() @ np.stack(to_cartesian(np.asarray(v2) / 3600, np.asarray(v3) / 3600)).reshape(3, -1)
        shape = np.shape(v2)
        return (y / x / ARCSEC).reshape(shape), (z / x / ARCSEC).reshape(shape)

    def deproject(self, x, y):
        """V2, V3 of plane coordinates, all in arcseconds."""
        vectors = np.stack([np.ones(np.shape(x)), np.asarray(x) * ARCSEC, np.asarray(y) * ARCSEC])
        v2, v3 = to_spherical(*(self._matrix().T @ vectors.reshape(3, -1)))
        return (3600 * v2).reshape(np.shape(x)), (3600 * v3).reshape(np.shape(x))

    def _matrix(self):
        return rotation_matrix(self._angles(), "zyx")

    def _angles(self):
        return [self.v2_ref / 3600, -self.v3_ref / 3600, self.roll_ref]


class Affine(NamedTuple):
    """p -> matrix p + shift: float64 [2, 2], and [2] in arcseconds."""

    matrix: np.ndarray
    shift: np.ndarray

    def __call__(self, x, y):
        """Apply it to coordinates."""
        (a, b), (c, d) = self.matrix
        return a * x + b * y + self.shift[0], c * x + d * y + self.shift[1]

    def inverse(self):
        """The opposite transformation."""
        matrix = np.linalg.inv(self.matrix)
        return Affine(matrix, -matrix @ self.shift)

    def after(self, first):
        """The transformation of `first` and then this one."""
        return Affine(self.matrix @ first.matrix, self.matrix @ first.shift + self.shift)

    def carried(self, to_other):
        """The same motion expressed in another plane, given the affine map of this plane to that one."""
        back = to_other.inverse()
        return to_other.after(self.after(back))


IDENTITY = Affine(np.identity(2), np.zeros(2))


def linearise(function, step=1.0):
    """Affine map that a map of planes is at the origin.

    Parameters
    ----------
    function : callable
        (x, y) to (x, y), arcseconds.
    step : float
        Distance over which the slopes are taken, arcseconds.
    """
    half = step / 2
    x, y = function(np.array([-half, half, 0, 0, 0]), np.array([0, 0, -half, half, 0]))
    matrix = np.array([[x[1] - x[0], x[3] - x[2]], [y[1] - y[0], y[3] - y[2]]]) / step
    return Affine(matrix, np.array([x[4], y[4]]))


def split_correction(wcs):
    """Take the correction out of a WCS.

    Parameters
    ----------
    wcs : WCS
        With or without the frame ``v2v3corr``.

    Returns
    -------
    wcs : WCS
        Without the frame; the same object where there was none.
    plane, affine : TangentPlane and Affine, or None
        What was taken out.
    """
    if CORRECTED not in wcs.frames:
        return wcs, None, None
    index = wcs.frames.index(CORRECTED)
    steps = list(wcs.node["steps"])
    parts = dict(_named(steps[index - 1]["transform"]))
    first, second, roll = parts["det_to_optic_axis"]["angles"]
    node = parts["tp_affine"]
    affine = Affine(np.asarray(node["matrix"], float), np.asarray(node["translation"], float) / ARCSEC)
    before = copy(steps[index - 1])
    before["transform"] = steps[index]["transform"]
    bare = copy(wcs.node)
    bare["steps"] = [*steps[: index - 1], before, *steps[index + 1 :]]
    return WCS(bare), TangentPlane(3600 * first, -3600 * second, roll), affine


def _named(node):
    """Named parts of a transform, at any depth."""
    if isinstance(node, dict):
        if "name" in node and kind(node):
            yield node["name"], node
        for part in node.get("forward", ()):
            yield from _named(part)


def insert_correction(wcs, plane, affine, name=None):
    """Put a correction into a WCS, in place of one that is there.

    Parameters
    ----------
    wcs : WCS
        With the frame ``v2v3``; not changed.
    plane : TangentPlane
        Where the correction holds.
    affine : Affine
        The correction.
    name : str, optional
        New name of the WCS.

    Returns
    -------
    WCS
    """
    bare, _, _ = split_correction(wcs)
    node = copy(bare.node)
    index = bare.frames.index(last_telescope_frame(bare))
    steps = list(node["steps"])
    before, after = copy(steps[index]), copy(steps[index])
    frame = copy(before["frame"])
    frame["name"] = CORRECTED
    before["transform"], after["frame"] = _correction(plane, affine), frame
    node["steps"] = [*steps[:index], before, after, *steps[index + 1 :]]
    if name is not None:
        node["name"] = name
    return WCS(node)


def last_telescope_frame(wcs):
    """Name of the frame in V2, V3 from which the sky is next."""
    return next(name for name in (CORRECTED, "v2v3vacorr", "v2v3") if name in wcs.frames)


def _correction(plane, affine):
    """Transform of V2, V3, with its inverse."""
    transform = _around(plane, affine, "tp_affine")
    transform["name"] = NAME
    transform["inverse"] = _around(plane, affine.inverse(), "tp_affine_inv")
    transform["inverse"]["name"] = f"Inverse {NAME}"
    return transform


def _around(plane, affine, name):
    """To the plane, the affine transformation called `name`, and back."""
    angles = plane._angles()
    translation = np.asarray(affine.shift, float) * ARCSEC
    return nodes.compose(
        _convert(1 / 3600, "arcsec_to_deg"),
        _spherical("s2c", "spherical_to_cartesian"),
        nodes.make("rotate_sequence_3d", angles=angles, axes_order="zyx", rotation_type="cartesian",
                   name="det_to_optic_axis"),
        _to_plane(),
        nodes.make("affine", matrix=np.asarray(affine.matrix, float), translation=translation, name=name),
        _from_plane(),
        nodes.make("rotate_sequence_3d", angles=[-angle for angle in angles[::-1]], axes_order="xyz",
                   rotation_type="cartesian", name="optic_axis_to_det"),
        _spherical("c2s", "cartesian_to_spherical"),
        _convert(3600.0, "deg_to_arcsec"),
    )  # fmt: skip


def _convert(factor, name):
    both = nodes.scale(factor, factor)
    for part in both["forward"]:
        part["name"] = f"{name}_1D"
    both["name"] = f"{name}_2D"
    return both


def _spherical(name, direction):
    return nodes.make_gwcs("spherical_cartesian", transform_type=direction, wrap_lon_at=180, name=name)


def _remap(name, mapping, inputs):
    node = nodes.make("remap_axes", mapping=mapping, name=name)
    if max(mapping) + 1 != inputs:
        node["n_inputs"] = inputs
    return node


def _to_plane():
    """(x, y, z) to (y / x, z / x)."""
    ratio = nodes.make("divide", forward=[_remap("xyz", [0, 1, 2], 3), _remap("xxx", [0, 0, 0], 3)])
    node = nodes.compose(ratio, _remap("xtyt", [1, 2], 3))
    node["name"] = "Cartesian 3D to TAN"
    return node


def _from_plane():
    """(x, y) to (1, x, y)."""
    one = nodes.make("constant", value=1.0, dimensions=1, name="one")
    both = nodes.concatenate(one, nodes.make("identity", n_dims=2, name="I(2D)"))
    node = nodes.compose(_remap("xtyt2xyz", [0, 0, 1], 2), both)
    node["name"] = "TAN to cartesian 3D"
    return node
