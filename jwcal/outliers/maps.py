"""What outlier detection finds: one bit a pixel, kept packed, written to one small file for all exposures.

The file has one image extension ``OUTLIERS`` a member, EXTVER 1, 2, ..., uint8 [y, ceil(x / 8)]: the first pixel of a
row is the highest bit of the row's first byte. MEMBER is the exposure's name without suffix, MEMBERNX its columns.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.io import fits

from jwcal import dq
from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, FitsFile, write_fits

FLAG = np.uint32(dq.DO_NOT_USE | dq.OUTLIER)
PLANES = ("data", "err", "var_poisson", "var_rnoise", "var_flat")


class OutlierMap(NamedTuple):
    """Outliers of one exposure.

    Attributes
    ----------
    packed : uint8 [y, ceil(x / 8)]
        One bit a pixel.
    shape : tuple of int
        Rows and columns of the exposure.
    """

    packed: np.ndarray
    shape: tuple

    @classmethod
    def pack(cls, mask):
        """Of a bool array [y, x]."""
        return cls(np.packbits(mask, axis=1), mask.shape)

    @property
    def mask(self):
        """True where there is an outlier: bool [y, x]."""
        return np.unpackbits(self.packed, axis=1, count=self.shape[1]).view(bool)

    @property
    def count(self):
        """Number of outliers."""
        return int(np.bitwise_count(self.packed).sum())


def write_outliers(path, maps):
    """Write the outliers of an association.

    Parameters
    ----------
    path : str or pathlib.Path
        Target.
    maps : dict of str to OutlierMap
        By name of the exposure.
    """
    primary = fits.Header({"FILENAME": Path(path).name, "DATAMODL": "JwstDataModel", "TELESCOP": "JWST"})
    extensions = [Extension("PRIMARY", header=primary)]
    for number, (name, outliers) in enumerate(maps.items(), 1):
        header = fits.Header([
            ("MEMBER", name, "exposure"),
            ("MEMBERNX", outliers.shape[1], "columns of the exposure, eight to a byte"),
            ("NOUTLIER", outliers.count, "pixels flagged"),
        ])  # fmt: skip
        extensions.append(Extension("OUTLIERS", outliers.packed, header, version=number))
    write_fits(path, extensions)


def read_outliers(path, name=None):
    """Read the outliers of an association.

    Parameters
    ----------
    path : str or pathlib.Path
        File of `write_outliers`.
    name : str, optional
        An exposure.

    Returns
    -------
    dict of str to OutlierMap, or the OutlierMap of `name`

    Raises
    ------
    JwcalError
        When the file is unreadable or lacks the exposure.
    """
    with FitsFile(path) as file:
        keys = [("OUTLIERS", number + 1) for number in range(file.names.count("OUTLIERS"))]
        found = {file.header(key)["MEMBER"]: key for key in keys}
        if name is not None and name not in found:
            raise JwcalError(f"exposure {name} is not in it (it has {', '.join(found)}); make it anew", path)
        wanted = found if name is None else {name: found[name]}
        maps = {member: _read_map(file, key) for member, key in wanted.items()}
    return maps if name is None else maps[name]


def _read_map(file, key):
    packed = file.image(key)
    return OutlierMap(packed, (packed.shape[0], int(file.header(key)["MEMBERNX"])))


def apply_outliers(image, outliers):
    """Flag outliers in an exposure, in place, and make all its arrays agree on which pixels are usable.

    Outliers get DO_NOT_USE and OUTLIER. Then whatever is flagged DO_NOT_USE becomes NaN in data, errors and variances,
    and whatever is NaN in one of them is flagged DO_NOT_USE and becomes NaN in all, as in the official package.

    Parameters
    ----------
    image : Image
        Exposure [y, x].
    outliers : OutlierMap or None
        Its outliers; None if it has none.

    Returns
    -------
    Image
        The same object.

    Raises
    ------
    JwcalError
        When the sizes differ.
    """
    if outliers is not None:
        if outliers.shape != image.data.shape:
            raise JwcalError(f"its outliers are of {outliers.shape} pixels, the image {image.data.shape}", image.path)
        np.bitwise_or(image.dq, FLAG, out=image.dq, where=outliers.mask)
    unusable = image.dq & np.uint32(dq.DO_NOT_USE) != 0
    planes = [getattr(image, name) for name in PLANES]
    planes = [plane for plane in planes if plane is not None and plane.shape == image.data.shape]
    for plane in planes:
        unusable |= np.isnan(plane)
    np.bitwise_or(image.dq, np.uint32(dq.DO_NOT_USE), out=image.dq, where=unusable)
    for plane in planes:
        np.copyto(plane, np.nan, where=unusable)
    return image
