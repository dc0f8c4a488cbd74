"""Convert count rates to surface brightness."""

import math

import numpy as np

from jwcal.errors import JwcalError, StepSkipped
from jwcal.kernels.flux_scale import scale_flux
from jwcal.models import Image
from jwcal.references import Reference

MJSR_TO_UJA2 = 1e12 * (math.pi / 180 / 3600) ** 2  # MJy/sr to uJy/arcsec²
DAYS_A_YEAR = 365.0  # of the time-dependence tables
# Columns that must agree with the header, by instrument; subarray counts where the table has it.
MATCHED = {
    "FGS": (),
    "NIRCAM": ("filter", "pupil", "subarray"),
    "NIRISS": ("filter", "pupil"),
    "MIRI": ("filter", "subarray"),
}
PLANES = ("data", "err", "var_poisson", "var_rnoise", "var_flat")


def photom(
    image: Image,
    photom: Reference,
    area: Reference | None = None,
    *,
    inverse: bool = False,
    source_type: str | None = None,
    apply_time_correction: bool = True,
) -> Image:
    """Multiply imaging data by PHOTMJSR, their variances by its square, and attach the pixel areas.

    The conversion is that of the table's row for the exposure's filter (and pupil, subarray; a subarray of MIRI that
    has no row takes GENERIC), divided by the relative throughput at the time where the reference knows it. Keywords
    PHOTMJSR, PHOTUJA2, PIXAR_SR, PIXAR_A2 and BUNIT are set. Afterwards a pixel with DO_NOT_USE is NaN in all planes,
    and the reverse.

    Parameters
    ----------
    image : Image
        Count rates of an imaging exposure, DN/s.
    photom : Reference
        Table PHOTOM of PHOTMJSR, MJy/sr per DN/s; optionally tables TIMECOEFF_LINEAR, TIMECOEFF_EXPONENTIAL and
        TIMECOEFF_POWERLAW of the change with time.
    area : Reference or None
        Relative pixel areas SCI [y, x], keywords PIXAR_SR and PIXAR_A2. Without it these keywords come from `photom`.
    inverse : bool
        Convert back to DN/s, to undo the step.
    source_type : str or None
        POINT or EXTENDED, instead of the header's SRCTYPE. It counts only where the table holds flux densities
        (PHOTMJ): point sources then come in MJy, others are divided by the pixel area.
    apply_time_correction : bool
        Correct for the change of the throughput with time.

    Returns
    -------
    Image
        The same object with new arrays.

    Raises
    ------
    StepSkipped
        For spectra, for NIRISS data with one plane an integration, and when the table has no row for the exposure.
    JwcalError
        When several rows match, or a needed keyword is missing.
    """
    table = photom.table("PHOTOM")
    _check_mode(image, table)
    row = _find_row(image, table)
    areas = _find_areas(photom, area)
    conversion, unit = _find_conversion(image, table, row, source_type, areas[0])
    if apply_time_correction:
        conversion /= _find_throughput(photom, row, image)
    if area is not None:
        image.area = area.image("SCI", like=image)
    _scale(image, 1 / conversion if inverse else conversion)
    _stamp(image, conversion, areas, "DN/s" if inverse else unit)
    return image


def _check_mode(image, table):
    """Leave out what this step cannot calibrate."""
    instrument, exp_type = image.keyword("INSTRUME"), image.keyword("EXP_TYPE", "")
    if instrument not in MATCHED or "wavelength" in [name.lower() for name in table.names]:
        raise StepSkipped(f"the photometric calibration of {exp_type} depends on wavelength")
    if instrument == "NIRISS" and image.data.ndim == 3:
        raise StepSkipped("NIRISS integrations are left in DN/s")


def _find_row(image, table):
    """Number of the table's row for an exposure."""
    instrument = image.keyword("INSTRUME")
    names = [name for name in MATCHED[instrument] if name in (column.lower() for column in table.names)]
    wanted = {name: str(image.keyword(name.upper(), "")).strip().upper() for name in names}
    rows = _match(table, wanted) if names else np.array([0])
    if rows.size == 0 and instrument == "MIRI":
        rows = _match(table, wanted | {"subarray": "GENERIC"})
    setting = " ".join(wanted.values())
    if rows.size == 0:
        raise StepSkipped(f"the photom reference has no row for {setting}")
    if rows.size > 1:
        raise JwcalError(f"the photom reference has {rows.size} rows for {setting}; correct the table", image.path)
    return int(rows[0])


def _match(table, wanted):
    matches = np.ones(len(table), bool)
    for name, value in wanted.items():
        matches &= np.char.upper(np.char.strip(np.asarray(table.field(name)).astype(str))) == value
    return np.flatnonzero(matches)


def _find_areas(photom, area):
    """PIXAR_SR and PIXAR_A2 of the area reference or, where that lacks them, of the photom reference."""
    sources = [source for source in (area, photom) if source is not None]
    found = [
        next((source.keyword(name) for source in sources if source.keyword(name) is not None), None)
        for name in ("PIXAR_SR", "PIXAR_A2")
    ]
    return tuple(None if value is None else float(value) for value in found)


def _find_conversion(image, table, row, source_type, steradians):
    """Factor from DN/s, and the unit it leads to."""
    names = [name.lower() for name in table.names]
    if "photmjsr" in names:
        return float(table.field("photmjsr")[row]), "MJy/sr"
    conversion = float(table.field("photmj")[row])
    if str(source_type or image.keyword("SRCTYPE", "")).upper() == "POINT":
        return conversion, "MJy"
    if steradians is None:
        raise JwcalError("flux densities cannot become MJy/sr without PIXAR_SR; give an area reference", image.path)
    return conversion / steradians, "MJy/sr"


def _find_throughput(photom, row, image):
    """Throughput at mid-exposure relative to that of the table."""
    models = {
        "TIMECOEFF_LINEAR": _lose_linearly,
        "TIMECOEFF_EXPONENTIAL": _lose_exponentially,
        "TIMECOEFF_POWERLAW": _lose_by_power,
    }
    throughput = 1.0
    for extname, model in models.items():
        if photom.has(extname):
            throughput *= model(float(image.keyword("EXPMID")), photom.table(extname)[row])
    return throughput


def _lose_linearly(time, row):
    """Times are MJD; `row` is that of the time-dependence table."""
    return 1 - float(row["lossperyear"]) * (time - float(row["t0"])) / DAYS_A_YEAR


def _lose_exponentially(time, row):
    t0, amplitude, tau, const = (float(row[name]) for name in ("t0", "amplitude", "tau", "const"))
    return amplitude * math.exp(-(time - t0) / tau) + const


def _lose_by_power(time, row):
    t0, year1, tsoft, alpha = (float(row[name]) for name in ("t0", "year1value", "tsoft", "alpha"))
    return (time - t0 + tsoft) ** alpha * year1 / (DAYS_A_YEAR + tsoft) ** alpha


def _scale(image, factor):
    shape = image.data.shape
    planes = []
    for name in PLANES:
        array = getattr(image, name)
        if array is None and name == "var_flat":
            array = np.zeros((0, *shape[-2:]), np.float32)
        elif array is None:
            array = np.zeros(shape, np.float32)
        planes.append(np.ascontiguousarray(array).reshape(-1, *shape[-2:]))
    dq = np.ascontiguousarray(np.broadcast_to(image.dq, shape)).reshape(planes[0].shape)
    results = scale_flux(tuple(planes), dq, float(factor))
    for name, result in zip((*PLANES, "dq"), results, strict=True):
        if getattr(image, name) is not None:
            setattr(image, name, result.reshape(shape))


def _stamp(image, conversion, areas, unit):
    header = image.sci_header
    header["PHOTMJSR"] = (conversion, "Flux density (MJy/steradian) producing 1 cps")
    header["PHOTUJA2"] = (conversion * MJSR_TO_UJA2, "Flux density (uJy/arcsec2) producing 1 cps")
    if areas[0] is not None:
        header["PIXAR_SR"] = (areas[0], "Nominal pixel area in steradians")
    if areas[1] is not None:
        header["PIXAR_A2"] = (areas[1], "Nominal pixel area in arcsec^2")
    header["BUNIT"] = (unit, "physical units of the array values")
