"""Reading and writing FITS files quickly: memory-mapped reads, streamed writes, atomic replacement.

Headers are astropy's; only the bulk data take our own short way (one byte swap, no copy of the whole array).
"""

import gzip
import io
import os
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from jwcal.errors import JwcalError
from jwcal.fitstables import encode_table
from jwcal.memory.mapping import release

BLOCK = 2880
CHUNK = 1 << 17  # samples swapped at a time
GZIPPED = b"\x1f\x8b"
UNSIGNED = {(2, 32768): np.uint16, (4, 2147483648): np.uint32}  # by bytes a sample and BZERO


class FitsFile:
    """A FITS file opened for reading by extension name.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Raises
    ------
    JwcalError
        When it is absent, not FITS, truncated, or lacks an extension that is asked for.
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            with warnings.catch_warnings():
                # Truncation is found below, and said in our own words.
                warnings.simplefilter("ignore", AstropyUserWarning)
                self._content = _decompress(self.path)
                source = self.path if self._content is None else io.BytesIO(self._content)
                mapped = self._content is None
                self._hdus = fits.open(source, memmap=mapped, lazy_load_hdus=False, do_not_scale_image_data=True)
        except FileNotFoundError as error:
            raise JwcalError("file not found", self.path) from error
        except (OSError, EOFError, ValueError, TypeError, KeyError, zlib.error, fits.VerifyError) as error:
            raise JwcalError(f"not a readable FITS file ({error}); fetch it again", self.path) from error
        self._size = os.stat(self.path).st_size if self._content is None else len(self._content)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def __contains__(self, extname):
        return extname in self._hdus

    def close(self):
        """Close the file; arrays that were handed out stay valid."""
        self._hdus.close()

    @property
    def names(self):
        """Extension names in order."""
        return [hdu.name for hdu in self._hdus]

    def _hdu(self, extname):
        try:
            return self._hdus[extname]
        except KeyError as error:
            raise JwcalError(f"extension {extname} is missing (it has {', '.join(self.names)})", self.path) from error

    def header(self, extname="PRIMARY"):
        """Header of an extension; ``PRIMARY`` is the first."""
        return self._hdus[0].header if extname == "PRIMARY" else self._hdu(extname).header

    def _layout(self, extname):
        """Shape in C order, type in the file, and first byte of an image."""
        hdu = self._hdu(extname)
        header = hdu.header
        shape = tuple(int(header[f"NAXIS{axis}"]) for axis in range(header["NAXIS"], 0, -1))
        if not shape or isinstance(hdu, fits.BinTableHDU):
            raise JwcalError(f"extension {extname} holds no image", self.path)
        dtype = np.dtype(fits.BITPIX2DTYPE[header["BITPIX"]]).newbyteorder(">")
        start = hdu.fileinfo()["datLoc"]
        if start + dtype.itemsize * int(np.prod(shape)) > self._size:
            raise JwcalError(
                f"truncated: extension {extname} ends after the end of the file; fetch it again", self.path
            )
        return shape, dtype, start

    def shape(self, extname):
        """Shape of an image in C order."""
        return self._layout(extname)[0]

    def lazy(self, extname):
        """Image as a memory-mapped array in the file's own type (big-endian, unscaled), axes in C order."""
        shape, dtype, start = self._layout(extname)
        if self._content is not None:
            return np.ndarray(shape, dtype, self._content, start)
        return np.memmap(self.path, dtype=dtype, mode="r", offset=start, shape=shape)

    def scaling(self, extname):
        """(BSCALE, BZERO) of an image."""
        header = self.header(extname)
        return header.get("BSCALE", 1), header.get("BZERO", 0)

    def image(self, extname, dtype=None, planes=None):
        """Image in native byte order with BZERO applied, as `dtype` (default: the nearest native type).

        `planes`, (first, past the last), reads some of its first axis only.

        It is read through a small buffer: mapping the file would count it once more in the job's memory.
        """
        shape, kind, start = self._layout(extname)
        if planes is not None:
            start += planes[0] * kind.itemsize * int(np.prod(shape[1:]))
            shape = (planes[1] - planes[0], *shape[1:])
        scale, zero = self.scaling(extname)
        unsigned = UNSIGNED.get((kind.itemsize, zero))
        result = np.empty(shape, dtype or unsigned or kind.newbyteorder("="))
        flat = result.reshape(-1)
        buffer = np.empty(min(CHUNK, flat.size), kind)
        with self._open() as file:
            file.seek(start)
            for first in range(0, flat.size, CHUNK):
                part = buffer[: min(CHUNK, flat.size - first)]
                file.readinto(part)
                flat[first : first + part.size] = _unscale(part, scale, zero, unsigned)
        return result

    def _open(self):
        return open(self.path, "rb", buffering=0) if self._content is None else io.BytesIO(self._content)

    def unscale(self, extname, part):
        """Values of raw samples that `lazy` gave: BSCALE and BZERO applied."""
        scale, zero = self.scaling(extname)
        return _unscale(part, scale, zero, UNSIGNED.get((part.dtype.itemsize, zero)))

    def table(self, extname):
        """Record array of a table extension."""
        hdu = self._hdu(extname)
        if not isinstance(hdu, fits.BinTableHDU):
            raise JwcalError(f"extension {extname} is not a table", self.path)
        try:
            return hdu.data
        except (OSError, ValueError, TypeError, KeyError, IndexError, fits.VerifyError) as error:
            raise JwcalError(f"table {extname} is damaged ({error}); fetch the file again", self.path) from error


def _decompress(path):
    """Content of a gzipped file, None where it is not; some tools leave the ``.gz`` out of the name."""
    with open(path, "rb") as file:
        if file.read(2) != GZIPPED:
            return None
    with gzip.open(path) as file:
        return file.read()


def _unscale(part, scale, zero, unsigned):
    """Values of raw samples; the offset that stands for an unsigned integer is a flip of the highest bit."""
    if unsigned:
        bits = part.view(part.dtype.str.replace("i", "u"))
        return bits ^ unsigned(zero)
    return part if scale == 1 and zero == 0 else part * scale + zero


@contextmanager
def replacing(path):
    """Give a temporary path beside `path`; rename it onto `path` when the block ends well, delete it otherwise.

    A killed job thus never leaves a half product under a real name, and a full disk is one line.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise JwcalError(
            f"cannot be written ({error.strerror or error}); free some space or check permissions", path
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


class Extension:
    """One HDU to be written: a header, and an array (image) or record array (table).

    Parameters
    ----------
    name : str
        EXTNAME; ``PRIMARY`` for the first.
    data : ndarray or None
        Image, or structured array for a table.
    header : astropy.io.fits.Header or None
        Keywords besides those that describe the data.
    version : int
        EXTVER.
    """

    def __init__(self, name, data=None, header=None, version=1):
        self.name, self.data, self.header, self.version = name, data, header, version


def write_fits(path, extensions):
    """Write HDUs to `path`, atomically, streaming images through a small buffer.

    Parameters
    ----------
    path : str or pathlib.Path
        Target; replaced when complete.
    extensions : iterable of Extension
        The first is the primary HDU.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        for index, extension in enumerate(extensions):
            _write_extension(file, extension, primary=index == 0)


def _write_extension(file, extension, primary):
    if extension.data is not None and extension.data.dtype.names:
        _write_table(file, extension)
        return
    header = _image_header(extension, primary)
    file.write(header.tostring(endcard=True, padding=True).encode("ascii"))
    if extension.data is not None:
        _write_array(file, extension.data)


def _image_header(extension, primary):
    """Header of an image HDU: the mandatory keywords first, then EXTNAME, then the caller's own."""
    data = extension.data
    header = fits.Header()
    if primary:
        header["SIMPLE"] = (True, "conforms to FITS standard")
    else:
        header["XTENSION"] = ("IMAGE", "Image extension")
    header["BITPIX"] = (8 if data is None else fits.DTYPE2BITPIX[data.dtype.newbyteorder("=").name], "array data type")
    shape = () if data is None else data.shape
    header["NAXIS"] = (len(shape), "number of array dimensions")
    for axis, length in enumerate(reversed(shape), 1):
        header[f"NAXIS{axis}"] = length
    if primary:
        header["EXTEND"] = True
    else:
        header["PCOUNT"], header["GCOUNT"] = 0, 1
        header["EXTNAME"] = (extension.name, "extension name")
        if extension.version != 1:
            header["EXTVER"] = extension.version
    zero = {"uint16": 32768, "uint32": 2147483648}.get("" if data is None else data.dtype.name)
    if zero:
        header["BSCALE"], header["BZERO"] = 1, zero
    if extension.header is not None:
        header.extend((card for card in extension.header.cards if not _structural(card.keyword)), update=True)
    return header


_STRUCTURE = set("SIMPLE XTENSION BITPIX NAXIS EXTEND PCOUNT GCOUNT EXTNAME EXTVER BSCALE BZERO".split())
_STRUCTURE |= {"TFIELDS", "GROUPS", "CHECKSUM", "DATASUM"}


def _structural(keyword):
    return keyword in _STRUCTURE or (keyword[:5] == "NAXIS" and keyword[5:].isdigit())


def _write_array(file, data):
    """Write an array in big-endian order (unsigned integers by the FITS offset convention), two chunks at a time."""
    flat = np.ascontiguousarray(data).reshape(-1)
    target = flat.dtype.newbyteorder(">")
    unsigned = flat.dtype.kind == "u" and flat.dtype.itemsize > 1
    flip = flat.dtype.type(1 << (8 * flat.dtype.itemsize - 1)) if unsigned else None
    file.flush()
    first = file.tell()

    def write_chunk(start):
        chunk = flat[start : start + CHUNK]
        _write_at(file, first + start * target.itemsize, (chunk ^ flip if unsigned else chunk).astype(target))
        release(chunk)

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(write_chunk, range(0, flat.size, CHUNK)):
            pass
    file.seek(first + flat.nbytes)
    file.write(b"\0" * (-flat.nbytes % BLOCK))


def _write_at(file, offset, array):
    """Write all of an array at an offset, whatever part of it the system takes at once."""
    content = memoryview(array).cast("B")
    while content:
        written = os.pwrite(file.fileno(), content, offset)
        content, offset = content[written:], offset + written


def _write_table(file, extension):
    columns, content = encode_table(extension.data)
    header = fits.Header([("XTENSION", "BINTABLE", "binary table extension"), ("BITPIX", 8), ("NAXIS", 2)])
    header.extend(columns.cards, strip=False)
    header["EXTNAME"] = (extension.name, "extension name")
    if extension.version != 1:
        header["EXTVER"] = extension.version
    if extension.header is not None:
        own = (c for c in extension.header.cards if not _structural(c.keyword) and c.keyword not in header)
        header.extend(own, update=False)
    file.write(header.tostring(endcard=True, padding=True).encode("ascii"))
    file.write(content)
    file.write(b"\0" * (-len(content) % BLOCK))
