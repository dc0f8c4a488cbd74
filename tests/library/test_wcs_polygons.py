"""Polygons: clipped and joined, against counting points inside."""

import numpy as np
import pytest

from jwcal.wcs.polygons import clip_polygon, join_polygons

SQUARE = np.array([(0, 0), (10, 0), (10, 10), (0, 10)], float)


def turned(angle, centre, size=10.0):
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return (SQUARE / 10 - 0.5) * size @ np.array([[c, s], [-s, c]]) + centre


def inside(outlines, points):
    """Even-odd rule."""
    result = np.zeros(len(points), bool)
    for outline in outlines:
        for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
            crosses = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
            with np.errstate(divide="ignore", invalid="ignore"):
                x = a[0] + (points[:, 1] - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
            result ^= crosses & (points[:, 0] < x)
    return result


def area(outline):
    x, y = outline.T
    return 0.5 * (x * np.roll(y, -1) - np.roll(x, -1) * y).sum()


@pytest.mark.parametrize("seed", range(8))
def test_union_holds_the_points_of_all(seed):
    rng = np.random.default_rng(seed)
    count = rng.integers(2, 9)
    polygons = [turned(rng.uniform(0, 90) if seed % 2 else 30.0, rng.uniform(0, 14, 2)) for _ in range(count)]
    outlines = join_polygons(polygons)
    points = rng.uniform(-8, 22, (4000, 2))
    expected = np.any([inside([polygon], points) for polygon in polygons], axis=0)
    found = inside(outlines, points)
    assert not (expected & ~found).sum() > 4 and np.mean(found != expected) < 0.02  # holes are filled
    assert all(area(outline) > 0 for outline in outlines)


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [
        ([(0, 0), (5, 0)], [150]),
        ([(0, 0), (0, 0), (0, 0)], [100]),
        ([(0, 0), (5, 5)], [175]),
        ([(0, 0), (10, 0)], [200]),  # side by side
        ([(0, 0), (30, 0)], [100, 100]),
        ([(0, 0), (3, 0), (30, 4), (33, 4)], [130, 130]),
    ],
)
def test_known_unions(shifts, expected):
    outlines = join_polygons([SQUARE[:: 1 - 2 * (k % 2)] + np.array(shift, float) for k, shift in enumerate(shifts)])
    assert sorted(area(outline) for outline in outlines) == pytest.approx(sorted(expected), abs=0.1)
    assert len(join_polygons([SQUARE, SQUARE + [5, 0]])[0]) == 4  # no vertex where sides run on
    assert len(join_polygons([SQUARE, SQUARE + [5, 5]])[0]) == 8


def test_a_ring_is_filled():
    ring = [
        SQUARE + np.array(shift, float)
        for shift in ((0, 0), (9, 0), (18, 0), (0, 9), (18, 9), (0, 18), (9, 18), (18, 18))
    ]
    (outline,) = join_polygons(ring)
    assert area(outline) == pytest.approx(28**2, abs=0.1)


def test_clipping():
    part = clip_polygon(SQUARE - 4.0, (20, 20))
    assert area(part) == pytest.approx(6.5**2)
    assert len(clip_polygon(SQUARE + 100, (20, 20))) == 0
    np.testing.assert_array_equal(np.sort(clip_polygon(SQUARE, (20, 20)), axis=0), np.sort(SQUARE, axis=0))
