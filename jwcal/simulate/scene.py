"""The sky: stars, galaxies, lensed arcs and a background; and the electron rate that a detector receives from it."""

from dataclasses import dataclass, field

import numpy as np

from jwcal.simulate import psf as psfs
from jwcal.simulate import render

AB_ZERO = 3631.0  # Jy
PLANCK = 6.62607015e-34  # J s
COLLECTING_AREA = 25.4  # m^2
ARCSEC2 = (np.pi / 180 / 3600) ** 2  # sr
FAINTEST = 1e-4  # e-/s in a canvas sample, where a galaxy's image ends
PIVOT = 2.0  # um, where magnitudes are given

STAR = np.dtype([("id", "i4"), ("ra", "f8"), ("dec", "f8"), ("mag", "f8"), ("slope", "f8")])
GALAXY = np.dtype(
    [*STAR.descr, ("radius", "f8"), ("index", "f8"), ("axis_ratio", "f8"), ("angle", "f8"), ("arms", "f8"),
     ("phase", "f8"), ("lens_east", "f8"), ("lens_north", "f8"), ("einstein", "f8")]
)  # fmt: skip


@dataclass
class Scene:
    """What there is on the sky.

    Attributes
    ----------
    stars : structured array of `STAR`
        Positions in deg (ICRS), AB magnitude at 2 um, slope of log F_nu against log wavelength.
    galaxies : structured array of `GALAXY`
        The same, and Sersic profiles: half-light radius (arcsec, major axis), index, axis ratio, angle (deg east of
        north), strength and phase of spiral arms; where it is lensed, the lens's offset and Einstein radius (arcsec).
        A lensed galaxy's position and magnitude are those of its source.
    background : float
        Surface brightness of the zodiacal light at 2 um, MJy/sr.
    background_slope : float
        Its slope against wavelength.
    """

    stars: np.ndarray = field(default_factory=lambda: np.zeros(0, STAR))
    galaxies: np.ndarray = field(default_factory=lambda: np.zeros(0, GALAXY))
    background: float = 0.15
    background_slope: float = 0.6


def flux_density(mag, slope, wavelength):
    """Flux density in Jy at a wavelength in um of sources with AB magnitude `mag` at 2 um and a power-law spectrum."""
    return AB_ZERO * 10 ** (-0.4 * np.asarray(mag)) * (wavelength / PIVOT) ** np.asarray(slope)


def electrons_per_jansky(band):
    """Electrons per second that a point source of 1 Jy makes through a band: F_nu A T (d lambda / lambda) / h."""
    return 1e-26 * COLLECTING_AREA * band.throughput * band.width / band.pivot / PLANCK


def measure_photmjsr(band, gain, pixel_area):
    """Surface brightness in MJy/sr of a pixel that counts 1 DN/s, for a mean gain (e-/DN) and pixel area (arcsec^2)."""
    return gain / (electrons_per_jansky(band) * 1e6 * pixel_area * ARCSEC2)


def render_scene(scene, pointing, band, masked=False):
    """Electrons per second in each pixel of a perfect detector.

    Parameters
    ----------
    scene : Scene
        Sky.
    pointing : jwcal.simulate.geometry.Pointing
        From sky to pixels.
    band : jwcal.simulate.instruments.Band
        Filter.
    masked : bool
        True behind the non-redundant mask.

    Returns
    -------
    float32 [y, x]
        Electron rate. A source's flux falls into pixels of unit quantum efficiency; the background is
        proportional to each pixel's area.
    """
    aperture = pointing.aperture
    image = render_background(scene, pointing, band)
    if not len(scene.galaxies) + len(scene.stars):
        return image
    psf = psfs.make_field_psf(band, pointing, masked)
    if len(scene.galaxies):
        image += _render_galaxies(scene.galaxies, pointing, band, psf)
    if len(scene.stars):
        x, y = pointing.to_pixel(scene.stars["ra"], scene.stars["dec"])
        flux = flux_density(scene.stars["mag"], scene.stars["slope"], band.pivot) * electrons_per_jansky(band)
        half = np.clip(6 * np.sqrt(flux), 24, psfs.RADIUS)
        near = (x > -half) & (x < aperture.nx + half) & (y > -half) & (y < aperture.ny + half)
        stars = np.stack([x, y, flux, half], axis=1)[near]
        render.paint_stars(image, stars, psf.splines, psf.x, psf.y, psfs.OVERSAMPLING)
    return np.maximum(image, 0)


def render_background(scene, pointing, band):
    """Electrons per second [y, x] that the zodiacal light alone makes in a perfect detector."""
    brightness = scene.background * 1e6 * (band.pivot / PIVOT) ** scene.background_slope  # Jy/sr
    return (brightness * electrons_per_jansky(band) * ARCSEC2 * measure_areas(pointing)).astype(np.float32)


def measure_areas(pointing):
    """Pixel areas in arcsec^2 [y, x] over the subarray, interpolated from a coarse grid (they vary smoothly)."""
    aperture, distortion = pointing.aperture, pointing.distortion
    return map_areas(distortion, aperture.x0, aperture.y0, aperture.nx, aperture.ny)


def map_areas(distortion, x0, y0, nx, ny):
    """Pixel areas in arcsec^2 [y, x] of a region, by a fit of degree 3 to a coarse grid (good to 1e-6)."""
    gx, gy = np.meshgrid(np.linspace(x0, x0 + nx - 1, 9), np.linspace(y0, y0 + ny - 1, 9))
    u, v = (gx - 1023.5) / 1024, (gy - 1023.5) / 1024
    design = np.polynomial.polynomial.polyvander2d(u.ravel(), v.ravel(), [4, 4])
    coefficients = np.linalg.lstsq(design, distortion.pixel_area(gx, gy).ravel(), rcond=None)[0].reshape(5, 5)
    axes = [(np.arange(start, start + length) - 1023.5) / 1024 for start, length in ((x0, nx), (y0, ny))]
    return np.polynomial.polynomial.polygrid2d(axes[0], axes[1], coefficients).T


def _render_galaxies(galaxies, pointing, band, psf):
    aperture, margin = pointing.aperture, psfs.RADIUS // 2
    x, y = pointing.to_pixel(galaxies["ra"], galaxies["dec"])
    matrix = pointing.sky_matrix(aperture.nx / 2, aperture.ny / 2)
    scale = np.sqrt(abs(np.linalg.det(matrix)))
    flux = flux_density(galaxies["mag"], galaxies["slope"], band.pivot) * electrons_per_jansky(band)
    peak = flux / _profile_area(galaxies) * (scale / render.CANVAS) ** 2
    extent = np.where(galaxies["einstein"] > 0, galaxies["einstein"] * 2.5, 0) + _find_extent(galaxies, peak)
    reach = np.clip(extent / scale * render.CANVAS, 20, 2500)
    angle = np.deg2rad(galaxies["angle"])
    shape = (
        galaxies["radius"],
        galaxies["axis_ratio"],
        np.sin(angle),
        np.cos(angle),
        galaxies["arms"],
        galaxies["phase"],
    )
    lens = galaxies["lens_east"], galaxies["lens_north"], galaxies["einstein"]
    table = np.stack([x + margin, y + margin, peak, *shape, *lens], axis=1)
    half = reach / render.CANVAS
    near = (x > -half) & (x < aperture.nx + half) & (y > -half) & (y < aperture.ny + half)
    canvas = np.zeros([(length + 2 * margin) * render.CANVAS for length in (aperture.ny, aperture.nx)], np.float32)
    profiles = np.array([render.tabulate_profile(index) for index in galaxies["index"][near]])
    if near.any():
        render.paint_galaxies(canvas, table[near], profiles, matrix, render.CANVAS, reach[near])
    image = render.convolve_canvas(canvas, psf)
    return image[margin : margin + aperture.ny, margin : margin + aperture.nx]


def _find_extent(galaxies, peak):
    """Radius (arcsec) where a galaxy's light falls below `FAINTEST`, at most `render.OUTERMOST` half-light radii.

    `peak` is the electron rate of a canvas sample at the half-light radius.
    """
    n = galaxies["index"]
    b = render.find_b(n)
    radii = np.maximum(1 + np.log(peak / FAINTEST) / b, 0.1) ** n
    return np.minimum(radii, render.OUTERMOST) * galaxies["radius"]


def _profile_area(galaxies):
    """Integral of the Sersic profile over the sky in units of its brightness at the half-light radius, arcsec^2."""
    from scipy.special import gamma

    n = galaxies["index"]
    b = render.find_b(n)
    shape = 2 * np.pi * n * np.exp(b) * b ** (-2 * n) * gamma(2 * n)
    return shape * galaxies["radius"] ** 2 * galaxies["axis_ratio"]
