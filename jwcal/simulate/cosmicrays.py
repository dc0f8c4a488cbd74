"""Cosmic rays: tracks of charged particles, and snowballs (large saturated discs with halos)."""

import numpy as np
from numba import njit

PIXEL = 18.0  # um
THICKNESS = 6.0  # um, depth in which charge is collected
RATE = 5.0  # particles per cm^2 and s
SNOWBALL_RATE = 6e-9  # per pixel and s
ELECTRONS_PER_UM = 90.0  # median of the charge per um of track
TRACK_STEP = 0.2  # pixels
FULL_WELL = 1.2e5  # e-

HIT = np.dtype([("integration", "i4"), ("group", "i4"), ("y", "i4"), ("x", "i4"), ("electrons", "f4")])


def draw_hits(shape, seconds, rng, *, rate=RATE, snowball_rate=SNOWBALL_RATE):
    """Deposits during one stretch of time.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    seconds : float
        Length of the stretch.
    rng : numpy.random.Generator
        Source of chance.
    rate, snowball_rate : float
        Particles per cm^2 and s; snowballs per pixel and s.

    Returns
    -------
    structured array of `HIT`
        Sorted by place; integration and group are zero. Pixels hit twice appear once.
    """
    charge = np.zeros(shape, np.float32)
    area = shape[0] * shape[1]
    tracks = rng.poisson(rate * 1e-8 * PIXEL**2 * area * seconds)
    # Isotropic flux through a plane: cos^2 of the zenith angle is uniform; the path is longer where it is slanted.
    cosine = np.sqrt(rng.uniform(0.002, 1.0, tracks))
    length = THICKNESS * np.sqrt(1 - cosine**2) / cosine / PIXEL
    density = ELECTRONS_PER_UM * rng.lognormal(0.0, 0.8, tracks)
    total = density * THICKNESS / cosine
    start = rng.uniform(0, 1, (2, tracks)) * np.array(shape)[:, None]
    _deposit_tracks(charge, start[0], start[1], rng.uniform(0, 2 * np.pi, tracks), length, total)
    for _ in range(rng.poisson(snowball_rate * area * seconds)):
        y, x = rng.uniform(0, 1, 2) * np.array(shape)
        deposit_snowball(charge, y, x, rng.uniform(2.5, 7.0))
    y, x = np.nonzero(charge)
    hits = np.zeros(y.size, HIT)
    hits["y"], hits["x"], hits["electrons"] = y, x, np.rint(charge[y, x])
    return hits[hits["electrons"] > 0]


@njit(cache=True)
def _deposit_tracks(charge, y, x, angle, length, total):
    for k in range(y.size):
        steps = int(length[k] / TRACK_STEP) + 1
        share = total[k] / steps
        for step in range(steps):
            row = int(np.floor(y[k] + np.sin(angle[k]) * step * TRACK_STEP))
            column = int(np.floor(x[k] + np.cos(angle[k]) * step * TRACK_STEP))
            if 0 <= row < charge.shape[0] and 0 <= column < charge.shape[1]:
                charge[row, column] += share


@njit(cache=True)
def deposit_snowball(charge, y, x, radius):
    """A disc that saturates, with a halo that falls exponentially to three times its radius."""
    reach = int(3.2 * radius) + 1
    for row in range(max(int(y) - reach, 0), min(int(y) + reach + 1, charge.shape[0])):
        for column in range(max(int(x) - reach, 0), min(int(x) + reach + 1, charge.shape[1])):
            distance = np.sqrt((row + 0.5 - y) ** 2 + (column + 0.5 - x) ** 2) / radius
            if distance < 1:
                charge[row, column] += 2 * FULL_WELL
            elif distance < 3.2:
                charge[row, column] += 20000.0 * np.exp(-(distance - 1) * 3.0)
