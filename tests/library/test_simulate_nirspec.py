"""NIRSpec's plug-in: raw files in the archive's layout, references that fit them."""

import numpy as np
import pytest
from astropy.io import fits

from jwcal import dq
from jwcal.readout.interleaved import layout
from jwcal.simulate import Setup, plan_exposure, read_plan, simulate_exposure
from jwcal.simulate.crds_cache import _Library
from jwcal.simulate.exposure import Observatory


def nirspec(**properties):
    defaults = {"detector": "NRS1", "filter": "F170LP", "pupil": "G235M", "subarray": "SUB512", "readpatt": "NRSRAPID"}
    return Setup("NIRSPEC", **(defaults | properties))


def make_reference(setup, reftype):
    library = _Library(None, [plan_exposure(setup)], Observatory(), False, False, None)
    return library.makers[reftype](library._subject(reftype, plan_exposure(setup)))


@pytest.mark.parametrize(
    ("properties", "tframe", "frames"),
    [
        ({"subarray": "FULL", "readpatt": "NRSIRS2"}, 14.5889, (5, 8)),
        ({"subarray": "FULL", "readpatt": "NRSIRS2RAPID"}, 14.5889, (1, 1)),
        ({"subarray": "FULL", "readpatt": "NRS"}, 10.73676, (4, 4)),
        ({"subarray": "SUB2048"}, 0.902, (1, 1)),
        ({"subarray": "SUB512"}, 0.22616, (1, 1)),
    ],
)
def test_timing(properties, tframe, frames):
    timing = plan_exposure(nirspec(**properties)).timing
    assert timing.tframe == pytest.approx(tframe, rel=1e-5)
    assert (timing.nframes, timing.divisor) == frames


def test_raw_file_of_a_subarray(tmp_path):
    simulated = simulate_exposure(nirspec(ngroups=3, nints=2, exp_type="NRS_BRIGHTOBJ", tso=True), raw_dir=tmp_path)
    with fits.open(simulated.uncal) as file:
        header = file[0].header
        assert file["SCI"].data.shape == (2, 3, 32, 512) and "ZEROFRAME" not in file
        assert (header["GRATING"], header["FILTER"], header["FXD_SLIT"]) == ("G235M", "F170LP", "S1600A1")
        assert (header["SUBSTRT1"], header["SUBSTRT2"]) == (1025, 946) and "PUPIL" not in header
        assert header["NOUTPUTS"] == 1 and "NRS_NORM" not in header
    plan = read_plan(simulated.uncal)
    assert (plan.setup.pupil, plan.region) == ("G235M", simulated.plan.region)


def test_gain_of_subarrays_is_higher_and_says_so():
    header, science = make_reference(nirspec(), "GAIN")
    assert header.header["GAINFACT"] == pytest.approx(1.43)
    assert np.nanmedian(science.data) == pytest.approx(1.43 * 0.996, rel=0.01)


def test_interleaved_frames(tmp_path):
    setup = nirspec(detector="NRS2", subarray="FULL", readpatt="NRSIRS2RAPID", ngroups=1)
    simulated = simulate_exposure(setup, raw_dir=tmp_path)
    with fits.open(simulated.uncal) as file:
        raw, header = file["SCI"].data[0, 0].astype(float), file[0].header
    assert raw.shape == (3200, 2048) and (header["SUBSIZE2"], header["NRS_NORM"], header["NRS_REF"]) == (2048, 16, 4)
    normal = layout.find_normal(-2)
    bias, mask = make_reference(setup, "SUPERBIAS")[1].data, make_reference(setup, "MASK")[1].data
    assert bias.shape == mask.shape == (3200, 2048)
    left = raw - bias
    left[mask & dq.DO_NOT_USE != 0] = np.nan
    # Noise, and light on pixels only; reset noise is 35 electrons.
    assert np.nanstd(np.delete(left, normal, axis=0)) < 20 and np.nanstd(left[normal]) > 25
    bad = (mask & dq.FLAGS["BAD_REF_PIXEL"]).any(axis=1)
    assert bad.sum() == 4 and layout.find_interleaved(-2)[bad].all()
    # All outputs share most of the drifts: neighbouring samples of two outputs go together.
    drift = [np.nanmean(left[rows[rows >= 0]], axis=0) for rows in layout.schedule_rows(-2)]
    assert np.corrcoef(drift[0], drift[1])[0, 1] > 0.5


def test_filters_exist_for_interleaved_frames_only():
    assert make_reference(nirspec(subarray="FULL"), "REFPIX") is None
    header, table, bad = make_reference(nirspec(subarray="FULL", readpatt="NRSIRS2"), "REFPIX")
    assert len(table.data) == 2 * 712 * 2048 and header.header["READPATT"] == "NRSIRS2"
    assert set(bad.data["OUTPUT"]) <= {1, 2, 3, 4}
