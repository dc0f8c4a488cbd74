"""The simulated CRDS cache: found by the crds library, in the observatory's formats, undone by the steps."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from jwcal import dq
from jwcal.errors import JwcalError
from jwcal.models import Ramp
from jwcal.references import Reference
from jwcal.simulate import Setup, effects, plan_exposure, write_context, write_reference_cache
from jwcal.simulate.crds_cache import write_reference
from jwcal.simulate.detectors import Region, cut, draw_detector, draw_response
from jwcal.simulate.headers import make_primary, make_science
from jwcal.simulate.reference_files import invert_polynomial
from jwcal.simulate.reftypes import DATASET_KEYS, list_types
from jwcal.steps import dark_current, group_scale, ipc, linearity, saturation, superbias

SETUPS = [
    Setup(subarray="SUB64P", readpatt="SHALLOW4", ngroups=3),
    Setup(detector="NRCBLONG", filter="F444W", subarray="SUB64P", ngroups=5),
    Setup("NIRISS", "NIS", "F480M", "NRM", "SUB80", "NISRAPID", ngroups=4, exp_type="NIS_AMI"),
]

ASK = """
import json, sys, crds
for keys, context in json.load(sys.stdin):
    found = crds.getrecommendations(keys, reftypes=["flat", "gain", "dark", "distortion", "ipc", "photom"],
                                    observatory="jwst", context=context)
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crds")
    write_reference_cache(folder, SETUPS, coupling=True, inverse_linearity=True)
    return folder


def find(cache, name):
    return cache / "references" / "jwst" / name.split("_")[1] / name


def reference(cache, reftype, number=1):
    return Reference(find(cache, f"jwst_nircam_{reftype}_{number:04d}.fits"), reftype)


def dataset(plan):
    header = make_primary(plan, "x.fits")
    keys = {crds_key: str(header[key]) for key, crds_key in DATASET_KEYS.items() if key in header}
    dates = {"META.OBSERVATION.DATE": header["DATE-OBS"], "META.OBSERVATION.TIME": header["TIME-OBS"]}
    return {"META.INSTRUMENT.NAME": plan.instrument.name, **keys, **dates}


def make_ramp(plan, data):
    """A ramp with the headers of a plan."""
    data = np.asarray(data, np.float32)
    flags = np.zeros(data.shape, np.uint8), np.zeros(data.shape[-2:], np.uint32)
    return Ramp(make_primary(plan, "x.fits"), make_science(plan), data=data, groupdq=flags[0], pixeldq=flags[1])


def test_the_crds_library_finds_the_files(cache):
    write_context(cache, "jwst_0002.pmap", "NIRCAM", "FLAT", detector="NRCBLONG")
    plans = [plan_exposure(setup) for setup in SETUPS]
    questions = [(dataset(plan), "jwst_0001.pmap") for plan in plans] + [(dataset(plans[1]), "jwst_0002.pmap")]
    env = {key: value for key, value in os.environ.items() if not key.startswith("CRDS_")}
    result = subprocess.run(
        [sys.executable, "-c", ASK], input=json.dumps(questions), capture_output=True, text=True, check=True,
        env=env | {"CRDS_PATH": str(cache), "CRDS_MODE": "local"},
    )  # fmt: skip
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    names = [{reftype: Path(value).name for reftype, value in answer.items()} for answer in answers]
    assert [answer["flat"] for answer in names[:2]] == ["jwst_nircam_flat_0001.fits", "jwst_nircam_flat_0002.fits"]
    assert names[1]["dark"] == "jwst_nircam_dark_0002.fits"
    assert names[2]["distortion"] == "jwst_niriss_distortion_0001.asdf"
    assert names[3] == names[1] | {"flat": "jwst_nircam_flat_0202.fits"}
    assert [name for answer in names for name in answer.values() if not find(cache, name).is_file()] == []


def test_a_second_context_differs_in_one_file(cache):
    new = write_context(cache, "jwst_0003.pmap", "NIRCAM", "gain", scale=1.5)
    old = reference(cache, "gain")
    assert np.allclose(Reference(new).image("SCI"), 1.5 * old.image("SCI"), equal_nan=True)
    mappings = cache / "mappings" / "jwst"
    contexts = [set(re.findall(r"'(jwst_\w+\.\w+)'", _read_context(mappings, n))) for n in (1, 3)]
    references = [{name for name in names if name.endswith(("fits", "asdf"))} for names in contexts]
    assert references[0] ^ references[1] == {"jwst_nircam_gain_0001.fits", "jwst_nircam_gain_0301.fits"}
    with pytest.raises(JwcalError, match="write such references first"):
        write_context(cache, "jwst_0004.pmap", "MIRI", "gain")


def _read_context(mappings, number):
    """Texts of all mappings of a context, one after the other."""
    texts, names = [], [f"jwst_{number:04d}.pmap"]
    for name in names:
        texts.append((mappings / name).read_text())
        names += re.findall(r"'(jwst_\w+\.[ir]map)'", texts[-1].partition("selector")[2])
    return "".join(text.partition("selector")[2] for text in texts)


def test_every_reftype_has_an_answer(cache):
    text = (cache / "mappings" / "jwst" / "jwst_nircam_0001.imap").read_text()
    assert all(f"'{reftype}'" in text for reftype in list_types())
    assert "'PERSAT': 'N/A'" in text and "'PARS-JUMPSTEP': 'N/A'" in text


def test_another_instrument_joins_a_context(tmp_path):
    write_reference_cache(tmp_path, SETUPS[2:])
    write_reference_cache(tmp_path, SETUPS[:1])
    assert set(re.findall(r"'([A-Z]+)': 'jwst", (tmp_path / "mappings/jwst/jwst_0001.pmap").read_text())) == {
        "NIRCAM",
        "NIRISS",
    }


def test_the_observatorys_models_open_and_validate(cache):
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    models = {"abvegaoffset": "ABVegaOffsetModel", "distortion": "DistortionModel", "filteroffset": "FilteroffsetModel"}
    for path in sorted((cache / "references" / "jwst" / "nircam").iterdir()):
        reftype = path.name.split("_")[2]
        name = models.get(reftype) or fits.getheader(path)["DATAMODL"]
        with getattr(datamodels, name)(path) as model:
            model.validate()
            assert model.meta.reftype.lower() == reftype


def test_flags_survive_the_files_own_bits(cache):
    plan = plan_exposure(SETUPS[0])
    detector = draw_detector(plan.chip, plan.region, seed=0)
    for reftype in ("mask", "superbias", "linearity", "saturation"):
        assert np.array_equal(reference(cache, reftype).dq(), detector.flags[reftype])
    raw = reference(cache, "superbias").image("DQ", dtype=np.uint32)
    assert not np.array_equal(raw, detector.flags["superbias"]) or not raw.any()


def test_full_frame_references_are_cut_to_the_subarray(tmp_path):
    setup = Setup(subarray="SUB64P", ngroups=2)
    plan = plan_exposure(setup)
    write_reference_cache(tmp_path, [setup], full_frame=True, dark_frames=2)
    ramp = make_ramp(plan, np.zeros((1, 2, 64, 64)))
    detector = draw_detector(plan.chip, plan.region, seed=0)
    assert reference(tmp_path, "gain").keyword("SUBARRAY") == "GENERIC"
    for reftype, name in (("gain", "gain"), ("superbias", "bias"), ("readnoise", "cds_noise")):
        image = reference(tmp_path, reftype).image("SCI", like=ramp)
        assert np.allclose(image, getattr(detector, name), rtol=1e-5, equal_nan=True)
    assert reference(tmp_path, "dark").image("SCI").shape == (2, 64, 64)
    assert "'GENERIC'" in (tmp_path / "mappings/jwst/jwst_nircam_gain_0001.rmap").read_text()


def test_cutting_a_detector_is_drawing_a_smaller_one():
    plan = plan_exposure(SETUPS[0])
    whole, part = Region(1800, 1800, 100, 90), Region(1820, 1810, 30, 20)
    ours, theirs = cut(draw_detector(plan.chip, whole, seed=4), part), draw_detector(plan.chip, part, seed=4)
    assert np.allclose(ours.bias, theirs.bias, rtol=1e-6)
    assert np.array_equal(ours.flags["mask"], theirs.flags["mask"])


def test_inverse_polynomials_invert():
    plan = plan_exposure(SETUPS[0])
    coefficients = draw_detector(plan.chip, plan.region, seed=0).coefficients
    true = np.full((64, 64), 47000.0)
    measured = effects.add_nonlinearity(true.astype(np.float32), coefficients)
    inverse = invert_polynomial(coefficients).astype(float)
    assert np.allclose(sum(c * true**k for k, c in enumerate(inverse)), measured, rtol=2e-6)


def test_flat_is_response_area_and_gain(cache):
    plan = plan_exposure(SETUPS[0])
    detector = draw_detector(plan.chip, plan.region, seed=0)
    flat, flags = reference(cache, "flat").image("SCI"), reference(cache, "flat").dq()
    area = fits.getdata(find(cache, "jwst_nircam_area_0001.fits"), "SCI")
    assert area.shape == (2048, 2048)
    area = area[plan.region.y0 :, plan.region.x0 :][:64, :64]
    expected = draw_response(detector, "F200W", "CLEAR") * area * plan.chip.gain / detector.gain
    good = np.isfinite(flat) & np.isfinite(expected)
    assert np.allclose(flat[good], expected[good], rtol=1e-6)
    assert (flags[np.isnan(flat)] & dq.NO_FLAT_FIELD).all()


def test_superbias_undoes_the_superbias(cache):
    plan = plan_exposure(SETUPS[0])
    detector = draw_detector(plan.chip, plan.region, seed=0)
    ramp = make_ramp(plan, effects.add_superbias(np.full((1, 3, 64, 64), 7.0, np.float32), detector.bias))
    assert np.allclose(superbias.superbias(ramp, reference(cache, "superbias")).data, 7.0, atol=2e-3)


def test_linearity_undoes_nonlinearity(cache):
    plan = plan_exposure(SETUPS[1])
    detector = draw_detector(plan.chip, plan.region, seed=0)
    true = np.random.default_rng(0).uniform(0, 47000, (1, 5, 64, 64)).astype(np.float32)
    ramp = make_ramp(plan, effects.add_nonlinearity(true.copy(), detector.coefficients))
    linearity.linearity(ramp, reference(cache, "linearity", 2))
    corrected = (ramp.pixeldq & dq.NO_LIN_CORR) == 0
    assert corrected.mean() > 0.99
    assert np.allclose(ramp.data[..., corrected], true[..., corrected], rtol=1e-6, atol=0.01)


def test_ipc_undoes_the_coupling(cache):
    plan = plan_exposure(SETUPS[0])
    detector = draw_detector(plan.chip, plan.region, seed=0)
    true = np.random.default_rng(1).uniform(0, 1e4, (1, 1, 64, 64)).astype(np.float32)
    true[..., :6], true[..., -6:], true[..., :6, :], true[..., -6:, :] = 0, 0, 0, 0
    ramp = make_ramp(plan, effects.add_coupling(true.copy(), ~detector.reference_pixels))
    assert np.abs(ramp.data - true).max() > 100
    assert np.allclose(ipc.ipc(ramp, reference(cache, "ipc")).data, true, atol=0.3)


@pytest.mark.parametrize(("setup", "number"), [(SETUPS[0], 1), (SETUPS[1], 2)])
def test_dark_current_undoes_the_dark(cache, setup, number):
    plan = plan_exposure(setup)
    detector = draw_detector(plan.chip, plan.region, seed=0)
    gain, timing = detector.true_gain, plan.timing
    groups = []
    for group in range(timing.ngroups):
        frames = [timing.frame_number(group, k) for k in range(timing.nframes)]
        charges = [np.zeros_like(gain) for _ in frames]
        for charge, frame in zip(charges, frames):
            effects.add_dark_current(charge, detector.dark, frame * timing.tframe)
            effects.add_settling(charge, detector.settling * gain, 0, frame)
        groups.append(np.mean(charges, axis=0) / gain)
    ramp = make_ramp(plan, [groups])
    dark_current.dark_current(ramp, reference(cache, "dark", number))
    assert np.abs(groups).max() > 5
    assert np.allclose(ramp.data, 0, atol=2e-3)


def test_saturation_flags_what_the_well_holds(cache):
    plan = plan_exposure(SETUPS[0])
    detector = draw_detector(plan.chip, plan.region, seed=0)
    signal = np.full((1, 3, 64, 64), 1000.0, np.float32)
    signal[0, 1:] = 1e6
    effects.add_superbias(effects.add_saturation(signal, detector.well), detector.bias)
    ramp = saturation.saturation(make_ramp(plan, signal), reference(cache, "saturation"), use_readpatt=False)
    checked = (ramp.pixeldq & dq.NO_SAT_CHECK) == 0
    assert ((ramp.groupdq[0, 1:] & dq.SATURATED) != 0)[:, checked].all()
    assert not (ramp.groupdq[0, 0] & dq.SATURATED).any()


def test_group_scale_undoes_another_divisor():
    plan = plan_exposure(Setup(subarray="SUB64P", readpatt="SHALLOW4", ngroups=2, divisor=8))
    total = np.full((2, 64, 64), 4000, np.uint32)
    ramp = make_ramp(plan, effects.average_frames(total, plan.timing.divisor)[None])
    assert (group_scale.group_scale(ramp).data == 1000).all()


def test_aperture_corrections_cover_the_bands(cache):
    table = Reference(find(cache, "jwst_nircam_apcorr_0001.fits")).table("APCORR")
    assert {(str(f), str(p)) for f, p in zip(table["filter"], table["pupil"])} == {
        ("F200W", "CLEAR"),
        ("F444W", "CLEAR"),
    }
    assert (table["apcorr"] * table["eefraction"] > 0.999).all()
    assert (np.diff(table["radius"][:3]) > 0).all()


def test_files_name_themselves(tmp_path):
    path = tmp_path / "jwst_x_gain_0001.fits"
    plan = plan_exposure(SETUPS[0])
    from jwcal.fitsfiles import Extension

    write_reference(path, [Extension("PRIMARY", header=make_primary(plan, "other.fits"))])
    assert fits.getheader(path)["FILENAME"] == path.name
