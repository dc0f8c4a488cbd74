"""Reading and writing products in the archive's formats: same HDUs, keywords and names as JWST's own files."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from jwcal import models, ranges
from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, FitsFile, replacing, write_fits

CARRIED_TABLES = (
    "GROUP",
    "INT_TIMES",
    "MOVING_TARGET_POSITION",
    "Planned Reference Stars",
    "Flight Reference Stars",
    "Pointing",
    "FGS Centroid Packet",
    "Track subarray table",
    "HDRTAB",
)
RAMP_TABLES = {"GROUP"}

# HDU name of each array of a container, in the order of the archive's files.
RAMP_HDUS = {"data": "SCI", "pixeldq": "PIXELDQ", "groupdq": "GROUPDQ", "zeroframe": "ZEROFRAME", "refout": "REFOUT",
             "average_dark_current": "AVDRKCUR"}  # fmt: skip
INTEGRATIONS = ("data", "groupdq", "zeroframe", "refout")  # what a ramp has for each integration
IMAGE_HDUS = {"data": "SCI", "err": "ERR", "dq": "DQ", "area": "AREA", "var_poisson": "VAR_POISSON",
              "var_rnoise": "VAR_RNOISE", "var_flat": "VAR_FLAT"}  # fmt: skip
GUIDER_HDUS = {"data": "SCI", "err": "ERR", "dq": "DQ"}
MOSAIC_HDUS = {"data": "SCI", "err": "ERR", "dq": "DQ", "context": "CON", "weight": "WHT",
               "var_poisson": "VAR_POISSON", "var_rnoise": "VAR_RNOISE", "var_flat": "VAR_FLAT"}  # fmt: skip

HDUS = {
    models.Ramp: RAMP_HDUS,
    models.Image: IMAGE_HDUS,
    models.GuiderImage: GUIDER_HDUS,
    models.Mosaic: MOSAIC_HDUS,
    models.SegmentationMap: {"data": "SCI"},
}
LONG_NAME = 50  # characters of a file name beside which no comment fits
FGS_IMAGING = {"FGS_IMAGE", "FGS_FOCUS", "FGS_DARK", "FGS_SKYFLAT", "FGS_INTFLAT"}
TYPES = {"dq": np.uint32, "pixeldq": np.uint32, "groupdq": np.uint8, "context": np.int32}

# Where a product is too short or malformed for its mode, say what was expected.
DIMENSIONS = {models.Ramp: (4,), models.Image: (2, 3), models.GuiderImage: (3,), models.Mosaic: (2,),
              models.SegmentationMap: (2,)}  # fmt: skip


def read(path, container, only=None, *, tables=True):
    """Read a product.

    Parameters
    ----------
    path : str or pathlib.Path
        FITS file, of jwcal or of the archive.
    container : type
        `models.Ramp`, `models.Image`, `models.GuiderImage`, `models.Mosaic` or `models.SegmentationMap`.
    only : collection of str, optional
        Arrays to read, by name; all others stay None, but `data` is of its shape, zero, and takes no memory.
    tables : bool
        Whether to read the tables that are handed on, for which astropy takes a tenth of a second.

    Returns
    -------
    The container, its arrays float32 (signals), uint32 and uint8 (flags), in native byte order.

    Raises
    ------
    JwcalError
        When the file is unreadable, truncated, or has the wrong number of dimensions.
    """
    with FitsFile(path) as file:
        _check_dimensions(file, path, container)
        arrays = _read_arrays(file, container, only)
        if only is not None:
            arrays.setdefault("data", np.broadcast_to(np.float32(0), file.shape("SCI")))
        product = container(
            header=_own_header(file),
            sci_header=_own_header(file, "SCI"),
            path=str(path),
            tables={name: file.table(name).copy() for name in CARRIED_TABLES if tables and name in file},
            wcs=None if container is models.Ramp else _read_wcs(file),
            **arrays,
        )
    _check_shapes(product)
    return product


def _read_arrays(file, container, only=None, planes=None):
    """Arrays of a file by name, all or `only` some; two at a time: the bytes are swapped outside of the GIL.

    `planes`, (first, past the last), are the integrations to be read of those that have any.
    """
    present = {
        name: extname for name, extname in HDUS[container].items() if extname in file and (only is None or name in only)
    }

    def read_one(name):
        some = planes if planes and len(file.shape(present[name])) > 2 else None
        return file.image(present[name], _type(container, name), some)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(present, pool.map(read_one, present), strict=True))


def _type(container, name):
    return np.uint32 if container is models.SegmentationMap else TYPES.get(name, np.float32)


def read_ramp(path):
    """Read a raw or partly calibrated ramp; flags that the file lacks start at zero."""
    return _complete_ramp(read(path, models.Ramp))


def outline_ramp(path):
    """Read a ramp without what it has for each integration; its `data` is zero, and takes no memory."""
    return read(path, models.Ramp, ("pixeldq", "average_dark_current"))


def fill_ramp(outline, first, last):
    """Integrations `first`..`last` - 1 of a ramp of which `outline_ramp` read the rest; headers are shared."""
    with FitsFile(outline.path) as file:
        arrays = _read_arrays(file, models.Ramp, INTEGRATIONS, (first, last))
    part = _complete_ramp(replace(outline, **arrays, offset=first))
    _check_shapes(part)
    part.pixeldq = part.pixeldq.copy()
    return part


def _complete_ramp(ramp):
    """Make the flags that a ramp lacks."""
    if ramp.pixeldq is None:
        ramp.pixeldq = np.zeros(ramp.data.shape[-2:], np.uint32)
    if ramp.groupdq is None:
        ramp.groupdq = np.zeros(ramp.data.shape, np.uint8)
    return ramp


def read_image(path, only=None):
    """Read a `_rate`, `_rateints`, `_cal` or `_calints` product, or `only` some of its arrays (see `read`)."""
    return _complete(read(path, models.Image, only), only)


def outline_image(path):
    """Read an image without its arrays; its `data` is zero, and takes no memory."""
    return read(path, models.Image, ())


def fill_image(outline, only=None, planes=None):
    """An image of which headers and WCS were read before, its arrays (or `only` some) read from its file now.

    `planes`, (first, past the last), are the integrations to be read; all by default.
    """
    with FitsFile(outline.path) as file:
        image = replace(outline, **_read_arrays(file, models.Image, only, planes))
    _check_shapes(image)
    return _complete(image, only)


def _complete(image, only):
    """Make arrays that a file should have but lacks: no error, no flag."""
    for name in ("err", "dq", "var_poisson", "var_rnoise"):
        if getattr(image, name) is None and (only is None or name in only):
            setattr(image, name, np.zeros(image.data.shape, TYPES.get(name, np.float32)))
    return image


def write(path, product):
    """Write a product atomically in the archive's layout.

    Parameters
    ----------
    path : str or pathlib.Path
        Target; FILENAME and DATAMODL are set from it and from the type of the product.
    product : Ramp, Image, GuiderImage or Mosaic
        What to write. Arrays that are None are left out.
    """
    extensions = [Extension("PRIMARY", header=name_product(product, path))]
    for name, extname in HDUS[type(product)].items():
        array = getattr(product, name)
        if array is not None:
            extensions.append(Extension(extname, array, _extension_header(product, name)))
    dropped = () if isinstance(product, models.Ramp) else RAMP_TABLES
    extensions += [Extension(name, table) for name, table in product.tables.items() if name not in dropped]
    extensions.append(asdf_extension(_link_arrays(product) | (product.wcs or {"meta": {}})))
    write_fits(path, extensions)


def name_product(product, path, datamodel=None):
    """Primary header of a product in a file of that name; `datamodel` where it is not that of the product's type."""
    header = product.header.copy()
    name = Path(path).name
    header["FILENAME"] = (name, "Name of the file" if len(name) < LONG_NAME else "")
    header["DATAMODL"] = (datamodel or _datamodel(product), "Type of data model")
    header.remove("FILETYPE", ignore_missing=True)  # raw files say "raw", no product does
    return header


def write_catalog(path, catalog):
    """Write a source catalogue (`_cat.ecsv`) atomically; the same catalogue always gives the same bytes."""
    from jwcal.catalog.ecsv import encode_table

    with replacing(path) as temporary:
        temporary.write_text(encode_table(catalog.columns, catalog.meta), encoding="utf-8")


def write_tables(path, product, arrays):
    """Write named arrays with a product's primary header, such as ramp_fit's optional results (`_fitopt`)."""
    header = name_product(product, path, "RampFitOutputModel")
    write_fits(path, [Extension("PRIMARY", header=header), *(Extension(name, a) for name, a in arrays.items())])


def _datamodel(product):
    if isinstance(product, models.Image):
        return "ImageModel" if product.data.ndim == 2 else "CubeModel"
    return {models.Ramp: "RampModel", models.GuiderImage: "GuiderCalModel", models.Mosaic: "ImageModel",
            models.SegmentationMap: "SegmentationMapModel"}[type(product)]  # fmt: skip


def _extension_header(product, name):
    if name == "data":
        return product.sci_header
    unit = product.sci_header.get("BUNIT")
    return fits.Header([("BUNIT", unit, "physical units of the array values")]) if name == "err" and unit else None


def _own_header(file, extname="PRIMARY"):
    """Copy without the keywords of the file's structure, which are made anew when written."""
    copy = file.header(extname).copy(strip=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyUserWarning)
            copy.tostring()  # what cannot be written is said before anything is computed
    except (ValueError, fits.VerifyError) as error:
        raise JwcalError(f"header of {extname} is damaged ({error}); fetch the file again", file.path) from error
    for keyword in ("BSCALE", "BZERO", "CHECKSUM", "DATASUM", "EXTVER"):
        copy.remove(keyword, ignore_missing=True)
    return copy


def _read_wcs(file):
    if "ASDF" not in file:
        return None
    from jwcal.wcstrees import decode_tree

    tree = decode_tree(file.table("ASDF").field(0).tobytes())
    return tree if "wcs" in tree.get("meta", {}) else None


def _link_arrays(product):
    """Branches of the ASDF tree that stand for the arrays in the other extensions; jdaviz and others look for them."""
    from jwcal.asdffiles import STANDARD_PREFIX, TaggedDict

    links = {}
    for name, extname in HDUS[type(product)].items():
        array = getattr(product, name)
        if array is not None:
            content = {"source": f"fits:{extname},1", "datatype": array.dtype.name, "byteorder": "big"}
            content["shape"] = list(array.shape)
            key = {"context": "con", "weight": "wht"}.get(name, name)
            links[key] = TaggedDict(content, tag=STANDARD_PREFIX + "core/ndarray-1.1.0")
    return links


def asdf_extension(tree):
    """The ASDF extension that holds a tree; the official package opens no product without one, be it empty."""
    from jwcal.wcstrees import encode_tree

    packed = np.frombuffer(encode_tree(tree), np.uint8)
    table = np.zeros(1, [("ASDF_METADATA", np.uint8, (packed.size,))])
    table["ASDF_METADATA"][0] = packed
    return Extension("ASDF", table)


def _check_dimensions(file, path, container):
    if "SCI" not in file:
        raise JwcalError(f"no SCI extension (found {', '.join(file.names)}); is this a JWST product?", path)
    found, expected = int(file.header("SCI")["NAXIS"]), DIMENSIONS[container]
    if found not in expected:
        wanted = " or ".join(str(n) for n in expected)
        raise JwcalError(
            f"SCI has {found} dimensions, a {container.__name__} needs {wanted}; fetch the file again", path
        )
    if 0 in file.shape("SCI"):
        raise JwcalError(f"SCI of shape {file.shape('SCI')} holds no samples; fetch the file again", path)
    if container is models.Ramp:
        headers = file.header(), file.header("SCI")
        if fault := ranges.find_fault(lambda name: models.find_keyword(name, headers, path)):
            raise JwcalError(fault, path)
        _check_counts(file, path)
        _check_size(file, path)


def _check_size(file, path):
    """Raw data cover the subarray that the header tells of; reference files are cut to it.

    Guiders stack strips of theirs, IRS2 puts reference pixels between the rows.
    """
    header, sci = file.header(), file.header("SCI")
    exp_type = str(header.get("EXP_TYPE"))
    if (exp_type.startswith("FGS_") and exp_type not in FGS_IMAGING) or "IRS2" in str(header.get("READPATT")):
        return
    for keyword, axis in (("SUBSIZE1", "NAXIS1"), ("SUBSIZE2", "NAXIS2")):
        if header.get(keyword, sci[axis]) != sci[axis]:
            raise JwcalError(
                f"{keyword} = {header[keyword]} but SCI has {sci[axis]} pixels; fetch the file again", path
            )


def _check_counts(file, path):
    """The header's numbers of integrations and groups must be those of the array."""
    header, sci = file.header(), file.header("SCI")
    for keyword, axis in (("NGROUPS", "NAXIS3"), ("NINTS", "NAXIS4")):
        stated, found = header.get(keyword), sci[axis]
        first, last = header.get("INTSTART"), header.get("INTEND")
        if keyword == "NINTS" and first and last:
            stated = int(last) - int(first) + 1
        if (
            stated is not None
            and int(stated) != found
            and not (keyword == "NINTS" and "FGS" in header.get("EXP_TYPE", ""))
        ):
            raise JwcalError(f"{keyword} = {stated} but SCI holds {found}; fetch the file again", path)


def _check_shapes(product):
    """All arrays of a product cover the same pixels, those of a ramp the same integrations and groups."""
    shape = product.data.shape
    for field in fields(product):
        array = getattr(product, field.name)
        if not isinstance(array, np.ndarray) or array.dtype.names:
            continue
        if field.name == "refout":  # it has fewer pixels
            fitting = array.ndim == 4 and array.shape[:2] == shape[:2]
        elif isinstance(product, models.Ramp):
            leading = {"groupdq": shape[:2], "zeroframe": shape[:1], "data": shape[:2]}.get(field.name, ())
            fitting = array.shape == (*leading, *shape[-2:])
        else:
            fitting = array.shape[-2:] == shape[-2:]
        if not fitting:
            name = HDUS[type(product)][field.name]
            raise JwcalError(f"{name} has shape {array.shape}, SCI {shape}; fetch the file again", product.path)
