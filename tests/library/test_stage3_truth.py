"""Stage 3 against the truth: dithered exposures of known stars, with wrong pointings and known noise."""

from types import SimpleNamespace

import dithered_field
import numpy as np
import pytest
from dithered_field import FIELD

from jwcal.alignment.solutions import find_entry
from jwcal.catalog import detection
from jwcal.report.sections.catalogues import _count_found
from jwcal.simulate import Scene, plan_exposure
from jwcal.simulate.scene import STAR
from jwcal.steps.resample import resample
from jwcal.steps.source_catalog import source_catalog
from jwcal.wcs import from_tree

MAS = 3.6e6  # in a degree
PIXEL = 31.0  # mas
NPIXELS = 25  # least number of a source's pixels
COS = np.cos(np.radians(FIELD.dec))


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return dithered_field.observe(tmp_path_factory.mktemp("field"))


@pytest.fixture(scope="module")
def found(field):
    """The bright field's catalogue, and of each star: its row, offsets east and north in mas, whether it is there."""
    return match(field, resample(field.cleaned), field.bright)


@pytest.fixture(scope="module")
def deep(field):
    """The same of the faint field."""
    return match(field, resample(field.deep), field.faint)


def match(field, mosaic, stars, reach=60.0):
    references = (dithered_field.find(field.cache, kind) for kind in ("apcorr", "abvegaoffset"))
    catalog = source_catalog(mosaic, *references, npixels=NPIXELS)
    ra, dec = catalog["sky_centroid"]
    east, north = MAS * COS * (ra[:, None] - stars["ra"]), MAS * (dec[:, None] - stars["dec"])
    distance, star = np.hypot(east, north), np.arange(len(stars))
    row = distance.argmin(axis=0)
    offsets = np.array([east[row, star], north[row, star]])
    return SimpleNamespace(mosaic=mosaic, catalog=catalog, row=row, offsets=offsets, there=distance.min(axis=0) < reach)


def test_pointings_are_put_right(field):
    """Errors of 7 to 30 mas, and of up to 12 arcsec in roll, leave less than 0.7 mas anywhere on the detector."""
    x, y = np.meshgrid(np.linspace(0, 639, 5), np.linspace(0, 639, 5))
    for image, truth, error in zip(field.cleaned, field.deep, dithered_field.ERRORS):
        assert find_entry(field.solution, image)["absolute"]["status"] == "SUCCESS"
        assert image.header["S_TWKREG"] == image.header["S_SKYMAT"] == image.header["S_OUTLIR"] == "COMPLETE"
        (ra, dec), (true_ra, true_dec) = (from_tree(i.wcs).forward(x, y) for i in (image, truth))
        left = MAS * np.hypot((ra - true_ra) * COS, dec - true_dec)
        assert np.hypot(*error[:2]) > 7 and left.max() < 0.7, f"{left.max():.2f} mas"


def test_one_position_of_each_star_biases_the_fit(field, found):
    """The official way, to take the southernmost of several positions of a star: more than a milliarcsecond."""
    official = dithered_field.align(field.paths, field.cache.parent, abs_use_all=False)
    shifts = []
    for solution in (field.solution, official):
        entries = [find_entry(solution, image) for image in field.cleaned]
        shifts.append(np.mean([entry["shift"] for entry in entries], axis=0))
    assert shifts[1][1] - shifts[0][1] > 1e-3  # arcsec to the north


def test_positions(field, found):
    """Unbiased within 0.5 mas where the noise is less, and scattered as the catalogue says.

    To the noise comes a hundredth of a pixel, by where in a pixel a star lies.
    """
    bright = found.there & (field.bright["mag"] < 23)
    offsets = found.offsets - measure_centre_of_light()[:, None]
    assert bright.sum() > 40
    assert np.abs(offsets[:, bright].mean(axis=1)).max() < 0.5, offsets[:, bright].mean(axis=1)
    errors = 1000 * np.array([found.catalog[name][found.row] for name in ("ra_err", "dec_err")])
    for there in (bright, found.there & ~bright):
        expected = np.hypot(errors[:, there], 0.01 * PIXEL)
        pulls = (offsets[:, there] - offsets[:, there].mean(axis=1)[:, None]) / expected
        width = 1.4826 * np.median(np.abs(pulls))
        assert 0.8 < width < 1.25, f"pulls are {width:.2f} wide"
        assert pulls.std() < 1.5


def measure_centre_of_light():
    """Of a star's image, which is not quite symmetric, from its position: mas east and north."""
    plan, offsets = plan_exposure(FIELD), []
    for shift in (0.0, 0.5):
        star, place = np.zeros(1, STAR), (320 + shift, 320 - shift)
        star["ra"], star["dec"] = plan.pointing.to_sky(*place)
        star["mag"] = 20
        light = plan.instrument.render(Scene(stars=star, background=0.0), plan.pointing, plan.band).astype(float)
        dy, dx = np.indices(light.shape) - np.array([place[1], place[0]])[:, None, None]
        light[np.hypot(dx, dy) > 8] = 0
        offsets.append([(light * dx).sum() / light.sum(), (light * dy).sum() / light.sum()])
    return 1000 * plan.pointing.sky_matrix(320, 320) @ np.mean(offsets, axis=0)


def test_total_fluxes(field, found):
    """Within 0.5 %; a star's own errors, with the light of its neighbours' wings, are not much larger than stated."""
    true = field.flux(field.bright)
    ratio, error = (found.catalog[name][found.row] / true for name in ("aper_total_flux", "aper_total_flux_err"))
    assert found.there.sum() > 85
    assert abs(ratio[found.there].mean() - 1) < 0.005, ratio[found.there].mean()
    bright = found.there & (field.bright["mag"] < 23)
    assert abs(np.median(ratio[bright]) - 1) < 0.005 and ratio[bright].std() < 0.005
    assert np.std(((ratio - 1) / error)[found.there & ~bright]) < 1.5


def test_cores_of_stars_are_no_outliers(field):
    flagged = sum(int(((image.dq & 1) != 0).sum()) for image in field.cleaned)
    assert flagged < 1e-5 * 4 * field.cleaned[0].data.size, f"{flagged} pixels"


@pytest.mark.parametrize(
    "settings",
    [{}, {"pixfrac": 0.6}, {"pixel_scale_ratio": 0.5, "pixfrac": 0.8}, {"pixel_scale_ratio": 0.6, "pixfrac": 0.3}],
    ids=lambda settings: ", ".join(f"{name} {value}" for name, value in settings.items()) or "defaults",
)
def test_noise_of_empty_apertures(field, settings):
    """ERR times its factor, and the scatter of pixels times the other, tell the noise of apertures within 5 %."""
    mosaic = resample(field.blank, **settings)
    ratio = settings.get("pixel_scale_ratio", 1.0)
    side, reach = round(14 / ratio), int(200 / ratio)
    middle = tuple(slice(length // 2 - reach, length // 2 + reach) for length in mosaic.data.shape)
    data, err = (plane[middle].astype(float) for plane in (mosaic.data, mosaic.err))
    sums, squares = (add_boxes(plane, side) for plane in (data, err**2))
    measured = sums.std()
    assert sums.size > 600 and np.isfinite(measured)
    by_error = mosaic.header["CORRERR"] * np.sqrt(squares.mean())
    by_scatter = mosaic.header["CORRRMS"] * side * data.std()
    assert measured / by_error == pytest.approx(1, abs=0.05)
    assert measured / by_scatter == pytest.approx(1, abs=0.05)


def add_boxes(plane, side):
    """Sums in squares."""
    rows, columns = (length // side for length in plane.shape)
    return plane[: rows * side, : columns * side].reshape(rows, side, columns, side).sum(axis=(1, 3))


def test_completeness(field, found, deep):
    """Half of the stars are found where `npixels` of their smoothed pixels reach the threshold; and nothing else is."""
    assert len(deep.catalog["label"]) == deep.there.sum() > 100
    inside = np.all([is_inside(image, field.faint) for image in field.deep], axis=0)
    magnitude, there = field.faint["mag"][inside], deep.there[inside]
    # Magnitudes are even, so that the area under the curve is up to where half are found.
    measured = magnitude.min() + np.ptp(magnitude) * there.mean()
    threshold = float(np.median(find(deep.mosaic).threshold))
    bright = np.flatnonzero(found.there & (field.bright["mag"] < 22.5))
    predicted = -2.5 * np.log10(threshold / np.median(rank_pixels(found, field, bright))) + 8.9
    assert measured == pytest.approx(predicted, abs=0.1)
    curve = dict(_count_found(magnitude, there))  # of the report
    percents = [percent for _, percent in sorted(curve.items())]
    assert percents[0] == 100 and percents[-1] == 0 and percents == sorted(percents, reverse=True)
    before, after = max(m for m, percent in curve.items() if percent > 50), min(m for m in curve if curve[m] < 50)
    assert before - 0.25 < predicted < after + 0.25  # half a bin


def is_inside(image, stars):
    """Whether stars lie well within an exposure."""
    x, y = from_tree(image.wcs).inverse(stars["ra"], stars["dec"])
    return (np.abs(x - 319.5) < 305) & (np.abs(y - 319.5) < 305)


def find(mosaic):
    return detection.find_field(mosaic.data, np.isnan(mosaic.err), 1000, 3.0)


def rank_pixels(found, field, stars):
    """The pixel of rank `NPIXELS` of bright stars' smoothed images, for a flux of 1 Jy."""
    smoothed = detection.smooth(find(found.mosaic), 2.0)
    values = []
    for star in stars:
        x, y = (round(float(found.catalog[name][found.row[star]])) for name in ("xcentroid", "ycentroid"))
        pixels = np.sort(smoothed[y - 6 : y + 7, x - 6 : x + 7], axis=None)
        values.append(pixels[-NPIXELS] / field.flux(field.bright)[star])
    return values
