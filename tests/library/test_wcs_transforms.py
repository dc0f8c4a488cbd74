"""Transforms against astropy.modeling, and their inverses."""

import io
import warnings

import asdf
import numpy as np
import pytest
from astropy.modeling import models
from astropy.modeling.core import fix_inputs
from gwcs import FITSImagingWCSTransform
from gwcs.geometry import CartesianToSpherical, SphericalToCartesian
from naive_wcs import naive_polynomial

from jwcal import asdffiles
from jwcal.errors import JwcalError
from jwcal.wcs import nodes
from jwcal.wcs.inverses import NotInvertible, invert
from jwcal.wcs.transforms import FORWARD, count_inputs, evaluate

RNG = np.random.default_rng(42)


def polynomial2d(degree, **limits):
    names = [f"c{i}_{j}" for i in range(degree + 1) for j in range(degree + 1 - i)]
    return models.Polynomial2D(degree, **dict(zip(names, RNG.normal(size=len(names)))), **limits)


def with_inverse(model, inverse):
    model.inverse = inverse
    return model


POLYNOMIAL = models.Polynomial1D(3, c0=1, c1=0.5, c2=-0.2, c3=0.01)
MODELS = {
    "shift": models.Shift(1.5),
    "scale": models.Scale(-2.5),
    "identity": models.Identity(3),
    "remap_axes": models.Mapping((1, 0, 1)),
    "remap_axes_drop": models.Mapping((0, 2), n_inputs=4),
    "constant": models.Const1D(4.25),
    "constant2d": models.Const2D(-1.5),
    "compose": models.Shift(1) | models.Scale(3),
    "concatenate": models.Shift(1) & models.Mapping((1, 0)) & models.Scale(3),
    "add": POLYNOMIAL + models.Scale(2),
    "subtract": POLYNOMIAL - models.Scale(2),
    "multiply": POLYNOMIAL * models.Scale(2),
    "divide": POLYNOMIAL / models.Scale(2),
    "power": models.Scale(2) ** models.Const1D(1.5),
    "fix_inputs": fix_inputs(polynomial2d(3), {"y": 0.7}),
    "fix_inputs_number": fix_inputs(polynomial2d(3) | models.Identity(1), {0: -0.3}),
    "polynomial1d": POLYNOMIAL,
    "polynomial1d_window": models.Polynomial1D(2, c0=1, c1=2, c2=3, domain=(0, 10), window=(-2, 3)),
    "polynomial2d": polynomial2d(5),
    "polynomial2d_constant": models.Polynomial2D(0, c0_0=3.5),
    "polynomial2d_window": polynomial2d(3, x_domain=(0, 5), y_domain=(1, 9), x_window=(-1, 1), y_window=(0, 2)),
    "affine": models.AffineTransformation2D([[1, 2], [3, 4.5]], [0.1, -0.2]),
    "rotate2d": models.Rotation2D(35.0),
    "rotate3d_native": models.RotateNative2Celestial(30, -60, 170),
    "rotate3d_celestial": models.RotateCelestial2Native(30, -60, 170),
    "rotate3d_euler": models.EulerAngleRotation(10, 20, 30, "xzy"),
    "rotate_sequence_3d": models.RotationSequence3D([1, 2, 30, -40, 50], "zyxyz"),
    "rotate_sequence_3d_spherical": models.SphericalRotationSequence([10, 20, 30], "zyx"),
    "to_cartesian": SphericalToCartesian(wrap_lon_at=180),
    "to_spherical": CartesianToSpherical(wrap_lon_at=360),
    "to_spherical_180": CartesianToSpherical(wrap_lon_at=180),
    "gnomonic": models.Pix2Sky_TAN(),
    "gnomonic_back": models.Sky2Pix_TAN(),
    "math_functions": models.math.Arctan2Ufunc(),
    "fitswcs_imaging": FITSImagingWCSTransform(
        models.Pix2Sky_TAN(), crpix=[5, 6], crval=[30, -40], cdelt=[0.01, 0.02], pc=[[0.8, 0.6], [-0.6, 0.8]]
    ),
    "inverse_of_its_own": with_inverse(polynomial2d(2) & models.Shift(1), models.Mapping((0, 0, 1))),
    "inverse_inside": with_inverse(models.Polynomial1D(1, c1=2), models.Scale(0.25)) | models.Shift(3),
}
FOREIGN = {
    "tabular": models.Tabular2D(
        points=(np.arange(5.0), np.arange(5.0)), lookup_table=np.arange(25.0).reshape(5, 5) ** 2
    ),
    "ortho_polynomial": models.Legendre2D(2, 2, **{f"c{i}_{j}": i - j + 0.5 for i in range(3) for j in range(3)}),
    "inside": models.Shift(0.25) | models.Exponential1D(2.0, 3.0),
}


def raw_node(model):
    buffer = io.BytesIO()
    asdf.AsdfFile({"model": model}).write_to(buffer)
    return asdffiles.decode(buffer.getvalue())["model"]


def call(model, *inputs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = model(*inputs, with_bounding_box=False)
    return result if isinstance(result, tuple) else (result,)


def assert_equal(ours, theirs, rtol=1e-12):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("name", MODELS)
def test_forward_is_astropys(name):
    model, node = MODELS[name], raw_node(MODELS[name])
    assert asdffiles.kind(node) in FORWARD
    assert count_inputs(node) == model.n_inputs
    node.pop("inputs")
    assert count_inputs(node) == model.n_inputs
    inputs = RNG.uniform(0.1, 4.9, (model.n_inputs, 3, 4))
    assert_equal(evaluate(node, *inputs), call(model, *inputs))
    assert_equal(evaluate(nodes.modernise(node), *inputs), call(model, *inputs))


@pytest.mark.parametrize("name", MODELS)
def test_inverse_is_astropys(name):
    model, node = MODELS[name], raw_node(MODELS[name])
    try:
        theirs = model.inverse
    except NotImplementedError:
        with pytest.raises(NotInvertible):
            invert(node)
        return
    inputs = RNG.uniform(0.1, 0.9, (theirs.n_inputs, 20))
    assert count_inputs(invert(node)) == theirs.n_inputs
    assert_equal(evaluate(invert(node), *inputs), call(theirs, *inputs))


@pytest.mark.parametrize("name", FOREIGN)
def test_other_kinds_are_left_to_astropy(name):
    model, node = FOREIGN[name], raw_node(FOREIGN[name])
    inputs = RNG.uniform(0.1, 3.6, (model.n_inputs, 7))
    assert count_inputs(node) == model.n_inputs
    assert_equal(evaluate(node, *inputs), call(model, *inputs))


def test_foreign_inverse():
    node = raw_node(FOREIGN["inside"])
    x = np.array([0.5, 2.0, 4.0])
    assert_equal(evaluate(invert(node), *evaluate(node, x)), (x,))
    with pytest.raises(NotInvertible):
        invert(raw_node(FOREIGN["ortho_polynomial"]))


@pytest.mark.filterwarnings("ignore")
def test_unknown_kind_is_named():
    node = asdffiles.TaggedDict({"inputs": ["x"]}, tag="tag:example.org:transform/warp-1.0.0")
    with pytest.raises(JwcalError, match=r"warp.*tag:example\.org"):
        evaluate(node, 1.0)


def test_polynomial_is_the_sum_of_its_terms():
    coefficients = np.triu(np.arange(16.0).reshape(4, 4))[:, ::-1]  # i + j <= 3
    x, y = RNG.normal(size=(2, 9))
    (value,) = evaluate(nodes.make("polynomial", coefficients=coefficients), x, y)
    np.testing.assert_allclose(value, naive_polynomial(coefficients, x, y), rtol=1e-12)


def test_coefficients_beyond_the_degree_are_ignored():
    (value,) = evaluate(nodes.make("polynomial", coefficients=np.ones((2, 2))), 2.0, 3.0)
    assert value == 1 + 2 + 3


def test_scalars_and_nan():
    (value,) = evaluate(nodes.make("shift", offset=1.0), 2)
    assert value == 3
    (value,) = evaluate(nodes.make("polynomial", coefficients=[1.0, 2.0]), np.array([np.nan, 1.0]))
    np.testing.assert_array_equal(value, [np.nan, 3.0])


def test_inputs_stay_as_they_are():
    x = np.arange(3.0)
    x.flags.writeable = False
    for name in ("polynomial1d", "shift", "constant"):
        evaluate(raw_node(MODELS[name]), x)


def test_sky_behind_the_tangent_plane_is_nan():
    x, y = evaluate(nodes.make("gnomonic", direction="sky2pix"), np.array([0.0, 10.0]), np.array([-5.0, 0.0]))
    assert np.isnan(x).all() and np.isnan(y).all()


def test_old_domain_of_polynomials_is_ignored_and_dropped():
    old = nodes.make("polynomial", coefficients=[1.0, 2.0], domain=[0, 10])
    old.tag = old.tag.replace("-1.3.0", "-1.1.0")
    assert evaluate(old, 3.0) == (7.0,)
    assert "domain" not in nodes.modernise(old)


def test_modernise_keeps_references_to_the_parent():
    node = nodes.make("identity", n_dims=2)
    node["inverse"] = nodes.compose(node, node)
    copy = nodes.modernise(node)
    assert copy is not node and copy["inverse"]["forward"][0] is copy


@pytest.mark.parametrize("folder", ["crds_asdf", "miri"])
def test_real_references_agree_with_astropy(real_data, folder):
    compared = 0
    for path in sorted((real_data / "references" / folder).glob("*distortion*.asdf")):
        with asdf.open(path, lazy_load=False, memmap=False) as file:
            for key, node in asdffiles.read(path).items():
                if asdffiles.kind(node) in FORWARD:
                    compared += 1
                    compare_reference(node, file[key])
    assert compared >= 1


def compare_reference(node, model):
    inputs = RNG.uniform(0, 1000, (model.n_inputs, 50))
    outputs = call(model, *inputs)
    assert_equal(evaluate(node, *inputs), outputs, rtol=1e-10)
    assert_equal(evaluate(nodes.modernise(node), *inputs), outputs, rtol=1e-10)
    assert_equal(evaluate(invert(node), *outputs), call(model.inverse, *outputs), rtol=1e-10)
