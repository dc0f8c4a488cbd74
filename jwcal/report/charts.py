"""Charts as SVG text, for a page whose style sheet colours them.

Each function takes numbers and gives an ``<svg>``. Elements carry classes (``mark``, ``line``, ``grid``, ``axis``),
series ``s1``, ``s2``, ...; a ``<title>`` on a mark shows its values when the pointer rests on it.
"""

import math
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 400, 248
SQUARE = 290  # width of charts that stand side by side
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 14, 40
MOST = 1500  # points drawn of a series


class Axis(NamedTuple):
    """From values to places.

    Attributes
    ----------
    low, high : float
        Range of values; powers of ten where `logarithmic`.
    start, stop : float
        Where they are drawn.
    label : str
        What it shows, with unit.
    logarithmic : bool
        Whether decades are even.
    """

    low: float
    high: float
    start: float
    stop: float
    label: str = ""
    logarithmic: bool = False

    def place(self, value):
        """Where a value is drawn; beyond the range at its end."""
        if self.logarithmic:
            value = math.log10(value) if value > 0 else self.low
        part = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(self.start + min(max(part, 0.0), 1.0) * (self.stop - self.start), 1)

    def ticks(self, most=6):
        """Values at round places, and their texts."""
        if self.logarithmic:
            powers = range(math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9) + 1)
            step = max(1, math.ceil(len(powers) / most))
            return [(10.0**power, format_power(power)) for power in powers[::step]]
        step = find_step(self.high - self.low, most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return [(k * step, f"{k * step:.{digits}f}".replace("-", "−")) for k in range(first, last + 1)]


def find_step(span, most):
    """Round step (1, 2 or 5 times a power of ten) that gives at most so many ticks."""
    rough = max(span, 1e-300) / most
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)


def format_power(power):
    """Text of a power of ten."""
    return f"{10.0**power:g}" if -3 <= power <= 4 else f"10{str(power).translate(SUPERSCRIPTS)}"


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def span(values, *, zero=False, margin=0.05):
    """Range of values (None and NaN left out) with some room; from zero where asked."""
    values = [value for value in values if value is not None and math.isfinite(value)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    low = min(low, 0.0) if zero else low
    room = margin * ((high - low) or abs(high) or 1.0)
    return (low if zero and low == 0 else low - room), high + room


def frame(content, x, y, label, *, height=HEIGHT, width=WIDTH, y_ticks=True):
    """A chart: grid, axes, texts, and what is drawn on them."""
    parts = []
    if y_ticks:
        for value, text in y.ticks(5):
            place = y.place(value)
            parts.append(f'<path class="grid" d="M{x.start} {place}H{x.stop}"/>')
            parts.append(f'<text class="tick" x="{x.start - 6}" y="{place + 4}" text-anchor="end">{text}</text>')
    for value, text in x.ticks():
        place = x.place(value)
        parts.append(f'<path class="axis" d="M{place} {y.start}v4"/>')
        parts.append(f'<text class="tick" x="{place}" y="{y.start + 17}" text-anchor="middle">{text}</text>')
    parts.append(f'<path class="axis" d="M{x.start} {y.start}H{x.stop}"/>')
    middle = (x.start + x.stop) / 2
    parts.append(f'<text class="name" x="{middle}" y="{height - 5}" text-anchor="middle">{escape(x.label)}</text>')
    if y.label:
        across = (y.start + y.stop) / 2
        parts.append(f'<text class="name" transform="translate(12 {across}) rotate(-90)" text-anchor="middle">'
                     f"{escape(y.label)}</text>")  # fmt: skip
    return wrap("".join(parts) + content, label, height, width)


def wrap(content, label, height=HEIGHT, width=WIDTH):
    """An ``<svg>`` of some size."""
    return f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{content}</svg>'


def make_axes(x_range, y_range, x_label, y_label, *, log_x=False, log_y=False, height=HEIGHT):
    """Axes of a chart of the usual size."""
    ranges = [tuple(map(math.log10, r)) if log else r for r, log in ((x_range, log_x), (y_range, log_y))]
    return (Axis(*ranges[0], LEFT, WIDTH - RIGHT, x_label, log_x),
            Axis(*ranges[1], height - BOTTOM, TOP, y_label, log_y))  # fmt: skip


def trace(points, x, y):
    """Path data of a line through points; None breaks it."""
    parts, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        parts.append(f"{pen}{x.place(point[0])} {y.place(point[1])}")
        pen = "L"
    return "".join(parts)


def draw_histogram(counts, low, high, x_label, label, *, y_label="", curve=None):
    """Even bins as a filled outline.

    Parameters
    ----------
    counts : sequence of float
        Of each bin.
    low, high : float
        Ends of the bins.
    x_label, y_label, label : str
        Axes, and what the chart shows.
    curve : sequence of (float, float), optional
        A line to compare with.
    """
    most = max([*counts, *(value for _, value in curve or ()), 1e-300])
    x, y = make_axes((low, high), (0, 1.08 * most), x_label, y_label)
    width = (high - low) / len(counts)
    steps = [(low + k * width, count) for k, count in enumerate(counts)]
    outline = "".join(f"V{y.place(count)}H{x.place(start + width)}" for start, count in steps)
    content = f'<path class="area s1" d="M{x.place(low)} {y.place(0)}{outline}V{y.place(0)}Z"/>'
    if curve:
        content += f'<path class="line s2" d="{trace(curve, x, y)}"/>'
    return frame(content, x, y, label, y_ticks=bool(y_label))


def draw_points(series, x_label, y_label, label, *, log_y=False, x_range=None, y_range=None, lines=()):
    """Points of one or more series.

    Parameters
    ----------
    series : list of (str, list of (float, float))
        Name and points.
    x_label, y_label, label : str
        Axes, and what the chart shows.
    log_y : bool
        Even decades upwards.
    x_range, y_range : (float, float), optional
        Ranges; what the points need by default.
    lines : sequence of list of (float, float)
        Lines to guide the eye.
    """
    points = [point for _, values in series for point in values]
    x_range = x_range or span([point[0] for point in points])
    if y_range is None and log_y:
        positive = [point[1] for point in points if point[1] > 0] or [1.0]
        y_range = 0.8 * min(positive), 1.25 * max(positive)
    x, y = make_axes(x_range, y_range or span([p[1] for p in points]), x_label, y_label, log_y=log_y)
    content = "".join(f'<path class="guide" d="{trace(line, x, y)}"/>' for line in lines)
    for number, (_, values) in enumerate(series, 1):
        values = values[:: math.ceil(len(values) / MOST) or 1]
        dots = "".join(f"M{x.place(a)} {y.place(b)}h0" for a, b in values)
        content += f'<path class="dots s{number}" d="{dots}"/>'
    return frame(content, x, y, label)


def draw_lines(series, x_label, y_label, label, *, y_range=None):
    """Lines with marks: (name, [(x, y), ...]), None where there is a gap."""
    points = [point for _, values in series for point in values if point]
    x, y = make_axes(span([p[0] for p in points]), y_range or span([p[1] for p in points]), x_label, y_label)
    content = ""
    for number, (name, values) in enumerate(series, 1):
        content += f'<path class="line s{number}" d="{trace(values, x, y)}"/>'
        for a, b in filter(None, values):
            content += (f'<circle class="mark s{number}" cx="{x.place(a)}" cy="{y.place(b)}" r="3">'
                        f"<title>{escape(name)}: {a:g}, {b:.3g}</title></circle>")  # fmt: skip
    return frame(content, x, y, label)


def draw_bars(rows, label, *, unit=""):
    """Horizontal bars, longest first as given: (name, value, text)."""
    height = 26
    largest = max([value for _, value, _ in rows] or [1]) or 1
    content = ""
    for number, (name, value, text) in enumerate(rows):
        top, length = number * height, max(1.0, round(190 * value / largest, 1))
        content += (f'<text class="name" x="124" y="{top + 17}" text-anchor="end">{escape(name)}</text>'
                    f'<rect class="bar s1" x="132" y="{top + 5}" width="{length}" height="16" rx="2">'
                    f"<title>{escape(name)}: {escape(text)}{unit}</title></rect>"
                    f'<text class="value" x="{138 + length}" y="{top + 17}">{escape(text)}</text>')  # fmt: skip
    return wrap(content, label, max(1, len(rows)) * height + 4)


def draw_compass(north, east):
    """Arrows to north and east, for a corner of a picture: degrees from the x axis, counter-clockwise."""
    content = ""
    for word, angle in (("N", north), ("E", east)):
        x, y = math.cos(math.radians(angle)), -math.sin(math.radians(angle))
        content += (f'<path d="M0 0L{22 * x:.1f} {22 * y:.1f}"/>'
                    f'<text x="{31 * x:.1f}" y="{31 * y + 4:.1f}" text-anchor="middle">{word}</text>')  # fmt: skip
    return f'<svg class="compass" viewBox="-40 -40 80 80" role="img" aria-label="north and east">{content}</svg>'


def draw_levels(rows, x_label, label):
    """One mark a row on a common scale, with a line from the middle of all: (name, value)."""
    height = 18
    values = [value for _, value in rows]
    x = Axis(*span(values, margin=0.12), 150, WIDTH - RIGHT, x_label)
    middle, bottom, content = sorted(values)[len(values) // 2], len(rows) * height + 8, ""
    for number, (name, value) in enumerate(rows):
        y = number * height + 14
        content += (f'<text class="tick" x="142" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
                    f'<path class="stem" d="M{x.place(middle)} {y}H{x.place(value)}"/>'
                    f'<circle class="mark s1" cx="{x.place(value)}" cy="{y}" r="4">'
                    f"<title>{escape(name)}: {value:.6g}</title></circle>")  # fmt: skip
    content += f'<path class="guide" d="M{x.place(middle)} 2V{bottom}"/>'
    return frame(content, x, Axis(0, 1, bottom, 0), label, height=bottom + BOTTOM, y_ticks=False)


def draw_vectors(vectors, shape, label, *, unit="mas"):
    """Arrows on a field.

    Parameters
    ----------
    vectors : list of (x, y, dx, dy)
        Positions in pixels, and offsets in `unit`.
    shape : (float, float)
        Columns and rows of the field.
    label : str
        What the chart shows.
    unit : str
        Of the offsets.
    """
    size = 250
    scale = size / max(shape)
    width, height = scale * shape[0], scale * shape[1]
    left, top = (SQUARE - width) / 2, 10
    lengths = sorted(math.hypot(dx, dy) for _, _, dx, dy in vectors) or [1.0]
    typical = lengths[int(0.7 * (len(lengths) - 1))] or 1.0
    step = find_step(2 * typical, 1)
    factor = 30 / step
    content = f'<rect class="field" x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height:.1f}"/>'
    for x, y, dx, dy in vectors:
        x0, y0 = left + scale * x, top + height - scale * y
        content += (f'<path class="vector s1" d="M{x0:.1f} {y0:.1f}l{factor * dx:.1f} {-factor * dy:.1f}"/>'
                    f'<circle class="mark s1" cx="{x0:.1f}" cy="{y0:.1f}" r="2"/>')  # fmt: skip
    bottom = top + height + 20
    content += (f'<path class="vector key" d="M{left:.1f} {bottom:.1f}h30"/>'
                f'<text class="name" x="{left + 38:.1f}" y="{bottom + 4:.1f}">{step:g} {unit}</text>')  # fmt: skip
    return wrap(content, label, round(bottom + 20), SQUARE)


def draw_offsets(vectors, label, *, unit="mas"):
    """Offsets dx, dy of `draw_vectors` about zero, with the circle that holds two thirds of them."""
    lengths = sorted(math.hypot(dx, dy) for _, _, dx, dy in vectors) or [1.0]
    reach = 1.15 * lengths[-1] or 1.0
    half = 115
    x = Axis(-reach, reach, SQUARE - 4 - 2 * half, SQUARE - 4, f"offset along x ({unit})")
    y = Axis(-reach, reach, 2 * half + 10, 10, f"offset along y ({unit})")
    radius = half * lengths[int(0.68 * (len(lengths) - 1))] / reach
    content = (f'<path class="guide" d="M{x.start} {y.place(0)}H{x.stop}M{x.place(0)} {y.start}V{y.stop}"/>'
               f'<circle class="ring" cx="{x.place(0)}" cy="{y.place(0)}" r="{radius:.1f}"/>')  # fmt: skip
    dots = "".join(f"M{x.place(dx)} {y.place(dy)}h0" for _, _, dx, dy in vectors)
    content += f'<path class="dots s1" d="{dots}"/>'
    return frame(content, x, y, label, height=2 * half + 10 + BOTTOM, width=SQUARE)
