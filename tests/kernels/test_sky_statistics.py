"""Pixels of regions, and cells, against numpy, and independence of the number of threads."""

import numba
import numpy as np
import pytest

from jwcal.kernels.sky_statistics import gather_good, sum_in_cells

BAD = np.uint32(5)


def make_image(shape=(40, 50)):
    rng = np.random.default_rng(1)
    data = rng.normal(3, 1, shape).astype(np.float32)
    data[rng.random(shape) < 0.05] = np.nan
    data[rng.random(shape) < 0.01] = np.inf
    flags = rng.choice(np.array([0, 1, 2, 4, 8], np.uint32), shape, p=[0.8, 0.05, 0.05, 0.05, 0.05])
    return data, flags, np.isfinite(data) & ((flags & BAD) == 0)


def spans_of(*boxes, height=40):
    spans = np.tile(np.array([0, -1], np.int32), (len(boxes), height, 1))
    for span, (y0, y1, x0, x1) in zip(spans, boxes, strict=True):
        span[y0 : y1 + 1] = x0, x1
    return spans


@pytest.mark.parametrize(
    "boxes", [[(0, 39, 0, 49)], [(5, 9, 3, 20)], [(0, 1, -4, 2), (5, 20, 3, 20), (10, 30, 15, 60), (10, 12, 16, 17)]]
)
def test_pixels_of_regions(boxes):
    data, flags, good = make_image()
    inside = np.zeros(data.shape, bool)
    for y0, y1, x0, x1 in boxes:
        inside[y0 : y1 + 1, max(x0, 0) : x1 + 1] = True
    np.testing.assert_array_equal(gather_good(data, flags, BAD, spans_of(*boxes)), data[inside & good])


def test_an_empty_region():
    data, flags, _ = make_image()
    assert gather_good(data, flags, BAD, spans_of((3, 5, 7, 6))).size == 0


def test_cells():
    data, flags, good = make_image()
    step, nodes = 16, np.empty((2, 4, 5))
    y, x = np.meshgrid(16.0 * np.arange(4), 16.0 * np.arange(5), indexing="ij")
    nodes[0], nodes[1] = 0.3123 + x / 4 + y / 100.7, 0.2321 + y / 5 - x / 90.3
    sums, counts = sum_in_cells(data, flags, BAD, nodes, step, (8, 12))
    y, x = np.nonzero(good)
    column, row = np.floor(0.3123 + x / 4 + y / 100.7).astype(int), np.floor(0.2321 + y / 5 - x / 90.3).astype(int)
    there = (row >= 0) & (column < 12) & (row < 8)
    expected, number = np.zeros((8, 12)), np.zeros((8, 12), int)
    np.add.at(expected, (row[there], column[there]), data[y, x][there])
    np.add.at(number, (row[there], column[there]), 1)
    np.testing.assert_array_equal(counts, number)
    np.testing.assert_allclose(sums, expected, rtol=1e-12)
    assert counts.sum() < good.sum()  # some pixels fall beside the grid


def test_pixels_without_a_place():
    data, flags, _ = make_image()
    assert sum_in_cells(data, flags, BAD, np.full((2, 4, 5), np.nan), 16, (3, 3))[1].sum() == 0


def test_any_number_of_threads_gives_the_same_bits():
    data, flags, _ = make_image((700, 700))
    before, results = numba.get_num_threads(), []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        results.append(gather_good(data, flags, BAD, spans_of((0, 699, 0, 699), height=700)))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(*results)
