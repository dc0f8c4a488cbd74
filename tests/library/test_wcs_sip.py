"""SIP keywords against the WCS that they approximate, read by astropy."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS as FitsWCS
from naive_wcs import SCALE, distortion_node, make_image, write_reference

from jwcal.errors import JwcalError
from jwcal.wcs import WCS, nodes
from jwcal.wcs.imaging import imaging_wcs
from jwcal.wcs.sip import fit_sip


@pytest.fixture
def make_wcs(tmp_path):
    def make(strength=1.0, **keywords):
        reference = write_reference(tmp_path / "distortion.asdf", "distortion", model=distortion_node(strength))
        return imaging_wcs(make_image(**keywords), reference)

    return make


def errors(wcs, keywords, step=97):
    """Largest error on the sky, in pixels, of the forward and (where there is one) the inverse polynomials."""
    header = fits.Header(keywords.items())
    (x0, x1), (y0, y1) = wcs.bounding_box
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(x0, x1, step), np.arange(y0, y1, step)))
    ra, dec = wcs.forward(x, y)
    approximate = FitsWCS(header, naxis=2)
    ra1, dec1 = approximate.all_pix2world(x, y, 0)
    forward = np.hypot((ra1 - ra) * np.cos(np.radians(dec)), dec1 - dec).max() * 3600 / SCALE
    if "AP_ORDER" not in keywords:
        return forward, None
    u, v = approximate.wcs_world2pix(ra, dec, 1) - np.array([[keywords["CRPIX1"]], [keywords["CRPIX2"]]])
    u, v = u + evaluate(keywords, "AP", u, v), v + evaluate(keywords, "BP", u, v)
    return forward, np.hypot(u + keywords["CRPIX1"] - 1 - x, v + keywords["CRPIX2"] - 1 - y).max()


def evaluate(keywords, name, u, v):
    terms = [key.split("_")[1:] for key in keywords if key.startswith(name + "_") and not key.endswith("ORDER")]
    return sum(keywords[f"{name}_{i}_{j}"] * u ** int(i) * v ** int(j) for i, j in terms)


@pytest.mark.parametrize("settings", [{}, {"dec_ref": 89.99}, {"ra_ref": 0.0, "dec_ref": 0.0}, {"shape": (320, 640)}])
def test_astropy_agrees_to_a_hundredth_of_a_pixel(make_wcs, settings):
    wcs = make_wcs(**{name.upper() if name != "shape" else name: value for name, value in settings.items()})
    fit = fit_sip(wcs)
    forward, inverse = errors(wcs, fit.keywords)
    assert fit.keywords["CTYPE1"] == "RA---TAN-SIP"
    assert fit.error < 0.01 and fit.inverse_error < 0.01
    assert forward <= 1.1 * fit.error + 1e-6 and inverse <= 1.1 * fit.inverse_error + 1e-6


def test_lowest_sufficient_degree_is_taken(make_wcs):
    wcs = make_wcs()
    loose, tight = fit_sip(wcs, max_pix_error=1.0, max_inv_pix_error=1.0), fit_sip(wcs)
    assert loose.keywords["A_ORDER"] < tight.keywords["A_ORDER"] == tight.keywords["B_ORDER"] == 3
    lower = fit_sip(wcs, degree=tight.keywords["A_ORDER"] - 1)
    assert lower.error > 0.01


@pytest.mark.parametrize("degree", [1, 2, 4, 6])
def test_degree_on_request(make_wcs, degree):
    fit = fit_sip(make_wcs(), degree=degree, inv_degree=degree)
    if degree == 1:
        assert fit.keywords["CTYPE2"] == "DEC--TAN" and "A_ORDER" not in fit.keywords
    else:
        assert fit.keywords["A_ORDER"] == fit.keywords["BP_ORDER"] == degree
        assert f"A_{degree}_0" in fit.keywords and "A_1_0" not in fit.keywords and "AP_1_0" in fit.keywords


def test_no_distortion_needs_no_polynomials():
    plane = nodes.bound(nodes.fitswcs((10, 20), (5, 6), (1e-5, 2e-5), [[0.6, 0.8], [-0.8, 0.6]]), (0, 99), (0, 99))
    frames = nodes.frame2d("detector", ("x", "y"), "pixel"), nodes.sky_frame()
    fit = fit_sip(WCS(nodes.wcs((frames[0], plane), (frames[1], None))), crpix=(11, 21))
    assert (fit.keywords["CTYPE1"], fit.keywords["CRVAL1"]) == ("RA---TAN", pytest.approx(5))
    cd = [[fit.keywords[f"CD{i}_{j}"] for j in (1, 2)] for i in (1, 2)]
    np.testing.assert_allclose(cd, [[0.6e-5, 0.8e-5], [-1.6e-5, 1.2e-5]], rtol=1e-8)
    assert np.isnan(fit.inverse_error)


def test_reference_pixel_given_or_in_the_middle(make_wcs):
    wcs = make_wcs(shape=(320, 640))
    given, middle = fit_sip(wcs, crpix=(12.5, 300.25)).keywords, fit_sip(wcs).keywords
    assert (given["CRPIX1"], given["CRPIX2"]) == (12.5, 300.25)
    assert (middle["CRPIX1"], middle["CRPIX2"]) == (320.5, 160.5)
    np.testing.assert_allclose((given["CRVAL1"], given["CRVAL2"]), wcs.forward(11.5, 299.25), rtol=1e-14)


def test_inverse_can_be_left_out(make_wcs):
    assert "AP_ORDER" not in fit_sip(make_wcs(), max_inv_pix_error=0).keywords


def test_settings_out_of_range(make_wcs):
    wcs = make_wcs()
    with pytest.raises(JwcalError, match="sip_npoints is 5"):
        fit_sip(wcs, npoints=5)
    with pytest.raises(JwcalError, match="sip_inv_degree is 7"):
        fit_sip(wcs, inv_degree=7)
    nodes.bound(wcs.node["steps"][0]["transform"], (0, 0.5), (0, 100))
    with pytest.raises(JwcalError, match="smaller than a pixel"):
        fit_sip(wcs)
