"""One exposure: its set-up, and the raw file and truth file that come of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jwcal.errors import JwcalError
from jwcal.simulate import scene as skies
from jwcal.simulate.detectors import draw_detector, draw_response
from jwcal.simulate.headers import write_truth, write_uncal
from jwcal.simulate.plans import VA_SCALE, Plan, plan_exposure
from jwcal.simulate.readout import DEFAULT_EFFECTS, EFFECTS


@dataclass(frozen=True)
class Observatory:
    """What all exposures and their references share.

    Attributes
    ----------
    seed : int
        Seed of every detector's maps.
    defects : float
        Multiplies the number of bad pixels.
    va_scale : float
        Velocity aberration.
    """

    seed: int = 0
    defects: float = 1.0
    va_scale: float = VA_SCALE

    def detector(self, chip, region):
        """The truth about a region of a detector."""
        draw = chip.draw or draw_detector
        return draw(chip, region, seed=self.seed, defects=self.defects)


@dataclass
class Simulated:
    """Files of one exposure, and what a following exposure needs.

    Attributes
    ----------
    plan : Plan
        What was exposed.
    uncal, truth : pathlib.Path
        Files written; `truth` None where none was asked for.
    traps : float32 [y, x]
        Charge left in traps, e-.
    """

    plan: Plan
    uncal: Path
    truth: Path | None
    traps: np.ndarray


def simulate_exposure(setup, scene=None, raw_dir=".", *, truth_dir=None, observatory=None, attitude=None,
                      switches=DEFAULT_EFFECTS, seed=0, traps=None):  # fmt: skip
    """Simulate one exposure and write its raw file.

    Parameters
    ----------
    setup : Setup or Plan
        What is asked for.
    scene : jwcal.simulate.scene.Scene, optional
        Sky; default: background light only.
    raw_dir : path
        Where ``<root>_uncal.fits`` goes.
    truth_dir : path, optional
        Where ``<root>_truth.fits`` goes; None writes none.
    observatory : Observatory, optional
        Must be that of the reference cache.
    attitude : jwcal.simulate.geometry.Attitude, optional
        See `plan_exposure`.
    switches : set of str
        Which of `jwcal.simulate.readout.EFFECTS` act.
    seed : int
        Seed of the noise.
    traps : float32 [y, x], optional
        Charge in traps left by an earlier exposure.

    Returns
    -------
    Simulated

    Raises
    ------
    JwcalError
        When a setting is unknown or the file cannot be written.
    """
    unknown = set(switches) - set(EFFECTS)
    if unknown:
        raise JwcalError(f"unknown effects {sorted(unknown)}; use some of: {', '.join(EFFECTS)}")
    observatory, scene = observatory or Observatory(), scene or skies.Scene()
    plan = setup if isinstance(setup, Plan) else plan_exposure(setup, observatory.va_scale, attitude)
    detector = observatory.detector(plan.chip, plan.region)
    if plan.dark:
        scene = skies.Scene(background=0.0)
    rate = plan.instrument.render(scene, plan.pointing, plan.band, plan.masked)
    rate *= draw_response(detector, plan.setup.filter, plan.setup.pupil)
    noise_seed = f"{seed}/{plan.root}"
    ramps = plan.instrument.expose(plan, rate, detector, switches=switches, seed=noise_seed, traps=traps)
    uncal = write_uncal(plan, ramps, Path(raw_dir), scene)
    truth = truth_dir and write_truth(plan, scene, rate / detector.true_gain, ramps.hits, Path(truth_dir))
    return Simulated(plan, uncal, truth, ramps.traps)
