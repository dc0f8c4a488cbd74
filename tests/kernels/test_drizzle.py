"""The drizzle: against the drizzle library, against clipped polygons, and cases that can be read by eye."""

import warnings

import numba
import numpy as np
import pytest
from naive_drizzle import ABSENT, NO_FLAGS, make_exposure, make_pixmap, naive_fraction, naive_square

from jwcal.kernels.drizzle import BAND, drizzle
from jwcal.kernels.drizzle_drops import GAUSSIAN, LANCZOS2, LANCZOS3, POINT, SQUARE, TURBO
from jwcal.kernels.drizzle_square import cover_cells, cover_four
from jwcal.kernels.drizzle_weights import weigh_pixels

KERNELS = {"square": SQUARE, "point": POINT, "turbo": TURBO, "gaussian": GAUSSIAN, "lanczos2": LANCZOS2,
           "lanczos3": LANCZOS3}  # fmt: skip
GEOMETRIES = [
    (3.0, 1.0, 1.0),
    (45.0, 1.0, 0.8),
    (100.0, 2.3, 0.7),
    (-30.0, 0.4, 1.0),
    (181.0, 0.8, 0.5),
    (0.0, 1.0, 0.0),
]


def ones(shape, value=1.0):
    return np.full(shape, value, np.float32)


def resample(data, pixmap, shape, weight=None, kernel=SQUARE, pixfrac=1.0, dq=NO_FLAGS, ratio=1.0):
    data = np.asarray(data, np.float32)
    weight = ones(data.shape) if weight is None else np.asarray(weight, np.float32)
    exposure = (data, ABSENT, ABSENT, ABSENT, weight)
    return drizzle(exposure, dq, np.array(pixmap, float, order="C"), shape, (kernel, pixfrac, ratio, 1.0))


def official(exposure, pixmap, shape, name, pixfrac, ratio):
    """The drizzle library's data, squared errors, weight and context."""
    library = pytest.importorskip("drizzle.resample")
    data, *variances, weight = exposure
    settings = {"exptime": 1.0, "pixmap": np.dstack(pixmap), "weight_map": weight, "pixfrac": pixfrac}
    planes = []
    for plane in (data, *np.sqrt(variances)):
        driz = library.Drizzle(kernel=name, out_shape=shape, fillval=np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            driz.add_image(plane, pixel_scale_ratio=ratio, **settings)
        planes.append(driz.out_img if not planes else driz.out_img**2)
    return np.array(planes), driz.out_wht, driz.out_ctx[0]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("name", KERNELS)
def test_agrees_with_the_drizzle_library(name, geometry):
    angle, scale, pixfrac = geometry
    pixmap, shape = make_pixmap((37, 30), angle, scale, bend=1e-4)
    exposure = make_exposure(np.random.default_rng(1), (37, 30))
    planes, weight, context = official(exposure, pixmap, shape, name, pixfrac, 1 / scale)
    drop = (KERNELS[name], pixfrac, 1 / scale, 1.0)
    ours, our_weight, hits, _ = drizzle(exposure, NO_FLAGS, pixmap, shape, drop)
    np.testing.assert_array_equal(hits, context != 0)
    np.testing.assert_allclose(our_weight, weight, rtol=2e-6, atol=1e-6 * weight.max())
    # Where positive and negative Lanczos weights cancel, the library's running mean in float32 is noise.
    firm = np.abs(weight) > (0.05 * weight.max() if name.startswith("lanczos") else 0)
    np.testing.assert_array_equal(np.isnan(ours[0]), np.isnan(planes[0]))
    np.testing.assert_allclose(ours[:, firm], planes[:, firm], rtol=3e-5, atol=1e-9)


@pytest.mark.parametrize(("angle", "scale", "pixfrac"), [(20.0, 1.1, 1.0), (70.0, 0.45, 1.0), (-5.0, 2.5, 0.6)])
def test_agrees_with_clipped_polygons_at_the_border_too(angle, scale, pixfrac):
    pixmap, (ny, nx) = make_pixmap((7, 6), angle, scale, bend=2e-3, margin=0.0)
    shape = (ny - 1, nx - 2)  # cuts the image on all sides
    exposure = make_exposure(np.random.default_rng(2), (7, 6), bad=0.1)
    drop = (SQUARE, pixfrac, 1.0, 1.0)
    planes, weight, hits, _ = drizzle(exposure, NO_FLAGS, pixmap, shape, drop)
    errors = [exposure[0], *np.sqrt(exposure[1:4])]
    expected, total = naive_square(errors, exposure[4], pixmap, shape, pixfrac)
    np.testing.assert_allclose(weight, total, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(hits, total > 1e-9)
    expected[1:] **= 2
    firm = total > 1e-9
    np.testing.assert_allclose(planes[:, firm], expected[:, firm], rtol=1e-5)


@pytest.mark.parametrize("size", [0.3, 0.9, 4.0])
def test_areas_of_quadrilaterals(size):
    rng = np.random.default_rng(3)
    for _ in range(200):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 4))[:: rng.choice([1, -1])]
        u, v = size * np.cos(angles) + rng.uniform(-1, 7), size * np.sin(angles) + rng.uniform(-1, 6)
        cells = np.full(6 * 6, np.nan)
        cover_cells(cells, 5, 6, tuple(u), tuple(v))
        corners = list(zip(u, v, strict=True))
        expected = [[naive_fraction(corners, x + 0.5, y + 0.5) for x in range(5)] for y in range(6)]
        np.testing.assert_allclose(cells.reshape(6, 6)[:, :5], expected, atol=1e-9)


def test_areas_in_four_cells():
    rng, count = np.random.default_rng(4), 300
    angles = rng.uniform(0, 7, count) + rng.choice([1.6, -1.6], count) * np.arange(4)[:, None]
    angles[:, :40] = np.round(angles[:, :40] / (np.pi / 2)) * np.pi / 2 + np.pi / 4  # sides along the grid
    size = rng.uniform(0.2, 0.5, count)
    xs, ys = rng.uniform(-5, 5, (2, 1, count)) + size * np.array([np.cos(angles), np.sin(angles)])
    tiles = np.full((8, count), np.nan)
    cover_four(xs, ys, count, tiles)
    within = (tiles[2] <= 1) & (tiles[3] <= 1)
    assert within.mean() > 0.7
    for k in np.flatnonzero(within):
        x, y = tiles[:2, k]
        corners = list(zip(xs[:, k], ys[:, k], strict=True))
        expected = [naive_fraction(corners, x + i, y + j) for j in (0, 1) for i in (0, 1)]
        np.testing.assert_allclose(tiles[4:, k], expected, atol=1e-9)
    for k in np.flatnonzero(~within):
        assert tiles[2, k] == np.floor(xs[:, k].max() + 0.5) - np.floor(xs[:, k].min() + 0.5)


def test_a_quadrilateral_without_area_covers_nothing():
    pixmap = np.zeros((2, 3, 3)) + 1.2
    assert not resample(np.ones((3, 3)), pixmap, (4, 4))[2].any()


@pytest.mark.parametrize("kernel", [SQUARE, POINT, TURBO])
def test_identity(kernel):
    data, weight = np.random.default_rng(5).normal(0, 1, (2, 9, 8))
    weight = np.abs(weight) + 1
    planes, total, hits, _ = resample(data, np.indices((9, 8))[::-1], (9, 8), weight, kernel)
    np.testing.assert_allclose(planes[0], data, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(total, weight, rtol=1e-6)
    assert hits.all() and np.isnan(planes[1:]).all()


def test_half_a_pixel_to_the_right_averages_neighbours():
    pixmap = np.indices((1 + 1, 3))[::-1] + np.array([0.5, 0])[:, None, None]
    planes, weight, *_ = resample([[1, 2, 4], [1, 2, 4]], pixmap, (2, 4))
    np.testing.assert_allclose(planes[0], [[1, 1.5, 3, 4]] * 2)
    np.testing.assert_allclose(weight, [[0.5, 1, 1, 0.5]] * 2)


def test_weights_decide():
    pixmap = np.zeros((2, 2, 2)) + 1.0
    planes, weight, *_ = resample([[1, 2], [3, np.nan]], pixmap, (3, 3), [[1, 2], [3, 0]], POINT)
    assert planes[0, 1, 1] == pytest.approx((1 + 4 + 9) / 6) and weight[1, 1] == 6
    assert np.isnan(planes[0]).sum() == 8 and weight.sum() == 6


@pytest.mark.parametrize("kernel", [SQUARE, TURBO, POINT])
def test_weight_is_conserved(kernel):
    pixmap, shape = make_pixmap((40, 50), 33.0, 1.4, margin=4.0)
    weight = np.random.default_rng(6).uniform(0, 9, (40, 50))
    total = resample(ones((40, 50)), pixmap, shape, weight, kernel, ratio=1 / 1.4)[1]
    assert total.sum(dtype=float) == pytest.approx(weight.sum(), rel=1e-6)


def test_a_constant_stays_constant_and_errors_stay_those_of_one_pixel():
    pixmap, shape = make_pixmap((40, 50), 12.0, 0.9, bend=1e-4)
    exposure = (ones((40, 50), 3.5), ones((40, 50), 0.04), ones((40, 50), 0.09), ABSENT, ones((40, 50)))
    planes, weight, *_ = drizzle(exposure, NO_FLAGS, pixmap, shape, (SQUARE, 1.0, 1.0, 2.0))
    inside = weight > 0
    for plane, value in zip(planes[:3], (7.0, 0.16, 0.36), strict=True):
        np.testing.assert_allclose(plane[inside], value, rtol=1e-6)
    assert np.isnan(planes[3]).all()


def test_pixels_without_position_are_left_out():
    pixmap, shape = make_pixmap((9, 8), 5.0)
    pixmap[:, 4, 4] = np.nan
    kept = resample(ones((9, 8)), pixmap, shape, kernel=POINT)[1].sum()
    assert kept == 9 * 8 - 1
    # The corners of its neighbours need its position as well.
    assert resample(ones((9, 8)), pixmap, shape)[1].sum(dtype=float) == pytest.approx(9 * 8 - 9, rel=1e-6)


def test_nothing_falls_on_an_output_elsewhere():
    planes, weight, hits, _ = resample(ones((4, 4)), np.indices((4, 4)) + 100.0, (5, 5))
    assert np.isnan(planes).all() and not weight.any() and not hits.any()


def test_flags_are_handed_on():
    dq = np.array([[1, 2], [4, 8]], np.uint32) << 28
    pixmap = np.indices((2, 2))[::-1] + 0.5
    weight = [[1, 1], [1, 0]]
    *_, flags = resample(np.ones((2, 2)), pixmap, (3, 3), weight, dq=dq)
    np.testing.assert_array_equal(flags >> 28, [[1, 3, 2], [5, 7, 2], [4, 4, 0]])


def test_threads_make_no_difference():
    pixmap, shape = make_pixmap((3 * BAND, 90), 25.0, 1.0, bend=1e-4)
    exposure = make_exposure(np.random.default_rng(7), (3 * BAND, 90))
    results = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        results.append(drizzle(exposure, NO_FLAGS, pixmap, shape, (SQUARE, 0.9, 1.0, 1.0)))
    for one, many in zip(*results, strict=True):
        np.testing.assert_array_equal(one, many)


def test_inputs_are_left_alone():
    arrays = (*make_exposure(np.random.default_rng(8), (6, 6)), make_pixmap((6, 6))[0])
    before = [array.copy() for array in arrays]
    drizzle(arrays[:5], NO_FLAGS, arrays[5], (12, 12), (SQUARE, 1.0, 1.0, 1.0))
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_weights_of_pixels():
    data = np.array([[1, np.nan, 1, 1, 1, 1]], np.float32)
    var_rnoise = np.array([[4, 4, 0, np.inf, 2, 2]], np.float32)
    err = np.array([[1, 1, 1, 1, 1, np.nan]], np.float32)
    dq = np.array([[4, 0, 0, 0, 1, 0]], np.uint32)
    exposure, row = (data, ABSENT, var_rnoise, ABSENT, err), np.array([[0, 5]])
    np.testing.assert_array_equal(weigh_pixels(exposure, dq, np.uint32(1), 0.0, row), [[0.25, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(weigh_pixels(exposure, dq, np.uint32(1), 7.0, row), [[7, 0, 7, 7, 0, 0]])
    np.testing.assert_array_equal(weigh_pixels(exposure, dq, np.uint32(0), 0.0, row), [[0.25, 0, 0, 0, 0.5, 0]])
    np.testing.assert_array_equal(weigh_pixels(exposure, dq, np.uint32(1), 7.0, row + [1, -3]), [[0, 0, 7, 0, 0, 0]])
    assert not weigh_pixels(exposure, dq, np.uint32(0), 1.0, np.array([[0, -1]])).any()
