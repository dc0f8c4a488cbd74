"""What exposures have in common: polygons of pixels as gwcs draws them, and cells."""

import numpy as np
import pytest
from naive_drizzle import SCALE, make_image

from jwcal.alignment.overlaps import signed_area
from jwcal.sky.regions import CELL, CellGrid, compare_cells, find_near, intersect, outline, scan_polygon
from jwcal.wcs import from_tree

SHAPE = (60, 80)


def fill(spans):
    columns = np.arange(SHAPE[1])
    return (columns >= spans[:, :1]) & (columns <= spans[:, 1:])


@pytest.mark.parametrize("seed", range(12))
def test_polygons_are_drawn_as_by_gwcs(seed):
    from gwcs.region import Polygon

    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 7)))
    centre, radius = rng.uniform([-10, -10], [90, 70]), rng.uniform(5, 60)
    vertices = centre + radius * np.column_stack([np.cos(angles), np.sin(angles)])
    vertices[:, 0] = np.maximum(vertices[:, 0], -0.7)  # gwcs fills rows whose columns are all left of the image
    closed = [tuple(vertex) for vertex in np.vstack([vertices, vertices[:1]])]
    expected = Polygon(True, closed).scan(np.zeros(SHAPE, bool))
    np.testing.assert_array_equal(fill(scan_polygon(vertices, SHAPE)), expected)


def test_a_rectangle_by_eye():
    filled = fill(scan_polygon(np.array([(2.2, 3.1), (6.4, 3.1), (6.4, 5.8), (2.2, 5.8)]), SHAPE))
    assert np.argwhere(filled).min(axis=0).tolist() == [3, 2] and np.argwhere(filled).max(axis=0).tolist() == [6, 6]
    assert filled.sum() == 20
    assert not fill(scan_polygon(np.array([(2.2, 3.1), (2.3, 9.0), (2.2, 20.0)]), SHAPE)).any()


def make_exposure(dx=0.0, dy=0.0, angle=30.0, level=0.0, shape=SHAPE):
    planes = np.full((4, *shape), 1.0)
    planes[0] = level
    return make_image(planes, 30 + dx * SCALE / np.cos(np.radians(-40)), -40 + dy * SCALE, angle=angle)


def test_outline():
    wcs = from_tree(make_exposure().wcs)
    corners = outline(wcs, SHAPE)
    np.testing.assert_allclose(np.column_stack(wcs.inverse(*corners.T)),
                               [(-0.5, -0.5), (79.5, -0.5), (79.5, 59.5), (-0.5, 59.5)], atol=1e-9)  # fmt: skip
    points = np.column_stack(wcs.inverse(*outline(wcs, SHAPE, 30).T))
    assert len(points) == 2 * (2 + 2) and signed_area(points) == pytest.approx(80 * 60)
    assert len({tuple(point) for point in np.round(points, 6).tolist()}) == 8


def test_intersections_on_the_sky():
    first, second, far = (make_exposure(*shift) for shift in ((0, 0), (0, 20), (500, 0)))
    edges = [outline(from_tree(image.wcs), SHAPE) for image in (first, second, far)]
    common = intersect(*edges[:2])
    inside = np.column_stack(from_tree(first.wcs).inverse(*common.T))
    assert abs(signed_area(inside)) == pytest.approx((80 - 10) * (60 - 20 * np.cos(np.radians(30))), rel=1e-3)
    assert abs(signed_area(np.column_stack(from_tree(first.wcs).inverse(*intersect(*edges[1::-1]).T)))) == (
        pytest.approx(abs(signed_area(inside)), rel=1e-6)
    )
    assert len(intersect(edges[0], edges[2])) == 0


def test_which_exposures_may_meet():
    images = [make_exposure(*shift) for shift in ((0, 0), (0, 20), (500, 0), (520, 60), (0, 0))]
    edges = [outline(from_tree(image.wcs), SHAPE) for image in images]
    assert find_near(edges).tolist() == [[0, 1], [0, 4], [1, 4], [2, 3]]
    assert len(find_near(edges[:1])) == 0


def make_map(grid, image):
    return grid.average(from_tree(image.wcs), image.data, image.dq, 1)


def make_grid(*images):
    return CellGrid([outline(from_tree(image.wcs), image.data.shape) for image in images], SCALE)


def test_cells_of_a_flat_image():
    image = make_exposure(level=2.5)
    image.data[:30, :30], image.dq[:30, :30] = np.nan, 1
    cells = make_map(make_grid(image), image)
    covered = np.isfinite(cells.mean)
    np.testing.assert_allclose(cells.mean[covered], 2.5, rtol=1e-6)
    assert cells.count.sum() == image.data.size - 900
    assert cells.count.max() == pytest.approx(CELL**2, abs=8)
    assert (cells.count[covered] >= 0.5 * cells.count.max()).all()
    assert covered.sum() == pytest.approx((image.data.size - 900) / CELL**2, rel=0.15)


def test_cells_compare_the_same_sky():
    first, second = make_exposure(), make_exposure(10, -15, angle=75.0)
    for image, level in ((first, 1.0), (second, 1.3)):
        y, x = np.indices(SHAPE)
        ra, dec = from_tree(image.wcs).forward(x, y)
        image.data[:] = level + 0.02 * (ra - 30) / SCALE + 0.03 * (dec + 40) / SCALE
    grid = make_grid(first, second)
    values, counts = compare_cells(make_map(grid, first), make_map(grid, second))
    assert values.shape == counts.shape and values.shape[1] > 20 and counts.min() >= 30
    difference = values[1] - values[0]
    assert difference.mean() == pytest.approx(0.3, abs=0.01) and difference.std() < 0.03 < 0.3 * values[0].std()


def test_nothing_to_compare():
    first, second = make_exposure(), make_exposure(200, 0)
    grid = make_grid(first, second)
    assert compare_cells(make_map(grid, first), make_map(grid, second))[0].shape == (2, 0)
