"""Dithered exposures of made-up stars, whose true pointings are known, and tweakwcs' view of a pointing."""

import numpy as np
from astropy.io import fits

from jwcal.models import Image
from jwcal.wcs import nodes
from jwcal.wcs.imaging import aberration, v2v3_to_sky
from jwcal.wcs.pipeline import WCS

SCALE = 0.031  # arcseconds a pixel
SHAPE = (300, 320)
STEPS = ((0.0, 0.0), (0.9, -0.7), (-0.8, 1.1), (0.4, 0.8))  # arcseconds, dithers east and north
GROUP = {"PROGRAM": "01234", "OBSERVTN": "001", "VISIT": "001", "VISITGRP": "02", "SEQ_ID": "1", "ACT_ID": "01"}


def make_exposure(number=1, detector="nrcb1", offset=(0.0, 0.0), error=(0.0, 0.0, 0.0), shift_v2=0.0, shape=SHAPE):
    """An exposure without pixels.

    `offset` is the dither (arcseconds east, north), `error` what the header's pointing is wrong by (the same, and roll
    in degrees), `shift_v2` where the detector lies (arcseconds).
    """
    ny, nx = shape
    dec = -33.0 + (offset[1] + error[1]) / 3600
    keywords = {
        "V2_REF": 100.0 + shift_v2, "V3_REF": -480.0, "ROLL_REF": 38.0 + error[2], "VA_SCALE": 1.00002,
        "RA_REF": 110.0 + (offset[0] + error[0]) / 3600 / np.cos(np.radians(-33.0)), "DEC_REF": dec,
    }  # fmt: skip
    if shift_v2:
        keywords |= _look(keywords, shift_v2)
    header = fits.Header(list((GROUP | {"EXPOSURE": str(number), "EXPSTART": 59752.0, "EXPEND": 59752.1}).items()))
    name = f"jw01234001001_02101_{number:05d}_{detector}"
    blank = np.broadcast_to(np.float32(0), shape)
    image = Image(header, fits.Header(list(keywords.items())), path=f"{name}_cal.fits", data=blank)
    transform = nodes.compose(_distortion(nx, ny), nodes.shift(keywords["V2_REF"], keywords["V3_REF"]))
    nodes.bound(transform, (-0.5, nx - 0.5), (-0.5, ny - 0.5))
    frames = [nodes.frame2d("detector", ("x", "y"), "pixel")]
    frames += [nodes.frame2d(name, ("v2", "v3"), "arcsec") for name in ("v2v3", "v2v3vacorr")]
    steps = zip(frames, (transform, aberration(image), v2v3_to_sky(image)), strict=True)
    image.wcs = WCS(nodes.wcs(*steps, (nodes.sky_frame(), None))).tree
    return image


def _look(keywords, shift_v2):
    """Pointing keywords of a detector beside the first, seen through the same attitude of the telescope."""
    from jwcal.wcs.transforms import evaluate

    first = Image(fits.Header(), fits.Header(list(keywords.items())))
    first.sci_header["V2_REF"] = keywords["V2_REF"] - shift_v2
    sky = v2v3_to_sky(first)
    v2, v3 = np.array([0.0, 0.0]) + keywords["V2_REF"], np.array([0.0, 1.0]) + keywords["V3_REF"]
    (ra, up_ra), (dec, up_dec) = evaluate(sky, v2, v3)
    roll = np.degrees(np.arctan2((up_ra - ra) * np.cos(np.radians(dec)), up_dec - dec))
    return {"RA_REF": float(ra), "DEC_REF": float(dec), "ROLL_REF": float(roll)}


def _distortion(nx, ny):
    """Pixels to arcseconds from the middle, mirrored, a little bent, with an inverse that is good to 1e-6 pixel."""
    centre, bend = nodes.shift(-(nx - 1) / 2, -(ny - 1) / 2), 3e-9
    plane = np.zeros((2, 3, 3))
    plane[0, 1, 0], plane[1, 0, 1], plane[0, 2, 0], plane[1, 1, 1] = -SCALE, SCALE, bend, 2 * bend
    back = np.zeros((2, 3, 3))
    back[0, 1, 0], back[1, 0, 1] = -1 / SCALE, 1 / SCALE
    back[0, 2, 0], back[1, 1, 1] = bend / SCALE**3, 2 * bend / SCALE**3
    forward, backward = (_both(coefficients) for coefficients in (plane, back))
    forward["inverse"] = backward
    return nodes.compose(centre, forward)


def _both(coefficients):
    pair = nodes.concatenate(*(nodes.make("polynomial", coefficients=part) for part in coefficients))
    return nodes.compose(nodes.make("remap_axes", mapping=[0, 1, 0, 1]), pair)


def draw_stars(count, rng, reach=5.5):
    """Sky positions (2, n) of stars around the field, degrees."""
    east, north = rng.uniform(-reach, reach, (2, count)) / 3600
    return np.array([110.0 + east / np.cos(np.radians(-33.0)), -33.0 + north])


def see_stars(image, stars, noise=0.0, rng=None):
    """Positions x, y of the stars on an exposure: those that its true pointing (`image`) shows, with noise."""
    from jwcal.wcs import from_tree

    x, y = from_tree(image.wcs).inverse(*stars)
    seen = (x > 0) & (x < image.data.shape[1] - 1) & (y > 0) & (y < image.data.shape[0] - 1)
    table = np.zeros(np.count_nonzero(seen), [("id", "i8"), ("x", "f8"), ("y", "f8"), ("flux", "f8")])
    table["id"], table["flux"] = np.arange(1, len(table) + 1), 1.0
    table["x"], table["y"] = x[seen], y[seen]
    if noise:
        table["x"] += rng.normal(0, noise, len(table))
        table["y"] += rng.normal(0, noise, len(table))
    return table


def make_corrector(pointing, sources, name, group):
    """tweakwcs' corrector around a `jwcal.alignment.pointings.Pointing`, with a catalogue."""
    from astropy.table import Table
    from tweakwcs.correctors import WCSCorrector

    from jwcal.alignment.pointings import Pointing
    from jwcal.wcs.tangent_planes import Affine

    class Corrector(WCSCorrector):
        units = "arcsec"

        def __init__(self):
            self._owcs = self._wcs = pointing.wcs
            self.pointing = pointing
            self._meta = {"catalog": Table(sources), "name": name, "group_id": group}

        def __deepcopy__(self, memo):
            twin = object.__new__(Corrector)
            twin.__dict__ = self.__dict__ | {"pointing": Pointing.frozen(self.pointing), "_meta": dict(self._meta)}
            return twin

        @property
        def bounding_box(self):
            return self.pointing.wcs.bounding_box

        def set_correction(self, matrix=((1, 0), (0, 1)), shift=(0, 0), ref_tpwcs=None, meta=None, **kwargs):
            other = self.pointing if ref_tpwcs is None else ref_tpwcs.pointing
            self.pointing.correct(Affine(np.array(matrix, float), np.array(shift, float)), other)
            super().set_correction(matrix=matrix, shift=shift, meta=meta, **kwargs)

        def det_to_tanp(self, x, y):
            return self.pointing.to_plane(x, y)

        def tanp_to_det(self, x, y):
            return self.pointing.from_plane(np.asarray(x, float), np.asarray(y, float))

        def tanp_to_world(self, x, y):
            return self.pointing.to_sky(x, y)

        def world_to_tanp(self, ra, dec):
            return self.pointing.from_sky(ra, dec)

        def det_to_world(self, x, y):
            return self.pointing.pixels_to_sky(x, y)

        def world_to_det(self, ra, dec):
            return self.tanp_to_det(*self.world_to_tanp(ra, dec))

    return Corrector()
