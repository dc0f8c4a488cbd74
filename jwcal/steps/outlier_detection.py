"""Find pixels of exposures that the other exposures of the same sky contradict: cosmic rays and bad pixels."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from jwcal import dq, products
from jwcal.associations.members import exposure_name
from jwcal.drizzling import Recipe, find_group, load_image, read_fill_value
from jwcal.errors import JwcalError, StepSkipped
from jwcal.models import Image, Mosaic
from jwcal.mosaics import find_frame, stamp_frame
from jwcal.outliers import imaging, stacking
from jwcal.outliers.maps import OutlierMap

ARRAYS = ("err", "dq", "var_poisson", "var_rnoise", "var_flat")
# Modes whose outliers are found in other ways.
ELSEWHERE = {"NRC_WFSS", "NIS_WFSS", "MIR_LRS-FIXEDSLIT", "NRS_FIXEDSLIT", "NRS_MSASPEC", "NRS_IFU", "MIR_MRS"}


def outlier_detection(
    images: Sequence[Image | str | Path],
    prepare: Callable[[Image], Image] | None = None,
    folder: str | Path | None = None,
    *,
    weight_type: str = "ivm",
    pixfrac: float = 1.0,
    kernel: str = "square",
    fillval: str | float = "NAN",
    maskpt: float = 0.7,
    snr: str | Sequence[float] = "5.0 4.0",
    scale: str | Sequence[float] = "1.2 0.7",
    core_scale: float = 0.5,
    backg: float = 0.0,
    resample_data: bool = True,
    good_bits: str | int | None = "~DO_NOT_USE",
    save_intermediate_results: bool = False,
    pixmap_tolerance: float = 1e-6,
) -> list[OutlierMap]:
    """Find outliers of images of the same sky.

    Each exposure is compared with the median of all: see `jwcal.outliers.imaging`, and for images that were not
    dithered `jwcal.outliers.stacking`. Exposures are read one at a time; their images on the common grid lie in a
    temporary file (in TMPDIR), so that memory does not grow with their number.

    Deliberate differences from the official package: a single exposure, even if taken with several detectors, has
    nothing to be compared with and is skipped; pixels up to the very edge of the common grid are compared; pixels that
    are NaN have no weight, whatever their flags; the median of images that were not dithered is one of each detector,
    without the sky level of each. And `core_scale` keeps the cores of undersampled stars, which the official test takes
    for outliers (94 pixels of 266 stars in four simulated 0.9 um exposures with NIRCam, of which this leaves 13);
    where no other exposure reaches, it flags nothing.

    Parameters
    ----------
    images : sequence of Image or path
        Calibrated exposures [y, x] with a WCS.
    prepare : callable, optional
        Called once with each image that is a file, its headers and WCS read but not its pixels; returns it with the WCS
        (and S_REGION) and the sky level (BKGLEVEL, BKGSUB) that shall hold.
    folder : path, optional
        Where intermediate results go; by default beside nothing, in the working folder.
    weight_type : str
        Weight of an input pixel: ivm (inverse read-noise variance) or exptime (exposure time).
    pixfrac : float
        Side of the drop, in input pixels, into which the flux of a pixel is shrunk, 0 to 1.
    kernel : str
        Shape of the drop: square, point or turbo.
    fillval : str or float
        Value, in intermediate results, of pixels that nothing falls into; they never count in the median.
    maskpt : float
        Pixels of a drizzled exposure with less than this fraction of its typical weight are left out of the median.
    snr : str or two floats
        Thresholds of the first and second pass, in standard errors.
    scale : str or two floats
        Fraction of the local gradient that is allowed in addition, in the first and second pass.
    core_scale : float
        Keep the cores of undersampled stars: an outlier must differ by this fraction of the local gradient, or by 0.3
        of its excess, also when the exposure is smoothed as the median was, by the drizzle and the interpolation. 0
        does without.
    backg : float
        Sky level of exposures that do not say it themselves.
    resample_data : bool
        Compare on a common grid; false for images that were not dithered.
    good_bits : str, int or None
        Flags that do not exclude a pixel from the median; ``~`` lists those that do; None: no flag does.
    save_intermediate_results : bool
        Write the drizzled exposures (`_outlier_i2d`), the median (`_median`) and what each exposure was compared with
        (`_blot`).
    pixmap_tolerance : float
        Largest error, output pixels, of the positions interpolated between the points where the WCS is evaluated.

    Returns
    -------
    list of OutlierMap
        New outliers of each image; `jwcal.outliers.maps.apply_outliers` flags them.

    Raises
    ------
    StepSkipped
        With fewer than two exposures, or for data that are not two-dimensional images.
    JwcalError
        For a setting that cannot be understood, or an image without WCS.

    References
    ----------
    Fruchter & Hook 2002, PASP 114, 144; Koekemoer et al. 2003, HST Calibration Workshop, 337.
    """
    items = list(images)
    pairs = _read_pair("snr", snr), _read_pair("scale", scale)
    thresholds = imaging.Thresholds(float(maskpt), *pairs, float(core_scale), float(backg))

    outlines = [_read_outline(item, prepare) for item in items]

    def load(index, only):
        if isinstance(items[index], Image):
            return replace(items[index], **{name: None for name in ARRAYS if name not in only})
        return products.fill_image(outlines[index], only)

    groups = _group_exposures(outlines, resample_data)
    footprints = [outline.keyword("S_REGION") for outline in outlines] if resample_data else []
    frame = find_frame(outlines[0], footprints) if resample_data else None
    bad = dq.interpret(good_bits) & 0xFFFFFFFF
    recipe = Recipe(frame, kernel, float(pixfrac), weight_type, bad, False, False, float(pixmap_tolerance))
    keep = _make_keeper(folder, outlines, footprints, recipe, fillval) if save_intermediate_results else None
    room = imaging if resample_data else stacking
    return room.find_outliers(load, groups, recipe, thresholds, keep)


def _read_outline(item, prepare):
    """Headers and WCS of an image, and its shape."""
    image = load_image(item, ())
    return image if image is item or prepare is None else prepare(image)


def _read_pair(name, value):
    """Two numbers, or the text of two numbers."""
    try:
        first, second = (float(v) for v in (value.split() if isinstance(value, str) else value))
    except (ValueError, TypeError) as error:
        raise JwcalError(f"{name} is {value!r}; give two numbers, such as '5.0 4.0'") from error
    return first, second


def _group_exposures(outlines, resample_data):
    """Numbers of the images that are combined before they are compared, or compared among themselves."""
    for outline in outlines:
        if outline.keyword("EXP_TYPE", "") in ELSEWHERE:
            raise StepSkipped(f"outliers of {outline.keyword('EXP_TYPE')} exposures are not looked for yet")
    groups = {}
    for index, outline in enumerate(outlines):
        key = find_group(outline) or index if resample_data else outline.keyword("DETECTOR", "")
        groups.setdefault(key, []).append(index)
    if len(outlines) < 2 or (resample_data and len(groups) < 2):
        raise StepSkipped("fewer than two exposures; outliers are found by comparing exposures")
    return list(groups.values())


def _make_keeper(folder, outlines, footprints, recipe, fillval):
    """Function that writes an intermediate result; its name is that of the exposure."""
    folder = Path(folder or ".")
    fill = np.float32(read_fill_value(fillval))

    def keep(suffix, index, result):
        image, name = outlines[index], exposure_name(outlines[index].path) or f"exposure{index + 1}"
        if suffix == "blot" or recipe.frame is None:
            product = Image(image.header.copy(), image.sci_header.copy(), wcs=image.wcs, data=result)
        else:
            planes = _spread(result, recipe.frame.shape, fill) if suffix == "outlier_i2d" else {"data": result}
            product = Mosaic(image.header.copy(), image.sci_header.copy(), wcs=recipe.frame.wcs.tree, **planes)
            stamp_frame(product.sci_header, recipe.frame, footprints)
        products.write(folder / f"{name}_{suffix}.fits", product)

    return keep


def _spread(canvas, shape, fill):
    """Data and weight of a canvas, over the whole frame."""
    y, x = canvas.origin
    place = (slice(y, y + canvas.weights.shape[1]), slice(x, x + canvas.weights.shape[2]))
    planes = {"data": np.full(shape, fill, np.float32), "weight": np.zeros(shape, np.float32)}
    planes["data"][place] = np.where(canvas.weights[0] == 0, fill, canvas.planes[0])
    planes["weight"][place] = canvas.weights[0]
    return planes
