"""Dithered exposures of one field, calibrated, with outliers whose places and strengths are known."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import truth
from cases import Case, make_scene

from jwcal import products
from jwcal.simulate import Setup, plan_exposure, simulate_exposure, write_reference_cache
from jwcal.wcs import from_tree

BOX = ((0.0, 0.0), (0.42, 0.17), (-0.29, 0.33), (0.11, -0.38))
GRID = tuple((0.35 * x + 0.04 * y, 0.33 * y - 0.05 * x) for y in (-1, 0, 1) for x in (-1, 0, 1))


def calibrate(folder, plans, size=640, **stars):
    """Simulate and calibrate exposures of one field.

    Parameters
    ----------
    folder : pathlib.Path
        Working folder.
    plans : list of jwcal.simulate.Plan
        The exposures.
    size : int
        Side of the field in pixels.
    **stars
        Magnitudes, as for `cases.Case`.

    Returns
    -------
    list of pathlib.Path
        The `_cal` files.
    """
    scene = make_field(plans, size, **stars)
    write_reference_cache(folder / "crds", plans, context=truth.CONTEXT)
    (folder / "raw").mkdir()
    exposures = [simulate_exposure(plan, scene, folder / "raw") for plan in plans]
    program, paths = truth.load_program(folder, official=True), []
    for exposure in exposures:
        name = exposure.plan.root
        rates = truth.run(program, "detector1", name, products.read_ramp(exposure.uncal))
        products.write(folder / f"{name}_rate.fits", rates.rate)
        image = truth.run(program, "image2", name, products.read_image(folder / f"{name}_rate.fits"))
        paths.append(folder / f"{name}_cal.fits")
        products.write(paths[-1], image)
    return paths


def make_field(plans, size=640, **stars):
    """The scene around the first exposure's pointing."""
    return make_scene(Case("mosaic", plans[0].setup, **stars), SimpleNamespace(nx=size, ny=size), 0.031)


def dithered(dithers, **properties):
    """A plan for every dither."""
    return [
        plan_exposure(Setup(dither=dither, exposure=number, position=number, positions=len(dithers), **properties))
        for number, dither in enumerate(dithers, 1)
    ]


def two_detectors(dithers, **properties):
    """Plans of two neighbouring detectors that see each dither together."""
    plans = []
    for first in dithered(dithers, detector="NRCB1", **properties):
        other = replace(first.setup, detector="NRCB2")
        plans += [first, plan_exposure(other, attitude=first.pointing.attitude)]
    return plans


def find_cores(path, stars, radius=2.5):
    """Pixels of an exposure within a radius of a star: bool [y, x]."""
    image = products.read_image(path, ())
    cores, (ny, nx) = np.zeros(image.data.shape, bool), image.data.shape
    for x, y in zip(*from_tree(image.wcs).inverse(stars["ra"], stars["dec"]), strict=True):
        rows, columns = np.ogrid[max(int(y) - 4, 0) : min(int(y) + 5, ny), max(int(x) - 4, 0) : min(int(x) + 5, nx)]
        if rows.size and columns.size:
            cores[rows, columns] |= (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    return cores


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
