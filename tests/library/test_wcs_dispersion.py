"""Transforms of spectrographs against plain formulas, and against models of the packages that define them."""

import numpy as np
import pytest

from jwcal import asdffiles
from jwcal.wcs import nodes
from jwcal.wcs.dispersion import refractive_index, turn
from jwcal.wcs.inverses import NotInvertible, invert
from jwcal.wcs.transforms import count_inputs, evaluate, rotation_matrix

GLASS = {"kcoef": [0.58339748, 0.46085267, 3.8915394], "lcoef": [0.00252643, 0.010078333, 1200.556],
         "tcoef": [-2.66e-05, 0.0, 0.0, 0.0, 0.0, 0.0], "ref_temp": 35.0, "ref_pressure": 0.0, "temp": 36.0,
         "pressure": 0.0}  # fmt: skip


def directions(count=7, seed=3):
    """Unit vectors that look forward."""
    a, b = np.random.default_rng(seed).uniform(-0.4, 0.4, (2, count))
    return a, b, np.sqrt(1 - a**2 - b**2)


def test_slopes_and_direction_cosines():
    node = nodes.make_jwst("coords", model_type="unitless2directional")
    x, y = np.array([0.0, 0.3, -0.2]), np.array([0.0, 0.1, 0.4])
    a, b, c = evaluate(node, x, y)
    np.testing.assert_allclose(a**2 + b**2 + c**2, 1)
    np.testing.assert_allclose((a / c, b / c), (x, y), atol=1e-15)
    np.testing.assert_allclose(evaluate(invert(node), a, b, c), (x, y), atol=1e-15)
    assert (count_inputs(node), count_inputs(invert(node))) == (2, 3)


def test_turns_are_rotations_and_can_be_undone():
    angles, axes = [3.0, -5.0, 40.0, 2.0], "xyzy"
    vector = np.array(directions())
    expected = vector
    for angle, axis in zip(angles, axes):
        expected = rotation_matrix([angle], axis) @ expected
    np.testing.assert_allclose(turn(angles, axes, *vector), expected, atol=1e-14)
    node = nodes.make_jwst("rotation_sequence", angles=angles, axes_order=axes)
    np.testing.assert_allclose(evaluate(invert(node), *evaluate(node, *vector)), vector, atol=1e-14)


def test_gratings_obey_their_equation():
    a, b, c = directions()
    wavelength = np.full(a.size, 2e-6)
    ruling = {"groove_density": 1e5, "order": -1}
    out = evaluate(nodes.make_gwcs("grating_equation", output="angle", **ruling), wavelength, a, b)
    np.testing.assert_allclose(out[:2], (a + 0.2, -b))
    np.testing.assert_allclose(sum(part**2 for part in out), 1)
    own = evaluate(nodes.make_jwst("grating_equation", output="angle", **ruling), wavelength, -a, b, c)
    np.testing.assert_allclose(own, out)
    backward = evaluate(nodes.make_jwst("grating_equation", output="wavelength", **ruling), -a, b, own[0])
    np.testing.assert_allclose(backward[0], wavelength)
    paraxial = nodes.make_gwcs("grating_equation", output="wavelength", **ruling)
    np.testing.assert_allclose(evaluate(paraxial, -a, out[0]), -wavelength[None])


def test_the_prism_and_its_index_agree():
    a, b, c = directions()
    a, b, c = turn((20.0,), "y", a * 0.1, b * 0.1, np.sqrt(1 - 0.01 * (a**2 + b**2)))
    wavelength = np.linspace(0.7e-6, 5e-6, a.size)
    out = evaluate(nodes.make_jwst("snell", prism_angle=-16.5, **GLASS), wavelength, a, b, c)
    np.testing.assert_allclose(sum(part**2 for part in out), 1)
    (index,) = evaluate(nodes.make_jwst("refraction_index_from_prism", prism_angle=-16.5), a, b, out[0])
    np.testing.assert_allclose(index, refractive_index(wavelength, **GLASS), rtol=1e-12)
    assert (np.diff(index) < 0).all() and 1.38 < index[-1] < index[0] < 1.45  # calcium fluoride


def test_warm_glass():
    """Against gwcs, which has the full equation; and continuous where it takes over."""
    from gwcs.spectroscopy import SellmeierZemax

    warm = GLASS | {"temp": 293.0, "pressure": 1.0, "ref_pressure": 0.5}
    wavelength = np.linspace(0.6, 5.0, 9)
    expected = SellmeierZemax().evaluate(
        wavelength,
        293.0,
        35.0,
        0.5,
        1.0,
        [GLASS["kcoef"]],
        [GLASS["lcoef"]],
        [GLASS["tcoef"][:3]],
        [GLASS["tcoef"][3:]],
    )
    np.testing.assert_allclose(refractive_index(wavelength * 1e-6, **warm), expected, rtol=1e-14)
    cold = refractive_index(2e-6, **GLASS)
    assert abs(refractive_index(2e-6, **GLASS | {"temp": 55.1}) - cold) < 1e-3


@pytest.mark.parametrize("order", [1, -1])
def test_tables(order):
    points = np.array([1.0, 2.0, 4.0])[::order]
    node = nodes.make("tabular", points=[points], lookup_table=points * 10, method="linear", bounds_error=False)
    x = np.array([0.9, 1.0, 1.5, 3.0, 4.0, 4.1, np.nan])
    np.testing.assert_array_equal(evaluate(node, x)[0], [np.nan, 10, 15, 30, 40, np.nan, np.nan])
    np.testing.assert_allclose(evaluate(invert(node), [10, 30, 41]), [[1, 3, np.nan]])
    with pytest.raises(NotInvertible):
        invert(nodes.make("tabular", points=[points], lookup_table=np.array([1.0, 3.0, 2.0])))
    node["fill_value"] = -1.0
    np.testing.assert_array_equal(evaluate(node, x)[0][[0, 5]], -1)


def test_conditions():
    x = np.array([-1.0, 0.5, 2.0, np.nan])
    expected = {
        "GT": [-1, 0.5, 9, np.nan],
        "LT": [9, 0.5, 2, np.nan],
        "EQ": [-1, 9, 2, np.nan],
        "NE": [9, 0.5, 9, np.nan],
    }
    for condition, result in expected.items():
        node = nodes.make_jwst("logical", condition=condition, compareto=0.5, value=9.0)
        np.testing.assert_array_equal(evaluate(node, x)[0], result)


def test_nodes_are_read_back():
    """What is written stays what it is: the tags are known, the tables are kept."""
    node = nodes.compose(
        nodes.make_jwst("coords", model_type="unitless2directional"),
        nodes.make_jwst("rotation_sequence", angles=[1.0, 2.0], axes_order="xy"),
    )
    again = asdffiles.decode(asdffiles.encode({"model": node}))["model"]
    np.testing.assert_array_equal(evaluate(again, 0.1, 0.2), evaluate(node, 0.1, 0.2))
