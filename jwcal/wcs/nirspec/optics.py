"""The spectrograph behind NIRSpec's apertures: collimator, grating wheel, camera, detectors, as an exposure found them.

Coordinates: pixels of the exposure (zero-based) -> ``sca`` (pixels of the detector in its own orientation) -> ``gwa``
(direction cosines at the grating wheel, behind the grating) -> back through the grating, for a wavelength, and through
the collimator to positions in the plane of the shutters (``msa_frame``, metres).

References
----------
Dorner et al. 2016, A&A 592, A113; the wheel's tilt sensors: Ferruit et al. 2022, A&A 661, A81.
"""

import math

import numpy as np

from jwcal.errors import JwcalError
from jwcal.wcs import nodes
from jwcal.wcs.dispersion import refractive_index
from jwcal.wcs.imaging import read_keyword
from jwcal.wcs.inverses import invert
from jwcal.wcs.transforms import evaluate

LIGHT = 299792458.0  # m/s
LAST_PIXEL = 2047
WHOLE_RANGE = (0.6e-6, 5.3e-6)  # m, where the reference does not know the grating
PRISM_WAVELENGTHS = np.arange(0.3, 8.005, 0.005) * 1e-6  # m, of the table of the glass
LAMP_TYPES = {"NRS_LAMP", "NRS_AUTOWAVE", "NRS_AUTOFLAT"}
WHEEL_AXES = "xyzy"


class Spectrograph:
    """Transforms between an exposure's pixels and the plane of the apertures.

    Parameters
    ----------
    image : jwcal.models.Product
        Exposure; keywords DETECTOR, GRATING, FILTER, EXP_TYPE, SUBSTRT1/2, and where they are there LAMP, GWA_XTIL,
        GWA_YTIL, GWA_TILT (K, needed for the prism), VELOSYS.
    references : dict of str to jwcal.references.Reference
        ``camera``, ``collimator``, ``disperser``, ``fpa``, ``wavelengthrange``.

    Attributes
    ----------
    detector, grating : str
        Their names.
    order : int
        Spectral order.
    wavelengths : (float, float)
        Shortest and longest wavelength, m, that filter and grating let through.
    dms_to_sca, sca_to_gwa, msa_to_gwa : TaggedDict
        Transforms (nodes); the last gives the direction before the light meets the grating.
    to_wavelength : TaggedDict
        (a, b) before and a behind the grating -> wavelength, m, in the frame of the solar system's barycentre.
    to_direction : TaggedDict
        Wavelength and direction cosines before the grating -> those behind it.

    Raises
    ------
    JwcalError
        When a keyword that is needed is missing, or a reference holds something else.
    """

    def __init__(self, image, references):
        self.detector, self.grating = (str(image.keyword(name)).strip() for name in ("DETECTOR", "GRATING"))
        self.order, self.wavelengths = _find_range(image, references["wavelengthrange"])
        disperser = references["disperser"]
        wheel = nodes.make_jwst("rotation_sequence", angles=_find_angles(image, disperser), axes_order=WHEEL_AXES)
        cosines = nodes.make_jwst("coords", model_type="unitless2directional")
        fpa, camera = references["fpa"], references["camera"]
        self.dms_to_sca = _orient(image, self.detector)
        self.sca_to_gwa = nodes.compose(
            read_model(fpa, f"{self.detector.lower()}_model"), read_model(camera), cosines, wheel
        )
        self.msa_to_gwa = nodes.compose(invert(read_model(references["collimator"])), cosines, wheel)
        disperse = _disperse_prism if self.grating == "PRISM" else _disperse_grating
        self.to_wavelength, self.to_direction = _correct_velocity(image, *disperse(image, disperser, self.order))

    @property
    def central_wavelength(self):
        """Middle of the range of wavelengths, m."""
        return 0.5 * (self.wavelengths[1] - self.wavelengths[0]) + self.wavelengths[0]

    @property
    def detector_to_gwa(self):
        """Pixels of the exposure -> direction cosines behind the grating, as a transform that has an inverse."""
        return nodes.compose(self.dms_to_sca, self.sca_to_gwa)


def read_model(reference, name="model"):
    """A transform in an ASDF reference, with today's tags.

    Parameters
    ----------
    reference : jwcal.references.Reference
        The file.
    name : str
        Its key, with dots between levels (``slice_3.linear``).

    Returns
    -------
    TaggedDict

    Raises
    ------
    JwcalError
        When there is no transform of that name.
    """
    node = reference.tree
    for key in name.split("."):
        node = node.get(key) if isinstance(node, dict) else None
    if not isinstance(node, dict) or "/transform/" not in getattr(node, "tag", ""):
        raise JwcalError(f"holds no transform {name!r}; is it a {reference.reftype} reference?", reference.path)
    return nodes.modernise(node)


def _read_number(reference, *keys):
    node = reference.tree
    try:
        for key in keys:
            node = node[key]
        return float(node)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        name = ".".join(map(str, keys))
        raise JwcalError(f"holds no number {name}; is it a {reference.reftype} reference?", reference.path) from error


def _find_range(image, reference):
    """Order and wavelengths of filter and grating; the first entry of the grating where the two are not listed."""
    tree, grating = reference.tree, str(image.keyword("GRATING")).strip()
    lamp = image.keyword("FILTER", "") == "OPAQUE" or image.keyword("EXP_TYPE", "") in LAMP_TYPES
    wanted = f"{image.keyword('LAMP' if lamp else 'FILTER', '')}_{grating}"
    names = [str(name) for name in tree.get("waverange_selector", ())]
    if not names:
        raise JwcalError("holds no list waverange_selector; is it one of NIRSpec?", reference.path)
    others = [name.split("_")[1] for name in names]
    if wanted not in names and grating not in others:
        return -1, WHOLE_RANGE
    index = names.index(wanted) if wanted in names else others.index(grating)
    return int(tree["order"][index]), tuple(map(float, tree["wavelengthrange"][index]))


def _find_angles(image, disperser):
    """Angles of the grating, deg, with the tilt of the wheel that its sensors tell."""
    angles = {name: _read_number(disperser, name) for name in ("theta_x", "theta_y", "theta_z", "tilt_y")}
    for keyword, sensor, angle in (("GWA_XTIL", "gwa_tiltx", "theta_y"), ("GWA_YTIL", "gwa_tilty", "theta_x")):
        if image.keyword(keyword, None) is not None:
            model = read_model(disperser, f"{sensor}.tilt_model")
            zero = _read_number(disperser, sensor, "zeroreadings", 0)
            now, then = (evaluate(model, value)[0] for value in (read_keyword(image, keyword), zero))
            angles[angle] += 0.5 * float(now - then) / 3600.0
    return [float(value) for value in angles.values()]


def _orient(image, detector):
    """From pixels of the subarray to those of the detector; NRS2 is mounted upside down."""
    whole = nodes.shift(image.subarray.x0, image.subarray.y0)
    if detector != "NRS2":
        return whole
    return nodes.compose(whole, nodes.shift(-LAST_PIXEL, -LAST_PIXEL), nodes.scale(-1, -1))


def _disperse_grating(image, disperser, order):
    """Wavelength and direction by the grating equation; the reference counts angles of incidence the other way."""
    ruling = {"groove_density": _read_number(disperser, "groovedensity"), "order": order}
    if not ruling["groove_density"] * order:
        raise JwcalError(f"GRATING = {image.keyword('GRATING')} does not disperse light", image.path)
    wavelength = nodes.compose(
        nodes.make("remap_axes", mapping=[0, 2], n_inputs=3),
        nodes.make_gwcs("grating_equation", output="wavelength", **ruling),
        nodes.make("scale", factor=-1.0),
    )
    direction = nodes.compose(
        nodes.make("remap_axes", mapping=[0, 1, 2], n_inputs=4),
        nodes.concatenate(nodes.make("identity", n_dims=1), nodes.scale(-1, 1)),
        nodes.make_gwcs("grating_equation", output="angle", **ruling),
    )
    return wavelength, direction


def _disperse_prism(image, disperser, _):
    """Wavelength by a table of the glass's index, direction by Snell's law."""
    if image.keyword("GWA_TILT", None) is None:
        raise JwcalError("keyword GWA_TILT is missing, the temperature of the prism; add it (K)", image.path)
    glass = {name: [_read_number(disperser, name, k) for k in range(n)]
             for name, n in (("kcoef", 3), ("lcoef", 3), ("tcoef", 6))}  # fmt: skip
    glass |= {"ref_temp": _read_number(disperser, "tref"), "ref_pressure": _read_number(disperser, "pref")}
    glass |= {"temp": read_keyword(image, "GWA_TILT"), "pressure": _read_number(disperser, "pref")}
    angle = _read_number(disperser, "angle")
    index = refractive_index(PRISM_WAVELENGTHS, **glass)
    table = nodes.make("tabular", points=[index[::-1].copy()], lookup_table=PRISM_WAVELENGTHS[::-1].copy(),
                       method="linear", bounds_error=False, fill_value=math.nan)  # fmt: skip
    wavelength = nodes.compose(nodes.make_jwst("refraction_index_from_prism", prism_angle=angle), table)
    return wavelength, nodes.make_jwst("snell", prism_angle=angle, **glass)


def _correct_velocity(image, wavelength, direction):
    """Wavelengths in the frame of the barycentre, by the velocity (VELOSYS, m/s) of the telescope along the line."""
    if image.keyword("VELOSYS", None) is None:
        return wavelength, direction
    stretch = 1.0 + read_keyword(image, "VELOSYS") / LIGHT
    before = nodes.concatenate(nodes.make("scale", factor=stretch), nodes.make("identity", n_dims=3))
    return nodes.compose(wavelength, nodes.make("scale", factor=1.0 / stretch)), nodes.compose(before, direction)
