"""Simulate, calibrate, and measure against the truth; shared by the truth, conformance and parity tests."""

from pathlib import Path

import numpy as np
import pytest

from jwcal import dq

ROOT = Path(__file__).resolve().parents[1]
CONTEXT = "jwst_0001.pmap"
UNUSABLE = dq.DO_NOT_USE | dq.SATURATED


def load_program(folder, overrides=(), official=False):
    """jwcal's plans for the exposures in ``folder/raw`` with the cache ``folder/crds``.

    Parameters
    ----------
    folder : pathlib.Path
        Working folder.
    overrides : iterable of dict
        Entries of ``overrides`` in the configuration.
    official : bool
        With the official code's settings instead of jwcal's.
    """
    from snakemake.utils import update_config

    from jwcal.settings import load_yaml
    from jwcal.workflow import Program

    config = load_yaml(ROOT / "config" / "config.yaml")
    if official:
        update_config(config, load_yaml(ROOT / "config" / "official.yaml"))
    update_config(config, {"raw": str(folder / "raw"), "crds": {"path": str(folder / "crds"), "context": CONTEXT}})
    config["overrides"] = list(overrides)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return Program(config)


def simulate(folder, setups, scenes, **cache):
    """Write raw exposures, their truth and their reference files; returns `Simulated` for each."""
    from jwcal.simulate import plan_exposure, simulate_exposure, write_reference_cache

    plans = [plan_exposure(setup) for setup in setups]
    write_reference_cache(folder / "crds", plans, context=CONTEXT, **cache)
    (folder / "raw").mkdir(exist_ok=True)
    truth = folder / "truth"
    return [
        simulate_exposure(p, scene, folder / "raw", truth_dir=truth) for p, scene in zip(plans, scenes, strict=True)
    ]


def run(program, rule, name, product, until=None):
    """Carry a product through a rule's chain."""
    from jwcal.runner import run_chain

    return run_chain(program.plan(rule, name), product, context=CONTEXT, until=until)


def find_pulls(rate, truth):
    """(measured - true) / error of the pixels without flags.

    Parameters
    ----------
    rate : jwcal.models.Image
        Count rates, DN/s.
    truth : float32 [y, x]
        Expected count rate, DN/s.
    """
    good = (rate.dq == 0) & np.isfinite(rate.data) & (rate.err > 0)
    return (rate.data[good] - truth[good]) / rate.err[good]


def measure_pulls(rate, truth):
    """(mean, width, number) of the pulls within 5 of zero; missed cosmic rays lie far outside."""
    pulls = find_pulls(rate, truth)
    core = pulls[np.abs(pulls) < 5]
    return float(core.mean()), float(core.std()), core.size


def difference_noise(truth, gain, readnoise, group_time, nframes):
    """Standard deviation of the difference of neighbouring groups, e- [y, x].

    Parameters
    ----------
    truth : float32 [y, x]
        Expected count rate, DN/s.
    gain : float32 [y, x]
        e-/DN.
    readnoise : float32 [y, x]
        Noise of the difference of two frames, DN (as in the reference file).
    group_time : float
        Seconds.
    nframes : int
        Frames averaged to a group.
    """
    return np.sqrt(truth * gain * group_time + (readnoise * gain) ** 2 / nframes)


def score_cosmic_rays(groupdq, hits, noise, threshold=5.0):
    """Recall and precision of cosmic-ray flags.

    A hit counts from `threshold` standard deviations on, in groups that are usable together with the one before. A flag
    is right where the sample or one of its four neighbours (which are flagged on purpose) was hit at one standard
    deviation or more.

    Parameters
    ----------
    groupdq : uint8 [integration, group, y, x]
        Flags after jump.
    hits : structured array
        COSMIC_RAYS of the truth file.
    noise : float [y, x]
        From `difference_noise`.
    threshold : float
        Standard deviations.

    Returns
    -------
    (float, float, int)
        Recall, precision, number of hits that count.
    """
    found = flags = right = true = 0
    for integration in range(groupdq.shape[0]):
        for group in range(1, groupdq.shape[1]):
            mine = hits[(hits["integration"] == integration) & (hits["group"] == group)]
            charge = np.zeros(noise.shape)
            np.add.at(charge, (mine["y"], mine["x"]), mine["electrons"])
            now, before = np.asarray(groupdq[integration, group]), np.asarray(groupdq[integration, group - 1])
            usable = ((now | before) & UNUSABLE == 0) & np.isfinite(noise)
            flagged = usable & (now & dq.JUMP_DET != 0)
            counted = usable & (charge > threshold * noise)
            true += np.count_nonzero(counted)
            found += np.count_nonzero(counted & flagged)
            flags += np.count_nonzero(flagged)
            right += np.count_nonzero(flagged & widen(charge > noise))
    return found / max(true, 1), right / max(flags, 1), true


def widen(mask):
    """A mask and the four neighbours of its pixels."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    return wide


def draw_star(plan, star):
    """Image of one star on its exposure, as a fraction of its flux in each pixel of a perfect detector [y, x].

    Parameters
    ----------
    plan : jwcal.simulate.exposure.Plan
        The exposure.
    star : structured array of length one
        `jwcal.simulate.scene.STAR`.
    """
    from jwcal.simulate import scene

    electrons = scene.render_scene(scene.Scene(stars=star, background=0.0), plan.pointing, plan.band)
    flux = scene.flux_density(star["mag"], star["slope"], plan.band.pivot)[0]
    return electrons / (flux * scene.electrons_per_jansky(plan.band))


def fit_flux(brightness, pixel_area, profile, bad):
    """Flux of one star in MJy: least squares of its image and an even sky.

    Parameters
    ----------
    brightness : float [y, x]
        MJy/sr.
    pixel_area : float [y, x] or float
        Steradians.
    profile : float [y, x]
        From `draw_star`.
    bad : bool [y, x]
        Pixels left out.
    """
    use = ~bad & np.isfinite(brightness) & np.isfinite(profile)
    design = np.stack([(profile / pixel_area)[use], np.ones(np.count_nonzero(use))], axis=1)
    return np.linalg.lstsq(design, brightness[use].astype(float), rcond=None)[0][0]
