"""Charts: axes, ticks, and where marks are drawn."""

import re
from xml.etree import ElementTree

import pytest

from jwcal.report import charts
from jwcal.report.charts import Axis


def marks(svg, name):
    """Elements of a class."""
    return [e for e in ElementTree.fromstring(svg).iter() if name in e.get("class", "").split()]


def test_axes_place_values():
    axis = Axis(0, 10, 100, 200)
    assert [axis.place(v) for v in (0, 5, 10, 20, -1)] == [100, 150, 200, 200, 100]
    decades = Axis(-2, 2, 0, 400, "", True)
    assert [decades.place(v) for v in (0.01, 1, 100, 0)] == [0, 200, 400, 0]
    assert [text for _, text in decades.ticks()] == ["0.01", "0.1", "1", "10", "100"]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (-0.3, 0.3, ["−0.3", "−0.2", "−0.1", "0.0", "0.1", "0.2", "0.3"]),
        (23.1, 27.9, ["24", "25", "26", "27"]),
        (0.0012, 0.0049, ["0.002", "0.003", "0.004"]),
    ],
)
def test_ticks_are_round(low, high, texts):
    assert [text for _, text in Axis(low, high, 0, 1).ticks(7)] == texts


def test_spans():
    assert charts.span([1, 2, None, float("nan")]) == (0.95, 2.05)
    assert charts.span([], zero=True)[1] > 0
    low, high = charts.span([5, 5])
    assert low < 5 < high
    assert charts.span([2, 3], zero=True)[0] == 0


def test_every_chart_is_well_formed_and_escapes_text():
    odd = 'a <b> & "c"'
    drawn = [
        charts.draw_histogram([1, 5, 2], 0, 3, odd, odd, y_label=odd, curve=[(0, 1), (3, 4)]),
        charts.draw_points([(odd, [(1, 2), (3, 4)]), ("b", [])], odd, odd, odd, log_y=True, lines=[[(0, 0), (1, 1)]]),
        charts.draw_lines([(odd, [(1, 2), None, (3, 4)])], odd, odd, odd),
        charts.draw_bars([(odd, 3.0, odd), ("b", 0.0, "0")], odd),
        charts.draw_levels([(odd, 0.1), ("b", 0.2)], odd, odd),
        charts.draw_vectors([(5, 6, 1.0, -2.0), (1, 2, 0.0, 0.0)], (10, 8), odd),
        charts.draw_offsets([(5, 6, 1.0, -2.0)], odd),
    ]
    for svg in drawn:
        root = ElementTree.fromstring(svg)
        assert root.get("aria-label") == odd and root.get("viewBox")
        assert "nan" not in svg and "inf" not in svg


def test_charts_of_nothing():
    for svg in (
        charts.draw_points([("a", [])], "x", "y", "z", log_y=True),
        charts.draw_bars([], "z"),
        charts.draw_vectors([], (3, 4), "z"),
        charts.draw_offsets([], "z"),
        charts.draw_histogram([0, 0], 0, 1, "x", "z"),
        charts.draw_lines([("a", [])], "x", "y", "z"),
    ):
        assert ElementTree.fromstring(svg).tag == "svg"


def test_bars_are_as_long_as_their_values():
    bars = marks(charts.draw_bars([("a", 4.0, "4"), ("b", 1.0, "1")], "z"), "bar")
    lengths = [float(bar.get("width")) for bar in bars]
    assert lengths[0] == pytest.approx(4 * lengths[1], rel=0.01)


def test_arrows_point_up_for_positive_offsets():
    arrow = marks(charts.draw_vectors([(5, 5, 3.0, 4.0)], (10, 10), "z"), "vector")[0].get("d")
    dx, dy = map(float, re.search(r"l(-?[\d.]+) (-?[\d.]+)", arrow).groups())
    assert dx > 0 > dy and dx / -dy == pytest.approx(0.75, rel=0.02)


def test_points_are_thinned():
    many = [(k, k) for k in range(20_000)]
    svg = charts.draw_points([("a", many)], "x", "y", "z")
    assert svg.count("h0") <= charts.MOST and len(svg) < 40_000
