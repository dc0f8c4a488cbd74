"""Dithered exposures of one field, calibrated, with outliers whose places and strengths are known."""

from pathlib import Path

import numpy as np
import truth
from cases import Case, make_scene

from jwcal import products
from jwcal.simulate import Setup

BOX = ((0.0, 0.0), (0.42, 0.17), (-0.29, 0.33), (0.11, -0.38))
GRID = tuple((0.35 * x + 0.04 * y, 0.33 * y - 0.05 * x) for y in (-1, 0, 1) for x in (-1, 0, 1))


def calibrate(folder, setups, **scene):
    """Simulate and calibrate exposures of one field; returns the paths of their `_cal` files."""
    cases = [Case("mosaic", setup, **scene) for setup in setups]
    scale = 0.031 if "LONG" not in setups[0].detector else 0.063
    scenes = [make_field(case, scale) for case in cases]
    exposures = truth.simulate(folder, setups, scenes)
    program, paths = truth.load_program(folder, official=True), []
    for exposure in exposures:
        name = exposure.plan.root
        rates = truth.run(program, "detector1", name, products.read_ramp(exposure.uncal))
        products.write(folder / f"{name}_rate.fits", rates.rate)
        image = truth.run(program, "image2", name, products.read_image(folder / f"{name}_rate.fits"))
        paths.append(folder / f"{name}_cal.fits")
        products.write(paths[-1], image)
    return paths


def make_field(case, scale):
    """The same stars for all exposures of an observation."""
    size = type("Size", (), {"nx": 640, "ny": 640})
    return make_scene(case, size, scale)


def dithered(dithers, **properties):
    """A set-up for every dither."""
    return [
        Setup(dither=dither, exposure=number, position=number, positions=len(dithers), **properties)
        for number, dither in enumerate(dithers, 1)
    ]


def inject(path, target, rng, fraction=0.002, weakest=3.0, strongest=100.0):
    """Add outliers to an exposure.

    Parameters
    ----------
    path, target : path
        `_cal` file, and the file with outliers.
    rng : numpy.random.Generator
        Source of chance.
    fraction : float
        Of all pixels.
    weakest, strongest : float
        Range of their strength in errors, evenly in its logarithm.

    Returns
    -------
    float32 [y, x]
        Strength of each outlier in errors, 0 elsewhere.
    """
    image = products.read_image(path)
    good = np.flatnonzero((image.dq & 1 == 0) & np.isfinite(image.data) & (image.err > 0))
    hit = rng.choice(good, int(fraction * image.data.size), replace=False)
    strength = np.zeros(image.data.shape, np.float32)
    strength.flat[hit] = np.exp(rng.uniform(np.log(weakest), np.log(strongest), hit.size))
    image.data += strength * np.where(strength > 0, image.err, 0)
    products.write(target, image)
    return strength


def load_injected(folder, paths, seed=1):
    """Inject outliers into all exposures; returns the new paths and the strengths."""
    rng = np.random.default_rng(seed)
    targets = [Path(folder) / path.name for path in paths]
    return targets, [inject(path, target, rng) for path, target in zip(paths, targets, strict=True)]
