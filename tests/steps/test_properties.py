"""What the calibration must not depend on, by random small ramps: bias, units, order, orientation, segments."""

from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from naive_detector import make_ramp, write_reference
from naive_miri import make_miri_ramp

from jwcal import dq
from jwcal.steps.dark_current import dark_current
from jwcal.steps.dq_init import dq_init
from jwcal.steps.jump import jump
from jwcal.steps.lastframe import lastframe
from jwcal.steps.linearity import linearity
from jwcal.steps.ramp_fit import ramp_fit
from jwcal.steps.refpix import refpix
from jwcal.steps.reset import reset
from jwcal.steps.saturation import saturation
from jwcal.steps.superbias import superbias

BIAS, GAIN, NOISE, TGROUP, LEVEL = 1000.0, 2.0, 6.0, 10.0, 40000.0  # DN, e-/DN, DN, s, DN
SIZE = 2048
TIMES = {"TGROUP": TGROUP, "TFRAME": TGROUP}
EVENTS = {dq.SATURATED: 30, dq.JUMP_DET: 40, dq.DO_NOT_USE: 60}  # one sample in so many

few = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # small as they are, and shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
seeds = st.integers(0, 2**32 - 1)
ramps = st.tuples(seeds, st.integers(1, 4), st.integers(2, 9), st.integers(1, 7), st.integers(1, 9))


def expose(seed, n_integrations, n_groups, ny, nx, make=make_ramp, **keywords):
    """Noisy ramps from faint to bright, with rays, and flags that steps before ramp_fit may have set."""
    rng = np.random.default_rng(seed)
    rate = rng.choice([0.0, 2.0, 30.0, 300.0], (ny, nx))
    steps = rng.poisson(rate * TGROUP, (n_integrations, n_groups, ny, nx)).astype(float)
    steps[rng.random(steps.shape) < 0.02] += 900
    data = BIAS + np.cumsum(steps, axis=1) + rng.normal(0, NOISE, steps.shape)
    return make(np.round(data * 8) / 8, **(TIMES | keywords))


def flag(ramp, seed):
    """The ramp with flags strewn over it; what is saturated stays so."""
    rng = np.random.default_rng(seed)
    for bit, rarity in EVENTS.items():
        hit = rng.random(ramp.groupdq.shape) < 1 / rarity
        hit = np.maximum.accumulate(hit, axis=1) if bit == dq.SATURATED else hit
        hit[:, 0] &= bit != dq.SATURATED
        ramp.groupdq[hit] |= bit
    return ramp


def detect_and_fit(ramp, gain, readnoise):
    return ramp_fit(jump(ramp, gain, readnoise) if ramp.data.shape[1] > 2 else ramp, readnoise, gain)


def write_maps(folder, shape, scale=1.0):
    """Gain and read noise; a scale says in how many DN a DN is measured."""
    gain = write_reference(folder / "gain.fits", "gain", SCI=np.full(shape, GAIN / scale))
    return gain, write_reference(folder / "readnoise.fits", "readnoise", SCI=np.full(shape, NOISE * scale))


def assert_alike(image, other, rtol=1e-4, **views):
    """Two images have the same flags, and values to the precision of their arithmetic."""
    np.testing.assert_array_equal(image.dq, other.dq)
    for name in ("data", "err", "var_poisson", "var_rnoise"):
        one, two = getattr(image, name), getattr(other, name)
        scale = np.nanmax(np.abs(two), initial=0.0)
        np.testing.assert_allclose(one, two, rtol=rtol, atol=1e-5 * scale, err_msg=name)


@few
@given(ramps, st.integers(-5000, 20000))
def test_a_bias_leaves_rates_alone(tmp_path, shape, bias):
    maps = write_maps(tmp_path, shape[-2:])
    before = detect_and_fit(flag(expose(*shape), shape[0]), *maps)
    shifted = flag(expose(*shape), shape[0])
    shifted.data += np.float32(bias)
    after = detect_and_fit(shifted, *maps)
    level = ~has_slope(shifted.groupdq).all(axis=0)  # all integrations: they share an estimate of the photon noise
    for rates in (before, after):
        blank(rates.rateints, (slice(None), level))
        blank(rates.rate, level)
    assert_alike(after.rateints, before.rateints)
    assert_alike(after.rate, before.rate)


def has_slope(groupdq):
    """Pixels [integration, y, x] with two good groups in a row; others are fitted, if at all, by their level."""
    good = (groupdq & (dq.SATURATED | dq.DO_NOT_USE)) == 0
    return (good[:, :-1] & good[:, 1:] & ((groupdq[:, 1:] & dq.JUMP_DET) == 0)).any(axis=1)


def blank(image, pixels):
    for name in ("data", "err", "dq", "var_poisson", "var_rnoise"):
        getattr(image, name)[pixels] = 0


@few
@given(ramps, st.integers(-3, 3))
def test_units_scale_rates(tmp_path, shape, power):
    """The same electrons, counted in other units: the gain is larger, and all else smaller."""
    scale = 2.0**power
    before = detect_and_fit(flag(expose(*shape), shape[0]), *write_maps(tmp_path, shape[-2:]))
    counted = flag(expose(*shape), shape[0])
    counted.data *= np.float32(scale)
    after = detect_and_fit(counted, *write_maps(tmp_path, shape[-2:], scale))
    for image in (after.rate, after.rateints):
        for name, exponent in (("data", 1), ("err", 1), ("var_poisson", 2), ("var_rnoise", 2)):
            getattr(image, name)[...] /= np.float32(scale**exponent)
    assert_alike(after.rateints, before.rateints, rtol=1e-6)
    assert_alike(after.rate, before.rate, rtol=1e-6)


@few
@given(ramps, seeds)
def test_order_of_integrations(tmp_path, shape, seed):
    maps, order = write_maps(tmp_path, shape[-2:]), np.random.default_rng(seed).permutation(shape[1])
    before = detect_and_fit(flag(expose(*shape), shape[0]), *maps)
    ramp = flag(expose(*shape), shape[0])
    ramp.data, ramp.groupdq = ramp.data[order], ramp.groupdq[order]
    after = detect_and_fit(ramp, *maps)
    for name in ("data", "err", "dq", "var_poisson", "var_rnoise"):
        np.testing.assert_array_equal(getattr(after.rateints, name), getattr(before.rateints, name)[order])
    assert_alike(after.rate, before.rate, rtol=1e-5)


# ---- orientation ----


def turn(ramp):
    """The exposure with its axes exchanged: the same detector, mounted the other way."""
    header = ramp.header
    pairs = {"FASTAXIS": "SLOWAXIS", "SUBSTRT1": "SUBSTRT2", "SUBSIZE1": "SUBSIZE2"}
    swapped = {"FASTAXIS": {1: 2, -1: -2, 2: 1, -2: -1}, "SLOWAXIS": {1: 2, -1: -2, 2: 1, -2: -1}}
    keywords = {name: swapped[name][header[name]] for name in swapped}
    for one, other in list(pairs.items())[1:]:
        keywords |= {one: header[other], other: header[one]}
    turned = make_ramp(np.ascontiguousarray(ramp.data.swapaxes(-2, -1)), **(dict(header) | keywords))
    for name in ("SUBSIZE1", "SUBSIZE2"):
        turned.header[name] = keywords[name]
    turned.pixeldq = np.ascontiguousarray(ramp.pixeldq.T)
    return turned


@dataclass
class Detector:
    """Maps of a small part of a detector [y, x]."""

    x0: int
    y0: int
    flags: np.ndarray
    bias: np.ndarray
    limit: np.ndarray
    curve: np.ndarray
    dark: np.ndarray

    @classmethod
    def draw(cls, seed, x0, y0, n_groups, ny, nx):
        rng = np.random.default_rng(seed)
        flags = np.where(rng.random((ny, nx)) < 0.05, dq.DO_NOT_USE, 0)
        y, x = np.mgrid[y0 : y0 + ny, x0 : x0 + nx]
        flags[(y < 4) | (y >= SIZE - 4) | (x < 4) | (x >= SIZE - 4)] |= dq.REFERENCE_PIXEL
        curve = np.array([np.zeros((ny, nx)), np.ones((ny, nx)), rng.uniform(0, 1e-6, (ny, nx))])
        dark = np.cumsum(rng.uniform(0, 3, (n_groups, ny, nx)), axis=0)
        limit = rng.uniform(2000, LEVEL, (ny, nx))
        return cls(x0, y0, flags, rng.normal(BIAS, 30, (ny, nx)), limit, curve, dark)

    def turned(self):
        maps = (self.flags, self.bias, self.limit, self.curve, self.dark)
        return Detector(self.y0, self.x0, *(np.ascontiguousarray(image.swapaxes(-2, -1)) for image in maps))

    def references(self, folder):
        """Reference files by type."""
        start, shape = (self.x0 + 1, self.y0 + 1), self.bias.shape
        arrays = {
            "mask": {"DQ": self.flags},
            "saturation": {"SCI": self.limit},
            "superbias": {"SCI": self.bias},
            "linearity": {"COEFFS": self.curve},
            "dark": {"SCI": self.dark},
            "gain": {"SCI": np.full(shape, GAIN)},
            "readnoise": {"SCI": np.full(shape, NOISE)},
        }
        keywords = {"NFRAMES": 1, "GROUPGAP": 0}
        return {
            name: write_reference(folder / f"{name}.fits", name, start, keywords, **own) for name, own in arrays.items()
        }


def calibrate(ramp, references):
    """The near-infrared chain."""
    ramp = dq_init(ramp, references["mask"])
    ramp = saturation(ramp, references["saturation"], references["superbias"])
    ramp = refpix(superbias(ramp, references["superbias"]))
    ramp = dark_current(linearity(ramp, references["linearity"]), references["dark"])
    return detect_and_fit(ramp, references["gain"], references["readnoise"])


places = st.tuples(st.sampled_from([0, 2]), st.sampled_from([0, SIZE - 12, SIZE - 14]))
axes = st.sampled_from([(1, 2), (-1, 2), (1, -2), (-1, -2), (2, 1), (-2, -1), (2, -1), (-2, 1)])


@few
@given(seeds, places, axes, st.sampled_from([1, 4]), st.booleans())
def test_turned_detectors_give_turned_corrections(seed, place, directions, outputs, odd_even):
    detector = Detector.draw(seed, *place, 3, 12, 9)
    ramp = expose(seed, 2, 3, 12, 9, **_describe(place, directions, outputs))
    ramp.pixeldq[...] = detector.flags
    other = refpix(turn(ramp), odd_even_columns=odd_even)
    np.testing.assert_allclose(other.data.swapaxes(-2, -1), refpix(ramp, odd_even_columns=odd_even).data, atol=1e-3)


def _describe(place, directions, outputs):
    return {"SUBSTRT1": place[0] + 1, "SUBSTRT2": place[1] + 1, "FASTAXIS": directions[0], "SLOWAXIS": directions[1],
            "NOUTPUTS": outputs}  # fmt: skip


@few
@given(seeds, places, axes, st.sampled_from([1, 4]))
def test_turned_detectors_give_turned_rates(tmp_path, seed, place, directions, outputs):
    detector = Detector.draw(seed, *place, 6, 12, 9)
    ramp = expose(seed, 2, 6, 12, 9, **_describe(place, directions, outputs))
    other = calibrate(turn(ramp), detector.turned().references(tmp_path / "turned"))
    rates = calibrate(ramp, detector.references(tmp_path / "straight"))
    for image, found in ((rates.rate, other.rate), (rates.rateints, other.rateints)):
        for name in ("data", "err", "dq", "var_poisson", "var_rnoise"):
            setattr(found, name, getattr(found, name).swapaxes(-2, -1))
        assert_alike(found, image)


# ---- segments ----


def segment(ramp, first, last):
    """The file that holds integrations first..last - 1 of an exposure."""
    part = make_miri_ramp(ramp.data[first:last], **dict(ramp.header) | {"INTSTART": first + 1, "INTEND": last})
    part.groupdq[...] = ramp.groupdq[first:last]
    return part


@few
@given(seeds, st.integers(2, 6), st.integers(4, 9), st.integers(1, 5), st.integers(1, 4))
def test_segments_have_the_rates_of_the_whole(tmp_path, seed, n_integrations, n_groups, known, cut):
    """Not so jump, which compares a pixel's differences with the median of all integrations of its file."""
    shape, cut = (3, 5), min(cut, n_integrations - 1)
    rng = np.random.default_rng(seed)
    anomaly = rng.uniform(-50, 50, (known, 3, *shape))
    dark = np.cumsum(rng.uniform(0, 3, (known, n_groups, *shape)), axis=1)
    references = write_maps(tmp_path, shape)
    resets = write_reference(tmp_path / "reset.fits", "reset", SCI=anomaly)
    darks = write_reference(tmp_path / "dark.fits", "dark", keywords={"NFRAMES": 1, "GROUPGAP": 0}, SCI=dark)

    def run(ramp):
        ramp = dark_current(reset(lastframe(ramp), resets), darks)
        fits = [ramp_fit(ramp, *reversed(references), algorithm=name).rateints for name in ("OLS_C", "LIKELY")]
        return ramp.groupdq, *fits

    ramp = flag(expose(seed, n_integrations, n_groups, *shape, make=make_miri_ramp), seed)
    parts = [run(segment(ramp, 0, cut)), run(segment(ramp, cut, n_integrations))]
    flags, whole, likely = run(ramp)
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), flags)
    for name in ("data", "err", "dq", "var_poisson", "var_rnoise"):
        found = np.concatenate([getattr(part[2], name) for part in parts])
        np.testing.assert_array_equal(found, getattr(likely, name), err_msg=name)
    # Least squares weigh the pieces of a broken ramp by the photon noise of the median of all integrations at hand.
    unbroken = ~((flags & dq.JUMP_DET) != 0).any(axis=1)
    for name in ("data", "dq", "var_rnoise"):
        found = np.concatenate([getattr(part[1], name) for part in parts])
        np.testing.assert_array_equal(found[unbroken], getattr(whole, name)[unbroken], err_msg=name)
