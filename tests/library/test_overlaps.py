"""Polygons in a tangent plane: hulls, intersections, areas of unions."""

import numpy as np
import pytest

from jwcal.alignment.overlaps import SkyPlane, clip_convex, convex_hull, shared_area, signed_area

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)


def turned(polygon, angle, shift=(0, 0)):
    c, s = np.cos(angle), np.sin(angle)
    return polygon @ np.array([[c, s], [-s, c]]) + shift


@pytest.mark.parametrize("ra, dec", [(10, 20), (359.99, -5), (0.01, 0), (120, 89.9)])
def test_the_plane_and_back(ra, dec):
    rng = np.random.default_rng(1)
    ras, decs = (ra + rng.uniform(-0.05, 0.05, 20)) % 360, np.clip(dec + rng.uniform(-0.05, 0.05, 20), -90, 90)
    plane = SkyPlane(ras, decs)
    points = plane.project(ras, decs)
    assert np.abs(points).max() < 0.1 and np.abs(points.mean(axis=0)).max() < 1e-5
    back = plane.deproject(points)
    np.testing.assert_allclose((back[0] - ras + 180) % 360 - 180, 0, atol=1e-9)
    np.testing.assert_allclose(back[1], decs, atol=1e-11)
    assert np.isnan(plane.project((ra + 180) % 360, -dec)).all()


def test_axes_point_east_and_north():
    plane = SkyPlane(np.array([40.0]), np.array([-60.0]))
    east, north = plane.project(np.array([40.001, 40.0]), np.array([-60.0, -59.999]))
    np.testing.assert_allclose(east, [np.radians(0.001) * 0.5, 0], rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(north, [0, np.radians(0.001)], rtol=1e-6, atol=1e-9)


def test_hull():
    points = np.vstack([SQUARE, [[0.5, 0.5], [0.2, 0.9], [1, 1], [0.5, 0]]])
    np.testing.assert_array_equal(convex_hull(points), SQUARE)
    assert len(convex_hull(points[:2])) == 2 and len(convex_hull(np.zeros((0, 2)))) == 0
    random = np.random.default_rng(2).normal(size=(100, 2))
    hull = convex_hull(random)
    edges = np.roll(hull, -1, axis=0) - hull
    sides = edges[:, None, 0] * (random - hull[:, None])[..., 1] - edges[:, None, 1] * (random - hull[:, None])[..., 0]
    assert (sides > -1e-12).all() and signed_area(hull) > 0


def test_clipping_squares():
    common = clip_convex(SQUARE, SQUARE + [0.25, -0.5])
    assert signed_area(common) == pytest.approx(0.375)
    assert signed_area(clip_convex(SQUARE[::-1], SQUARE[::-1] + 0.5)) == pytest.approx(-0.25)
    assert len(clip_convex(SQUARE, SQUARE + 2)) == 0 and len(clip_convex(SQUARE, SQUARE + [1, 0])) == 0
    assert signed_area(clip_convex(SQUARE, turned(SQUARE - 0.5, np.pi / 4) + 0.5)) == pytest.approx(2 * 2**0.5 - 2)
    np.testing.assert_array_equal(clip_convex(SQUARE, 9 * SQUARE - 4), SQUARE)


def test_clipping_as_on_the_sphere():
    polygon = pytest.importorskip("spherical_geometry.polygon")
    rng = np.random.default_rng(3)
    for _ in range(5):
        skies = [np.array([200.0, -40.0]) + turned((SQUARE - 0.5) * 2, rng.uniform(0, 6), rng.uniform(-0.7, 0.7, 2))
                 for _ in range(2)]  # fmt: skip
        plane = SkyPlane(*np.vstack(skies).T)
        common = plane.deproject(clip_convex(*(plane.project(*sky.T) for sky in skies)))
        closed = [np.vstack([sky, sky[:1]]) for sky in skies]
        exact = polygon.SphericalPolygon.from_radec(*closed[0].T).intersection(
            polygon.SphericalPolygon.from_radec(*closed[1].T)
        )
        corners = np.column_stack(next(iter(exact.to_radec())))
        distance = np.hypot(*(np.column_stack(common)[:, None] - corners[None]).transpose(2, 0, 1))
        assert distance.min(axis=1).max() < 1e-9 and distance.min(axis=0).max() < 1e-9


def test_shared_area_of_unions():
    first = [SQUARE, SQUARE + [0.5, 0]]  # 1.5 together
    assert shared_area(first, [SQUARE + [0, 0.5]]) == pytest.approx(0.5, rel=2e-3)
    assert shared_area(first, first) == pytest.approx(1.5, rel=2e-3)
    assert shared_area(first, [SQUARE + 5]) == 0
    assert shared_area([], first) == 0 and shared_area([SQUARE[:2]], first) == 0
    diamond = turned(SQUARE - 0.5, np.pi / 4) + 0.5
    assert shared_area([SQUARE], [diamond]) == pytest.approx(2 * 2**0.5 - 2, rel=1e-12)
    assert shared_area([SQUARE, SQUARE], [diamond]) == pytest.approx(2 * 2**0.5 - 2, rel=2e-3)
