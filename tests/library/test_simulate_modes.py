"""Every subarray, read pattern and guider function that the simulator knows."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from jwcal.errors import JwcalError
from jwcal.simulate import STAR, Scene, Setup, plan_exposure, simulate_exposure
from jwcal.simulate.fgs import OVERLAP, STRIP, join_strips
from jwcal.simulate.instruments import PLUGINS, get_instrument, spread_light
from jwcal.simulate.niriss_soss import cross_section
from jwcal.simulate.readout import Ramps

GUIDING = {
    "FGS_ID-IMAGE": Setup("FGS", "GUIDER1", "N/A", None, "2048X64", "ID", 2, 2, strips=2),
    "FGS_ID-STACK": Setup("FGS", "GUIDER1", "N/A", None, "2048X64", "ID", 2, 2, strips=2),
    "FGS_ACQ1": Setup("FGS", "GUIDER2", "N/A", None, "128X128", "ACQ1", 2, 6),
    "FGS_ACQ2": Setup("FGS", "GUIDER2", "N/A", None, "32X32", "ACQ2", 2, 5),
    "FGS_TRACK": Setup("FGS", "GUIDER1", "N/A", None, "32X32", "TRACK", 2, 7),
    "FGS_FINEGUIDE": Setup("FGS", "GUIDER1", "N/A", None, "8X8", "FINEGUIDE", 8, 9),
}
# Name and layout of the archive's files: (end of the name, shape of SCI, tables).
LAYOUT = {
    "FGS_ID-IMAGE": ("gs-id_1_image_uncal.fits", (2, 2, 2048, 120), ["Flight Reference Stars",
                                                                     "Planned Reference Stars"]),
    "FGS_ID-STACK": ("gs-id_1_stacked_uncal.fits", (2, 2, 2048, 128), ["Flight Reference Stars",
                                                                       "Planned Reference Stars"]),
    "FGS_ACQ1": ("gs-acq1_2023156000000_uncal.fits", (6, 2, 128, 128), []),
    "FGS_ACQ2": ("gs-acq2_2023156000000_uncal.fits", (5, 2, 32, 32), []),
    "FGS_TRACK": ("gs-track_2023156000000_uncal.fits", (7, 2, 32, 32), ["Pointing", "FGS Centroid Packet",
                                                                        "Track subarray table"]),
    "FGS_FINEGUIDE": ("gs-fg_2023156000000_uncal.fits", (9, 8, 8, 8), ["Pointing", "FGS Centroid Packet"]),
}  # fmt: skip


def list_places():
    """(instrument, detector, subarray) of the simulator, each subarray with one of the detectors that have it."""
    for name in PLUGINS:
        instrument = get_instrument(name)
        for subarray in ("FULL", *instrument.subarrays):
            for chip in instrument.chips.values():
                try:
                    instrument.aperture(chip, subarray)
                except JwcalError:
                    continue
                yield name, chip.name, subarray


@pytest.fixture(scope="module")
def guided(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guided")
    stars = np.zeros(2, STAR)
    stars["id"], stars["ra"], stars["dec"], stars["mag"] = (7, 8), (150.1, 150.1005), 2.2, (12, 14)
    return {
        exp_type: simulate_exposure(replace(setup, exp_type=exp_type), Scene(stars=stars), folder)
        for exp_type, setup in GUIDING.items()
    }


def test_every_subarray_lies_on_its_detector():
    seen = set()
    for name, detector, subarray in list_places():
        instrument = get_instrument(name)
        chip = instrument.chip(detector)
        place = instrument.load_aperture(chip, subarray)
        columns, rows = chip.size
        assert 0 <= place.x0 and place.x0 + place.nx <= columns and 0 <= place.y0 and place.y0 + place.ny <= rows
        seen.add((name, subarray))
    known = {(name, subarray) for name in PLUGINS for subarray in get_instrument(name).subarrays}
    assert known <= seen  # each belongs to a detector


# From the archive: first column and row, columns and rows, seconds a frame.
@pytest.mark.parametrize(
    ("setup", "corner", "size", "tframe"),
    [
        (Setup(detector="NRCALONG", filter="F322W2", pupil="GRISMR", subarray="SUBGRISM256"), (1, 1), (2048, 256),
         1.34669),
        (Setup(detector="NRCALONG", filter="F322W2", pupil="GRISMR", subarray="SUBGRISM256", outputs=1), (1, 1),
         (2048, 256), 5.31480),
        (Setup(detector="NRCA1", subarray="FULL"), (1, 1), (2048, 2048), 10.73677),
        (Setup("NIRISS", "NIS", "F480M", "NRM", "SUB80", "NISRAPID"), (1045, 1), (80, 80), 0.07544),
        (Setup("NIRISS", "NIS", "CLEAR", "GR700XD", "SUBSTRIP96", "NISRAPID"), (1, 1803), (2048, 96), 2.214),
        (Setup("NIRISS", "NIS", "CLEAR", "GR700XD", "SUBSTRIP256", "NISRAPID"), (1, 1793), (2048, 256), 5.494),
        (Setup("MIRI", "MIRIMAGE", "P750L", None, "SLITLESSPRISM", "FASTR1"), (1, 529), (72, 416), 0.15904),
        (Setup("MIRI", "MIRIMAGE", "F1065C", None, "MASK1065", "FASTR1"), (1, 19), (288, 224), 0.23968),
        (Setup("MIRI", "MIRIMAGE", "F2300C", None, "MASKLYOT", "FASTR1"), (1, 717), (320, 304), 0.32400),
        (Setup("MIRI", "MIRIFULONG", "N/A", None, "FULL", "SLOWR1"), (1, 1), (1032, 1024), 23.88992),
    ],
)  # fmt: skip
def test_places_and_times_of_the_archive(setup, corner, size, tframe):
    plan = plan_exposure(setup)
    assert (plan.aperture.x0 + 1, plan.aperture.y0 + 1) == corner
    assert (plan.aperture.nx, plan.aperture.ny) == size
    assert plan.timing.tframe == pytest.approx(tframe, rel=1e-5)


def test_read_patterns():
    plan = plan_exposure(Setup(readpatt="MEDIUM8", ngroups=3))
    assert plan.timing.tgroup == pytest.approx(10 * plan.timing.tframe) and plan.zeroframe
    assert plan_exposure(Setup("MIRI", "MIRIMAGE", "F770W", None, "SUB64", "FASTGRPAVG8")).timing.nframes == 8
    assert plan_exposure(Setup("NIRISS", "NIS", "CLEAR", "F150W", "SUB64", "NIS")).timing.nframes == 4
    assert plan_exposure(Setup("FGS", "GUIDER1", "N/A", None, "SUB8LL", "FGS8370")).timing.groupgap > 8000


def test_a_detector_without_the_subarray_is_said():
    with pytest.raises(JwcalError, match="NRCB1 has no subarray 'SUB640A210R'; it is one of NRCA2, NRCA5"):
        plan_exposure(Setup(detector="NRCB1", subarray="SUB640A210R"))
    with pytest.raises(JwcalError, match="SUB41STRIPE1_DHS"):
        plan_exposure(Setup(detector="NRCALONG", filter="F444W", subarray="SUB41STRIPE1_DHS"))


def test_grisms_spread_light():
    image = np.zeros((5, 40))
    image[2, 20] = 10.0
    spread = spread_light(image, 10, 1)
    np.testing.assert_allclose(spread[2, spread[2] > 0], 1.0)
    assert spread.sum() == pytest.approx(10.0) and np.flatnonzero(spread[2]).tolist() == list(range(16, 26))
    assert spread_light(image, 3, 0)[1:4, 20].tolist() == pytest.approx([10 / 3] * 3)


def test_soss_traces(tmp_path):
    star = np.zeros(1, STAR)
    star["ra"], star["dec"], star["mag"] = 150.1, 2.2, 10.0
    setup = Setup("NIRISS", "NIS", "CLEAR", "GR700XD", "SUBSTRIP256", "NISRAPID", 2, exp_type="NIS_SOSS")
    plan = plan_exposure(setup)
    light = plan.instrument.render(Scene(stars=star, background=0.0), plan.pointing, plan.band)
    rows = np.average(np.arange(80), axis=0, weights=light[:80, [1000, 1455]].astype(float).T[0])
    assert rows == pytest.approx(47, abs=2)  # first order, 45 to 51 there
    assert light[20:60, 1455].sum() > 20 * light[110:140, 1455].sum() > 0  # and the second order above it
    narrow = plan_exposure(replace(setup, subarray="SUBSTRIP96"))
    part = narrow.instrument.render(Scene(stars=star, background=0.0), narrow.pointing, narrow.band)
    np.testing.assert_allclose(part, light[10:106], rtol=1e-5)
    assert np.sum(cross_section(np.arange(-40, 41))) == pytest.approx(1, rel=1e-3)


def test_the_guiders_files_are_the_archives(guided):
    for exp_type, (name, shape, tables) in LAYOUT.items():
        path = guided[exp_type].uncal
        assert path.name == f"jw00001001001_{name}"
        with fits.open(path) as file:
            assert file["SCI"].data.shape == shape and file["SCI"].data.dtype == np.uint16
            assert [hdu.name for hdu in file] == ["PRIMARY", "SCI", *tables, "ASDF"]
            header = file[0].header
            assert (header["SUBSIZE2"], header["SUBSIZE1"]) == shape[2:]
            assert (header["NINTS"], header["NGROUPS"]) == shape[:2]


def test_the_observatorys_models_read_the_guiders_files(guided):
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    for exp_type, exposure in guided.items():
        with datamodels.GuiderRawModel(str(exposure.uncal)) as model:
            model.validate()
            assert model.meta.exposure.type == exp_type
            if exp_type.startswith("FGS_ID"):
                assert model.planned_star_table["reference_star_id"][0] in (b"SIM00000007", "SIM00000007")
                assert len(model.flight_star_table) == len(model.planned_star_table)
            if exp_type in ("FGS_TRACK", "FGS_FINEGUIDE"):
                assert len(model.centroid_table) == exposure.plan.timing.nints == len(model.pointing_table)
                assert np.ptp(model.centroid_table["guide_star_position_x"]) < 0.02
            assert model.hasattr("track_sub_table") == (exp_type == "FGS_TRACK")


def test_acquisition_is_timed_as_in_flight(guided, real_data):
    ours = fits.getheader(guided["FGS_ACQ1"].uncal)
    theirs = fits.getheader(real_data / "exposures" / "jw01019001001_gs-acq1_2022117003102_uncal.fits")
    for keyword in ("READPATT", "NINTS", "NGROUPS", "NFRAMES", "FRMDIVSR", "GROUPGAP", "NSAMPLES", "SUBARRAY",
                    "SUBSIZE1", "SUBSIZE2", "FASTAXIS", "SLOWAXIS", "EXP_TYPE", "INSTRUME", "DETECTOR"):  # fmt: skip
        assert ours[keyword] == theirs[keyword], keyword
    for keyword in ("TFRAME", "TGROUP", "TSAMPLE"):
        assert ours[keyword] == pytest.approx(theirs[keyword])


def test_fine_guide_reads_before_and_after_a_pause(guided):
    timing = guided["FGS_FINEGUIDE"].plan.timing
    frames = timing.frame_number(np.arange(8), 0)
    assert frames[:4].tolist() == [1, 2, 3, 4] and (np.diff(frames[4:]) == 1).all()
    assert timing.tgroup == pytest.approx((frames[4:].mean() - frames[:4].mean()) * timing.tframe)
    data = fits.getdata(guided["FGS_FINEGUIDE"].uncal).astype(float)
    signal = data[:, 4:].mean(axis=1) - data[:, :4].mean(axis=1)
    assert signal.mean(axis=0)[3:5, 3:5].mean() > 5 * signal.std(axis=0)[0, 0]  # the star is in the middle


def test_strips_are_joined():
    def strip(value):
        data = np.full((1, 1, 2, STRIP), value, np.uint16)
        hits = np.zeros(1, [("x", "i4")])
        return Ramps(data, None, hits, None)

    stacked = join_strips([strip(10), strip(20), strip(41)], stacked=True)
    np.testing.assert_array_equal(stacked.data[0, 0, 0], np.repeat([10, 20, 41], STRIP))
    assert stacked.hits["x"].tolist() == [0, 64, 128]
    image = join_strips([strip(10), strip(20), strip(41)], stacked=False).data[0, 0, 1]
    assert image.size == 3 * STRIP - 2 * OVERLAP
    np.testing.assert_array_equal(image[STRIP - OVERLAP : STRIP], 15)
    np.testing.assert_array_equal(image[2 * (STRIP - OVERLAP) :][:OVERLAP], 30)
    assert image[0] == 10 and image[70] == 20 and image[-1] == 41
