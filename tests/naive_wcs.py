"""Exposures and distortion references made up for WCS tests, and slow obvious twins."""

import numpy as np
from astropy.io import fits

from jwcal import asdffiles
from jwcal.models import Image
from jwcal.references import Reference
from jwcal.wcs import nodes

SCALE = 0.063  # arcseconds a pixel
POINTING = {"V2_REF": 120.5, "V3_REF": -527.3, "V3I_YANG": -0.57, "VPARITY": -1, "RA_REF": 80.49, "DEC_REF": -69.5,
            "ROLL_REF": 123.4, "VA_SCALE": 1.00003}  # fmt: skip


def make_image(shape=(2048, 2048), start=(1, 1), exp_type="NRC_IMAGE", **keywords):
    """Blank count rates with pointing keywords; a keyword given as None is left out."""
    primary = {"TELESCOP": "JWST", "INSTRUME": "NIRCAM", "DETECTOR": "NRCALONG", "FILTER": "F444W", "PUPIL": "CLEAR",
               "EXP_TYPE": exp_type, "SUBSTRT1": start[0], "SUBSTRT2": start[1]}  # fmt: skip
    science = {"WCSAXES": 2, "CRPIX1": (shape[-1] + 1) / 2, "CRPIX2": (shape[-2] + 1) / 2, **POINTING}
    for name, value in keywords.items():
        (primary if name in primary else science)[name] = value
    headers = [fits.Header({k: v for k, v in content.items() if v is not None}) for content in (primary, science)]
    # A view of one pixel: the WCS needs the shape alone.
    data = np.broadcast_to(np.float32(0), shape)
    return Image(*headers, path="jw_rate.fits", data=data, err=data, dq=np.broadcast_to(np.uint32(0), shape))


def polynomials(strength=1.0):
    """Coefficients (2, 4, 4) of V2, V3 by powers of x, y from pixel 1023.5: a plate scale and some distortion."""
    u, v = np.zeros((4, 4)), np.zeros((4, 4))
    u[1, 0], u[0, 1], v[0, 1], v[1, 0] = SCALE, 0.0004, 1.01 * SCALE, -0.0003
    u[2, 0], u[1, 1], v[0, 2], v[2, 0] = (strength * value for value in (2e-7, -4e-7, 3e-7, 1e-7))
    u[3, 0], v[1, 2] = strength * 5e-11, -strength * 4e-11
    return np.stack([u, v])


def distortion_node(strength=1.0, inverse=False):
    """Distortion with a fit of its inverse, or without."""
    pair = [nodes.make("polynomial", coefficients=c) for c in polynomials(strength)]
    twice = nodes.make("remap_axes", mapping=[0, 1, 0, 1])
    centre, origin = nodes.shift(-1023.5, -1023.5), nodes.shift(90.0, -500.0)
    node = nodes.compose(centre, twice, nodes.concatenate(*pair), origin)
    if inverse:
        x, y = np.meshgrid(*2 * [np.linspace(-1100, 1100, 25)])
        v2, v3 = (naive_polynomial(c, x, y) for c in polynomials(strength))
        powers = [(i, j) for i in range(6) for j in range(6 - i)]
        terms = np.stack([(v2 / 70) ** i * (v3 / 70) ** j for i, j in powers], axis=-1).reshape(-1, len(powers))
        back = np.linalg.lstsq(terms, np.stack([x.ravel(), y.ravel()], axis=-1), rcond=None)[0]
        pair = []
        for column in range(2):
            coefficients = np.zeros((6, 6))
            for (i, j), value in zip(powers, back[:, column]):
                coefficients[i, j] = value / 70 ** (i + j)
            pair.append(nodes.make("polynomial", coefficients=coefficients))
        node["inverse"] = nodes.compose(
            nodes.shift(-90.0, 500.0), twice, nodes.concatenate(*pair), nodes.shift(1023.5, 1023.5)
        )
    return node


def write_reference(path, reftype, **tree):
    """An ASDF reference file."""
    path.write_bytes(asdffiles.encode(tree))
    return Reference(path, reftype)


def naive_polynomial(coefficients, x, y):
    """Sum of c[i, j] x^i y^j, term by term."""
    return sum(
        value * np.asarray(x, float) ** i * np.asarray(y, float) ** j for (i, j), value in np.ndenumerate(coefficients)
    )


def naive_v2v3(x, y, strength=1.0):
    """V2, V3 of full-frame pixels by `distortion_node`, spelled out."""
    u, v = (naive_polynomial(c, x - 1023.5, y - 1023.5) for c in polynomials(strength))
    return u + 90.0, v - 500.0


def naive_sky(v2, v3, keywords):
    """RA, Dec of V2, V3 by pysiaf's attitude matrix, velocity aberration taken out."""
    from pysiaf.utils import rotations

    keywords = {**POINTING, **keywords}
    va, v2_ref, v3_ref = keywords["VA_SCALE"], keywords["V2_REF"], keywords["V3_REF"]
    names = ("V2_REF", "V3_REF", "RA_REF", "DEC_REF", "ROLL_REF")
    attitude = rotations.attitude(*(keywords[name] for name in names))
    return rotations.pointing(attitude, v2_ref + va * (v2 - v2_ref), v3_ref + va * (v3 - v3_ref))
