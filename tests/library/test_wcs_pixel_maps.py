"""Maps between images on checked sparse grids."""

from dataclasses import replace

import numpy as np
import pytest
from naive_wcs import distortion_node, make_image, write_reference

from jwcal.wcs import MapRoom, nodes, output_wcs, pixel_map, sparse_map
from jwcal.wcs.imaging import imaging_wcs
from jwcal.wcs.pipeline import WCS

FRAMES = nodes.frame2d("detector", ("x", "y"), "pixel"), nodes.sky_frame()


@pytest.fixture(params=[((2048, 2048), (1, 1)), ((64, 200), (1001, 301)), ((3, 1), (5, 5))])
def case(request, tmp_path):
    """A detector, a mosaic's frame, and the detector's shape."""
    shape, start = request.param
    image = make_image(shape, start)
    reference = write_reference(tmp_path / "distortion.asdf", "distortion", model=distortion_node(strength=3.0))
    wcs = imaging_wcs(image, reference)
    out, _ = output_wcs([wcs], [wcs.footprint()], image.sci_header, output_shape=(3000, 3000))
    return wcs, out, shape


def exact(wcs_in, wcs_out, x, y):
    return np.stack(wcs_out.inverse(*wcs_in.forward(x, y)))


def test_error_is_below_the_tolerance(case):
    wcs, out, shape = case
    result = pixel_map(wcs, out, shape)
    assert result.shape == (2, *shape) and result.dtype == np.float64
    y, x = (axis.ravel() for axis in np.mgrid[: shape[0] : 7, : shape[1] : 5])
    assert np.abs(result[:, y, x] - exact(wcs, out, x, y)).max() < 1e-3


def test_grid_is_sparse_and_refined_on_demand(case):
    wcs, out, shape = case
    coarse, fine = (sparse_map(wcs, out, shape, tolerance=tolerance) for tolerance in (1e-3, 1e-7))
    assert coarse.error <= 1e-3 and fine.error <= 1e-7
    assert coarse.grid.shape[1] * coarse.grid.shape[2] <= max(49, np.prod(shape) / 1000)
    assert fine.grid.size >= coarse.grid.size


def test_image_onto_itself():
    plane = nodes.fitswcs((50, 40), (10, 20), (1e-5, 1e-5), np.identity(2))
    wcs = WCS(nodes.wcs((FRAMES[0], nodes.bound(plane, (-0.5, 99.5), (-0.5, 79.5))), (FRAMES[1], None)))
    np.testing.assert_allclose(pixel_map(wcs, wcs, (80, 100)), np.mgrid[:80, :100][::-1], atol=1e-6)
    nodes.bound(plane, (3.5, 95.5), (-0.5, 79.5))
    result = pixel_map(wcs, wcs, (80, 100))
    assert np.isnan(result[:, :, [0, 3, 96, 99]]).all() and np.isfinite(result[:, :, 4:96]).all()


def test_what_is_rough_or_undefined_is_evaluated_everywhere():
    ripple = nodes.compose(nodes.scale(2.0, 1.0), nodes.concatenate(
        nodes.make("math_functions", func_name="sqrt"), nodes.make("identity", n_dims=1)))  # fmt: skip
    transform = nodes.compose(nodes.shift(-10, 0), nodes.bound(ripple, (-0.5, 39.5), (-0.5, 29.5)))
    wcs = WCS(nodes.wcs((FRAMES[0], transform), (FRAMES[1], None)))
    straight = WCS(nodes.wcs((FRAMES[0], nodes.scale(1, 1)), (FRAMES[1], None)))
    with np.errstate(invalid="ignore"):
        result = pixel_map(wcs, straight, (30, 40))
    y, x = np.mgrid[:30, :40]
    assert np.isnan(result[:, :, :10][0]).all()
    np.testing.assert_allclose(result[0, :, 10:], np.sqrt(2.0 * (x - 10)[:, 10:]))
    np.testing.assert_allclose(result[1], y)


def test_one_map_after_another_in_the_same_memory(case):
    wcs, out, shape = case
    maps = [sparse_map(wcs, out, shape).shift(x, 2 * x) for x in (0, 5)]
    room = MapRoom()
    first = room.expand(maps[0])
    np.testing.assert_array_equal(first, maps[0].expand())
    second = room.expand(maps[1])
    np.testing.assert_array_equal(second, maps[1].expand())
    assert np.shares_memory(first, second) or maps[0].spacing.max() == 1
    other = replace(maps[0], shape=(max(shape[0] - 1, 1), shape[1]))
    np.testing.assert_array_equal(room.expand(other), other.expand())
