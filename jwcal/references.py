"""Reference files: their arrays cut to an exposure's subarray, flags translated, tables and trees read."""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
from astropy.io import fits

from jwcal import asdffiles
from jwcal import dq as dqflags
from jwcal.errors import JwcalError
from jwcal.fitsfiles import FitsFile
from jwcal.memory.mapping import release

ROWS_AT_ONCE = 256  # read by one thread
FULL_FRAMES = {(2048, 2048), (1032, 1024), (2048, 3200)}  # columns and rows; the last with interleaved reference pixels


class Reference:
    """One calibration reference file, read lazily.

    Parameters
    ----------
    path : str or pathlib.Path
        FITS, ASDF or JSON file in the format of CRDS.
    reftype : str
        CRDS type in lower case (``gain``, ``superbias``); for messages.

    Raises
    ------
    JwcalError
        When the file is absent or cannot be read, or when an array does not cover the exposure's subarray.
    """

    def __init__(self, path, reftype=""):
        self.path, self.reftype = Path(path), reftype

    def __repr__(self):
        return f"Reference({self.path.name!r}, {self.reftype!r})"

    @property
    def name(self):
        """File name without folder."""
        return self.path.name

    @cached_property
    def _file(self):
        return FitsFile(self.path)

    @property
    def header(self):
        """Primary header (FITS references)."""
        return self._file.header("PRIMARY")

    def keyword(self, name, default=None):
        """Value of a primary keyword, `default` where absent or blank."""
        value = self.header.get(name)
        return default if value is None or isinstance(value, fits.card.Undefined) else value

    def has(self, extname):
        """True where the file has that extension."""
        return extname in self._file

    def lazy(self, extname="SCI", like=None):
        """Array of an extension, memory-mapped, in the file's (big-endian) type, cut like `image`.

        For references as large as a ramp: copy a plane at a time, and let go of it (`jwcal.memory.mapping.release`).
        """
        array = self._file.lazy(extname)
        return array if like is None else self._cut(array, extname, like)

    def image(self, extname="SCI", like=None, dtype=np.float32, rows=slice(None)):
        """Array of an extension in native byte order, its last two axes cut to the subarray of `like`.

        Parameters
        ----------
        extname : str
            Extension.
        like : jwcal.models.Product or None
            Exposure whose subarray is wanted; None gives the whole array.
        dtype : numpy dtype
            Type of the result.
        rows : slice
            Rows of the cut that are wanted.

        Returns
        -------
        ndarray [..., y, x], C-contiguous and owned by the caller.
        """
        raw = self.lazy(extname, like)
        raw = raw[..., rows, :] if raw.ndim > 1 else raw
        result = np.empty(raw.shape, dtype)

        def fill(first):
            part = np.s_[..., first : first + ROWS_AT_ONCE, :] if raw.ndim > 1 else ...
            result[part] = self._file.unscale(extname, raw[part])

        firsts = range(0, raw.shape[-2] if raw.ndim > 1 else 1, ROWS_AT_ONCE)
        with ThreadPoolExecutor(2) as pool:  # numpy lets go of the GIL while it swaps bytes
            list(pool.map(fill, firsts))
        release(raw)
        return result

    def dq(self, like=None, extname="DQ"):
        """Flags uint32 [..., y, x] in the standard bits (translated by DQ_DEF), cut like `image`; zeros if absent."""
        if extname not in self._file:
            shape = like.data.shape[-2:] if like is not None else self._file.lazy("SCI").shape[-2:]
            return np.zeros(shape, np.uint32)
        definitions = self.table("DQ_DEF") if "DQ_DEF" in self._file else None
        return dqflags.translate(self.image(extname, like, np.uint32), definitions)

    def table(self, extname):
        """Record array of a table extension."""
        return self._file.table(extname)

    @cached_property
    def tree(self):
        """Raw tree of an ASDF reference (see `jwcal.asdffiles`)."""
        return asdffiles.read(self.path)

    def _cut(self, array, extname, like):
        science = like.subarray
        ny, nx = array.shape[-2:]
        start = self._find_start(nx, ny, science, extname)
        x0, y0 = science.x0 - start[0], science.y0 - start[1]
        if x0 < 0 or y0 < 0 or x0 + science.nx > nx or y0 + science.ny > ny:
            raise JwcalError(
                f"{self.reftype or 'reference'} array {extname} of {nx}x{ny} pixels does not cover the exposure's "
                f"subarray ({science.nx}x{science.ny} from column {science.x0 + 1}, row {science.y0 + 1}); "
                f"check SUBSTRT1/2 and SUBSIZE1/2 or give another file under references.override",
                self.path,
            )
        return array[..., y0 : y0 + science.ny, x0 : x0 + science.nx]

    def _find_start(self, nx, ny, science, extname):
        """Zero-based first column and row; where the header lacks them, of arrays of the science's size or whole."""
        start = self.keyword("SUBSTRT1"), self.keyword("SUBSTRT2")
        if None not in start:
            if min(start) < 1:
                raise JwcalError(
                    f"SUBSTRT1, SUBSTRT2 = {start[0]}, {start[1]} is no place on a detector, where pixels are counted "
                    f"from 1; correct the keywords or give another file under references.override",
                    self.path,
                )
            return int(start[0]) - 1, int(start[1]) - 1
        if (nx, ny) == (science.nx, science.ny):
            return science.x0, science.y0
        if (nx, ny) in FULL_FRAMES:
            return 0, 0
        raise JwcalError(
            f"keywords SUBSTRT1 and SUBSTRT2 are missing, so that the place of array {extname} of {nx}x{ny} pixels is "
            f"unknown (the exposure has {science.nx}x{science.ny}); add them or give another file under "
            f"references.override",
            self.path,
        )


# References by type; an argument annotated so takes all that NIRSpec's coordinates need (`jwcal.chains.GROUPS`).
NirspecOptics = dict[str, Reference]
