"""Every step of stage 1 and stage 2, for every case, against the official package on the same files."""

from types import SimpleNamespace

import numpy as np
import pytest
import truth
from astropy.io import fits
from cases import CASES, NO_DARK_NOISE
from cases_miri import CASES as MIRI_CASES
from cases_miri import FITTED
from cases_modes import CASES as MODE_CASES
from cases_modes import DARKS, GUIDING
from cases_nirspec import CASES as NIRSPEC_CASES
from comparison import Figure
from stepwise import Comparison, compare_mosaic, compare_world

from jwcal import dq, models, products
from jwcal.references import Reference
from jwcal.runner import run_chain


def check(figures, start):
    """Fail with the lines of the table that miss their goal."""
    missed = [str(figure) for figure in figures[start:] if not figure.passed]
    assert not missed, "\n" + "\n".join(missed)


def compare_stage1(laboratory, case_name, settings, scratch, figures, inspect=None):
    """Run stage 1 on both sides; returns the official result."""
    both = NO_DARK_NOISE | settings
    official = laboratory.oracle.run("detector1", laboratory.uncal(case_name), scratch / "stage1", both)
    comparison = Comparison(case_name, official, figures, inspect=inspect)
    plan = laboratory.program.plan("detector1", laboratory.names[case_name])
    comparison.run(plan, products.read_ramp(laboratory.uncal(case_name)))
    return official


def compare_stage2(laboratory, case_name, official, suffix, scratch, figures):
    """Run stage 2 on both sides, from the official count rates; returns our product and the official one."""
    rate = official.product(suffix)
    theirs = laboratory.oracle.run("image2", rate, scratch / f"stage2_{suffix}")
    comparison = Comparison(f"{case_name}", theirs, figures)
    rule = "image2" if suffix == "rate" else "image2ints"
    image = comparison.run(laboratory.program.plan(rule, laboratory.names[case_name]), products.read_image(rate))
    compare_world(comparison, image)
    return comparison, theirs


def compare_with_truth(laboratory, case, figures):
    """Watchers that compare cosmic rays found, and the slopes' pulls, with what the official package reaches."""
    exposure = laboratory.simulated[case.name]
    plan, timing = laboratory.program.plan("detector1", laboratory.names[case.name]), exposure.plan.timing
    expected, hits = fits.getdata(exposure.truth, "RATE"), fits.getdata(exposure.truth, "COSMIC_RAYS")

    def add(step, name, ours, theirs, allowed):
        note = f"{ours:.4f} here, {theirs:.4f} officially"
        figures.append(Figure(case.name, step, name, abs(ours - theirs), allowed, "values", note))

    def after_jump(ramp, state):
        gain, noise = (Reference(plan["references"][t]).image("SCI", like=ramp) for t in ("gain", "readnoise"))
        sigma = truth.difference_noise(expected, gain, noise, timing.tgroup, timing.nframes)
        ours, theirs = (truth.score_cosmic_rays(flags, hits, sigma) for flags in (ramp.groupdq, state["groupdq"]))
        add("jump", "recall", ours[0], theirs[0], 1e-3)
        add("jump", "precision", ours[1], theirs[1], 1e-3)

    def after_fit(rates, state):
        official = SimpleNamespace(**{name: np.asarray(state[name]) for name in ("data", "err", "dq")})
        ours, theirs = (truth.measure_pulls(image, expected) for image in (rates.rate, official))
        add("ramp_fit", "pulls' mean", ours[0], theirs[0], 1e-3)
        add("ramp_fit", "pulls' width", ours[1], theirs[1], 1e-3)

    return {"jump": after_jump, "ramp_fit": after_fit}


SIMULATED = (*CASES, *MIRI_CASES, *NIRSPEC_CASES, *MODE_CASES)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in SIMULATED])
def test_simulated(case, laboratory, figures, scratch):
    start = len(figures)
    inspect = compare_with_truth(laboratory, case, figures) if case.setup.subarray == "FULL" else {}
    official = compare_stage1(laboratory, case.name, case.settings, scratch, figures, inspect)
    if case.rectified:
        comparison, theirs = compare_stage2(laboratory, case.name, official, "rate", scratch, figures)
        if theirs.product("i2d").exists():
            plan = laboratory.program.plan("resample", laboratory.names[case.name])
            mosaic = run_chain(plan, products.read_image(theirs.product("cal")))
            compare_mosaic(comparison, mosaic, theirs.product("i2d"))
        if case.setup.nints > 1:
            compare_stage2(laboratory, case.name, official, "rateints", scratch, figures)
    check(figures, start)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in FITTED])
def test_fitted_interference(case, laboratory, figures, scratch):
    start = len(figures)
    official = laboratory.oracle.run("detector1", laboratory.uncal(case.name), scratch, case.settings)
    plan = laboratory.program.plan("detector1", laboratory.names[case.name])
    plan["steps"] = plan["steps"][: plan["steps"].index("emicorr") + 1]
    ramp = products.read_ramp(laboratory.uncal(case.name))
    raw = ramp.data.copy()
    found = raw - Comparison(case.name, official, figures).run(plan, ramp).data
    theirs = raw - official.state("emicorr")["data"]
    worst = float(np.abs(found - theirs).max() / np.abs(theirs).max())
    figures.append(Figure(case.name, "emicorr", "wave", worst, 0.02, "values", "of the wave's greatest value"))
    check(figures, start)


def test_real_niriss(laboratory, real_data, figures, scratch):
    start = len(figures)
    official = compare_stage1(laboratory, "niriss", {}, scratch, figures)
    compare_stage2(laboratory, "niriss", official, "rate", scratch, figures)
    compare_stage2(laboratory, "niriss", official, "rateints", scratch, figures)
    check(figures, start)


def put_guider_errors_right(plan, path):
    """What the official errors of a guider exposure should be: see README, differences 1 and 2."""
    ramp = products.read_ramp(path)
    time = ramp.keyword("TGROUP")
    noise = Reference(plan["references"]["readnoise"])
    stacked = ramp.keyword("EXP_TYPE") == "FGS_ID-STACK"
    noise = noise.image("SCI").mean() if stacked else noise.image("SCI", like=ramp)
    reference = Reference(plan["references"]["flat"])
    flat, error = reference.image("SCI", like=ramp), reference.image("ERR", like=ramp)
    bad = (reference.dq(like=ramp) & (dq.NO_FLAT_FIELD | dq.DO_NOT_USE) != 0) | ~(np.abs(flat) > 0)
    flat[bad] = 1
    kept = {}

    def after_cds(state):
        readout = 2 * (noise / time) ** 2
        kept["err"] = np.sqrt(readout + (state["err"].astype(float) ** 2 - readout) / time)
        return kept["err"]

    def after_flat(state):
        return np.sqrt((kept["err"] / flat) ** 2 + (state["data"].astype(float) * error / flat) ** 2)

    return {("guider_cds", "err"): after_cds, ("flat_field", "err"): after_flat}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in DARKS])
def test_dark(case, laboratory, figures, scratch):
    start = len(figures)
    official = laboratory.oracle.run("dark", laboratory.uncal(case.name), scratch, case.settings)
    plan = laboratory.program.plan("dark", laboratory.names[case.name])
    ramp = Comparison(case.name, official, figures).run(plan, products.read_ramp(laboratory.uncal(case.name)))
    products.write(scratch / "ours_dark.fits", ramp)
    ours, theirs = (products.read_ramp(path) for path in (scratch / "ours_dark.fits", official.product("dark")))
    assert ours.data.shape == theirs.data.shape and ours.data.ndim == 4
    np.testing.assert_array_equal(ours.groupdq, theirs.groupdq)
    if theirs.refout is not None:
        np.testing.assert_array_equal(ours.refout, theirs.refout)
    assert "S_DARK" not in ours.header and ours.header["DATAMODL"] == theirs.header["DATAMODL"]
    check(figures, start)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in GUIDING])
def test_guider(case, laboratory, figures, scratch):
    start = len(figures)
    plan, path = laboratory.program.plan("guider", laboratory.names[case.name]), laboratory.uncal(case.name)
    official = laboratory.oracle.run("guider", path, scratch)
    image = Comparison(case.name, official, figures, put_guider_errors_right(plan, path)).run(
        plan, products.read_ramp(path)
    )
    theirs = products.read(official.product("cal"), models.GuiderImage)
    assert image.data.shape == theirs.data.shape
    assert {name.upper() for name in image.tables} == {name.upper() for name in theirs.tables}
    for name, table in theirs.tables.items():
        for column in table.dtype.names:
            np.testing.assert_array_equal(image.tables[name][column], table[column])
    check(figures, start)


def test_real_guider(laboratory, real_data, figures, scratch):
    start = len(figures)
    plan, path = laboratory.program.plan("guider", laboratory.names["guider"]), laboratory.uncal("guider")
    official = laboratory.oracle.run("guider", path, scratch)
    comparison = Comparison("guider", official, figures, put_guider_errors_right(plan, path))
    image = comparison.run(plan, products.read_ramp(path))
    theirs = products.read(official.product("cal"), models.GuiderImage)
    assert image.data.ndim == theirs.data.ndim == 3
    check(figures, start)
