"""Both fits and both searches for jumps against the truth, on ramps with the typical noise of each instrument."""

from typing import NamedTuple

import numpy as np
import pytest
import truth
from ideal_detector import best_f1, find_chances
from naive_detector import make_ramp, write_reference

from jwcal import dq
from jwcal.simulate.cosmicrays import draw_hits
from jwcal.steps.jump import jump
from jwcal.steps.ramp_fit import ramp_fit


class Readout(NamedTuple):
    """A read pattern on a detector: e-/DN, e- of the difference of two frames, s."""

    instrument: str
    gain: float
    noise: float
    tframe: float
    nframes: int
    gap: int
    groups: int

    @property
    def tgroup(self):
        """Time from group to group, s."""
        return self.tframe * (self.nframes + self.gap)


READOUTS = {
    "NIRCam BRIGHT1": Readout("NIRCAM", 2.05, 15.8, 10.737, 1, 1, 8),
    "NIRCam SHALLOW4": Readout("NIRCAM", 2.05, 15.8, 10.737, 4, 1, 8),
    "NIRISS NISRAPID": Readout("NIRISS", 1.61, 14.0, 10.737, 1, 0, 12),
    "NIRISS NIS": Readout("NIRISS", 1.61, 14.0, 10.737, 4, 0, 8),
    "NIRSpec NRSIRS2": Readout("NIRSPEC", 1.0, 16.0, 14.589, 5, 0, 10),
    "NIRSpec NRSRAPID": Readout("NIRSPEC", 1.0, 16.0, 10.737, 1, 0, 10),
    "MIRI FASTR1": Readout("MIRI", 3.1, 19.0, 2.775, 1, 0, 40),
    "FGS FGSRAPID": Readout("FGS", 1.97, 22.0, 10.737, 1, 0, 10),
}
SINGLE = [name for name, readout in READOUTS.items() if readout.nframes == 1]
AVERAGED = [name for name in READOUTS if name not in SINGLE]


def expose(readout, rate, rows=120, hits=False, seed=1):
    """A ramp, and the charges (e-) of cosmic rays in each frame.

    `rate` is that of each column, e-/s. Searches differ by the false jumps they find, so that the score depends on how
    many true ones there are: it is the simulator's number of particles that counts.
    """
    rng = np.random.default_rng(seed)
    frames = readout.groups * (readout.nframes + readout.gap)
    light = rng.poisson(rate * readout.tframe, (frames, rows, rate.size)).astype(np.float32)
    rays = np.zeros_like(light)
    for frame in rays if hits else ():
        found = draw_hits(frame.shape, readout.tframe, rng, snowball_rate=0)
        frame[found["y"], found["x"]] = found["electrons"]
    noise = average_frames(rng.normal(0, readout.noise / np.sqrt(2), light.shape), readout)
    hit = average_frames(rays.cumsum(axis=0), readout)
    data = (average_frames(light.cumsum(axis=0), readout) + hit + noise) / readout.gain
    keywords = {"INSTRUME": readout.instrument, "TFRAME": readout.tframe, "TGROUP": readout.tgroup,
                "NFRAMES": readout.nframes, "GROUPGAP": readout.gap}  # fmt: skip
    ramp = make_ramp(data[None], **keywords)
    if readout.instrument == "MIRI":
        ramp.groupdq[:, [0, -1]] = dq.DO_NOT_USE
    return ramp, rays


def average_frames(frames, readout):
    """Means of the frames that make up a group."""
    stack = frames.reshape(readout.groups, readout.nframes + readout.gap, *frames.shape[1:])
    return stack[:, : readout.nframes].mean(axis=1)


def write_maps(folder, readout, shape):
    """Gain and read noise."""
    planes = {"gain": readout.gain, "readnoise": readout.noise / readout.gain}
    return [write_reference(folder / f"{name}.fits", name, SCI=np.full(shape, v)) for name, v in planes.items()]


@pytest.mark.parametrize("name", READOUTS)
def test_slopes_and_their_errors(name, tmp_path):
    readout = READOUTS[name]
    # The photon noise of faint, long ramps in the official least squares is that of the best weights, not of theirs.
    rates = np.array([30.0, 100.0, 300.0] if readout.instrument == "MIRI" else [5.0, 30.0, 300.0])
    rate = np.repeat(rates, 100)
    ramp, _ = expose(readout, rate)
    gain, readnoise = write_maps(tmp_path, readout, ramp.pixeldq.shape)
    for algorithm in ("OLS_C", "LIKELY"):
        found = ramp_fit(ramp, readnoise, gain, algorithm=algorithm, save_opt=True)
        mean, width, number = truth.measure_pulls(found.rate, np.broadcast_to(rate / readout.gain, ramp.pixeldq.shape))
        assert number > 0.99 * ramp.pixeldq.size
        assert abs(mean) < 0.05 and abs(width - 1) < 0.05, f"{algorithm}: pulls {mean:.3f}, width {width:.3f}"
    lost = 2 if readout.instrument == "MIRI" else 0
    chi_squared = found.extras["likely_chisq"].data[found.rate.dq == 0] / (readout.groups - 2 - lost)
    assert abs(chi_squared.mean() - 1) < 0.03


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    """(found, hit, flagged) samples by read pattern and search."""
    counts, rate = {}, np.repeat([1.0, 10.0, 100.0], 100)
    for number, (name, readout) in enumerate(READOUTS.items()):
        folder = tmp_path_factory.mktemp("maps")
        ramp, rays = expose(readout, rate, rows=240, hits=True, seed=20 + number)
        gain, readnoise = write_maps(folder, readout, ramp.pixeldq.shape)
        charge = np.diff(average_frames(rays.cumsum(axis=0), readout), axis=0)
        limits = np.sqrt(rate * readout.tgroup + readout.noise**2 / readout.nframes)
        hit = charge > limits
        groupdq = ramp.groupdq.copy()
        jump(ramp, gain, readnoise)
        counts[name, "twopoint"] = count(ramp.groupdq[0], hit)
        for search, settings in SEARCHES.items():
            ramp.groupdq[:] = groupdq
            ramp_fit(ramp, readnoise, gain, algorithm="LIKELY", **settings)
            counts[name, search] = count(ramp.groupdq[0], hit)
        if readout.nframes > 1:
            residuals = np.diff(ramp.data[0], axis=0) * readout.gain - charge
            counts[name, "ideal"] = find_ideally(residuals, rays, rate, readout, limits), hit
    return counts


def find_ideally(residuals, rays, rate, readout, limits):
    """Chances that each difference was hit, as one sees them who knows nearly everything."""
    result = np.empty(residuals.shape)
    for x in np.unique(rate, return_index=True)[1]:
        same = rate == rate[x]
        result[..., same] = find_chances(residuals[..., same], rays[..., same], rate[x], readout, limits[x])
    return result


SEARCHES = {"likely": {"split_hits": False}, "likely, hits split": {"split_hits": True}}


def count(groupdq, hit):
    """Samples hit by a standard deviation or more and found; hit; flagged.

    Neighbours of what was hit, which jump flags on purpose, count neither as right nor as false.
    """
    usable = ((groupdq[1:] | groupdq[:-1]) & truth.UNUSABLE) == 0
    flagged, hit = usable & (groupdq[1:] & dq.JUMP_DET != 0), usable & hit
    beside = np.stack([truth.widen(plane) for plane in hit]) & ~hit
    return np.array([np.count_nonzero(mask) for mask in (hit & flagged, hit, flagged & ~beside)])


def combine(scores, names, search):
    """F1 over several read patterns."""
    found, hit, flagged = sum(scores[name, search] for name in names)
    return 2 * found / (hit + flagged)


@pytest.mark.parametrize("search", SEARCHES)
def test_flags_by_likelihood_are_better(scores, search):
    for name in READOUTS:
        assert combine(scores, [name], search) > combine(scores, [name], "twopoint"), name
    assert combine(scores, SINGLE, search) > 1.05 * combine(scores, SINGLE, "twopoint")
    assert combine(scores, READOUTS, search) > 1.05 * combine(scores, READOUTS, "twopoint")


def test_hits_among_averaged_frames(scores):
    """A hit is shared by two differences, of which the smaller part is often lost in the noise, whoever seeks it."""
    plain, split = (combine(scores, AVERAGED, search) for search in SEARCHES)
    chances, hit = (np.concatenate([scores[name, "ideal"][k].ravel() for name in AVERAGED]) for k in range(2))
    ideal, twopoint = best_f1(chances, hit), combine(scores, AVERAGED, "twopoint")
    assert split < ideal < 1.06 * twopoint
    assert plain > 1.02 * twopoint and split > 1.035 * twopoint and split > 0.98 * ideal
