"""Point-spread functions: diffraction at a segmented pupil, blurred by jitter, charge diffusion and the pixel.

The pupil (18 hexagons with struts, or the seven holes of the interferometer's mask) is transformed straight onto a grid
finer than the pixels (Soummer et al. 2007), at several wavelengths of the band, with aberrations that grow away from
the field's centre. The image is then integrated over the pixel, so that its samples are what a pixel at that offset
receives ("effective PSF", Anderson & King 2000), and normalised to a sum of one: a source's flux is that in its stamp.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

OVERSAMPLING = 4
RADIUS = 100  # pixels, half width of the stamp
PUPIL_SIZE = 192  # samples across the pupil
DIAMETER = 6.6  # m
JITTER = 0.007  # arcsec, 1 sigma an axis
DIFFUSION = 0.15  # pixels, 1 sigma an axis
WAVELENGTHS = 3
FIELD_POINTS = 3  # along each axis of a full detector

_FLAT_TO_FLAT = 1.32  # m, one segment
_MASK_HOLES = ((0.0, -2.64), (-2.28631, 0.0), (2.28631, -1.32), (-2.28631, 1.32), (-1.14315, 1.98), (2.28631, 1.32),
               (1.14315, 1.98))  # fmt: skip


@dataclass(frozen=True)
class FieldPsf:
    """Effective PSF over a detector region.

    Attributes
    ----------
    splines : float32 [point_y, point_x, row, column]
        Cubic spline coefficients of the effective PSF, `OVERSAMPLING` samples a pixel, at the field points.
    samples : float32 [point_y, point_x, row, column]
        The effective PSF itself; its sum over every `OVERSAMPLING`-th sample is one.
    x, y : float64 [point]
        Field points in subarray pixels.
    """

    splines: np.ndarray
    samples: np.ndarray
    x: np.ndarray
    y: np.ndarray


@lru_cache(maxsize=4)
def _draw_pupil(masked):
    """Transmission of the pupil [y, x] and its coordinates in m."""
    axis = (np.arange(PUPIL_SIZE) - (PUPIL_SIZE - 1) / 2) * DIAMETER * 1.02 / PUPIL_SIZE
    y, x = np.meshgrid(axis, axis, indexing="ij")
    if masked:
        return sum(_hexagon(x - hx, y - hy, 0.8) for hx, hy in _MASK_HOLES).astype(np.float32), axis
    pupil = np.zeros_like(x)
    for q in range(-2, 3):
        for r in range(-2, 3):
            if (q, r) != (0, 0) and abs(q + r) <= 2:  # no segment in the middle
                pupil += _hexagon(x - _FLAT_TO_FLAT * np.sqrt(3) / 2 * q, y - _FLAT_TO_FLAT * (r + q / 2), 1.30)
    struts = np.abs(x) < 0.06
    for angle in (30.0, -30.0):
        c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        struts |= (np.abs(c * x + s * y) < 0.06) & (y < 0)
    upper = np.abs(x) < 0.06
    return (np.clip(pupil, 0, 1) * ~(np.where(y < 0, struts, upper))).astype(np.float32), axis


def _hexagon(x, y, flat_to_flat):
    """Hexagon with flats above and below, edges softened over one pupil sample."""
    soft = DIAMETER / PUPIL_SIZE
    distances = [np.abs(y), np.abs(np.sqrt(3) / 2 * x + y / 2), np.abs(np.sqrt(3) / 2 * x - y / 2)]
    inside = flat_to_flat / 2 - np.maximum.reduce(distances)
    return np.clip(inside / soft + 0.5, 0, 1)


def _aberrate(axis, field):
    """Wavefront error in um over the pupil for a field position in units of the detector's half width."""
    y, x = np.meshgrid(axis / (DIAMETER / 2), axis / (DIAMETER / 2), indexing="ij")
    radius = x**2 + y**2
    fx, fy = field
    defocus = 0.010 + 0.035 * (fx**2 + fy**2)
    astigmatism = 0.02 * fx * (x**2 - y**2) + 0.02 * fy * 2 * x * y
    coma = 0.012 * (fx * x + fy * y) * (3 * radius - 2)
    ripple = 0.012 * np.cos(9 * x + 2) * np.cos(8 * y - 1)  # segment-scale polish
    return defocus * (2 * radius - 1) + astigmatism + coma + ripple


def make_psf(band, scale, field, masked=False):
    """Effective PSF at one field position.

    Parameters
    ----------
    band : jwcal.simulate.instruments.Band
        Pivot wavelength and width in um.
    scale : (float, float)
        Signed pixel scales along x and y in arcsec: d V2 / d x and d V3 / d y.
    field : (float, float)
        Field position in units of the detector's half width, for the aberrations.
    masked : bool
        True behind the non-redundant mask.

    Returns
    -------
    float64 [2 n + 1, 2 n + 1] with n = `RADIUS` * `OVERSAMPLING`
        Fraction of the flux that a pixel receives whose centre is that far from the source.
    """
    pupil, axis = _draw_pupil(masked)
    wavefront = _aberrate(axis, field).astype(np.float32)
    image = 0
    for fraction in np.linspace(-0.4, 0.4, WAVELENGTHS):
        wavelength = band.pivot + fraction * band.width  # um
        amplitude = pupil * np.exp(2j * np.pi / np.float32(wavelength) * wavefront).astype(np.complex64)
        across, along = (_fourier_kernel(step, wavelength, masked) for step in scale)
        image_amplitude = along @ amplitude @ across.T
        image = image + (image_amplitude.real**2 + image_amplitude.imag**2) / wavelength**2
    image = _blur(image, scale) * _taper()
    # The blurred image is band-limited: every phase of the fine grid has the same sum, which all pixels share.
    return image * (OVERSAMPLING**2 / image.sum())


def _offsets():
    """Distances from the source along an axis of the stamp, pixels."""
    return np.arange(-RADIUS * OVERSAMPLING, RADIUS * OVERSAMPLING + 1) / OVERSAMPLING


@lru_cache(maxsize=12)
def _fourier_kernel(step, wavelength, masked):
    """Matrix exp(-2 pi i angle x / wavelength) from the pupil's samples to the stamp's, `step` arcsec a pixel."""
    radians = _offsets() * step * (np.pi / 180 / 3600)
    phase = (-2 * np.pi / (wavelength * 1e-6)) * np.outer(radians, _draw_pupil(masked)[1])
    return np.exp(1j * phase).astype(np.complex64)


def _blur(image, scale):
    """Convolve with jitter, charge diffusion and the square pixel, in Fourier space."""
    from scipy import fft

    size = fft.next_fast_len(image.shape[0] + 8 * OVERSAMPLING)
    frequency_y = np.fft.fftfreq(size)[:, None]
    frequency_x = np.fft.rfftfreq(size)[None, :]
    transfer = np.sinc(frequency_x * OVERSAMPLING) * np.sinc(frequency_y * OVERSAMPLING)
    for frequency, step in ((frequency_x, scale[0]), (frequency_y, scale[1])):
        sigma = np.hypot(JITTER / abs(step), DIFFUSION) * OVERSAMPLING
        transfer = transfer * np.exp(-2 * (np.pi * sigma * frequency) ** 2)
    spectrum = fft.rfft2(image, (size, size)) * transfer
    return fft.irfft2(spectrum, (size, size))[: image.shape[0], : image.shape[1]]


@lru_cache(maxsize=1)
def _taper():
    """Weight that falls smoothly to zero towards the edge of the stamp, so that no box shows round bright stars."""
    offsets = _offsets()
    radius = np.hypot(offsets[:, None], offsets[None, :]) / RADIUS
    return np.where(radius < 0.75, 1.0, np.cos(np.clip((radius - 0.75) / 0.25, 0, 1) * np.pi / 2) ** 2)


def make_field_psf(band, pointing, masked=False):
    """Effective PSF over an exposure's subarray: one at each of a few field points.

    Parameters
    ----------
    band : jwcal.simulate.instruments.Band
        Band.
    pointing : jwcal.simulate.geometry.Pointing
        For the pixel scale, its signs, and the place of the subarray on the detector.
    masked : bool
        True behind the non-redundant mask.

    Returns
    -------
    FieldPsf
    """
    aperture = pointing.aperture
    points = [1 if length <= 400 else 2 if length < 1500 else FIELD_POINTS for length in (aperture.nx, aperture.ny)]
    x, y = (_spread(length, n) for length, n in zip((aperture.nx, aperture.ny), points))
    matrix = pointing.distortion.jacobian(aperture.x0 + aperture.nx / 2, aperture.y0 + aperture.ny / 2)
    upright = abs(matrix[0, 0]) > abs(matrix[0, 1])  # the guiders' columns run along V3
    scale = (matrix[0, 0], matrix[1, 1]) if upright else (matrix[0, 1], matrix[1, 0])
    fields = [[((aperture.x0 + px) / 1024 - 1, (aperture.y0 + py) / 1024 - 1) for px in x] for py in y]
    return _assemble(band, tuple(float(f"{s:.7g}") for s in scale), tuple(map(tuple, fields)), masked, x, y)


def _spread(length, points):
    return (length / 2,) if points == 1 else tuple(np.linspace(0, length - 1, points).tolist())


@lru_cache(maxsize=16)
def _assemble(band, scale, fields, masked, x, y):
    from scipy.ndimage import spline_filter

    stamps = np.array([[make_psf(band, scale, field, masked) for field in row] for row in fields])
    splines = np.array([[spline_filter(stamp, order=3) for stamp in row] for row in stamps])
    return FieldPsf(splines.astype(np.float32), stamps.astype(np.float32), np.array(x), np.array(y))


def measure_encircled_energy(psf, radii, spread=0):
    """Fraction of the flux inside circles about a centred source, averaged over the field points.

    Parameters
    ----------
    psf : FieldPsf
        PSF.
    radii : array of float
        Radii in pixels.
    spread : int
        How many times the light is spread evenly over a pixel before it is summed, besides the detector's pixel, which
        the effective PSF holds: 0 for the PSF itself, 3 for sums on a mosaic of the same pixel size (over the drop that
        is drizzled, over the mosaic's pixel, and over the pixels that the circle cuts), averaged over all phases.

    Returns
    -------
    float64 [radius]
    """
    mean = psf.samples.mean(axis=(0, 1), dtype=float) / OVERSAMPLING**2
    for _ in range(spread):
        mean = _spread_over_pixel(mean)
    offsets = _offsets()
    distance = np.hypot(offsets[:, None], offsets[None, :]).ravel()
    order = np.argsort(distance)
    near, light = distance[order], mean.ravel()[order]
    # A circle's edge cuts samples: it takes them in over the width of one. Means over that width come from two sums.
    inside, moment = (np.concatenate([[0], np.cumsum(column)]) for column in (light, light * near))

    def integrate(radius):
        count = np.searchsorted(near, radius)
        return radius * inside[count] - moment[count]

    half, radii = 0.5 / OVERSAMPLING, np.asarray(radii, float)
    return (integrate(radii + half) - integrate(radii - half)) / (2 * half)


def _spread_over_pixel(image):
    """Image convolved with a square of one pixel."""
    from scipy.ndimage import correlate1d

    box = np.ones(OVERSAMPLING + 1) / OVERSAMPLING
    box[[0, -1]] /= 2
    for axis in (0, 1):
        image = correlate1d(image, box, axis, mode="constant")
    return image
