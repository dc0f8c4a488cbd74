"""Paint sources on the pixels: stars by the effective PSF, galaxies on a finer canvas that is convolved with it."""

import numpy as np
from numba import njit, prange

from jwcal.simulate import psf as psfs

CANVAS = 2  # canvas samples a pixel, along each axis
STEPS = 2048  # of a tabulated profile
OUTERMOST = 10.0  # half-light radii that a galaxy reaches
CUSP = 6  # canvas samples round a galaxy's centre that are integrated more finely


@njit(cache=True)
def _spline_weights(t):
    """Cubic B-spline weights of the four samples round a point a fraction `t` beyond the second."""
    s = 1.0 - t
    return (s * s * s / 6, (4 - 6 * t * t + 3 * t * t * t) / 6, (4 - 6 * s * s + 3 * s * s * s) / 6, t * t * t / 6)


@njit(cache=True)
def _bracket(points, value):
    """Index and fraction of `value` in an increasing list, held inside its ends."""
    if points.size == 1:
        return 0, 0.0
    index = min(max(np.searchsorted(points, value) - 1, 0), points.size - 2)
    fraction = (value - points[index]) / (points[index + 1] - points[index])
    return index, min(max(fraction, 0.0), 1.0)


@njit(cache=True, parallel=True)
def paint_stars(image, stars, splines, points_x, points_y, oversampling):
    """Add stars to an image.

    Parameters
    ----------
    image : float32 [y, x]
        Changed in place.
    stars : float64 [star, 4]
        Column and row (zero-based pixels), flux, and half width of the stamp in pixels.
    splines : float32 [point_y, point_x, row, column]
        `jwcal.simulate.psf.FieldPsf.splines`.
    points_x, points_y : float64 [point]
        Its field points.
    oversampling : int
        Samples of the PSF a pixel.
    """
    ny, nx = image.shape
    centre = splines.shape[2] // 2
    for row in prange(ny):
        for k in range(stars.shape[0]):
            x, y, flux, half = stars[k, 0], stars[k, 1], stars[k, 2], stars[k, 3]
            if abs(row - y) > half:
                continue
            ix, fx = _bracket(points_x, x)
            iy, fy = _bracket(points_y, y)
            jx, jy = min(ix + 1, points_x.size - 1), min(iy + 1, points_y.size - 1)
            v = (row - y) * oversampling + centre
            v0 = int(np.floor(v))
            wv = _spline_weights(v - v0)
            first = int(np.ceil(max(x - half, 0)))
            last = int(np.floor(min(x + half, nx - 1)))
            for column in range(first, last + 1):
                u = (column - x) * oversampling + centre
                u0 = int(np.floor(u))
                wu = _spline_weights(u - u0)
                total = 0.0
                for a in range(4):
                    line = v0 - 1 + a
                    if line < 0 or line >= splines.shape[2]:
                        continue
                    for b in range(4):
                        sample = u0 - 1 + b
                        if sample < 0 or sample >= splines.shape[3]:
                            continue
                        value = (1 - fy) * (
                            (1 - fx) * splines[iy, ix, line, sample] + fx * splines[iy, jx, line, sample]
                        )
                        value += fy * ((1 - fx) * splines[jy, ix, line, sample] + fx * splines[jy, jx, line, sample])
                        total += wv[a] * wu[b] * value
                image[row, column] += flux * total


def tabulate_profile(index):
    """Sersic profile exp(-b (r^(1/n) - 1)) at `STEPS` radii, evenly spaced in the root of the radius up to `OUTERMOST`.

    The constant b is that of Ciotti & Bertin (1999). Looking the profile up is ten times quicker than working it out.
    """
    radius = OUTERMOST * np.linspace(0, 1, STEPS) ** 2
    return np.exp(-find_b(index) * (radius ** (1 / index) - 1))


def find_b(index):
    """Constant b of a Sersic profile, so that half of the light lies within radius one."""
    return 2 * index - 1 / 3 + 4 / (405 * index) + 46 / (25515 * index**2)


@njit(cache=True)
def _brightness(east, north, galaxy, profile):
    """Surface brightness at sky offsets (arcsec) from a galaxy, in units of that at its half-light radius.

    Columns of `galaxy`: x, y, brightness, radius, axis ratio, sine and cosine of the angle (east of north), strength
    and phase of the arms, lens east and north (arcsec), Einstein radius. `profile` is from `tabulate_profile`. Where
    the Einstein radius is not zero, the lens equation of a singular isothermal sphere says where on the source we look:
    beta = theta - theta_E theta / |theta|.
    """
    if galaxy[11] > 0:
        from_lens_east, from_lens_north = east - galaxy[9], north - galaxy[10]
        shrink = galaxy[11] / max(np.sqrt(from_lens_east**2 + from_lens_north**2), 1e-6)
        east, north = east - shrink * from_lens_east, north - shrink * from_lens_north
    along = east * galaxy[5] + north * galaxy[6]
    across = (east * galaxy[6] - north * galaxy[5]) / galaxy[4]
    radius = np.sqrt(along * along + across * across) / galaxy[3]
    place = np.sqrt(radius / OUTERMOST) * (STEPS - 1)
    step = int(place)
    if step >= STEPS - 1:
        return 0.0
    value = profile[step] + (place - step) * (profile[step + 1] - profile[step])
    if galaxy[7] > 0 and radius > 0:
        winding = np.arctan2(across, along) * 2 - 4 * np.log(radius + 0.2) + galaxy[8]
        value *= 1 + galaxy[7] * min(radius, 1.0) * np.cos(winding)
    return value


@njit(cache=True)
def _sample(row, column, galaxy, profile, matrix, step, fine):
    """Mean brightness of a galaxy over one canvas sample, from `fine` x `fine` points."""
    total = 0.0
    for a in range(fine):
        for b in range(fine):
            x = (column + (b + 0.5) / fine) / step - 0.5 - galaxy[0]
            y = (row + (a + 0.5) / fine) / step - 0.5 - galaxy[1]
            east, north = matrix[0, 0] * x + matrix[0, 1] * y, matrix[1, 0] * x + matrix[1, 1] * y
            total += _brightness(east, north, galaxy, profile)
    return total / (fine * fine)


@njit(cache=True, parallel=True)
def paint_galaxies(canvas, galaxies, profiles, matrix, step, reaches):
    """Add galaxies to a canvas.

    Parameters
    ----------
    canvas : float32 [y, x]
        `step` samples a pixel along each axis; changed in place.
    galaxies : float64 [galaxy, 12]
        See `_brightness`; the brightness column holds the flux per canvas sample at the half-light radius.
    profiles : float64 [galaxy, STEPS]
        Their profiles, see `tabulate_profile`.
    matrix : float64 [2, 2]
        d(east, north) / d(x, y), arcsec per pixel.
    step : int
        Samples a pixel.
    reaches : float64 [galaxy]
        Half width of what is painted, canvas samples.
    """
    for row in prange(canvas.shape[0]):
        for k in range(galaxies.shape[0]):
            cx, cy = (galaxies[k, 0] + 0.5) * step - 0.5, (galaxies[k, 1] + 0.5) * step - 0.5
            if abs(row - cy) > reaches[k]:
                continue
            first = max(int(np.ceil(cx - reaches[k])), 0)
            last = min(int(np.floor(cx + reaches[k])), canvas.shape[1] - 1)
            for column in range(first, last + 1):
                fine = 9 if abs(row - cy) < CUSP and abs(column - cx) < CUSP else 1
                canvas[row, column] += galaxies[k, 2] * _sample(
                    row, column, galaxies[k], profiles[k], matrix, step, fine
                )


def convolve_canvas(canvas, psf):
    """Convolve a canvas with the effective PSF (mean of its field points) and sample it at the pixel centres.

    Parameters
    ----------
    canvas : float32 [y, x]
        `CANVAS` samples a pixel, flux per sample.
    psf : jwcal.simulate.psf.FieldPsf
        Effective PSF.

    Returns
    -------
    float32 [y / CANVAS, x / CANVAS]
    """
    from scipy import fft

    # Sample j lies (j - 1/2) / 2 pixels from the first pixel's centre: distances to pixel centres are odd quarters.
    stride = psfs.OVERSAMPLING // CANVAS
    kernel = psf.samples.mean(axis=(0, 1))[stride // 2 :: stride, stride // 2 :: stride]
    shape = [fft.next_fast_len(length + kernel.shape[0], real=True) for length in canvas.shape]
    spectrum = fft.rfft2(canvas, shape, workers=-1) * fft.rfft2(kernel, shape, workers=-1)
    full = fft.irfft2(spectrum, shape, workers=-1)
    start = kernel.shape[0] // 2
    return full[start : start + canvas.shape[0] : CANVAS, start : start + canvas.shape[1] : CANVAS].astype(np.float32)
