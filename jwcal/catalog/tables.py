"""The columns of a source catalogue: official names, units and order, what each one is, and how it follows."""

import numpy as np

from jwcal.catalog import photometry
from jwcal.models import Column

ARCSEC = 3600.0  # in a degree
FLUX, MAGNITUDE, SHAPE, RATIO = ".6e", ".6f", ".6f", ".4f"  # formats
STEP = 0.5  # pixels, over which the WCS is differentiated
KINDS = {"abmag": "AB magnitude", "vegamag": "Vega magnitude"}
CORNERS = {"ll": (0, 2, "lower-left"), "ul": (0, 3, "upper-left"), "lr": (1, 2, "lower-right"),
           "ur": (1, 3, "upper-right")}  # fmt: skip


def list_positions(sources, wcs):
    """Columns label, xcentroid, ycentroid and sky_centroid.

    Parameters
    ----------
    sources : jwcal.catalog.isophotes.Isophotes
        What was found.
    wcs : jwcal.wcs.WCS
        Of the mosaic.

    Returns
    -------
    list of Column
    """
    x, y = sources.x, sources.y
    return [
        Column("label", sources.label, description="Number of the source from 1 on, its value in the segmentation map"),
        Column("xcentroid", x, None, "Column of the centre of light, 0 in the middle of the first pixel", RATIO),
        Column("ycentroid", y, None, "Row of the centre of light, 0 in the middle of the first pixel", RATIO),
        Column("sky_centroid", find_sky(wcs, x, y), None, "Position of the centre of light (ICRS)"),
    ]


def list_photometry(fluxes, apertures, offset):
    """Columns of the sky around each source and of the light in circles.

    Parameters
    ----------
    fluxes : tuple
        Sky and its error [source], sums and their errors [circle, source], Jy; without the sky.
    apertures : jwcal.catalog.apertures.Apertures
        The circles.
    offset : float
        AB minus Vega magnitude.

    Returns
    -------
    list of Column
    """
    sky, sky_err, sums, errors = fluxes
    columns = [Column("aper_bkg_flux", sky, "Jy", "Sky in a pixel, clipped median of an annulus around it", FLUX),
               Column("aper_bkg_flux_err", sky_err, "Jy", "Standard error of that median", FLUX)]  # fmt: skip
    total, percent = apertures.corrections[-1], apertures.energies[-1]
    rows = [(f"aper{energy}", f"in the circle that holds {energy} % of a star's light", sums[k], errors[k])
            for k, energy in enumerate(apertures.energies)]  # fmt: skip
    text = f"of a star, from the {percent} % circle and the aperture correction; too little for extended sources"
    rows.append(("aper_total", text, total * sums[-1], total * errors[-1]))
    for name, text, flux, err in rows:
        columns += [Column(f"{name}_flux", flux, "Jy", f"Flux {text}", FLUX),
                    Column(f"{name}_flux_err", err, "Jy", f"Error of the flux {text}", FLUX)]  # fmt: skip
    for kind, shift in (("abmag", 0.0), ("vegamag", offset)):
        for name, text, flux, err in rows:
            columns += _list_magnitudes(f"{name}_{kind}", flux, err, shift, f"{KINDS[kind]} {text}")
    return columns


def _list_magnitudes(name, flux, err, shift, text):
    magnitude, error = photometry.find_magnitudes(flux, err)
    return [Column(name, magnitude - shift, None, text, MAGNITUDE),
            Column(f"{name}_err", error, None, f"Error of the {text}", MAGNITUDE)]  # fmt: skip


def list_kinds(sums, energies, thresholds):
    """Columns of the concentration indices, and whether a source is extended.

    Parameters
    ----------
    sums : float64 [circle, source]
        Fluxes in the three circles.
    energies : tuple of int
        Per cent of a star's light that they hold.
    thresholds : (float, float)
        A source is extended where both of the first two indices are larger.

    Returns
    -------
    list of Column
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = {(i, j): sums[j] / sums[i] for i, j in ((0, 1), (1, 2), (0, 2))}
    columns = [
        Column(f"CI_{energies[j]}_{energies[i]}", ratio, None,
               f"Concentration: flux in the {energies[j]} % circle over that in the {energies[i]} % circle", RATIO)
        for (i, j), ratio in ratios.items()
    ]  # fmt: skip
    extended = (ratios[0, 1] > thresholds[0]) & (ratios[1, 2] > thresholds[1])
    return [*columns, Column("is_extended", extended, None, "True where the light is less concentrated than a star's")]


def list_surroundings(sources, positions, sharpness, roundness):
    """Columns of the image's shape near the peak, and of the nearest neighbour."""
    index, distance = photometry.find_neighbours(positions)
    label = np.where(np.isfinite(distance), sources.label[index] if len(index) else index, -1).astype(np.int32)
    return [
        Column("sharpness", sharpness, None, "Sharpness as DAOFIND defines it, 0.2 to 1 for stars", SHAPE),
        Column("roundness", roundness, None, "Roundness by symmetry as DAOFIND defines it, 0 for round sources", SHAPE),
        Column("nn_label", label, None, "Number of the nearest other source, -1 where there is none"),
        Column("nn_dist", distance, "pix", "Distance to the nearest other source", SHAPE),
    ]


def list_isophotes(sources, offset, wcs, north):
    """Columns of the light and shape of all pixels of a source, and the corners of the box around them.

    The box is the smallest that holds the source's pixels; the official one reaches a pixel further up and to the
    right, since photutils takes the end of a slice for its last pixel.

    Parameters
    ----------
    sources : jwcal.catalog.isophotes.Isophotes
        Fluxes in Jy.
    offset : float
        AB minus Vega magnitude.
    wcs : jwcal.wcs.WCS
        Of the mosaic.
    north : float
        Angle from the x axis to north at the reference position, counter-clockwise, degrees.

    Returns
    -------
    list of Column
    """
    text = "of all pixels of the source"
    columns = [Column("isophotal_flux", sources.flux, "Jy", f"Flux {text}", FLUX),
               Column("isophotal_flux_err", sources.flux_err, "Jy", f"Error of the flux {text}", FLUX)]  # fmt: skip
    for kind, shift in (("abmag", 0.0), ("vegamag", offset)):
        columns += _list_magnitudes(f"isophotal_{kind}", sources.flux, sources.flux_err, shift, f"{KINDS[kind]} {text}")
    with np.errstate(invalid="ignore", divide="ignore"):
        ellipticity = 1 - sources.semiminor / sources.semimajor
    position_angle = (180.0 - north + sources.orientation) % 360
    columns += [
        Column("isophotal_area", sources.area, "pix2", "Number of pixels of the source"),
        Column("semimajor_sigma", sources.semimajor, "pix",
               "Standard deviation along the major axis of the Gaussian with the same second moments", SHAPE),
        Column("semiminor_sigma", sources.semiminor, "pix",
               "Standard deviation along the minor axis of the Gaussian with the same second moments", SHAPE),
        Column("ellipticity", ellipticity, "", "One minus the ratio of the minor to the major axis", SHAPE),
        Column("orientation", sources.orientation, "deg", "Angle from the x axis to the major axis, counter-clockwise",
               SHAPE),
        Column("sky_orientation", position_angle, "deg", "Position angle of the major axis, east of north", SHAPE),
    ]  # fmt: skip
    for name, (column, row, text) in CORNERS.items():
        # Boxes hold whole pixels: their corners are half a pixel beyond the outermost middles.
        x, y = (sources.box[:, k] + (0.5 if k % 2 else -0.5) for k in (column, row))
        columns.append(Column(f"sky_bbox_{name}", find_sky(wcs, x, y), None,
                              f"The {text} corner of the smallest box that holds the source"))  # fmt: skip
    return columns


def list_kron(flux, err, offset):
    """Columns of Kron fluxes, Jy, and magnitudes; the official catalogue lacks them."""
    text = "in an ellipse that grows with the source (Kron)"
    columns = [Column("kron_flux", flux, "Jy", f"Flux {text}", FLUX),
               Column("kron_flux_err", err, "Jy", f"Error of the flux {text}", FLUX)]  # fmt: skip
    for kind, shift in (("abmag", 0.0), ("vegamag", offset)):
        columns += _list_magnitudes(f"kron_{kind}", flux, err, shift, f"{KINDS[kind]} {text}")
    return columns


def list_errors(sources, wcs):
    """Columns that the official catalogue lacks: errors of the positions, on the image and on the sky."""
    variance_x, variance_y, covariance = sources.covariance.T
    errors = [np.sqrt(variance_x), np.sqrt(variance_y)]
    for slope_x, slope_y in _differentiate(wcs, sources.x, sources.y):
        square = slope_x**2 * variance_x + slope_y**2 * variance_y + 2 * slope_x * slope_y * covariance
        errors.append(np.sqrt(np.maximum(square, 0)))
    names = (("xcentroid_err", "pix", "Error of xcentroid"), ("ycentroid_err", "pix", "Error of ycentroid"),
             ("ra_err", "arcsec", "Error of the position along right ascension, as an angle on the sky"),
             ("dec_err", "arcsec", "Error of the position along declination"))  # fmt: skip
    return [Column(name, error, unit, text, SHAPE) for (name, unit, text), error in zip(names, errors, strict=True)]


def find_sky(wcs, x, y):
    """Right ascension from 0 to 360, and declination, degrees, of pixels; NaN for sources without a position."""
    ra, dec = wcs.forward(x, y)
    return np.asarray(ra, float) % 360, np.asarray(dec, float)


def find_north(wcs, x, y):
    """Angle from the x axis to north at a pixel, counter-clockwise, degrees."""
    ra, dec = wcs.forward(x, y)
    north_x, north_y = wcs.inverse(ra, dec + 1 / ARCSEC)
    return float(np.degrees(np.arctan2(north_y - y, north_x - x)))


def _differentiate(wcs, x, y):
    """Arcseconds on the sky along right ascension, and along declination, for a pixel along x and along y."""
    _, dec = wcs.forward(x, y)
    slopes = []
    for step_x, step_y in ((STEP, 0), (0, STEP)):
        (ra1, dec1), (ra0, dec0) = wcs.forward(x + step_x, y + step_y), wcs.forward(x - step_x, y - step_y)
        turn = (np.asarray(ra1) - ra0 + 180) % 360 - 180
        slopes.append((turn * np.cos(np.radians(dec)) * ARCSEC, (np.asarray(dec1) - dec0) * ARCSEC))
    return zip(*slopes, strict=True)
