"""The light of a single object behind NIRISS's cross-dispersing grism (SOSS): three curved traces on the detector."""

import numpy as np

from jwcal.simulate.scene import electrons_per_jansky, flux_density, render_background

FIRST_ROW = 1792  # of SUBSTRIP256, in which the traces are given
COLUMNS = 2048
HALF_WIDTH = 11.0  # pixels, of a trace across
SECTION = 1.4263  # integral of `cross_section` over the distance in half widths, before it is normalised

# Points of each order's trace: column, row, and the share of light there.
ORDERS = {
    1: ((-66, 87.0, 0.12), (233, 73.8, 0.16), (537, 61.8, 0.19), (842, 51.2, 0.24), (1147, 43.0, 0.31),
        (1455, 38.9, 0.47), (1769, 45.7, 0.49), (1940, 62.5, 0.33), (2100, 86.0, 0.14)),
    2: ((20, 91.5, 0.003), (661, 94.8, 0.010), (980, 106.0, 0.10), (1294, 124.1, 0.23), (1620, 200.0, 0.10),
        (1999, 367.4, 0.0)),
    3: ((-426, 134.8, 0.003), (498, 160.5, 0.025), (1100, 260.0, 0.006), (1614, 417.5, 0.0)),
}  # fmt: skip


def draw_soss(scene, pointing, band):
    """Electrons per second [y, x]: the background, and the traces of the scene's brightest star."""
    aperture = pointing.aperture
    image = render_background(scene, pointing, band)
    if not len(scene.stars):
        return image
    star = scene.stars[np.argmin(scene.stars["mag"])]
    electrons = flux_density(star["mag"], star["slope"], band.pivot) * electrons_per_jansky(band)
    columns, rows = np.arange(aperture.nx) + aperture.x0, np.arange(aperture.ny) + aperture.y0
    total = sum(draw_trace(points, np.arange(COLUMNS))[1].sum() for points in ORDERS.values())
    for points in ORDERS.values():
        centre, share = draw_trace(points, columns)
        profile = cross_section(rows[:, None] - FIRST_ROW - centre)
        image += (electrons * share / total * profile).astype(np.float32)
    return image


def draw_trace(points, columns):
    """Row (in SUBSTRIP256) of a trace at given columns, and the share of light; none beyond its points."""
    from scipy.interpolate import PchipInterpolator

    x, y, light = np.array(points).T
    rows = PchipInterpolator(x, y)(columns)
    return rows, np.interp(columns, x, light, left=0, right=0)


def cross_section(distance):
    """Light across a trace by the distance (pixels) from its middle, of sum one: a plateau with brighter edges."""
    u = distance / HALF_WIDTH
    profile = np.exp(-(u**8)) * (0.6 + 0.5 * u**2)
    return profile / (SECTION * HALF_WIDTH)
