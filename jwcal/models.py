"""Containers that steps hand to each other: plain arrays, the headers they came with, nothing clever."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from astropy.io import fits

from jwcal.errors import JwcalError

REQUIRED = object()


class Subarray(NamedTuple):
    """Place of an array on the detector: zero-based first column and row, and its size, in pixels (science frame)."""

    x0: int
    y0: int
    nx: int
    ny: int


def find_keyword(name, headers, path):
    """Value of a keyword in the first of some headers that has it, None if none has; an error if it is no value."""
    for header in headers:
        try:
            value = header.get(name)
        except fits.VerifyError as error:
            raise JwcalError(
                f"keyword {name} has no readable value; correct it or fetch the file again", path
            ) from error
        if value is not None and not isinstance(value, fits.card.Undefined):
            return value
    return None


@dataclass
class Product:
    """What all products share.

    Attributes
    ----------
    header : astropy.io.fits.Header
        Primary header.
    sci_header : astropy.io.fits.Header
        Header of the SCI extension (pointing, WCS keywords, BUNIT).
    path : str
        File that it was read from; for messages.
    tables : dict of str to record array
        Tables carried along unchanged, by EXTNAME (GROUP, INT_TIMES, ...).
    wcs : dict or None
        ASDF tree of the gWCS, ``{"meta": {"wcs": node}}`` (see `jwcal.wcs`), set by assign_wcs.
    extras : dict of str to Product
        Further products that a step was asked to keep (a mask, the noise that it found), by suffix.
    """

    header: fits.Header
    sci_header: fits.Header
    path: str = ""
    tables: dict = field(default_factory=dict)
    wcs: dict | None = None
    extras: dict = field(default_factory=dict)

    def keyword(self, name, default=REQUIRED):
        """Value of a keyword, looked up in the primary header and then in SCI; an error that names it if absent."""
        value = find_keyword(name, (self.header, self.sci_header), self.path)
        if value is not None:
            return value
        if default is REQUIRED:
            raise JwcalError(f"keyword {name} is missing; the exposure cannot be calibrated without it", self.path)
        return default

    @property
    def subarray(self):
        """`Subarray` of the array, from SUBSTRT1/2 and SUBSIZE1/2."""
        x0, y0 = int(self.keyword("SUBSTRT1", 1)) - 1, int(self.keyword("SUBSTRT2", 1)) - 1
        ny, nx = self.data.shape[-2:]
        return Subarray(x0, y0, nx, ny)


@dataclass
class Ramp(Product):
    """Up-the-ramp samples of one exposure.

    Attributes
    ----------
    data : float32 [integration, group, y, x]
        Signal in DN.
    groupdq : uint8 [integration, group, y, x]
        Flags of each sample.
    pixeldq : uint32 [y, x]
        Flags of each pixel.
    zeroframe : float32 [integration, y, x] or None
        The first frame of each integration, in DN.
    refout : float32 [integration, group, y, x/4] or None
        MIRI's reference output.
    average_dark_current : float32 [y, x] or None
        Mean dark current in e-/s, for the Poisson variance of ramp_fit.
    offset : int
        Integrations of the file before the first one here, where it is worked on in blocks of integrations.
    carried : dict
        What a step hands from one block of integrations to the next, by its name.
    spendable : bool
        Whether ramp_fit may give up data and groupdq while it fits: where it is the last to see them.
    """

    data: np.ndarray = None
    groupdq: np.ndarray = None
    pixeldq: np.ndarray = None
    zeroframe: np.ndarray | None = None
    refout: np.ndarray | None = None
    average_dark_current: np.ndarray | None = None
    offset: int = 0
    carried: dict = field(default_factory=dict)
    spendable: bool = False


@dataclass
class Image(Product):
    """Count rates or calibrated data: one image [y, x], or one plane an integration [integration, y, x].

    Attributes
    ----------
    data, err : float32
        Signal and its standard error: DN/s, after photom MJy/sr.
    dq : uint32
        Flags.
    var_poisson, var_rnoise, var_flat : float32 or None
        Variances of the three noise sources, in squared units of data.
    area : float32 [y, x] or None
        Relative pixel area, attached by photom.
    combined_background : Image or None
        Mean background that was subtracted, where background was asked to keep it.
    """

    data: np.ndarray = None
    err: np.ndarray = None
    dq: np.ndarray = None
    var_poisson: np.ndarray | None = None
    var_rnoise: np.ndarray | None = None
    var_flat: np.ndarray | None = None
    area: np.ndarray | None = None
    combined_background: "Image | None" = None


@dataclass
class Rates:
    """What ramp_fit makes: the exposure's mean image, one plane an integration, and the optional results.

    Attributes
    ----------
    rate : Image
        Mean over all integrations [y, x].
    rateints : Image
        One plane an integration [integration, y, x].
    fitopt : dict of str to ndarray, or None
        Per-segment results by HDU name (SLOPE, SIGSLOPE, ...).
    extras : dict of str to Product
        As the ramp's (`Product`).
    """

    rate: Image
    rateints: Image
    fitopt: dict | None = None
    extras: dict = field(default_factory=dict)


@dataclass
class GuiderImage(Product):
    """Count rates of a guider exposure.

    Attributes
    ----------
    data, err : float32 [integration, y, x]
        Signal and its standard error, DN/s.
    dq : uint32 [y, x]
        Flags.
    """

    data: np.ndarray = None
    err: np.ndarray = None
    dq: np.ndarray = None


@dataclass
class Mosaic(Product):
    """A resampled image.

    Attributes
    ----------
    data, err : float32 [y, x]
        Surface brightness and its standard error; NaN where nothing was observed.
    context : int32 [plane, y, x]
        Bit k % 32 of plane k // 32 says that input k contributed.
    weight : float32 [y, x]
        Summed weight.
    var_poisson, var_rnoise, var_flat : float32 [y, x] or None
        Variances.
    dq : uint32 [y, x] or None
        Flags of all inputs that fall on a pixel, where resample was asked to hand them on.
    """

    data: np.ndarray = None
    err: np.ndarray = None
    context: np.ndarray = None
    weight: np.ndarray = None
    var_poisson: np.ndarray | None = None
    var_rnoise: np.ndarray | None = None
    var_flat: np.ndarray | None = None
    dq: np.ndarray | None = None


@dataclass
class SegmentationMap(Product):
    """Which source each pixel of a mosaic belongs to.

    Attributes
    ----------
    data : uint32 [y, x]
        Label of the source, 0 where there is none.
    """

    data: np.ndarray = None


class Column(NamedTuple):
    """A column of a catalogue.

    Attributes
    ----------
    name : str
        Name. Positions on the sky have arrays of right ascension and declination, degrees, for `values`.
    values : ndarray or (ndarray, ndarray)
        One value a source.
    unit : str or None
        Unit as astropy writes it; an empty text for a quantity without dimension.
    description : str
        What it is, in a line.
    format : str
        How to show its values, as astropy takes it.
    """

    name: str
    values: np.ndarray | tuple
    unit: str | None = None
    description: str = ""
    format: str = ""


@dataclass
class SourceCatalog:
    """Sources found on a mosaic.

    Attributes
    ----------
    header : astropy.io.fits.Header
        Primary header of the mosaic, and of the segmentation map.
    columns : list of Column
        In the order in which they are written.
    meta : dict
        What else the table says: apertures, references, versions.
    segmentation : SegmentationMap or None
        None where the finder does not tell which pixels belong to a source.
    """

    header: fits.Header
    columns: list
    meta: dict
    segmentation: SegmentationMap | None = None

    def __len__(self):
        return len(self["label"])

    def __getitem__(self, name):
        """Values of a column."""
        return next(column.values for column in self.columns if column.name == name)

    def to_table(self):
        """The catalogue as an astropy QTable, just as reading the file gives it."""
        from astropy.table import QTable

        from jwcal.catalog.ecsv import encode_table

        return QTable.read(encode_table(self.columns, self.meta), format="ascii.ecsv")
