"""Transforms of spectrographs: direction cosines, turns of a unit vector, gratings, the prism, tables, selections.

Directions are the cosines (a, b, c) of a unit vector. Importing this module enters the kinds in the tables of
`jwcal.wcs.transforms` and `jwcal.wcs.inverses`.

References
----------
Dorner et al. 2016, A&A 592, A113 (the parametric model of NIRSpec, whose equations these are); ASDF schemas of the
packages stdatamodels (``tag:stsci.edu:jwst_pipeline``) and gwcs.
"""

import math

import numpy as np

from jwcal.asdffiles import TaggedDict
from jwcal.wcs.inverses import NotInvertible, inverts
from jwcal.wcs.transforms import evaluate_foreign, number, register

WARM = 20.0  # kelvins above the reference temperature from which the prism's index is corrected for it
ICE = 273.15  # K
CONDITIONS = {"GT": np.greater, "LT": np.less, "EQ": np.equal, "NE": np.not_equal}
_TO_COSINES = {"unitless2directional", "to_dircos"}


def _depth(a, b):
    """Third cosine of a unit vector that looks forward; NaN where there is none."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(1.0 - a**2 - b**2)


@register("coords", lambda node: 2 if node["model_type"] in _TO_COSINES else 3)
def _coords(node, x, y, *z):
    """Slopes to direction cosines, or back."""
    if z:
        return x / z[0], y / z[0]
    length = np.sqrt(1.0 + x**2 + y**2)
    return x / length, y / length, 1.0 / length


@inverts("coords")
def _invert_coords(node):
    forward = node["model_type"] in _TO_COSINES
    return TaggedDict({"model_type": "directional2unitless" if forward else "unitless2directional"}, tag=node.tag)


def turn(angles, axes, a, b, c):
    """Turn a unit vector about one axis after the other.

    Parameters
    ----------
    angles : sequence of float
        Degrees.
    axes : str
        An axis, x, y or z, for each angle.
    a, b, c : ndarray
        Direction cosines.

    Returns
    -------
    tuple of ndarray
        Direction cosines; the third is made of the other two after each turn, so that it is never negative.
    """
    for angle, axis in zip(angles, axes, strict=True):
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        if axis == "x":
            b = cosine * b + sine * c
        elif axis == "y":
            a = cosine * a - sine * c
        else:
            a, b = cosine * a + sine * b, cosine * b - sine * a
        c = _depth(a, b)
    return a, b, c


@register("rotation_sequence", 3)
def _rotation_sequence(node, a, b, c):
    return turn([number(angle) for angle in node["angles"]], node["axes_order"], a, b, c)


@inverts("rotation_sequence")
def _invert_rotation_sequence(node):
    angles = [-number(angle) for angle in reversed(node["angles"])]
    return TaggedDict({"angles": angles, "axes_order": node["axes_order"][::-1]}, tag=node.tag)


def _count_grating(node):
    own = "jwst_pipeline" in node.tag  # it takes a third cosine that it has no use for
    return {"angle": 3 + own, "wavelength": 2 + own}[node["output"]]


@register("grating_equation", _count_grating)
def _grating_equation(node, *inputs):
    """The grating equation in direction cosines; the two packages count the angle of incidence in opposite senses."""
    ruling = number(node["groove_density"]) * number(node["order"])
    own = "jwst_pipeline" in node.tag
    if node["output"] == "wavelength":
        return ((inputs[0] + inputs[-1]) / (-ruling if own else ruling),)
    wavelength, a, b = inputs[:3]
    a = (-a if own else a) - ruling * wavelength
    return a, -b, _depth(a, -b)


@register("refraction_index_from_prism", 3)
def _refraction_index_from_prism(node, a, b, a_out):
    """Index of the glass that sends a ray from (a, b) to a_out, by way of the mirror on the prism's back."""
    angle = math.radians(number(node["prism_angle"]))
    along = (a_out + a * math.cos(2 * angle)) / math.sin(2 * angle)
    return (np.sqrt(along**2 + a**2 + b**2),)


@register("snell", 4)
def _snell(node, wavelength, a, b, c):
    """Into the prism, off the mirror on its back, and out again."""
    angle = number(node["prism_angle"])
    names = ("kcoef", "lcoef", "tcoef", "ref_temp", "ref_pressure", "temp", "pressure")
    index = refractive_index(wavelength, *(node[name] for name in names))
    a, b = a / index, b / index
    a, b, c = turn((angle,), "y", a, b, _depth(a, b))
    a, b, c = turn((-angle,), "y", -a, -b, c)
    a, b = a * index, b * index
    return a, b, _depth(a, b)


def refractive_index(wavelength, kcoef, lcoef, tcoef, ref_temp, ref_pressure, temp, pressure):
    """Refractive index of the prism's glass.

    Parameters
    ----------
    wavelength : ndarray
        Metres.
    kcoef, lcoef : sequence of three float
        Numerators, and poles (um2), of Sellmeier's equation at the reference temperature.
    tcoef : sequence of six float
        How it changes with temperature: D0, D1, D2, E0, E1, and a wavelength in um.
    ref_temp, temp : float
        Reference temperature, and that of the prism, K. The latter counts where it is `WARM` above the former.
    ref_pressure, pressure : float
        Pressures of air, atm.

    Returns
    -------
    ndarray
    """
    microns = np.asarray(wavelength) * 1e6
    if temp - ref_temp < WARM:
        return _sellmeier(microns, kcoef, lcoef)
    air = _air_index(microns, pressure, temp)
    reference_air = _air_index(microns, ref_pressure, ref_temp)
    relative = microns * air / reference_air
    index = _sellmeier(relative, kcoef, lcoef)
    d0, d1, d2, e0, e1, pole = tcoef
    rise = temp - ref_temp
    slope = d0 * rise + d1 * rise**2 + d2 * rise**3 + (e0 * rise + e1 * rise**2) / (relative**2 - pole)
    return (index * reference_air + 0.5 * (index**2 - 1.0) / index * slope) / air


def _sellmeier(microns, numerators, poles):
    square = microns**2
    return np.sqrt(1.0 + sum(k * square / (square - pole) for k, pole in zip(numerators, poles, strict=True)))


def _air_index(microns, pressure, temp):
    """Refractive index of air (Kohlrausch), as Zemax has it."""
    square = microns**2
    excess = (6432.8 + 2949810.0 * square / (146.0 * square - 1.0) + 5540.0 * square / (41.0 * square - 1.0)) * 1e-8
    return 1.0 + excess * pressure / (1.0 + (temp - ICE - 15.0) * 3.4785e-3)


@register("tabular", lambda node: len(node["points"]))
def _tabular(node, *inputs):
    """Linear interpolation in a table of one variable; the fill value (NaN) outside. Astropy does all other tables."""
    if len(inputs) > 1 or node.get("method", "linear") != "linear":
        return evaluate_foreign(node, *inputs)
    (x,), points, table = inputs, np.asarray(node["points"][0], float), np.asarray(node["lookup_table"], float)
    if points[0] > points[-1]:
        points, table = points[::-1], table[::-1]
    fill = node.get("fill_value")
    fill = np.nan if fill is None else number(fill)
    return (np.interp(x, points, table, left=fill, right=fill),)


@inverts("tabular")
def _invert_tabular(node):
    table = np.asarray(node["lookup_table"], float)
    if np.ndim(table) != 1 or not (np.all(np.diff(table) > 0) or np.all(np.diff(table) < 0)):
        raise NotInvertible("tabular")
    (points,) = node["points"]
    order = slice(None) if table[0] < table[-1] else slice(None, None, -1)
    return TaggedDict(
        {**node, "points": [table[order]], "lookup_table": np.asarray(points, float)[order]}, tag=node.tag
    )


@register("logical", 1)
def _logical(node, x):
    """Put a value where a condition holds."""
    with np.errstate(invalid="ignore"):
        chosen = CONDITIONS[node["condition"]](x, node["compareto"]) & ~np.isnan(x)
    return (np.where(chosen, node["value"], x),)
