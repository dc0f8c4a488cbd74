"""From pixels to the sky and back, in the simulator; and the reference that says the same."""

import numpy as np
import pytest

from jwcal import asdffiles
from jwcal.errors import JwcalError
from jwcal.simulate import Setup, plan_exposure
from jwcal.simulate.geometry import Attitude
from jwcal.simulate.instruments import get_instrument
from jwcal.simulate.scene import map_areas
from jwcal.simulate.transforms import describe_distortion
from jwcal.wcs import transforms

NIRCAM = {name: get_instrument("NIRCAM").chip(name) for name in ("NRCA1", "NRCB1", "NRCBLONG")}


def plan(**changes):
    return plan_exposure(Setup(**{"subarray": "SUB160", **changes}))


@pytest.mark.parametrize(
    ("changes", "corner", "size", "tframe"),
    [
        ({"detector": "NRCB1", "subarray": "SUB640"}, (0, 0), 640, 4.18584),
        ({"detector": "NRCB1", "subarray": "SUB160"}, (0, 0), 160, 0.27864),
        ({"detector": "NRCA1", "subarray": "SUB320"}, (1728, 1728), 320, 1.06904),
        ({"detector": "NRCB1", "subarray": "SUB64P"}, (1850, 1816), 64, 0.05016),
        ({"detector": "NRCBLONG", "filter": "F444W", "subarray": "SUB400P"}, (1648, 1648), 400, 1.65624),
        ({"detector": "NRCA3", "subarray": "FULL"}, (0, 0), 2048, 10.73676),
        ({"instrument": "NIRISS", "detector": "NIS", "filter": "F480M", "pupil": "NRM", "subarray": "SUB80",
          "readpatt": "NISRAPID"}, (1044, 0), 80, 0.07544),  # as in a real header: SUBSTRT1 = 1045, SUBSTRT2 = 1
    ],
)  # fmt: skip
def test_subarrays_lie_and_tick_as_the_observatory_has_them(changes, corner, size, tframe):
    this = plan(**changes)
    assert (this.aperture.x0, this.aperture.y0) == corner
    assert (this.aperture.nx, this.aperture.ny) == (size, size)
    assert this.timing.tframe == pytest.approx(tframe, abs=1e-5)


@pytest.mark.parametrize(("name", "axes"), [("NRCA1", (-1, 2)), ("NRCB1", (1, -2)), ("NRCBLONG", (1, -2))])
def test_detectors_read_out_the_right_way(name, axes):
    assert (NIRCAM[name].fastaxis, NIRCAM[name].slowaxis) == axes


@pytest.mark.parametrize("pattern", ["RAPID", "BRIGHT2", "SHALLOW4", "MEDIUM8", "DEEP8"])
def test_multiaccum_timing(pattern):
    timing = plan(readpatt=pattern, ngroups=3, nints=2).timing
    nframes, gap = get_instrument("NIRCAM").patterns[pattern]
    assert timing.tgroup == pytest.approx((nframes + gap) * 0.27864)
    assert timing.frames == 3 * nframes + 2 * gap
    assert timing.frame_number(2, nframes - 1) == timing.frames
    assert timing.duration == pytest.approx(2 * (timing.frames + 1) * 0.27864)


def test_the_target_lies_on_the_reference_point():
    this = plan(ra=10.0, dec=-70.0, roll=123.0)
    a = this.aperture
    assert np.allclose(this.pointing.attitude.to_sky(a.v2_ref, a.v3_ref), (10.0, -70.0))
    assert this.pointing.attitude.roll_at(a.v2_ref, a.v3_ref) == pytest.approx(123.0, abs=1e-6)


def test_dithers_move_the_sky_by_their_length():
    still, moved = plan(), plan(dither=(1.5, -2.0))
    a = still.aperture
    positions = [p.pointing.attitude.to_sky(a.v2_ref, a.v3_ref) for p in (still, moved)]
    (ra0, dec0), (ra1, dec1) = positions
    assert np.hypot((ra1 - ra0) * np.cos(np.radians(dec0)), dec1 - dec0) * 3600 == pytest.approx(2.5, abs=1e-3)


def test_attitude_inverts():
    attitude = Attitude.point(-93.5, -487.0, 200.0, 88.0, 10.0)
    v2, v3 = np.array([-100.0, 80.0, 0.0]), np.array([-500.0, -480.0, 0.0])
    assert np.allclose(attitude.to_v2v3(*attitude.to_sky(v2, v3)), (v2, v3), atol=1e-7)


@pytest.mark.parametrize("va_scale", [1.0, 0.9999])
def test_pixels_to_sky_and_back(va_scale):
    pointing = plan_exposure(Setup(detector="NRCBLONG", filter="F444W", subarray="SUB400P"), va_scale).pointing
    x, y = np.array([0.0, 399.0, 17.3]), np.array([399.0, 0.5, 250.2])
    assert np.allclose(pointing.to_pixel(*pointing.to_sky(x, y)), (x, y), atol=1e-6)


def test_aberration_and_filter_offset_move_pixels():
    setup = Setup(detector="NRCBLONG", filter="F444W", subarray="SUB400P")
    plain, aberrated = (plan_exposure(setup, scale).pointing for scale in (1.0, 1.0001))
    reference = plain.to_pixel(setup.ra, setup.dec)
    assert np.allclose(aberrated.to_pixel(setup.ra, setup.dec), reference, atol=1e-9)
    far = plain.to_sky(0.0, 0.0)
    assert 0.02 < np.abs(aberrated.to_pixel(*far)).max() < 0.05  # 1e-4 of three hundred pixels
    assert np.allclose(reference, np.array(plain.aperture.reference_pixel) - plain.offset, atol=2e-3)


@pytest.mark.parametrize("chip", NIRCAM.values(), ids=str)
def test_the_distortion_reference_says_the_same(chip):
    distortion = plan(detector=chip.name, filter="F444W" if "LONG" in chip.name else "F200W").pointing.distortion
    tree = asdffiles.decode(asdffiles.encode({"model": describe_distortion(distortion)}))
    x, y = np.meshgrid(np.linspace(-0.5, 2047.5, 11), np.linspace(-0.5, 2047.5, 11))
    v2, v3 = transforms.evaluate(tree["model"], x, y)
    assert np.allclose((v2, v3), distortion.to_v2v3(x, y), atol=1e-9)
    assert np.allclose(transforms.evaluate(tree["model"]["inverse"], v2, v3), (x, y), atol=2e-5)


def test_areas_are_those_of_the_jacobian():
    distortion = plan(detector="NRCB1").pointing.distortion
    areas = map_areas(distortion, 100, 1500, 40, 30)
    y, x = np.mgrid[1500:1530, 100:140]
    assert np.allclose(areas, distortion.pixel_area(x, y), rtol=1e-6)


def test_sky_matrix_turns_with_the_roll():
    north_up, turned = (plan(roll=roll).pointing.sky_matrix(80, 80) for roll in (0.0, 90.0))
    quarter = np.array([[0, 1], [-1, 0]])  # V3 now points east
    assert np.allclose(turned, quarter @ north_up, atol=2e-4)
    assert np.linalg.norm(north_up, axis=0) == pytest.approx([0.031, 0.031], rel=0.02)


@pytest.mark.parametrize(
    "changes",
    [{"instrument": "MIRI"}, {"detector": "NRCB9"}, {"filter": "F999W"}, {"subarray": "SUB7"}, {"readpatt": "SLOW"}],
)
def test_unknown_names_are_named_with_the_known_ones(changes):
    with pytest.raises(JwcalError, match=rf"{next(iter(changes.values()))}.*use one of"):
        plan(**changes)
