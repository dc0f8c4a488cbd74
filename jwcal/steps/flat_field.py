"""Divide by the relative response of each pixel."""

import numpy as np

from jwcal.errors import StepSkipped
from jwcal.kernels.flat import divide_flat, divide_guider_flat
from jwcal.models import GuiderImage, Image
from jwcal.references import Reference

NIRSPEC_IMAGING = frozenset(
    "NRS_CONFIRM NRS_FOCUS NRS_IMAGE NRS_MIMF NRS_MSATA NRS_TACONFIRM NRS_TACQ NRS_TASLIT NRS_WATA".split()
)


def flat_field(
    image: Image,
    flat: Reference | None,
    *,
    user_supplied_flat: str | None = None,
    inverse: bool = False,
) -> Image:
    """Divide data by the flat field and carry its error along.

    With flat f and its standard error s: data / f, variances / f², VAR_FLAT = (data s / f²)², ERR from the sum of the
    three variances. Pixels without a flat (NaN, 0 or NO_FLAT_FIELD) are flagged DO_NOT_USE. Afterwards a pixel with
    DO_NOT_USE is NaN in all planes, and the reverse.

    Guider exposures have one error plane: it is divided by the flat as well and VAR_FLAT is added to its square (the
    official package, up to 3.0.0, leaves out the division). Their flagged pixels keep their values.

    Parameters
    ----------
    image : Image or GuiderImage
        Count rates, DN/s.
    flat : Reference or None
        Relative response SCI, its error ERR [y, x], and flags DQ. Needed unless `user_supplied_flat` is given.
    user_supplied_flat : str or None
        FITS file in the format of a flat reference, to use instead of the reference.
    inverse : bool
        Multiply instead, to undo the step; VAR_FLAT becomes 0.

    Returns
    -------
    Image or GuiderImage
        The same object with new arrays.

    Raises
    ------
    StepSkipped
        For NIRSpec spectra, for stacked guider images without a flat of the same kind, or when there is no flat.
    JwcalError
        When the flat does not cover the exposure.
    """
    exp_type = str(image.keyword("EXP_TYPE", ""))
    if str(image.keyword("INSTRUME", "")) == "NIRSPEC" and exp_type not in NIRSPEC_IMAGING:
        raise StepSkipped(f"the flat field of NIRSpec spectra ({exp_type}) is not a single image")
    if user_supplied_flat:
        flat = Reference(user_supplied_flat, "flat")
    if flat is None:
        raise StepSkipped("there is no flat")
    if "STACK" in exp_type and flat.lazy("SCI").shape != image.data.shape[-2:]:
        raise StepSkipped(f"the flat is not one of stacked strips, as the image ({exp_type}) is")
    arrays = (flat.image("SCI", like=image), _read_error(flat, image), flat.dq(like=image))
    if isinstance(image, GuiderImage):
        image.data, image.err, image.dq = divide_guider_flat(image.data, image.err, image.dq, *arrays, bool(inverse))
        return image
    shape = image.data.shape
    exposure = tuple(_cube(image, name) for name in ("data", "var_poisson", "var_rnoise"))
    dq = np.broadcast_to(image.dq, shape).reshape(exposure[0].shape)
    results = divide_flat(exposure, np.ascontiguousarray(dq), *arrays, bool(inverse))
    for name, result in zip(("data", "err", "var_poisson", "var_rnoise", "var_flat", "dq"), results, strict=True):
        setattr(image, name, result.reshape(shape))
    return image


def _read_error(flat, image):
    """Standard error of the flat, 0 where the file has none."""
    if flat.has("ERR"):
        return flat.image("ERR", like=image)
    return np.zeros(image.data.shape[-2:], np.float32)


def _cube(image, name):
    """Array of an image [integration, y, x]; zeros where it has none."""
    array = getattr(image, name)
    array = np.zeros_like(image.data) if array is None else np.ascontiguousarray(array)
    return array.reshape(-1, *array.shape[-2:])
