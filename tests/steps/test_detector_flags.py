"""group_scale, dq_init, saturation, persistence: what a ramp and its flags look like afterwards."""

import numpy as np
import pytest
from astropy.io import fits
from naive_detector import DNU, FLOOR, SAT, make_ramp, write_reference

from jwcal import dq
from jwcal.errors import JwcalError, StepSkipped
from jwcal.steps.dq_init import dq_init
from jwcal.steps.group_scale import group_scale
from jwcal.steps.persistence import persistence
from jwcal.steps.saturation import saturation


@pytest.mark.parametrize(
    ("keywords", "scale"), [({"NFRAMES": 5, "FRMDIVSR": 8}, 1.6), ({"NFRAMES": 5, "FRMDIVSR": 4}, 0.8)]
)
def test_groups_are_rescaled_and_the_zeroframe_is_not(keywords, scale):
    ramp = group_scale(make_ramp(np.full((1, 2, 2, 2), 100), np.full((1, 2, 2), 100), **keywords))
    np.testing.assert_allclose(ramp.data, 100 * scale, rtol=1e-7)
    assert (ramp.zeroframe == 100).all()


@pytest.mark.parametrize("keywords", [{"FRMDIVSR": 4, "NFRAMES": 4}, {"NFRAMES": 5}, {"FRMDIVSR": 4, "NFRAMES": None}])
def test_nothing_to_rescale(keywords):
    with pytest.raises(StepSkipped):
        group_scale(make_ramp(np.ones((1, 2, 2, 2)), **keywords))


@pytest.fixture
def mask(tmp_path):
    flags = np.zeros((6, 8), np.uint32)
    flags[2, 3], flags[3, 4] = dq.DO_NOT_USE | dq.HOT, dq.DEAD
    return write_reference(tmp_path / "mask.fits", "mask", start=(11, 21), DQ=flags)


def test_mask_goes_to_pixels_and_groups(mask):
    ramp = dq_init(make_ramp(np.ones((2, 3, 4, 4)), SUBSTRT1=13, SUBSTRT2=22), mask)
    assert np.argwhere(ramp.pixeldq).tolist() == [[1, 1], [2, 2]]
    assert ramp.pixeldq[1, 1] == dq.DO_NOT_USE | dq.HOT
    assert (ramp.groupdq[:, :, 1, 1] == DNU).all() and ramp.groupdq.sum() == 6


def test_guider_exposures_get_pixel_flags_only(mask):
    ramp = dq_init(make_ramp(np.ones((2, 3, 6, 8)), EXP_TYPE="FGS_TRACK", SUBSTRT1=11, SUBSTRT2=21), mask)
    assert ramp.pixeldq[2, 3] and not ramp.groupdq.any()


def test_flags_of_the_user_are_added(mask, tmp_path):
    own = np.zeros((6, 8), np.int16)
    own[0, 0] = DNU
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(own)]).writeto(tmp_path / "own.fits")
    ramp = make_ramp(np.ones((1, 2, 6, 8)), SUBSTRT1=11, SUBSTRT2=21)
    dq_init(ramp, mask, user_supplied_dq=str(tmp_path / "own.fits"))
    assert np.argwhere(ramp.pixeldq).tolist() == [[0, 0], [2, 3], [3, 4]]
    assert ramp.groupdq[0, 1, 0, 0] == DNU


def test_flags_of_the_user_must_fit(mask, tmp_path):
    fits.PrimaryHDU(np.zeros((3, 3), np.int16)).writeto(tmp_path / "own.fits")
    with pytest.raises(JwcalError, match=r"own.fits: user_supplied_dq has shape \(3, 3\)"):
        dq_init(
            make_ramp(np.ones((1, 2, 6, 8)), SUBSTRT1=11, SUBSTRT2=21), mask, user_supplied_dq=tmp_path / "own.fits"
        )


def test_stripes_are_refused(mask):
    with pytest.raises(JwcalError, match="MSTR_RD1"):
        dq_init(make_ramp(np.ones((1, 2, 6, 8)), MSTR_RD1=40), mask)


@pytest.fixture
def thresholds(tmp_path):
    limit, flags = np.full((5, 5), 1000.0), np.zeros((5, 5), np.uint32)
    limit[0, 0], flags[0, 4] = np.nan, dq.NO_SAT_CHECK
    flags[4, 4] = dq.DEAD
    return write_reference(tmp_path / "saturation.fits", "saturation", SCI=limit, DQ=flags)


def test_saturation_flags(thresholds):
    data = np.full((1, 3, 5, 5), 10.0)
    data[0, 1:, 0, 0] = data[0, 1:, 0, 4] = data[0, 1:, 3, 1] = 2000
    data[0, 0, 4, 4] = 0
    ramp = saturation(make_ramp(data), thresholds)
    assert ramp.pixeldq[0, 0] == ramp.pixeldq[0, 4] == dq.NO_SAT_CHECK and ramp.pixeldq[4, 4] == dq.DEAD
    assert ramp.groupdq[0, 0].sum() == ramp.groupdq[0, 0, 4, 4] == FLOOR | DNU
    expected = np.zeros((5, 5), np.uint8)
    expected[2:, :3] = SAT
    np.testing.assert_array_equal(ramp.groupdq[0, 1], expected)
    np.testing.assert_array_equal(ramp.groupdq[0, 2], expected)


def test_averages_are_looked_at_only_if_wanted(thresholds, tmp_path):
    superbias = write_reference(tmp_path / "superbias.fits", "superbias", SCI=np.zeros((5, 5)))
    data = np.array([300, 820, 1000.0])[None, :, None, None] * np.ones((1, 3, 5, 5))
    assert (saturation(make_ramp(data, NFRAMES=4), thresholds, superbias).groupdq[0, 1, 2:] == DNU).all()
    assert not saturation(make_ramp(data, NFRAMES=4), thresholds, use_readpatt=False).groupdq[0, 1].any()
    assert not saturation(make_ramp(data, NFRAMES=1), thresholds).groupdq[0, 1].any()


def test_unusable_zeroframe_samples_become_zero(thresholds):
    zeroframe = np.full((1, 5, 5), 10.0)
    zeroframe[0, 3, 3], zeroframe[0, 0, 2] = 1000, -1
    ramp = saturation(make_ramp(np.full((1, 2, 5, 5), 10.0), zeroframe), thresholds, n_pix_grow_sat=0)
    assert np.argwhere(ramp.zeroframe[0] == 0).tolist() == [[0, 2], [3, 3]]
    assert (np.unique(ramp.zeroframe) == [0, 10]).all()


def test_saturation_refuses(thresholds):
    with pytest.raises(JwcalError, match="n_pix_grow_sat = -1"):
        saturation(make_ramp(np.ones((1, 2, 5, 5))), thresholds, n_pix_grow_sat=-1)


def bright_ramp(**keywords):
    ramp = make_ramp(np.zeros((2, 4, 1, 1)), TGROUP=10.0, EXPSTART=59000.0, EFFINTTM=50.0, **keywords)
    ramp.groupdq[0, 2:] = SAT
    return ramp


def test_persistence_window_from_the_start_of_the_exposure():
    ramp = persistence(bright_ramp(), persistence_time=45)
    # groups end 10, 20, 30, 40 s after 0 and 50 s; the window opens at 30 s and ends at 75 s
    assert (ramp.groupdq.ravel() & dq.PERSISTENCE != 0).tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert not (ramp.groupdq & DNU).any()


def test_persistence_takes_the_rows_of_its_own_integrations():
    ramp = bright_ramp(INTSTART=3)
    columns = [("integration_number", "i4"), ("int_start_MJD_UTC", "f8")]
    ramp.tables["INT_TIMES"] = np.array([(n, 59000 + n * 40 / 86400) for n in range(1, 6)], columns)
    persistence(ramp, persistence_time=45, persistence_dnu=True)
    assert (ramp.groupdq.ravel() & (dq.PERSISTENCE | DNU) != 0).tolist() == [0, 0, 1, 1, 1, 1, 1, 0]


def test_persistence_threshold_and_what_it_needs():
    ramp = bright_ramp()
    ramp.data[0, 0] = 500.0
    persistence(ramp, persistence_time=5, dn_threshold=400.0)
    assert ramp.groupdq[0, 0] == dq.PERSISTENCE
    with pytest.raises(StepSkipped, match="persistence_time"):
        persistence(bright_ramp())
