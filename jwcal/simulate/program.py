"""A whole observing program from a YAML description: a field, dithered exposures, references."""

from dataclasses import fields
from pathlib import Path

from jwcal.simulate.crds_cache import write_reference_cache
from jwcal.simulate.exposure import Observatory, simulate_exposure
from jwcal.simulate.fields import check_keys, draw_field
from jwcal.simulate.instruments import get_instrument
from jwcal.simulate.plans import Setup, plan_exposure, point_telescope
from jwcal.simulate.readout import DEFAULT_EFFECTS, EFFECTS

DAY = 86400.0
KEYS = {"seed", "program", "target", "field", "observatory", "effects", "references", "exposures"}
SECONDS_BETWEEN = 60.0  # from the end of one exposure to the start of the next: slew, settle, reset


def simulate_program(spec, raw_dir, cache_dir, *, seed=None, truth_dir=None):
    """Simulate the exposures of a program and write the reference cache that calibrates them.

    Parameters
    ----------
    spec : dict
        The parsed YAML description; see config/demo.yaml.
    raw_dir, cache_dir : path
        Where raw files and the CRDS cache go.
    seed : int, optional
        Seed of sky and noise, instead of that of the description.
    truth_dir : path, optional
        Where truth files go; default: ``truth`` beside the cache.

    Returns
    -------
    list of pathlib.Path
        Files written.

    Raises
    ------
    JwcalError
        When the description has an unknown or missing key, or names what the simulator does not know.
    """
    check_keys(spec, KEYS, "the program")
    seed = spec.get("seed", 0) if seed is None else seed
    truth_dir = Path(truth_dir) if truth_dir else Path(cache_dir).parent / "truth"
    observatory = Observatory(**spec.get("observatory", {}))
    scene = draw_field(spec.get("field", {}), spec["target"], seed)
    plans = list_plans(spec, observatory)
    switches = choose_effects(spec.get("effects", {}))
    common = {"truth_dir": truth_dir, "observatory": observatory, "switches": switches, "seed": seed}
    written, traps = [], {}
    for plan in plans:
        key = plan.chip.name, plan.setup.subarray
        result = simulate_exposure(plan, scene, raw_dir, traps=traps.get(key), **common)
        traps[key] = result.traps
        written += [result.uncal, result.truth]
    options = {"coupling": "coupling" in switches, **spec.get("references", {})}
    return written + write_reference_cache(cache_dir, plans, observatory=observatory, **options)


def choose_effects(changes):
    """Names of the effects that act: the default ones, changed by a mapping of names to true or false."""
    check_keys(changes, set(EFFECTS), "effects")
    return {name for name in EFFECTS if changes.get(name, name in DEFAULT_EFFECTS)}


def list_plans(spec, observatory):
    """Plans of all exposures of a description, in the order they are taken.

    Each entry of ``exposures`` is taken at each of its ``dithers`` by all its ``detectors`` at once, which see the sky
    through one attitude of the telescope; ``filters`` names the filter of each channel, or one for all.

    Parameters
    ----------
    spec : dict
        The description.
    observatory : jwcal.simulate.exposure.Observatory
        For the velocity aberration.

    Returns
    -------
    list of jwcal.simulate.plans.Plan
    """
    plans, clock = [], float(spec["target"].get("start", Setup.start))
    own = {field.name for field in fields(Setup)}
    for activity, entry in enumerate(spec["exposures"], 1):
        check_keys(entry, own | {"detectors", "filters", "aperture", "dithers"}, f"exposures, entry {activity}")
        dithers = entry.get("dithers", [[0, 0]])
        for position, dither in enumerate(dithers, 1):
            place = {"activity": activity, "exposure": position, "position": position, "positions": len(dithers)}
            place |= {"dither": tuple(dither), "start": clock, **{key: entry[key] for key in own & set(entry)}}
            plans_here = [_plan(spec, entry, detector, place, observatory) for detector in entry["detectors"]]
            clock += (max(plan.timing.duration for plan in plans_here) + SECONDS_BETWEEN) / DAY
            plans += plans_here
    return plans


def _plan(spec, entry, detector, place, observatory):
    """Plan of one detector's part of an exposure."""
    instrument, target = get_instrument(entry["instrument"]), spec["target"]
    channel = instrument.chip(detector).keywords.get("CHANNEL", "SHORT")
    chosen = entry["filters"]
    sky = {"ra": target["ra"], "dec": target["dec"], "roll": target.get("roll", 0.0)}
    names = {"target": target.get("name", Setup.target), "program": spec.get("program", Setup.program)}
    filter_name = chosen if isinstance(chosen, str) else chosen[channel]
    setup = Setup(**{**sky, **names, **place, "detector": detector, "filter": filter_name})
    pointed = instrument.chip(entry.get("aperture", entry["detectors"][0]))
    aperture = instrument.load_aperture(pointed, setup.subarray)
    attitude = point_telescope(aperture, *sky.values(), setup.dither)
    return plan_exposure(setup, observatory.va_scale, attitude)
