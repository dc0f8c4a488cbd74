"""Reference files of NIRSpec's optics: a plausible spectrograph, in the format of the observatory's own files.

Collimator and camera map positions in a plane (m) to slopes of rays and back: linear, with a cubic distortion, written
as polynomials of degree five. Gratings, prism, detectors, shutters and slices are where they are to a few per cent, so
that spectra fall where the subarrays expect them.
"""

import json

import numpy as np

from jwcal.asdffiles import TaggedText
from jwcal.simulate.reference_files import make_meta
from jwcal.simulate.transforms import fit_polynomial, pair_polynomials
from jwcal.wcs import nodes

PIXEL = 18e-6  # m
DEGREE = 5
GRID = 21
SCALE = 2516.0  # arcsec on the sky of a metre in the plane of the shutters

# Half width of the plane, its slopes a metre, slope at the centre, and the distortion: share of a slope at the rim.
CAMERA = (0.042, (3.513, 3.721), (0.002, 0.2941), 0.004)
COLLIMATOR = (0.055, (1.574, 1.648), (-0.0021, -0.2944), 0.010)
DETECTORS = {"nrs1": (1.0, (-0.038171, -0.018423)), "nrs2": (-1.0, (0.038171, 0.018422))}

# Grooves a metre (0 for the mirror), and tilt of the grating, deg.
GRATINGS = {"G140M": (95400.0, -4.2), "G235M": (56880.0, -4.2), "G395M": (33820.0, -4.1), "MIRROR": (0.0, 0.0),
            "G140H": (252800.0, -8.8), "G235H": (150300.0, -8.8), "G395H": (89410.0, -8.8)}  # fmt: skip
WHEEL = {"theta_x": 0.035, "theta_y": 0.02, "theta_z": -0.42, "tilt_x": 0.0}
READINGS = {"gwa_tiltx": (0.33, -8500.0), "gwa_tilty": (0.13, -4000.0)}  # at rest, and arcsec of tilt for one unit
WHEEL_STATE = {"GWA_XTIL": 0.331, "GWA_YTIL": 0.1285, "GWA_TILT": 36.9}  # keywords of an exposure: sensors, and K
# Calcium fluoride at 35 K (Tropf 1995).
PRISM = {"angle": -16.5, "kcoef": [0.58339748, 0.46085267, 3.8915394], "lcoef": [0.00252643, 0.010078333, 1200.556],
         "tcoef": [-2.66e-05, 0.0, 0.0, 0.0, 0.0, 0.0], "tref": 35.0, "pref": 0.0, "wbound": [4e-07, 7e-06],
         "theta_x": 0.033, "theta_y": -0.275, "theta_z": -0.142, "tilt_x": 0.0, "tilt_y": 24.29}  # fmt: skip
RANGES = {("CLEAR", "PRISM"): (0.6, 5.3), ("F070LP", "G140"): (0.7, 1.27), ("F100LP", "G140"): (0.97, 1.89),
          ("F170LP", "G235"): (1.66, 3.17), ("F290LP", "G395"): (2.87, 5.27)}  # um  # fmt: skip
LAMPS = {("FLAT1", "G140"): (1.0, 1.8), ("FLAT2", "G235"): (1.7, 3.1), ("FLAT3", "G395"): (2.9, 5.3)}

COLUMNS, ROWS = 365, 171  # shutters of a quadrant
PITCH, OPENING = (105e-6, 204e-6), (78e-6, 178e-6)  # m, along the dispersion and along the slits
QUADRANTS = {1: (-0.0430, 0.0052, 0.01), 2: (-0.0430, -0.0402, -0.02), 3: (0.0048, 0.0052, 0.03),
             4: (0.0048, -0.0402, 0.0)}  # first shutter, m, and a turn, deg  # fmt: skip
SLITS = np.array([(0, 0.0231, -0.00253, 79e-6, 1.27e-3), (1, 0.0225, -0.00106, 79e-6, 1.27e-3),
                  (2, 0.0240, 0.00057, 158e-6, 1.45e-3), (3, 0.0236, 0.00200, 635e-6, 0.64e-3),
                  (4, -0.0236, 0.00302, 79e-6, 1.31e-3)])  # S200A1, S200A2, S400A1, S1600A1, S200B1  # fmt: skip
APERTURE = np.dtype([("NO", "i4"), ("XC", "f4"), ("YC", "f4"), ("SIZEX", "f4"), ("SIZEY", "f4")])
FAILED_OPEN = ((1, 60, 40), (2, 300, 100), (4, 200, 25))  # quadrant, column, row of shutters that cannot close
FAILED_CLOSED = ((1, 10, 10), (3, 200, 90))

SLICES = 30
SLICE = (0.0008, 0.012)  # m, width and length
SLICER_SCALE = 0.1004
# Images of the slices, m: where they stand along the dispersion, their middle, the first from it, their distance.
VIRTUAL_SLITS = (0.0487, -0.0003, 0.0055, 0.00205)


def _plane(half, slopes, centre, distortion):
    """Transforms from positions in a plane (m) to slopes, and back: polynomials in units of the half width."""
    along = np.linspace(-1.05, 1.05, GRID)
    places = tuple(axis.ravel() for axis in np.meshgrid(along, along))
    stretch = 1 + distortion * (places[0] ** 2 + places[1] ** 2)
    bent = tuple(place * stretch for place in places)
    units = [slope * half for slope in slopes]
    unscale = nodes.scale(1 / half, 1 / half), nodes.scale(*(1 / unit for unit in units))
    forward = [fit_polynomial(places, values, DEGREE) for values in bent]
    backward = [fit_polynomial(bent, values, DEGREE) for values in places]
    there = nodes.compose(unscale[0], *pair_polynomials(*forward), nodes.scale(*units), nodes.shift(*centre))
    back = nodes.compose(
        nodes.shift(*(-c for c in centre)), unscale[1], *pair_polynomials(*backward), nodes.scale(half, half)
    )
    return there, back


def _with_inverse(forward, inverse):
    forward["inverse"] = inverse
    return forward


def make_camera(subject):
    """CAMERA (ASDF): positions in the detectors' plane (m) to slopes behind the grating wheel."""
    return {"meta": make_meta(subject, "CAMERA", "CameraModel"), "model": _with_inverse(*_plane(*CAMERA))}


def make_collimator(subject):
    """COLLIMATOR (ASDF): slopes before the grating wheel to positions in the shutters' plane (m)."""
    model = _with_inverse(*_plane(*COLLIMATOR)[::-1])
    return {"meta": make_meta(subject, "COLLIMATOR", "CollimatorModel"), "model": model}


def make_fpa(subject):
    """FPA (ASDF): pixels of either detector to positions in their plane (m)."""
    tree = {"meta": make_meta(subject, "FPA", "FPAModel")}
    for name, (sense, corner) in DETECTORS.items():
        forward = nodes.compose(nodes.scale(sense * PIXEL, sense * PIXEL), nodes.shift(*corner))
        inverse = nodes.compose(nodes.shift(*(-c for c in corner)), nodes.scale(sense / PIXEL, sense / PIXEL))
        tree[f"{name}_model"] = _with_inverse(forward, inverse)
    return tree


def make_disperser(subject):
    """DISPERSER (ASDF): a grating, the prism or the mirror, and the sensors that tell how the wheel is tilted."""
    grating = subject.plan.setup.pupil
    content = dict(PRISM)
    if grating != "PRISM":
        density, tilt = GRATINGS[grating]
        content = {"groovedensity": density, **WHEEL, "tilt_y": tilt}
    sensors = {
        name: {
            "temperatures": [37.0], "unit": "arcsec", "zeroreadings": [rest],
            "tilt_model": nodes.make("polynomial", coefficients=np.array([-slope * rest, slope])),
        }
        for name, (rest, slope) in READINGS.items()
    }  # fmt: skip
    meta = make_meta(subject, "DISPERSER", "DisperserModel")
    meta["instrument"]["grating"] = grating
    return {"meta": meta, **content, **sensors}


def make_wavelengthrange(subject):
    """WAVELENGTHRANGE (ASDF): order and wavelengths (m) of each filter, or lamp, with each grating."""
    rows = {}
    for (source, grating), limits in (RANGES | LAMPS).items():
        for name in (grating,) if grating == "PRISM" else (f"{grating}M", f"{grating}H"):
            rows[f"{source}_{name}"] = (0 if grating == "PRISM" else -1, [1e-6 * limit for limit in limits])
    orders, limits = zip(*rows.values())
    meta = make_meta(subject, "WAVELENGTHRANGE", "WavelengthrangeModel")
    meta["wavelength_units"] = TaggedText("m", tag=nodes.UNIT_TAG)
    return {"meta": meta, "waverange_selector": list(rows), "order": list(orders), "wavelengthrange": list(limits)}


def make_msa(subject):
    """MSA (ASDF): places and sizes of all shutters by quadrant, and of the fixed slits (Q5), m."""
    number = np.arange(COLUMNS * ROWS)
    shutters = np.zeros(number.size, APERTURE)
    shutters["NO"] = number + 1
    shutters["XC"], shutters["YC"] = number % COLUMNS * PITCH[0], number // COLUMNS * PITCH[1]
    shutters["SIZEX"], shutters["SIZEY"] = OPENING
    tree = {"meta": make_meta(subject, "MSA", "MSAModel")}
    for quadrant, (x, y, angle) in QUADRANTS.items():
        model = nodes.compose(nodes.make("rotate2d", angle=angle), nodes.shift(x, y))
        tree[f"Q{quadrant}"] = {"model": model, "data": shutters}
    slits = np.array([tuple(row) for row in SLITS], APERTURE)
    model = nodes.compose(nodes.make("rotate2d", angle=0.0), nodes.shift(0.0, 0.0))
    return tree | {"Q5": {"model": model, "data": slits}}


def make_msaoper(_):
    """MSAOPER (JSON): shutters that do not work."""
    shutters = [
        {"Q": q, "x": x, "y": y, "state": state, "TA state": state, "Internal state": state, "Vignetted": "No"}
        for state, failed in (("open", FAILED_OPEN), ("closed", FAILED_CLOSED))
        for q, x, y in failed
    ]
    meta = {"reftype": "MSAOPER", "instrument": "NIRSPEC", "telescope": "JWST", "pedigree": "SIMULATION"}
    return json.dumps({**meta, "msaoper": shutters}, indent=1)


def make_ifuslicer(subject):
    """IFUSLICER (ASDF): places and sizes of the slices, m; they are counted from the middle, to either side in turn."""
    slices = np.zeros(SLICES, APERTURE)
    slices["NO"] = np.arange(SLICES)
    slices["XC"] = [_side(k) * (k // 2 + 0.5) * SLICE[0] for k in range(SLICES)]
    slices["SIZEX"], slices["SIZEY"] = SLICE
    model = nodes.compose(nodes.make("rotate2d", angle=0.0), nodes.shift(0.0, 0.0))
    return {"meta": make_meta(subject, "IFUSLICER", "IFUSlicerModel"), "data": slices, "model": model}


def _side(number):
    return -1 if number % 2 else 1


def make_ifupost(subject):
    """IFUPOST (ASDF): from each slice to its image in the shutters' plane (m); the images stand one above the other."""
    tree = {"meta": make_meta(subject, "IFUPOST", "IFUPostModel")}
    x, middle, first, distance = VIRTUAL_SLITS
    for k in range(SLICES):
        at, y = -_side(k) * (k // 2 + 0.5) * SLICE[0], middle + _side(k) * (first + distance * (k // 2))
        turn = np.radians(0.03 * (k - SLICES / 2))
        matrix = SLICER_SCALE * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        tree[f"slice_{k}"] = {
            "linear": nodes.compose(
                nodes.shift(at, 0.0), nodes.make("affine", matrix=matrix, translation=np.zeros(2)), nodes.shift(x, y)
            ),
            "xpoly": _polynomial(0.0, 1.0, 0.0, 0.02), "xpoly_distortion": _polynomial(0.6, 2.0, 1.0, 0.0),
            "ypoly": _polynomial(0.0, 0.0, 1.0, -0.03), "ypoly_distortion": _polynomial(-0.4, 1.0, 3.0, 0.0),
        }  # fmt: skip
    return tree


def _polynomial(constant, x, y, square):
    table = np.zeros((3, 3))
    table[0, 0], table[1, 0], table[0, 1], table[0, 2] = constant, x, y, square
    return nodes.make("polynomial", coefficients=table)


def _with_wavelength(transform, inverse):
    """Transforms of x, y that take a wavelength along without use for it."""
    flat = nodes.make("remap_axes", mapping=[0, 1], n_inputs=3)
    return _with_inverse(nodes.compose(flat, transform), nodes.compose(flat, inverse))


def make_fore(subject):
    """FORE (ASDF): shutters' plane (m) and wavelength to the entrance of the instrument (deg)."""
    factor = SCALE / 3600
    model = _with_wavelength(nodes.scale(factor, factor), nodes.scale(1 / factor, 1 / factor))
    return {"meta": make_meta(subject, "FORE", "FOREModel"), "model": model}


def make_ifufore(subject):
    """IFUFORE (ASDF): slicer (m) and wavelength to the field of the slicer in the shutters' plane (m)."""
    x, scale = VIRTUAL_SLITS[0], 0.05
    model = _with_wavelength(
        nodes.compose(nodes.scale(scale, scale), nodes.shift(x, 0.0)),
        nodes.compose(nodes.shift(-x, 0.0), nodes.scale(1 / scale, 1 / scale)),
    )
    return {"meta": make_meta(subject, "IFUFORE", "IFUFOREModel"), "model": model}


def make_chromcorr(subject):
    """CHROMCORR (ASDF): no shift of the image with wavelength."""
    model = _with_inverse(*(nodes.make("identity", n_dims=3) for _ in range(2)))
    return {"meta": make_meta(subject, "CHROMCORR", "ChromCorrModel"), "model": model}


def make_ote(subject):
    """OTE (ASDF): entrance of the instrument (deg) to V2, V3 (arcsec)."""
    pointing = subject.plan.pointing.distortion
    turn, place = 138.5, (pointing.v2_ref, pointing.v3_ref)
    forward = nodes.compose(nodes.scale(3600, 3600), nodes.make("rotate2d", angle=turn), nodes.shift(*place))
    inverse = nodes.compose(
        nodes.shift(*(-v for v in place)), nodes.make("rotate2d", angle=-turn), nodes.scale(1 / 3600, 1 / 3600)
    )
    return {"meta": make_meta(subject, "OTE", "OTEModel"), "model": _with_inverse(forward, inverse)}


MAKERS = {
    "CAMERA": make_camera, "CHROMCORR": make_chromcorr, "COLLIMATOR": make_collimator, "DISPERSER": make_disperser,
    "FORE": make_fore, "FPA": make_fpa, "IFUFORE": make_ifufore, "IFUPOST": make_ifupost, "IFUSLICER": make_ifuslicer,
    "MSA": make_msa, "MSAOPER": make_msaoper, "OTE": make_ote, "WAVELENGTHRANGE": make_wavelengthrange,
}  # fmt: skip
