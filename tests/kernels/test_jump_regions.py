"""find_regions against labelling with scipy; ellipses of discs, lines and holes."""

import numpy as np
import pytest
from scipy import ndimage

from jwcal.kernels.jump_regions import find_regions

Y, X = np.mgrid[:40, :50]


def naive_regions(mask, least_area):
    """Centre, full axes of the regions that touch by a side or corner, their holes counted to the area."""
    labels, n = ndimage.label(mask, np.ones((3, 3)))
    rows = []
    for k in range(1, n + 1):
        region = labels == k
        if ndimage.binary_fill_holes(region).sum() < least_area:
            continue
        y, x = np.nonzero(region)
        axes = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(np.array([x, y]), bias=True)), 0))
        rows.append((x.mean(), y.mean(), *(4 * axes - 1)))
    return np.array(rows).reshape(-1, 4)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fraction, least_area", [(0.1, 1), (0.3, 5), (0.5, 20)])
def test_agrees_with_labelling(seed, fraction, least_area):
    mask = np.random.default_rng(seed).random((40, 50)) < fraction
    found = find_regions(mask.astype(np.uint8), float(least_area))
    expected = naive_regions(mask, least_area)
    np.testing.assert_allclose(
        found[np.lexsort(found[:, :2].T)][:, :4], expected[np.lexsort(expected[:, :2].T)], atol=1e-6
    )


def test_disc():
    disc = ((Y - 20) ** 2 + (X - 30) ** 2 <= 100).astype(np.uint8)
    ((x, y, minor, major, _),) = find_regions(disc, 5.0)
    assert (x, y) == (30, 20) and minor == pytest.approx(major) == pytest.approx(19, abs=0.3)


@pytest.mark.parametrize("degrees", [-60, -30, 0, 45, 80])
def test_angle_of_the_major_axis(degrees):
    angle = np.radians(degrees)
    along = (Y - 20) * np.cos(angle) + (X - 25) * np.sin(angle)
    across = (Y - 20) * np.sin(angle) - (X - 25) * np.cos(angle)
    ((_, _, minor, major, found),) = find_regions(((along / 15) ** 2 + (across / 5) ** 2 <= 1).astype(np.uint8), 5.0)
    assert (
        found == pytest.approx(angle, abs=0.02)
        and minor == pytest.approx(9, abs=0.5)
        and major == pytest.approx(29, abs=0.7)
    )


def test_line_and_nothing():
    mask = np.zeros((40, 50), np.uint8)
    assert len(find_regions(mask, 1.0)) == 0
    mask[7, 3:9] = 1
    ((x, y, minor, _, _),) = find_regions(mask, 6.0)
    assert (x, y, minor) == (5.5, 7, -1) and not mask.any()
