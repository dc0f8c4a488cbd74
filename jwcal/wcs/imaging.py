"""The WCS of an imaging exposure: detector -> V2, V3 -> the same without velocity aberration -> sky.

1. Subarray pixels are shifted to full-frame pixels, then by the filter's offset; the reference file's distortion takes
   them to the telescope's angles V2, V3 (arcseconds).
2. The telescope's motion stretches the field by VA_SCALE about the reference point:
   v' = VA_SCALE v + (1 - VA_SCALE) v_ref.
3. (V2, V3) as spherical angles are rotated so that (V2_REF, V3_REF) falls on (RA_REF, DEC_REF), with V3 at the position
   angle ROLL_REF there: by V2_REF about z, -V3_REF about y, ROLL_REF about x, DEC_REF about y, -RA_REF about z.
"""

import math

from jwcal.asdffiles import kind
from jwcal.errors import JwcalError
from jwcal.wcs import nodes
from jwcal.wcs.pipeline import WCS

ARCSECONDS = 3600.0


def imaging_wcs(image, distortion, filteroffset=None):
    """Build the WCS of an imaging exposure.

    Parameters
    ----------
    image : jwcal.models.Image
        Exposure; its keywords V2_REF, V3_REF, ROLL_REF, RA_REF, DEC_REF, VA_SCALE, SUBSTRT1/2, FILTER, PUPIL are used.
    distortion : jwcal.references.Reference
        ASDF reference whose ``model`` takes full-frame pixels to V2, V3.
    filteroffset : jwcal.references.Reference or None
        ASDF reference with the table ``filters``: column_offset, row_offset in pixels by filter (and pupil).

    Returns
    -------
    WCS
        Frames detector, v2v3, v2v3vacorr, world.

    Raises
    ------
    JwcalError
        When a keyword is missing or out of range, or a reference file is malformed.
    """
    detector = nodes.frame2d("detector", ("x", "y"), "pixel")
    v2v3, corrected = (nodes.frame2d(name, ("v2", "v3"), "arcsec") for name in ("v2v3", "v2v3vacorr"))
    steps = (
        (detector, _detector_to_v2v3(image, distortion, filteroffset)),
        (v2v3, aberration(image)),
        (corrected, v2v3_to_sky(image)),
        (nodes.sky_frame(), None),
    )
    return WCS(nodes.wcs(*steps))


def aberration(image):
    """Transform that takes the velocity aberration out of V2, V3 (arcseconds)."""
    scale = image.keyword("VA_SCALE", None)
    if scale is None or scale == 1:
        return nodes.make("identity", n_dims=2)
    scale = float(scale)
    if not (scale > 0 and math.isfinite(scale)):
        raise JwcalError(f"keyword VA_SCALE is {scale:g}; it must be positive", image.path)
    stretch = nodes.scale(scale, scale)
    shift = nodes.shift(*((1 - scale) * read_keyword(image, name) for name in ("V2_REF", "V3_REF")))
    for axis in (0, 1):
        stretch["forward"][axis]["name"] = f"dva_scale_v{axis + 2}"
        shift["forward"][axis]["name"] = f"dva_v{axis + 2}_shift"
    transform = nodes.compose(stretch, shift)
    transform["name"] = "DVA_Correction"
    return transform


def v2v3_to_sky(image):
    """Transform from V2, V3 (arcseconds) to RA and Dec (degrees)."""
    v2, v3, roll, ra, dec = (
        read_keyword(image, name) for name in ("V2_REF", "V3_REF", "ROLL_REF", "RA_REF", "DEC_REF")
    )
    to_cartesian, to_spherical = (
        nodes.make_gwcs("spherical_cartesian", transform_type=direction, wrap_lon_at=wrap)
        for direction, wrap in (("spherical_to_cartesian", 180), ("cartesian_to_spherical", 360))
    )
    angles = [v2 / ARCSECONDS, -v3 / ARCSECONDS, roll, dec, -ra]
    rotation = nodes.make("rotate_sequence_3d", angles=angles, axes_order="zyxyz", rotation_type="cartesian")
    transform = nodes.compose(nodes.scale(1 / ARCSECONDS, 1 / ARCSECONDS), to_cartesian, rotation, to_spherical)
    transform["name"] = "v23tosky"
    return transform


def read_keyword(image, name):
    """A keyword as a float; an error that names it where it is missing or not a number."""
    value = image.keyword(name)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise JwcalError(f"keyword {name} is {value!r}, not a number; fetch the exposure again", image.path)
    return number


def _detector_to_v2v3(image, distortion, filteroffset):
    """Subarray shift, filter offset and distortion, with the bounding box in pixels of the exposure."""
    model = _read_model(distortion)
    box = nodes.read_bounds(model)
    transform = nodes.modernise(model)
    transform.pop("bounding_box", None)
    offset = _find_offset(image, filteroffset)
    if offset is not None:
        transform = nodes.compose(nodes.shift(*offset), transform)
    subarray = image.subarray
    if subarray.x0 or subarray.y0:
        transform = nodes.compose(nodes.shift(subarray.x0, subarray.y0), transform)
    if subarray.x0 or subarray.y0 or box is None:
        box = (-0.5, subarray.nx - 0.5), (-0.5, subarray.ny - 0.5)
    return nodes.bound(transform, *box)


def _read_model(distortion):
    model = distortion.tree.get("model")
    if not isinstance(model, dict) or "/transform/" not in getattr(model, "tag", "") or not kind(model):
        raise JwcalError(
            "holds no transform 'model'; is it a distortion reference of an imaging mode?", distortion.path
        )
    return model


def _find_offset(image, filteroffset):
    """Columns and rows to add for the filter; None where the table has no entry for it (or there is no table)."""
    if filteroffset is None or image.keyword("INSTRUME") == "FGS":
        return None
    keys = {"filter": "FILTER", "pupil": "PUPIL"}
    if image.keyword("INSTRUME") == "MIRI":
        del keys["pupil"]
    wanted = {name: str(image.keyword(keyword, "")).strip() for name, keyword in keys.items()}
    rows = [row for row in filteroffset.tree.get("filters", ()) if all(row.get(key) == wanted[key] for key in wanted)]
    if len(rows) > 1 and "pupil" in wanted:
        raise JwcalError(f"lists {'/'.join(wanted.values())} {len(rows)} times; keep one row", filteroffset.path)
    offsets = [rows[0].get(name) for name in ("column_offset", "row_offset")] if rows else [None]
    return None if any(value in (None, "N/A") for value in offsets) else tuple(map(float, offsets))
