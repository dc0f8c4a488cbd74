"""Make nodes of transforms and frames with the tags that asdf-astropy and gwcs write today."""

from functools import reduce

import numpy as np

from jwcal.asdffiles import STANDARD_PREFIX, TaggedDict, TaggedText, kind, version

VERSIONS = {"add": "1.4.0", "affine": "1.5.0", "compose": "1.4.0", "concatenate": "1.4.0", "constant": "1.6.0",
            "divide": "1.4.0", "fix_inputs": "1.4.0", "gnomonic": "1.4.0", "identity": "1.4.0",
            "math_functions": "1.2.0", "multiply": "1.4.0", "polynomial": "1.3.0", "power": "1.4.0",
            "property/bounding_box": "1.2.0", "remap_axes": "1.5.0", "rotate2d": "1.5.0", "rotate3d": "1.5.0",
            "rotate_sequence_3d": "1.2.0", "scale": "1.4.0", "shift": "1.4.0", "subtract": "1.4.0",
            "tabular": "1.4.0"}  # fmt: skip
"""Version of each transform schema that is written today (transform manifest 1.7.0)."""

GWCS_VERSIONS = {"wcs": "1.4.0", "step": "1.3.0", "frame2d": "1.2.0", "celestial_frame": "1.2.0",
                 "grating_equation": "1.3.0", "spherical_cartesian": "1.3.0", "fitswcs_imaging": "1.0.0"}  # fmt: skip
"""The same for gwcs (manifest 1.4.0)."""

JWST_VERSION = "1.2.0"
"""The same for the schemas of JWST's own transforms (manifest 1.3.0 of stdatamodels)."""

UNIT_TAG = f"{STANDARD_PREFIX}unit/unit-1.0.0"
ICRS_TAG = "tag:astropy.org:astropy/coordinates/frames/icrs-1.1.0"


def make(schema, /, **content):
    """A node of the transform schemas."""
    return TaggedDict(content, tag=f"{STANDARD_PREFIX}transform/{schema}-{VERSIONS[schema]}")


def make_gwcs(schema, /, **content):
    """A node of the gwcs schemas."""
    return TaggedDict(content, tag=f"tag:stsci.edu:gwcs/{schema}-{GWCS_VERSIONS[schema]}")


def make_jwst(schema, /, **content):
    """A node of the schemas of JWST's own transforms (stdatamodels)."""
    return TaggedDict(content, tag=f"tag:stsci.edu:jwst_pipeline/{schema}-{JWST_VERSION}")


def compose(*nodes):
    """Nodes one after the other."""
    return reduce(lambda left, right: make("compose", forward=[left, right]), nodes)


def concatenate(*nodes):
    """Nodes side by side."""
    return reduce(lambda left, right: make("concatenate", forward=[left, right]), nodes)


def shift(*offsets):
    """Add an offset to each coordinate."""
    return concatenate(*(make("shift", offset=float(offset)) for offset in offsets))


def scale(*factors):
    """Multiply each coordinate by a factor."""
    return concatenate(*(make("scale", factor=float(factor)) for factor in factors))


def frame2d(name, axes, unit):
    """Frame of two Cartesian axes."""
    return make_gwcs("frame2d", name=name, axes_names=list(axes), axes_order=[0, 1],
                     axis_physical_types=[f"custom:{axis}" for axis in axes],
                     unit=[TaggedText(unit, tag=UNIT_TAG)] * 2)  # fmt: skip


def sky_frame(name="world"):
    """Frame of right ascension and declination, ICRS, in degrees."""
    return make_gwcs("celestial_frame", name=name, axes_names=["lon", "lat"], axes_order=[0, 1],
                     axis_physical_types=["pos.eq.ra", "pos.eq.dec"],
                     reference_frame=TaggedDict({"frame_attributes": {}}, tag=ICRS_TAG),
                     unit=[TaggedText("deg", tag=UNIT_TAG)] * 2)  # fmt: skip


def wcs(*steps, pixel_shape=None):
    """A WCS node.

    Parameters
    ----------
    *steps : tuple (frame node, transform node or None)
        From detector to sky; the last has no transform.
    pixel_shape : tuple of int (nx, ny) or None
        Size of the image.
    """
    parts = [make_gwcs("step", frame=frame, transform=transform) for frame, transform in steps]
    return make_gwcs("wcs", name="", pixel_shape=None if pixel_shape is None else list(pixel_shape), steps=parts)


def bound(node, x, y):
    """Give a transform of two coordinates a bounding box.

    Parameters
    ----------
    node : TaggedDict
        The transform; changed in place.
    x, y : tuple of float
        Lower and upper limit of each coordinate.
    """
    names = node.setdefault("inputs", ["x0", "x1"])
    intervals = {name: [float(limit) for limit in limits] for name, limits in zip(names, (x, y))}
    node["bounding_box"] = make("property/bounding_box", ignore=[], intervals=intervals, order="F")
    return node


def read_bounds(node):
    """Bounding box ((x0, x1), (y0, y1)) of a transform, None where it has none."""
    box = node.get("bounding_box")
    if box is None:
        return None
    if isinstance(box, dict):
        names = node.get("inputs", ())
        intervals = box["intervals"]
        order = names if set(names) == set(intervals) else sorted(intervals)
        return tuple(tuple(map(float, intervals[name])) for name in order)
    return tuple(tuple(map(float, interval)) for interval in box[::-1])  # old files list y before x


def fitswcs(crpix, crval, cdelt, pc):
    """FITS imaging WCS with gnomonic projection; `crpix` zero-based."""
    numbers = {"crpix": crpix, "crval": crval, "cdelt": cdelt, "pc": pc}
    arrays = {name: np.array(value, float) for name, value in numbers.items()}
    return make_gwcs("fitswcs_imaging", inputs=["x", "y"], outputs=["lon", "lat"], **arrays,
                     projection=make("gnomonic", direction="pix2sky"))  # fmt: skip


def expand_fitswcs(node):
    """A ``fitswcs_imaging`` node as the chain it abbreviates: shift, matrix, scale, projection, rotation."""
    crpix, crval, cdelt = (np.asarray(node[name], float) for name in ("crpix", "crval", "cdelt"))
    # Zenithal projections: the celestial pole is at native longitude 180, or 0 where the reference is the pole.
    pole = 0.0 if crval[1] >= 90 else 180.0
    return compose(
        shift(*-crpix),
        make("affine", matrix=np.asarray(node["pc"], float), translation=np.zeros(2)),
        scale(*cdelt),
        node["projection"],
        make("rotate3d", phi=float(crval[0]), theta=float(crval[1]), psi=pole, direction="native2celestial"),
    )


def modernise(node):
    """Copy a transform with the tags of today's schemas, so that old reference files validate inside new products.

    Parameters
    ----------
    node : TaggedDict
        A transform, of any version.

    Returns
    -------
    TaggedDict
        The same transform. Kinds that are not in `VERSIONS` keep their tag.
    """
    return _modernise(node, {})


def _modernise(node, known):
    """Modernise a node; `known` holds those that are done, by identity, for an inverse may refer back."""
    if isinstance(node, list):
        return [_modernise(part, known) for part in node]
    if not isinstance(node, dict):
        return node
    if id(node) in known:
        return known[id(node)]
    name = kind(node)
    current = name in VERSIONS and "/transform/" in node.tag
    copy = known[id(node)] = make(name) if current else TaggedDict(tag=node.tag) if name else {}
    copy.update((key, _modernise(value, known)) for key, value in node.items())
    if current and name == "polynomial" and version(node) < (1, 2):
        copy.pop("domain", None)  # meant something else then
    if current and name == "constant":
        copy.setdefault("dimensions", 1)
    return copy
