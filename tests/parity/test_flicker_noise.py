"""clean_flicker_noise alone, on count rates that need no reference files, against the official step."""

import numpy as np
import pytest
from comparison import Figure, share_within
from naive_detector import NIRCAM

from jwcal import products
from jwcal.flicker import fourier
from jwcal.models import Image
from jwcal.steps.clean_flicker_noise import clean_flicker_noise

# A pixel more or less that counts as background moves the median of its line; Fourier series are fitted there in single
# precision. So many pixels must agree to a hundredth of a pixel's noise, the largest difference be below a tenth.
SHARE, NEAR, FAR = 0.99, 0.01, 0.1
NOISE, STRIPES = 1.0, 1.0
NIRSPEC = {"INSTRUME": "NIRSPEC", "DETECTOR": "NRS1", "EXP_TYPE": "NRS_FIXEDSLIT", "FASTAXIS": 2, "SLOWAXIS": 1,
           "FILTER": "CLEAR", "GRATING": "PRISM"}  # fmt: skip
CASES = {
    "median": ((96, 128), NIRCAM | {"SUBARRAY": "SUB64P"}, {}),
    "no background": ((96, 128), NIRCAM | {"SUBARRAY": "SUB64P"}, {"background_method": None}),
    "integrations": ((3, 96, 128), NIRCAM | {"SUBARRAY": "SUB64P"}, {"single_mask": False, "fit_histogram": True}),
    "model": ((96, 128), NIRCAM | {"SUBARRAY": "SUB64P"}, {"background_method": "model", "n_sigma": 3.0}),
    "outputs": ((2048, 2048), NIRCAM | {"SUBARRAY": "FULL"}, {"fit_by_channel": True}),
    "fft": ((64, 256), NIRSPEC | {"SUBARRAY": "SUBS200A1"}, {"fit_method": "fft"}),
    "fft whole": ((2048, 2048), NIRSPEC | {"SUBARRAY": "FULL"}, {"fit_method": "fft"}),
}


def make_rates(shape, keywords):
    """Count rates with stripes along the fast axis, a gradient and stars."""
    from astropy.io import fits

    rng = np.random.default_rng(7)
    ny, nx = shape[-2:]
    y, x = np.mgrid[:ny, :nx]
    data = 20 + 3 * x / nx + rng.normal(0, NOISE, shape)
    lines = (ny, 1) if abs(keywords["SLOWAXIS"]) == 2 else (1, nx)
    data += rng.normal(0, STRIPES, (*shape[:-2], *lines))
    for _ in range(ny * nx // 1500):
        x0, y0, peak = rng.uniform(0, nx), rng.uniform(0, ny), 10 ** rng.uniform(1, 3)
        part = np.s_[..., max(int(y0) - 9, 0) : int(y0) + 10, max(int(x0) - 9, 0) : int(x0) + 10]
        data[part] += peak * np.exp(-((x[part[1:]] - x0) ** 2 + (y[part[1:]] - y0) ** 2) / 4)
    data[..., 5, 6] = np.nan
    cards = {"TELESCOP": "JWST", "SUBSTRT1": 1, "SUBSTRT2": 1, "SUBSIZE1": nx, "SUBSIZE2": ny, "DATE-OBS": "2023-02-25",
             "TIME-OBS": "00:00:00"}  # fmt: skip
    header, dq = fits.Header(list((cards | keywords).items())), np.zeros(shape, np.uint32)
    return Image(header=header, sci_header=fits.Header(), data=data.astype(np.float32), dq=dq)


@pytest.mark.parametrize("name", CASES)
def test_cleaned_rates(name, laboratory, figures, scratch, monkeypatch):
    shape, keywords, settings = CASES[name]
    monkeypatch.setattr(fourier, "OFF_CENTRE", 1)  # as the official kernels are; see jwcal.flicker.fourier
    path = scratch / "x_rate.fits"
    products.write(path, make_rates(shape, keywords))
    official = laboratory.oracle.run("clean_flicker_noise", path, scratch, {"clean_flicker_noise": settings})
    theirs = products.read_image(official.product("calints" if len(shape) == 3 else "cal")).data
    before, ours = products.read_image(path).data, clean_flicker_noise(products.read_image(path), **settings).data
    assert np.nanstd(theirs - before) > STRIPES / 2
    share = share_within(ours, theirs, 0.0, np.ones(shape, bool), NEAR * NOISE)
    figures.append(
        Figure(f"1/f {name}", "clean_flicker_noise", "SCI", share, SHARE, "share", "within 0.01 of the noise")
    )
    worst = float(np.nanmax(np.abs(ours - theirs))) / NOISE
    figures.append(Figure(f"1/f {name}", "clean_flicker_noise", "SCI", worst, FAR, "values", "of the noise"))
    assert figures[-2].passed and figures[-1].passed, (str(figures[-2]), str(figures[-1]))
