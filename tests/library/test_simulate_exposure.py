"""Simulated raw files: format, headers, and that each effect can be switched off."""

import numpy as np
import pytest
from astropy.io import fits

from jwcal.errors import JwcalError
from jwcal.simulate import (
    DEFAULT_EFFECTS,
    EFFECTS,
    STAR,
    Observatory,
    Scene,
    Setup,
    plan_exposure,
    read_plan,
    simulate_exposure,
)
from jwcal.simulate.detectors import Region, draw_detector
from jwcal.simulate.instruments import get_instrument
from jwcal.simulate.readout import MIRI_EFFECTS, Timing, read_out

SMALL = Setup(subarray="SUB64P", readpatt="SHALLOW4", ngroups=3, nints=2, program=77, observation=3, exposure=4)
CHIP = get_instrument("NIRCAM").chip("NRCB1")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exposure")
    stars = np.zeros(1, STAR)
    stars["ra"], stars["dec"], stars["mag"] = SMALL.ra, SMALL.dec, 18.0
    return simulate_exposure(SMALL, Scene(stars=stars), folder / "raw", truth_dir=folder / "truth", seed=5)


def expose(switches, rate=100.0, timing=None, seed=1, traps=None, region=None, defects=0.0):
    """A small patch of detector under even light."""
    region = region or Region(700, 700, 16, 12)
    detector = draw_detector(CHIP, region, seed=2, defects=defects)
    timing = timing or Timing(nints=1, ngroups=4, nframes=1, groupgap=1, divisor=1, tframe=2.0)
    light = np.where(detector.reference_pixels, 0, rate).astype(np.float32)
    return read_out(light, detector, timing, 1, switches=set(switches), seed=seed, traps=traps), detector


def test_name_and_layout(made):
    assert made.uncal.name == "jw00077003001_02101_00004_nrcb1_uncal.fits"
    with fits.open(made.uncal) as file:
        assert [hdu.name for hdu in file] == ["PRIMARY", "SCI", "ZEROFRAME", "GROUP", "INT_TIMES", "ASDF"]
        assert file["SCI"].data.shape == (2, 3, 64, 64)
        assert file["SCI"].data.dtype == np.uint16
        assert file["ZEROFRAME"].data.shape == (2, 64, 64)
        assert len(file["GROUP"].data) == 6
        assert file["GROUP"].data["group_end_time"][0].startswith("2023-06-05T00:00:00.2006")


def test_the_observatorys_models_open_and_validate(made):
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    with datamodels.open(made.uncal) as model:
        assert type(model).__name__ == "Level1bModel"
        model.validate()
        assert model.meta.exposure.readpatt == "SHALLOW4"
        assert model.meta.wcsinfo.ra_ref == pytest.approx(SMALL.ra)
        assert model.meta.velocity_aberration.scale_factor == pytest.approx(made.plan.pointing.va_scale)
        assert model.int_times["int_mid_MJD_UTC"].shape == (2,)


def test_headers_say_what_was_done(made):
    header = fits.getheader(made.uncal)
    expected = {"INSTRUME": "NIRCAM", "DETECTOR": "NRCB1", "CHANNEL": "SHORT", "MODULE": "B", "PUPIL": "CLEAR",
                "NFRAMES": 4, "GROUPGAP": 1, "FRMDIVSR": 4, "NGROUPS": 3, "NINTS": 2, "SUBSTRT1": 1851,
                "SUBSTRT2": 1817, "ZEROFRAM": True, "FASTAXIS": 1, "SLOWAXIS": -2, "NOUTPUTS": 1,
                "EXP_TYPE": "NRC_IMAGE"}  # fmt: skip
    assert {key: header[key] for key in expected} == expected
    assert header["TGROUP"] == pytest.approx(5 * 0.05016)
    assert header["EFFINTTM"] == pytest.approx(14 * 0.05016)


def test_the_truth_knows_the_star(made):
    with fits.open(made.truth) as file:
        assert file["RATE"].data.shape == (64, 64)
        star = file["STARS"].data[0]
        y, x = np.unravel_index(np.argmax(file["RATE"].data), (64, 64))
        assert (star["x"], star["y"]) == pytest.approx((x, y), abs=0.6)
        assert star["flux"] == pytest.approx(3631 * 10 ** (-0.4 * 18))


def test_a_plan_can_be_read_back(made):
    plan = read_plan(made.uncal)
    assert plan.region == made.plan.region
    assert plan.timing == made.plan.timing
    assert plan.band == made.plan.band
    assert np.allclose(plan.pointing.to_sky(3.0, 50.0), made.plan.pointing.to_sky(3.0, 50.0), atol=1e-9)


def test_real_exposures_have_plans(real_data):
    plans = {path.name: read_plan(path) for path in (real_data / "exposures").glob("*_uncal.fits")}
    regions = {plan.chip.name: plan.region for plan in plans.values()}
    assert regions == {"GUIDER2": (886, 1021, 128, 128), "NIS": (1044, 0, 80, 80)}


def test_the_same_seed_gives_the_same_bits(made, tmp_path):
    again = simulate_exposure(made.plan, Scene(stars=np.zeros(0, STAR)), tmp_path, seed=5)
    other = simulate_exposure(made.plan, Scene(stars=np.zeros(0, STAR)), tmp_path / "other", seed=6)
    third = simulate_exposure(made.plan, Scene(stars=np.zeros(0, STAR)), tmp_path / "third", seed=5)
    assert again.uncal.read_bytes() == third.uncal.read_bytes()
    assert again.uncal.read_bytes() != other.uncal.read_bytes()


def test_guider_files_have_guider_names(tmp_path):
    setup = Setup("FGS", "GUIDER2", "N/A", subarray="128X128", readpatt="ACQ1", exp_type="FGS_ACQ1", ngroups=2, nints=6)
    made = simulate_exposure(setup, raw_dir=tmp_path)
    assert made.uncal.name == "jw00001001001_gs-acq1_2023156000000_uncal.fits"
    assert "FILTER" not in fits.getheader(made.uncal)


def test_unknown_effects_are_refused(tmp_path):
    with pytest.raises(JwcalError, match="jumps"):
        simulate_exposure(SMALL, raw_dir=tmp_path, switches={"jumps"})


def test_without_effects_ramps_are_straight_lines():
    ramps, detector = expose(())
    seconds = 2.0 * np.array([1, 3, 5, 7])
    expected = 100.0 * seconds[:, None, None] / detector.gain
    assert np.abs(ramps.data[0] - expected).max() <= 1  # whole numbers
    assert np.array_equal(ramps.zeroframe[0], ramps.data[0, 0])
    assert len(ramps.hits) == 0


def test_frames_are_averaged_and_gaps_left_out():
    timing = Timing(nints=1, ngroups=3, nframes=4, groupgap=3, divisor=4, tframe=2.0)
    ramps, detector = expose((), timing=timing)
    means = np.array([2.5, 9.5, 16.5]) * 2.0  # mean frame numbers 1-4, 8-11, 15-18
    assert np.abs(ramps.data[0] - 100.0 * means[:, None, None] / detector.gain).max() <= 2
    half, _ = expose((), timing=Timing(1, 3, 4, 3, 8, 2.0))
    assert np.abs(half.data[0] - ramps.data[0] / 2).max() <= 1


@pytest.mark.parametrize("effect", sorted(set(EFFECTS) - {"persistence", "telegraph_noise", *MIRI_EFFECTS}))
def test_each_effect_shows_when_switched_on(effect):
    base = {"superbias"} - {effect}
    rate = 2e4 if effect == "saturation" else 300.0
    region = Region(600, 700, 160, 120) if effect == "cosmic_rays" else None
    without, _ = expose(base, rate, region=region)
    with_it, _ = expose(base | {effect}, rate, region=region)
    changed = without.data != with_it.data
    assert changed.any()
    if effect == "saturation":
        assert (with_it.data <= without.data).all()


def test_effects_draw_their_own_numbers():
    noisy = {"superbias", "read_noise", "ktc_noise"}
    region = Region(600, 700, 160, 120)
    alone, _ = expose(noisy, region=region)
    joined, _ = expose(noisy | {"cosmic_rays"}, region=region)
    calm = np.ones((120, 160), bool)
    calm[joined.hits["y"], joined.hits["x"]] = False
    assert 0 < (~calm).sum() < 1000
    assert np.array_equal(alone.data[..., calm], joined.data[..., calm])


def test_shot_noise_accumulates_up_the_ramp():
    timing = Timing(nints=150, ngroups=3, nframes=1, groupgap=0, divisor=1, tframe=1.0)
    ramps, detector = expose({"shot_noise"}, rate=400.0, timing=timing)
    electrons = ramps.data * detector.gain
    assert electrons.var(axis=0).mean(axis=(1, 2)) == pytest.approx([400, 800, 1200], rel=0.05)
    steps = np.diff(electrons, axis=1)
    assert np.mean(steps[:, 0] * steps[:, 1]) - steps.mean() ** 2 == pytest.approx(0, abs=40)


def test_reference_pixels_see_no_light():
    ramps, detector = expose({"dark_current", "cosmic_rays", "shot_noise"}, rate=1e4, region=Region(0, 0, 20, 20))
    assert not ramps.data[..., detector.reference_pixels].any()
    assert ramps.data[..., ~detector.reference_pixels].min() > 0


def test_persistence_returns_what_was_trapped():
    traps = np.full((12, 16), 4000.0, np.float32)
    without, _ = expose({"superbias"}, rate=0.0)
    with_it, detector = expose({"superbias", "persistence"}, rate=0.0, traps=traps)
    released = (with_it.data[0, -1].astype(float) - without.data[0, -1]) * detector.gain
    assert released == pytest.approx(4000 * (1 - np.exp(-14 / 400)), abs=5)
    assert with_it.traps.mean() == pytest.approx(4000 * np.exp(-16 / 400), rel=0.01)
    filled, _ = expose({"superbias"}, rate=1.2e4)
    assert filled.traps.mean() > 10


def test_snapshots_of_a_perfect_observatory(tmp_path):
    plan = plan_exposure(Setup(subarray="SUB64P", ngroups=2))
    made = simulate_exposure(plan, raw_dir=tmp_path, observatory=Observatory(defects=0), switches=DEFAULT_EFFECTS)
    data = fits.getdata(made.uncal)
    assert 9000 < data.min() and data.max() < 16000
