"""Sources on a calibrated exposure, for alignment."""

import warnings

import numpy as np

from jwcal import dq
from jwcal.alignment.starfinders import Limits, daofind, make_kernel, starfind
from jwcal.errors import JwcalError
from jwcal.fitsfiles import replacing
from jwcal.sky.mesh_background import measure_background

UNUSABLE = np.uint32(dq.DO_NOT_USE | dq.NON_SCIENCE)
COLUMNS = np.dtype([("id", "i8"), ("x", "f8"), ("y", "f8"), ("flux", "f8")])
FINDERS = {"iraf": starfind, "dao": daofind}


def find_sources(image, *, starfinder="iraf", snr_threshold=10.0, kernel_fwhm=2.5, bkg_boxsize=400, minsep_fwhm=0.0,
                 sigma_radius=1.5, sharplo=0.5, sharphi=2.0, roundlo=0.0, roundhi=0.2, brightest=200, peakmax=None,
                 **segmentation):  # fmt: skip
    """Find sources on an exposure.

    The threshold is a multiple of the median noise of the background. (The official package takes the median over all
    pixels, those without data as zero; here only pixels that count do.)

    Parameters
    ----------
    image : Image
        Calibrated data [y, x] and flags; where it has a WCS, sources outside its bounding box are left out.
    starfinder : str
        iraf, dao or segmentation.
    snr_threshold : float
        Least signal, in standard deviations of the background.
    kernel_fwhm : float
        Width of stars, pixels.
    bkg_boxsize : int
        Side of the boxes in which the background is measured, pixels.
    minsep_fwhm : float
        Least distance of stars, in widths; at least 2 pixels.
    sigma_radius : float
        Radius of the stars' pixels, in standard deviations of their Gaussian.
    sharplo, sharphi, roundlo, roundhi : float
        Range of sharpness and roundness of stars.
    brightest : int or None
        Number of stars kept.
    peakmax : float or None
        Greatest peak of stars.
    **segmentation
        See `find_segments`.

    Returns
    -------
    structured ndarray
        id, x, y (zero-based pixels), flux; the star finders give the brightest first.
    """
    excluded = (image.dq & UNUSABLE) != 0
    background = measure_background(image.data, ~excluded, int(bkg_boxsize))
    if background is None:
        return np.zeros(0, COLUMNS)
    flat = background.level
    np.copyto(flat, 0, where=excluded)
    np.subtract(image.data, flat, out=flat)
    if starfinder == "segmentation":
        threshold = np.where(excluded, np.float32(0), snr_threshold * background.rms)
        return _inside(find_segments(flat, excluded, threshold, kernel_fwhm, **segmentation), image)
    if starfinder not in FINDERS:
        raise JwcalError(f"starfinder is {starfinder!r}; it must be iraf, dao or segmentation")
    threshold = float(snr_threshold * _find_median(background.rms[~excluded]))
    separation = max(2, int(minsep_fwhm * kernel_fwhm + 0.5))
    limits = Limits((sharplo, sharphi), (roundlo, roundhi), peakmax)
    kernel = make_kernel(kernel_fwhm, sigma_radius)
    x, y, flux = FINDERS[starfinder](flat, excluded, threshold, separation, kernel, limits)
    order = np.argsort(flux)[::-1][:brightest] if brightest is not None else np.arange(len(flux))
    return _inside(_tabulate(x[order], y[order], flux[order]), image)


def _find_median(values):
    """Median of values [n], which are put in another order; numpy's own makes a copy and imports masked arrays."""
    middle = [(len(values) - 1) // 2, len(values) // 2]
    values.partition(middle)
    return values[middle].mean()


def find_segments(flat, excluded, threshold, kernel_fwhm, *, npixels=10, connectivity=8, nlevels=32, contrast=0.001,
                  multithresh_mode="exponential", localbkg_width=0, apermask_method="correct", kron_params=None,
                  deblend=True):  # fmt: skip
    """Find connected pixels above a threshold, with photutils.

    Parameters
    ----------
    flat : float32 [y, x]
        Image without background.
    excluded : bool [y, x]
        Pixels that do not count.
    threshold : float32 [y, x]
        Pixels of the smoothed image above it belong to a source.
    kernel_fwhm : float
        Width of the Gaussian that smooths; 0 for none.
    npixels : int
        Fewest pixels of a source.
    connectivity : int
        4 or 8: whether pixels that touch at a corner belong together.
    nlevels, contrast, multithresh_mode
        How sources that touch are separated: number of levels, least part of the flux, spacing of levels
        (exponential, linear, sinh).
    localbkg_width : int
        Width of the ring around each source in which its background is measured; 0 for none.
    apermask_method : str
        correct, mask, none: what becomes of neighbours' pixels.
    kron_params : sequence of float or None
        Scale and least radii of Kron apertures.
    deblend : bool
        Separate sources that touch.

    Returns
    -------
    structured ndarray
        As of `find_sources`.
    """
    from astropy.convolution import Gaussian2DKernel, convolve
    from photutils.segmentation import SourceCatalog, SourceFinder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        smooth = flat
        if kernel_fwhm > 0:
            smooth = convolve(flat, Gaussian2DKernel(kernel_fwhm / 2.3548200450309493), mask=excluded)
        finder = SourceFinder(
            npixels, connectivity=connectivity, deblend=deblend, n_levels=nlevels, contrast=contrast,
            mode=multithresh_mode, progress_bar=False,
        )  # fmt: skip
        segments = finder(smooth, threshold, mask=excluded)
        if segments is None:
            return np.zeros(0, COLUMNS)
        sources = SourceCatalog(
            flat, segments, mask=excluded, convolved_data=smooth, local_bkg_width=localbkg_width,
            aperture_mask_method=apermask_method, kron_params=tuple(kron_params or (2.5, 1.4, 0.0)),
        )  # fmt: skip
        return _tabulate(sources.x_centroid, sources.y_centroid, sources.segment_flux)


def _tabulate(x, y, flux):
    table = np.zeros(len(np.atleast_1d(x)), COLUMNS)
    table["id"], table["x"], table["y"], table["flux"] = np.arange(1, len(table) + 1), x, y, flux
    return table


def _inside(sources, image):
    """Sources within the bounding box of the image's WCS."""
    from jwcal.wcs import from_tree

    box = from_tree(image.wcs).bounding_box if image.wcs else None
    if box is None:
        return sources
    (x0, x1), (y0, y1) = box
    x, y = sources["x"], sources["y"]
    return sources[(x > x0) & (x < x1) & (y > y0) & (y < y1)]


def write_sources(path, sources):
    """Write a catalogue of sources as ECSV, atomically."""
    header = ["%ECSV 1.0", "---", "datatype:"]
    header += [f"- {{name: {name}, datatype: {sources.dtype[name].name}}}" for name in sources.dtype.names]
    lines = [f"# {line}" for line in (*header, "schema: astropy-2.0")] + [" ".join(sources.dtype.names)]
    lines += [" ".join(map(repr, row)) for row in sources.tolist()]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")
