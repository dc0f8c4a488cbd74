"""Fields of sky drawn from a few numbers: stars of the Milky Way, field galaxies, a cluster with lensed arcs."""

import numpy as np

from jwcal.errors import JwcalError
from jwcal.simulate.randoms import make_generator
from jwcal.simulate.scene import GALAXY, STAR, Scene

# What a description may say, and what holds where it does not.
DEFAULTS = {
    "radius": 45.0,  # arcsec, of the field about the target
    "background": 0.15,  # MJy/sr at 2 um
    "stars": {"number": 60, "brightest": 17.5, "faintest": 26.0},
    "galaxies": {"number": 120, "brightest": 20.5, "faintest": 27.5},
    "cluster": {"number": 0, "brightest": 18.0, "einstein": 6.0, "arcs": 6, "radius": 12.0},
}


def draw_field(description, target, seed):
    """Draw a field.

    Parameters
    ----------
    description : dict
        Overrides `DEFAULTS`, group by group; ``stars``, ``galaxies`` or ``cluster`` may be given as false.
        ``catalogue``: list of further stars, each with ra, dec, mag and optionally slope.
    target : dict
        With the field's centre, ``ra`` and ``dec`` in deg.
    seed : int
        Seed.

    Returns
    -------
    jwcal.simulate.scene.Scene
    """
    check_keys(description, {*DEFAULTS, "catalogue"}, "field")
    chosen = {name: _merge(name, default, description.get(name)) for name, default in DEFAULTS.items()}
    centre, radius = (target["ra"], target["dec"]), chosen["radius"]
    stars = [
        draw_stars(chosen["stars"], centre, radius, make_generator(seed, "stars")),
        list_stars(description.get("catalogue", [])),
    ]
    galaxies = [
        draw_galaxies(chosen["galaxies"], centre, radius, make_generator(seed, "galaxies")),
        draw_cluster(chosen["cluster"], centre, make_generator(seed, "cluster")),
    ]
    scene = Scene(np.concatenate(stars), np.concatenate(galaxies), background=float(chosen["background"]))
    scene.stars["id"] = np.arange(len(scene.stars)) + 1
    scene.galaxies["id"] = np.arange(len(scene.galaxies)) + 1
    return scene


def check_keys(mapping, allowed, where):
    """Raise a `JwcalError` that names the first unknown key of a part of a description, and the known ones."""
    unknown = sorted(set(mapping) - set(allowed))
    if unknown:
        raise JwcalError(f"unknown key {unknown[0]!r} in {where}; use some of: {', '.join(sorted(allowed))}")


def _merge(name, default, given):
    if given is None:
        return default
    if not isinstance(default, dict):
        return given
    check_keys(given or {}, default, f"field: {name}")
    return {**default, **given} if given else {**default, "number": 0}


def list_stars(rows):
    """Stars given one by one."""
    table = np.zeros(len(rows), STAR)
    for entry, row in zip(table, rows):
        for name in ("ra", "dec", "mag", "slope"):
            entry[name] = row.get(name, -1.0 if name == "slope" else 0.0)
    return table


def _draw_magnitudes(rng, number, brightest, faintest, growth):
    """Magnitudes whose counts grow as 10^(growth m)."""
    low, high = 10 ** (growth * brightest), 10 ** (growth * faintest)
    return np.log10(rng.uniform(low, high, number)) / growth


def _scatter(rng, number, centre, radius):
    """Positions in deg spread evenly over a disc of `radius` arcsec."""
    distance, angle = radius * np.sqrt(rng.uniform(0, 1, number)), rng.uniform(0, 2 * np.pi, number)
    return _place(centre, distance * np.sin(angle), distance * np.cos(angle))


def _place(centre, east, north):
    dec = centre[1] + north / 3600
    return centre[0] + east / 3600 / np.cos(np.deg2rad(dec)), dec


def draw_stars(options, centre, radius, rng):
    """Stars: counts grow gently towards the faint end; slopes are those of warm photospheres in the near infrared."""
    number = int(options["number"])
    table = np.zeros(number, STAR)
    table["ra"], table["dec"] = _scatter(rng, number, centre, radius)
    table["mag"] = _draw_magnitudes(rng, number, options["brightest"], options["faintest"], 0.12)
    table["slope"] = rng.uniform(-1.9, -0.9, number)
    return table


def draw_galaxies(options, centre, radius, rng):
    """Field galaxies: mostly discs, some with spiral arms, smaller and redder towards the faint end."""
    number = int(options["number"])
    table = np.zeros(number, GALAXY)
    table["ra"], table["dec"] = _scatter(rng, number, centre, radius)
    table["mag"] = _draw_magnitudes(rng, number, options["brightest"], options["faintest"], 0.3)
    table["slope"] = rng.normal(0.2, 0.5, number)
    table["radius"] = 0.35 * 10 ** (-0.08 * (table["mag"] - 23)) * rng.lognormal(0, 0.3, number)
    table["index"] = np.clip(rng.lognormal(0.2, 0.45, number), 0.6, 4.0)
    table["axis_ratio"] = rng.uniform(0.25, 1.0, number)
    table["angle"] = rng.uniform(0, 180, number)
    spiral = (table["index"] < 1.6) & (table["radius"] > 0.3)
    table["arms"] = np.where(spiral, rng.uniform(0.3, 0.8, number), 0)
    table["phase"] = rng.uniform(0, 2 * np.pi, number)
    return table


def draw_cluster(options, centre, rng):
    """A cluster: a giant elliptical in the middle, ellipticals round it, and galaxies behind it drawn out into arcs."""
    number = int(options["number"])
    if number == 0:
        return np.zeros(0, GALAXY)
    members, arcs = np.zeros(number, GALAXY), np.zeros(int(options["arcs"]), GALAXY)
    distance = options["radius"] * rng.uniform(0.02, 1, number) ** 1.3
    angle = rng.uniform(0, 2 * np.pi, number)
    distance[0] = 0
    members["ra"], members["dec"] = _place(centre, distance * np.sin(angle), distance * np.cos(angle))
    brightest = options["brightest"]
    members["mag"] = np.sort(_draw_magnitudes(rng, number, brightest + 1.5, brightest + 6.5, 0.22))
    members["mag"][0] = brightest
    members["radius"] = 0.45 * 10 ** (-0.2 * (members["mag"] - brightest - 2.0))
    members["radius"][0] = 2.5
    members["index"], members["slope"] = rng.uniform(2.2, 4.0, number), rng.normal(0.25, 0.08, number)
    members["axis_ratio"], members["angle"] = rng.uniform(0.55, 0.95, number), rng.uniform(0, 180, number)
    count, theta = len(arcs), rng.uniform(0, 2 * np.pi, len(arcs))
    # The table gives an arc's position as its unlensed source's; the lens lies at the cluster's centre.
    offset = options["einstein"] * rng.uniform(0.05, 0.5, count)
    east, north = offset * np.sin(theta), offset * np.cos(theta)
    arcs["ra"], arcs["dec"] = _place(centre, east, north)
    arcs["lens_east"], arcs["lens_north"] = -east, -north
    arcs["einstein"] = options["einstein"] * rng.uniform(0.85, 1.15, count)
    arcs["mag"], arcs["slope"] = brightest + rng.uniform(4.5, 6.5, count), rng.normal(-0.3, 0.3, count)
    arcs["radius"], arcs["index"] = rng.uniform(0.12, 0.3, count), 1.0
    arcs["axis_ratio"], arcs["angle"] = rng.uniform(0.4, 1.0, count), rng.uniform(0, 180, count)
    return np.concatenate([members, arcs])
