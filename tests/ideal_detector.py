"""How well hits could be found at best: by one who knows all about a ramp but its rate and the hit in question.

Noise, the rate of particles and the charges that they leave, and all hits at other times are told exactly. What is
left is to weigh, for each difference of groups, the chance that a hit at any of the frames that enter it, with any
charge, made the ramp what it is, against the chance that nothing happened. No search that is told less does better.
"""

import numpy as np

from jwcal.simulate.cosmicrays import draw_hits

CHARGES = np.geomspace(1, 2e5, 121)  # e-
FRAMES = 400


def find_chances(residuals, rays, rate, readout, limit):
    """Chance that each difference was hit by more than `limit`.

    Parameters
    ----------
    residuals : float [difference, y, x]
        Differences of groups without the charge of hits, e-.
    rays : float [frame, y, x]
        Charges of hits, e-.
    rate : float
        e-/s; known for its noise only.
    readout : Readout
        Read pattern.
    limit : float
        e-.
    """
    shares = share_hits(readout)
    steps = np.diff(np.eye(readout.groups), axis=0)
    noise = shares @ shares.T * rate * readout.tframe + steps @ steps.T * readout.noise**2 / 2 / readout.nframes
    weight = np.linalg.inv(noise)
    weight -= np.outer(weight.sum(axis=0), weight.sum(axis=0)) / weight.sum()  # the rate is not known
    charges, chance = measure_particles(readout.tframe)
    found = np.empty(residuals.shape)
    for k, share in enumerate(shares):
        entering = np.flatnonzero(share > 0)
        ramps = residuals + np.tensordot(shares[:, entering], rays[entering], 1)
        hit, nothing = np.zeros(ramps.shape[1:]), np.ones(ramps.shape[1:])
        for frame in entering:
            pull, power = (
                np.tensordot(weight @ shares[:, frame], ramps, 1),
                shares[:, frame] @ weight @ shares[:, frame],
            )
            for charge, odds in zip(charges, chance, strict=True):
                odds = odds * np.exp(np.minimum(charge * pull - charge**2 * power / 2, 500))
                target = hit if charge * share[frame] > limit else nothing
                target += odds
        found[k] = hit / (hit + nothing)
    return found


def share_hits(readout):
    """What of a hit during each frame each difference of groups gets [difference, frame]."""
    length = readout.nframes + readout.gap
    frames = np.arange(readout.groups * length)
    groups = [(np.arange(g * length, g * length + readout.nframes)[:, None] >= frames).mean(axis=0)
              for g in range(readout.groups)]  # fmt: skip
    return np.diff(groups, axis=0)


def measure_particles(seconds):
    """Charges, e-, and the chance that a frame leaves each of them in a pixel."""
    rng = np.random.default_rng(5)
    found = [draw_hits((240, 300), seconds, rng, snowball_rate=0)["electrons"] for _ in range(FRAMES)]
    counts, _ = np.histogram(np.concatenate(found), CHARGES)
    seen = counts > 0
    return np.sqrt(CHARGES[1:] * CHARGES[:-1])[seen], counts[seen] / (240 * 300 * FRAMES)


def best_f1(chances, hit):
    """The highest F1 that flagging all above some chance gives."""
    order = np.argsort(-chances, kind="stable")
    return np.max(2 * np.cumsum(hit[order]) / (np.count_nonzero(hit) + np.arange(1, hit.size + 1)))
