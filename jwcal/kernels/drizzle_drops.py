"""How the other drizzle kernels share one input pixel among the output pixels around its centre.

All are products of a function of x and one of y, with s the ratio of output to input pixel size and p pixfrac:

* point: everything in the pixel that holds the centre;
* turbo: a square of side p/s aligned with the output grid, normalised to 1;
* gaussian: full width p at half maximum in input pixels, cut at max(2.5 sigma, 1.2 input pixels), not renormalised;
* lanczos2, lanczos3: sinc(x) sinc(x/n) of the distance in input pixels, tabulated in steps of 0.003; p is ignored.

The widths and cuts are those of the drizzle library, with whose images ours are to agree.

Reference: Fruchter & Hook 2002, PASP 114, 144.
"""

import math

from jwcal.kernels import pixel

SQUARE, POINT, TURBO, GAUSSIAN, LANCZOS2, LANCZOS3 = range(6)
STEP = 0.003  # of the Lanczos table, input pixels
FWHM = 2.3548  # of a Gaussian, in sigma


@pixel
def round_away(x):
    """Nearest integer, halves away from zero."""
    return math.floor(x + 0.5) if x >= 0 else -math.floor(0.5 - x)


@pixel
def find_reach(kernel, pixfrac, ratio):
    """Half-width of the kernel in output pixels."""
    if kernel == POINT:
        return 0.0
    if kernel == TURBO:
        return 0.5 * pixfrac / ratio
    if kernel == GAUSSIAN:
        return max(2.5 * pixfrac / FWHM, 1.2) / ratio
    return (2.0 if kernel == LANCZOS2 else 3.0) / ratio


@pixel
def find_span(kernel, x, reach):
    """First and last output pixel that the kernel around x can touch."""
    if kernel >= LANCZOS2:
        return math.floor(x - reach) + 1, math.floor(x + reach)
    return round_away(x - reach), round_away(x + reach)


@pixel
def lanczos(offset, order):
    """Lanczos function of a distance in input pixels, rounded to the table's step."""
    x = round_away(abs(offset) / STEP) * STEP
    if x == 0.0:
        return 1.0
    if x > order:
        return 0.0
    return math.sin(math.pi * x) * math.sin(math.pi * x / order) / (math.pi * math.pi * x * x / order)


@pixel
def share(kernel, offset, reach, pixfrac, ratio):
    """Weight along one axis of an output pixel whose centre lies `offset` output pixels from the drop's centre."""
    if kernel == POINT:
        return 1.0
    if kernel == TURBO:
        width = min(offset + 0.5, reach) - max(offset - 0.5, -reach)
        return max(width, 0.0) * ratio / pixfrac
    if kernel == GAUSSIAN:
        scale = 0.5 * (FWHM * ratio / pixfrac) ** 2
        return math.sqrt(scale / math.pi) * math.exp(-scale * offset * offset)
    return lanczos(offset * ratio, 2.0 if kernel == LANCZOS2 else 3.0)


@pixel
def fill_cells(cells, box, kernel, centre, reach, scale):
    """Weights of the box's output pixels, left in `cells` as `drizzle_square.cover_cells` does.

    Parameters
    ----------
    cells : float64 [>= height * (width + 1)]
        Result: cells[row * (width + 1) + column].
    box : (x, y, width, height)
        First output pixel and size of the box.
    kernel : int
        POINT, TURBO, GAUSSIAN, LANCZOS2 or LANCZOS3.
    centre : (x, y)
        Drop's centre on the output grid.
    reach : float
        `find_reach`.
    scale : (pixfrac, ratio)
        Drop size in input pixels; output pixel over input pixel.
    """
    x0, y0, width, height = box
    pixfrac, ratio = scale
    for column in range(width):  # the first row holds the x factors until its own turn, which is the last
        cells[column] = share(kernel, x0 + column - centre[0], reach, pixfrac, ratio)
    for row in range(height - 1, -1, -1):
        factor = share(kernel, y0 + row - centre[1], reach, pixfrac, ratio)
        for column in range(width):
            cells[row * (width + 1) + column] = factor * cells[column]
