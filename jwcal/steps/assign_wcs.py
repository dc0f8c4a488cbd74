"""Tell where each pixel looks."""

import logging
import re

from jwcal.errors import StepSkipped
from jwcal.models import Image
from jwcal.references import Reference
from jwcal.wcs.imaging import imaging_wcs
from jwcal.wcs.sip import fit_sip

log = logging.getLogger("jwcal")

IMAGING = frozenset(
    "NRC_IMAGE NRC_TSIMAGE NRC_CORON NRC_TACQ NRC_TACONFIRM NRC_FOCUS "
    "NIS_IMAGE NIS_AMI NIS_TACQ NIS_TACONFIRM NIS_FOCUS "
    "MIR_IMAGE MIR_LYOT MIR_4QPM MIR_CORONCAL MIR_TACQ MIR_TACONFIRM FGS_IMAGE FGS_FOCUS".split()
)
FITTED = re.compile(r"(A|B|AP|BP)_(ORDER|\d_\d)|(CD|PC)\d_\d|CDELT\d")
COMMENTS = {
    "WCSAXES": "number of World Coordinate System axes",
    "CRPIX": "pixel coordinate of ref point, 1-indexed",
    "CRVAL": "[deg] coordinate value at reference point",
    "CTYPE": "axis type",
    "CUNIT": "axis units",
    "CD": "[deg] linear transformation matrix element",
    "A": "SIP coefficient, forward transform",
    "B": "SIP coefficient, forward transform",
    "AP": "SIP coefficient, inverse transform",
    "BP": "SIP coefficient, inverse transform",
}


def assign_wcs(
    image: Image,
    distortion: Reference,
    filteroffset: Reference | None = None,
    *,
    sip_approx: bool = True,
    sip_max_pix_error: float = 0.01,
    sip_degree: int | None = None,
    sip_max_inv_pix_error: float = 0.01,
    sip_inv_degree: int | None = None,
    sip_npoints: int = 12,
) -> Image:
    """Attach the world coordinate system to an imaging exposure.

    Sets ``image.wcs`` (see `jwcal.wcs`) and, in the SCI header, S_REGION (the corners of the bounding box) and the FITS
    keywords that approximate the WCS: CRPIX is kept where the header has it, CRVAL, CD and the SIP polynomials are
    fitted. Linear terms of the inverse polynomials (AP_0_1, AP_1_0, BP_0_1, BP_1_0) are written too; the official
    package leaves them out of the header, which costs its inverse up to a thousandth of a pixel.

    Parameters
    ----------
    image : Image
        Count rates [y, x] or [integration, y, x] with pointing keywords.
    distortion : Reference
        ASDF: pixels to the telescope's V2, V3.
    filteroffset : Reference or None
        ASDF: pixel offsets by filter. Without it there are none.
    sip_approx : bool
        Write FITS keywords that approximate the WCS.
    sip_max_pix_error : float
        Largest error, in pixels, of the forward SIP approximation.
    sip_degree : int or None
        Degree of the forward SIP polynomials, 1 to 6; None takes the lowest that meets `sip_max_pix_error`.
    sip_max_inv_pix_error : float
        Largest error, in pixels, of the inverse SIP approximation; 0 fits no inverse.
    sip_inv_degree : int or None
        Degree of the inverse SIP polynomials, 1 to 6; None takes the lowest that meets `sip_max_inv_pix_error`.
    sip_npoints : int
        Points along each axis, at least 8, at which the SIP polynomials are fitted.

    Returns
    -------
    Image
        The same object.

    Raises
    ------
    StepSkipped
        For modes whose WCS is not built (spectra, darks, lamps).
    JwcalError
        When a pointing keyword is missing or out of range, a setting is out of range, or a reference is malformed.
    """
    exp_type = str(image.keyword("EXP_TYPE")).strip()
    if exp_type not in IMAGING:
        raise StepSkipped(f"no WCS is made for {exp_type}")
    wcs = imaging_wcs(image, distortion, filteroffset)
    reference = [image.keyword(name, None) for name in ("CRPIX1", "CRPIX2")]
    attach_wcs(
        image,
        wcs,
        crpix=None if None in reference else reference,
        sip_approx=sip_approx,
        sip_max_pix_error=sip_max_pix_error,
        sip_degree=sip_degree,
        sip_max_inv_pix_error=sip_max_inv_pix_error,
        sip_inv_degree=sip_inv_degree,
        sip_npoints=sip_npoints,
    )
    return image


def attach_wcs(image, wcs, *, crpix=None, sip_approx=True, sip_max_pix_error=0.01, sip_degree=None,
               sip_max_inv_pix_error=0.01, sip_inv_degree=None, sip_npoints=12):  # fmt: skip
    """Give an image a WCS, and the keywords that follow from it.

    Parameters
    ----------
    image : Image
        Changed in place: ``wcs``, S_REGION, and FITS keywords of the WCS.
    wcs : jwcal.wcs.WCS
        What to attach.
    crpix : (float, float) or None
        Reference pixel of the FITS keywords, one-based; None takes the middle of the bounding box.
    sip_approx, sip_max_pix_error, sip_degree, sip_max_inv_pix_error, sip_inv_degree, sip_npoints
        As for `assign_wcs`.
    """
    region = format_region(wcs.footprint())
    if sip_approx:
        fit = fit_sip(
            wcs,
            crpix=crpix,
            max_pix_error=sip_max_pix_error,
            degree=sip_degree,
            max_inv_pix_error=sip_max_inv_pix_error,
            inv_degree=sip_inv_degree,
            npoints=sip_npoints,
        )
        _report(fit, sip_max_pix_error, sip_max_inv_pix_error)
        _write_keywords(image.sci_header, fit.keywords)
    image.sci_header["S_REGION"] = (region, "Spatial footprint of the observation")
    image.wcs = wcs.tree


def format_region(corners):
    """S_REGION text of a polygon: RA, Dec pairs (n, 2) in degrees."""
    return "POLYGON ICRS  " + " ".join(f"{value:.9f}" for value in corners.ravel())


def _report(fit, wanted, wanted_inverse):
    log.info("SIP approximation: error %.2g pixel, inverse %.2g pixel", fit.error, fit.inverse_error)
    if fit.error > wanted or (wanted_inverse and fit.inverse_error > wanted_inverse):
        log.warning(
            "SIP keywords are off by up to %.2g pixel (inverse %.2g), more than wanted; the WCS itself is exact",
            fit.error,
            fit.inverse_error,
        )


def _write_keywords(header, keywords):
    """Replace the keywords of an older approximation."""
    for keyword in [keyword for keyword in header if FITTED.fullmatch(keyword)]:
        del header[keyword]
    for keyword, value in keywords.items():
        name = keyword.rstrip("_0123456789").removesuffix("_ORDER")
        header[keyword] = (value, "degree of SIP polynomial" if keyword.endswith("ORDER") else COMMENTS[name])
