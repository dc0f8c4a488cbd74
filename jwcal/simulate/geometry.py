"""Where on the sky a pixel looks: distortion polynomials of the SIAF, subarrays, attitude, velocity aberration.

Frames: pixel (zero-based, full frame, science orientation) -> V2, V3 (arcsec) -> right ascension, declination (deg).
The distortion reference file is made from the same coefficients, so calibrated WCS and injected positions agree.
"""

import logging
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

ARCSEC = np.pi / 180 / 3600


@dataclass(frozen=True)
class Distortion:
    """Polynomial distortion of a detector.

    Attributes
    ----------
    reference_pixel : (float, float)
        Pixel (zero-based) about which the polynomials are expanded.
    x_coefficients, y_coefficients : float64 [i, j]
        Ideal coordinates in arcsec: sum of c[i, j] dx^i dy^j.
    v2_ref, v3_ref : float
        V2, V3 of the reference pixel, arcsec.
    yangle : float
        Angle from V3 to the ideal y axis, deg.
    parity : int
        Handedness of the ideal frame against V2, V3.
    size : (int, int)
        Columns and rows of the full frame.
    """

    reference_pixel: tuple
    x_coefficients: np.ndarray
    y_coefficients: np.ndarray
    v2_ref: float
    v3_ref: float
    yangle: float
    parity: int
    size: tuple = (2048, 2048)

    @property
    def rotation(self):
        """Matrix from ideal to (V2, V3) offsets."""
        angle = np.deg2rad(self.yangle)
        return np.array([[self.parity * np.cos(angle), np.sin(angle)], [-self.parity * np.sin(angle), np.cos(angle)]])

    def to_v2v3(self, x, y):
        """V2, V3 (arcsec) of full-frame pixels (zero-based)."""
        polynomial = np.polynomial.polynomial.polyval2d
        dx, dy = np.asarray(x, float) - self.reference_pixel[0], np.asarray(y, float) - self.reference_pixel[1]
        ideal = polynomial(dx, dy, self.x_coefficients), polynomial(dx, dy, self.y_coefficients)
        matrix = self.rotation
        v2 = matrix[0, 0] * ideal[0] + matrix[0, 1] * ideal[1] + self.v2_ref
        v3 = matrix[1, 0] * ideal[0] + matrix[1, 1] * ideal[1] + self.v3_ref
        return v2, v3

    def jacobian(self, x, y):
        """Matrix d(V2, V3) / d(x, y) [2, 2, ...] at full-frame pixels, arcsec per pixel."""
        step = 0.5
        right, left = self.to_v2v3(x + step, y), self.to_v2v3(x - step, y)
        up, down = self.to_v2v3(x, y + step), self.to_v2v3(x, y - step)
        return np.array([[right[k] - left[k], up[k] - down[k]] for k in (0, 1)])

    def to_pixel(self, v2, v3):
        """Full-frame pixels (zero-based) of V2, V3, by Newton's method on `to_v2v3`: exact to 1e-9 pixel."""
        v2, v3 = np.asarray(v2, float), np.asarray(v3, float)
        x, y = np.full(v2.shape, self.reference_pixel[0]), np.full(v3.shape, self.reference_pixel[1])
        for _ in range(20):
            now2, now3 = self.to_v2v3(x, y)
            (a, b), (c, d) = self.jacobian(x, y)
            det = a * d - b * c
            step_x, step_y = (d * (v2 - now2) - b * (v3 - now3)) / det, (a * (v3 - now3) - c * (v2 - now2)) / det
            x, y = x + step_x, y + step_y
            if max(np.max(np.abs(step_x), initial=0), np.max(np.abs(step_y), initial=0)) < 1e-9:
                break
        return x, y

    def pixel_area(self, x, y):
        """Area of pixels in arcsec^2."""
        (a, b), (c, d) = self.jacobian(x, y)
        return np.abs(a * d - b * c)


@dataclass(frozen=True)
class Aperture:
    """A subarray: zero-based corner and size on the full frame, and its reference point in V2, V3 (arcsec)."""

    name: str
    x0: int
    y0: int
    nx: int
    ny: int
    v2_ref: float
    v3_ref: float
    yangle: float
    parity: int
    reference_pixel: tuple


@lru_cache(maxsize=8)
def _read_siaf(instrument):
    logging.getLogger("pysiaf").setLevel(logging.ERROR)  # it warns that it cannot ask the network for a newer one
    import pysiaf

    return pysiaf.Siaf(instrument)


def read_aperture(instrument, name):
    """An aperture of the SIAF, as pysiaf gives it."""
    return _read_siaf(instrument.name)[name]


def list_apertures(instrument):
    """Names of all apertures of an instrument."""
    return _read_siaf(instrument.name).apertures


def load_distortion(instrument, chip):
    """Distortion of a detector's full frame, from the SIAF.

    Parameters
    ----------
    instrument : jwcal.simulate.instruments.Instrument
        Plug-in.
    chip : jwcal.simulate.instruments.Chip
        Detector.

    Returns
    -------
    Distortion
    """
    full = read_aperture(instrument, chip.aperture)
    table = full.get_polynomial_coefficients()
    return Distortion(
        reference_pixel=(float(full.XSciRef) - 1, float(full.YSciRef) - 1),
        x_coefficients=_unpack(table["Sci2IdlX"], full.Sci2IdlDeg),
        y_coefficients=_unpack(table["Sci2IdlY"], full.Sci2IdlDeg),
        v2_ref=float(full.V2Ref),
        v3_ref=float(full.V3Ref),
        yangle=float(full.V3IdlYAngle),
        parity=int(full.VIdlParity),
        size=tuple(chip.size),
    )


def _unpack(flat, degree):
    """SIAF order (00, 10, 11, 20, 21, 22, ...) to c[i, j] of x^i y^j."""
    table = np.zeros((degree + 1, degree + 1))
    position = 0
    for order in range(degree + 1):
        for j in range(order + 1):
            table[order - j, j] = flat[position]
            position += 1
    return table


def load_aperture(instrument, chip, subarray):
    """Place and reference point of a subarray.

    Parameters
    ----------
    instrument, chip
        Plug-in and detector.
    subarray : str
        Value of SUBARRAY.

    Returns
    -------
    Aperture
    """
    siaf = _read_siaf(instrument.name)
    full, part = siaf[chip.aperture], siaf[instrument.aperture(chip, subarray)]
    size = int(part.XSciSize), int(part.YSciSize)
    corners = [full.det_to_sci(*part.sci_to_det(*corner)) for corner in ((1, 1), size)]
    x0, y0 = (int(np.rint(min(first, last))) - 1 for first, last in zip(*corners))
    aperture = Aperture(
        name=part.AperName,
        x0=x0,
        y0=y0,
        nx=size[0],
        ny=size[1],
        v2_ref=float(part.V2Ref),
        v3_ref=float(part.V3Ref),
        yangle=float(part.V3IdlYAngle),
        parity=int(part.VIdlParity),
        reference_pixel=(float(part.XSciRef) - 1, float(part.YSciRef) - 1),
    )
    # A few apertures of the SIAF reach beyond their detector.
    inside = (min(max(start, 0), full - length) for start, full, length in zip((x0, y0), chip.size, size))
    return aperture if size[0] > chip.size[0] else move_aperture(aperture, *inside)


def move_aperture(aperture, x0, y0):
    """The same aperture with its corner (zero-based) elsewhere; its reference point stays where it is on the sky."""
    x, y = aperture.reference_pixel
    return replace(aperture, x0=x0, y0=y0, reference_pixel=(x + aperture.x0 - x0, y + aperture.y0 - y0))


@dataclass(frozen=True)
class Attitude:
    """Orientation of the telescope: the rotation from (V1, V2, V3) to the equatorial frame.

    Attributes
    ----------
    matrix : float64 [3, 3]
        Equatorial unit vector = matrix @ telescope unit vector.
    """

    matrix: np.ndarray

    @classmethod
    def point(cls, v2, v3, ra, dec, roll):
        """Attitude that puts (v2, v3) in arcsec on (ra, dec) in deg with V3 at position angle `roll` (deg) there."""
        a2, a3, a, d, r = v2 * ARCSEC, v3 * ARCSEC, np.deg2rad(ra), np.deg2rad(dec), np.deg2rad(roll)
        return cls(_rotate_z(a) @ _rotate_y(-d) @ _rotate_x(-r) @ _rotate_y(a3) @ _rotate_z(-a2))

    def to_sky(self, v2, v3):
        """Right ascension and declination (deg) of V2, V3 (arcsec)."""
        return _angles(self.matrix @ _unit_vector(np.asarray(v2) * ARCSEC, np.asarray(v3) * ARCSEC))

    def to_v2v3(self, ra, dec):
        """V2, V3 (arcsec) of sky positions (deg)."""
        vector = self.matrix.T @ _unit_vector(np.deg2rad(ra), np.deg2rad(dec))
        v2, v3 = _angles(vector)
        return (v2 + 180) % 360 * 3600 - 180 * 3600, v3 * 3600

    def roll_at(self, v2, v3):
        """Position angle of V3 (deg, east of north) at V2, V3 (arcsec)."""
        (ra, dec), (up_ra, up_dec) = np.deg2rad(self.to_sky(v2, v3)), np.deg2rad(self.to_sky(v2, v3 + 1.0))
        east = np.sin(up_ra - ra) * np.cos(up_dec)
        north = np.cos(dec) * np.sin(up_dec) - np.sin(dec) * np.cos(up_dec) * np.cos(up_ra - ra)
        return float(np.rad2deg(np.arctan2(east, north)) % 360)


def _rotate_x(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _rotate_y(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _rotate_z(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _unit_vector(longitude, latitude):
    cos = np.cos(latitude)
    return np.array([cos * np.cos(longitude), cos * np.sin(longitude), np.sin(latitude)])


def _angles(vector):
    x, y, z = vector
    return np.rad2deg(np.arctan2(y, x)) % 360, np.rad2deg(np.arctan2(z, np.hypot(x, y)))


@dataclass(frozen=True)
class Pointing:
    """All there is between the pixels of one exposure and the sky.

    Attributes
    ----------
    distortion : Distortion
        Of the detector.
    aperture : Aperture
        Subarray that is read.
    attitude : Attitude
        Of the telescope.
    va_scale : float
        Velocity aberration: apparent over true angular distances.
    offset : (float, float)
        Filter offset (column, row), pixels: the band's image lies at -offset from the distortion's.
    """

    distortion: Distortion
    aperture: Aperture
    attitude: Attitude
    va_scale: float = 1.0
    offset: tuple = (0.0, 0.0)

    def to_sky(self, x, y):
        """Right ascension and declination (deg) of subarray pixels (zero-based)."""
        full_x, full_y = np.asarray(x) + self.aperture.x0, np.asarray(y) + self.aperture.y0
        v2, v3 = self.distortion.to_v2v3(full_x + self.offset[0], full_y + self.offset[1])
        scale, ref2, ref3 = self.va_scale, self.aperture.v2_ref, self.aperture.v3_ref
        return self.attitude.to_sky(ref2 + scale * (v2 - ref2), ref3 + scale * (v3 - ref3))

    def to_pixel(self, ra, dec):
        """Subarray pixels (zero-based) of sky positions (deg)."""
        v2, v3 = self.attitude.to_v2v3(ra, dec)
        scale, ref2, ref3 = self.va_scale, self.aperture.v2_ref, self.aperture.v3_ref
        x, y = self.distortion.to_pixel(ref2 + (v2 - ref2) / scale, ref3 + (v3 - ref3) / scale)
        return x - self.offset[0] - self.aperture.x0, y - self.offset[1] - self.aperture.y0

    def sky_matrix(self, x, y):
        """Matrix d(east, north) / d(x, y) [2, 2] at a subarray pixel, arcsec per pixel."""
        dec = self.to_sky(x, y)[1]
        columns = []
        for dx, dy in ((0.5, 0), (0, 0.5)):
            plus, minus = self.to_sky(x + dx, y + dy), self.to_sky(x - dx, y - dy)
            columns.append([(plus[0] - minus[0]) * np.cos(np.deg2rad(dec)) * 3600, (plus[1] - minus[1]) * 3600])
        return np.array(columns).T
