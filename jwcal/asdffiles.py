"""Reading and writing ASDF files as raw trees: YAML with tags, and binary blocks.

The asdf library imports every installed extension (gwcs and astropy.modeling among them) when it opens its first file;
that alone takes longer than calibrating an image. Only the container format is needed here: a YAML document in which
tagged nodes stay plain mappings, lists and texts that remember their tag, and arrays that are blocks after it. The same
tree always gives the same bytes: no time stamps, no library versions.

References
----------
ASDF standard 1.6.0, https://asdf-standard.readthedocs.io.
"""

import bz2
import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np
import yaml

from jwcal.errors import JwcalError

STANDARD_PREFIX = "tag:stsci.edu:asdf/"
ROOT_TAG = STANDARD_PREFIX + "core/asdf-1.1.0"
ARRAY_TAGS = {"1.5.0": "core/ndarray-1.0.0", "1.6.0": "core/ndarray-1.1.0"}
MAGIC = b"\xd3BLK"
BLOCK_HEADER = struct.Struct(">I4sQQQ16s")
STREAMED = 1
INTEGERS = {f"{sign}int{8 * size}": f"{sign or 'i'}{size}" for sign in ("", "u") for size in (1, 2, 4, 8)}
DATATYPES = INTEGERS | {"bool8": "?", "float32": "f4", "float64": "f8", "complex64": "c8", "complex128": "c16"}


class TaggedDict(dict):
    """Mapping that remembers its YAML tag."""

    def __init__(self, content=(), tag=""):
        super().__init__(content)
        self.tag = tag


class TaggedList(list):
    """List that remembers its YAML tag."""

    def __init__(self, content=(), tag=""):
        super().__init__(content)
        self.tag = tag


class TaggedText(str):
    """Text that remembers its YAML tag (``!unit/unit-1.0.0 deg``)."""

    def __new__(cls, content="", tag=""):
        """Make it of its content and its tag."""
        text = super().__new__(cls, content)
        text.tag = tag
        return text

    def __reduce__(self):
        return TaggedText, (str(self), self.tag)


def kind(node):
    """Name of a node's type without authority, path and version (``compose``); empty where it has no tag."""
    return getattr(node, "tag", "").rpartition("/")[2].rpartition("-")[0]


def version(node):
    """Version in a node's tag as a tuple of integers."""
    return tuple(int(part) for part in node.tag.rpartition("-")[2].split("."))


def read(path):
    """Read an ASDF file as a raw tree.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    TaggedDict
        Tagged nodes are `TaggedDict`, `TaggedList` or `TaggedText`; arrays are numpy arrays.

    Raises
    ------
    JwcalError
        When it is absent or is not ASDF.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise JwcalError(f"cannot be read ({error.strerror or error})", path) from error
    return decode(content, path)


def decode(content, path=None):
    """Raw tree of the bytes of an ASDF file; `path` names it in messages."""
    if not content.startswith(b"#ASDF"):
        raise JwcalError("not an ASDF file; fetch it again", path)
    text, _, rest = content.partition(b"\n...")
    try:
        loader = _Loader(text + b"\n")
        loader.blocks = list(_read_blocks(rest))
        return loader.get_single_data()
    except (yaml.YAMLError, LookupError, TypeError, ValueError, OSError, struct.error, zlib.error) as error:
        raise JwcalError(f"not a readable ASDF file ({' '.join(str(error).split())}); fetch it again", path) from error


def encode(tree, standard="1.6.0"):
    """Bytes of an ASDF file that holds a raw tree.

    Parameters
    ----------
    tree : dict
        Mappings, lists, texts, numbers and numpy arrays, tagged or not. Values None are written as null.
    standard : str
        Version of the ASDF standard, 1.6.0 or 1.5.0 (the last one where readers fill in the schemas' defaults).

    Returns
    -------
    bytes
        Always the same for the same content.
    """
    blocks = []
    dumper = type("_TreeDumper", (_Dumper,), {"blocks": blocks, "array_tag": STANDARD_PREFIX + ARRAY_TAGS[standard]})
    library = TaggedDict({"author": "The jwcal developers", "name": "jwcal", "version": "1"})
    library.tag = STANDARD_PREFIX + "core/software-1.0.0"
    root = TaggedDict({"asdf_library": library, **tree}, tag=ROOT_TAG)
    text = yaml.dump(root, Dumper=dumper, explicit_start=True, explicit_end=True, version=(1, 1), sort_keys=False,
                     tags={"!": STANDARD_PREFIX}, encoding="utf-8", default_flow_style=None, width=120)  # fmt: skip
    return f"#ASDF 1.0.0\n#ASDF_STANDARD {standard}\n".encode() + text + b"".join(map(_block, blocks))


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML loader that keeps tags and resolves arrays from `blocks`."""

    blocks = ()


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):
    """YAML dumper that writes tags and moves arrays to `blocks`."""

    blocks, array_tag = None, ""

    def ignore_aliases(self, data):
        return not isinstance(data, (dict, list))


def _construct_tagged(loader, tag, node):
    if kind(node) == "ndarray":
        mapping = isinstance(node, yaml.MappingNode)
        content = (loader.construct_mapping if mapping else loader.construct_sequence)(node, deep=True)
        return _array(TaggedDict(content, tag=node.tag) if mapping else content, loader.blocks)
    if isinstance(node, yaml.ScalarNode):
        return TaggedText(loader.construct_scalar(node), tag=node.tag)
    return _construct_container(loader, node)


def _construct_container(loader, node):
    """Yield the container before its content is known: an inverse may refer back to the transform that holds it."""
    if isinstance(node, yaml.MappingNode):
        content = TaggedDict(tag=node.tag)
        yield content
        content.update(loader.construct_mapping(node))
    else:
        content = TaggedList(tag=node.tag)
        yield content
        content.extend(loader.construct_sequence(node))


_Loader.add_multi_constructor(None, _construct_tagged)


def _array(node, blocks):
    """Array of an ndarray node: inline numbers, or a block; nodes that point elsewhere stay as they are."""
    if isinstance(node, list):
        return np.array(node)
    if "data" in node:
        return np.array(node["data"], _dtype(node["datatype"], "little") if "datatype" in node else None)
    if not isinstance(node.get("source"), int) or "mask" in node:
        return node
    dtype = _dtype(node["datatype"], node.get("byteorder", "big"))
    block = blocks[node["source"]]
    shape = [len(block) // dtype.itemsize if size == "*" else size for size in node["shape"]]
    array = np.ndarray(shape, dtype, block, node.get("offset", 0), node.get("strides"))
    return array.astype(dtype.newbyteorder("="))


def _dtype(datatype, byteorder):
    """Type of an array's items: a scalar's name, ``[ascii, length]``, or the list of a record's fields."""
    order = {"little": "<", "big": ">"}[byteorder]
    if isinstance(datatype, str):
        return np.dtype(DATATYPES[datatype]).newbyteorder(order)
    if datatype[0] in ("ascii", "ucs4"):
        return np.dtype(f"{order}{'S' if datatype[0] == 'ascii' else 'U'}{datatype[1]}")
    fields = [field if isinstance(field, dict) else {"datatype": field} for field in datatype]
    return np.dtype([(field.get("name", f"f{index}"), _dtype(field["datatype"], field.get("byteorder", byteorder)),
                      tuple(field.get("shape", ()))) for index, field in enumerate(fields)])  # fmt: skip


def _datatype(dtype):
    """Name of a type, the inverse of `_dtype`."""
    if dtype.names:
        return [{"name": name, "datatype": _datatype(dtype[name].base), "shape": list(dtype[name].shape),
                 "byteorder": "little"} for name in dtype.names]  # fmt: skip
    if dtype.kind in "SU":
        return ["ascii", dtype.itemsize] if dtype.kind == "S" else ["ucs4", dtype.itemsize // 4]
    return {np.dtype(code): name for name, code in DATATYPES.items()}[dtype.newbyteorder("=")]


def _read_blocks(content):
    start = content.find(MAGIC)
    while start >= 0 and content[start : start + 4] == MAGIC:
        (size,) = struct.unpack_from(">H", content, start + 4)
        flags, compression, allocated, used, _, _ = BLOCK_HEADER.unpack_from(content, start + 6)
        first = start + 6 + size
        data = content[first:] if flags & STREAMED else content[first : first + used]
        yield _decompress(data, compression)
        start = len(content) if flags & STREAMED else first + allocated


def _decompress(data, compression):
    methods = {b"\0\0\0\0": bytes, b"zlib": zlib.decompress, b"bzp2": bz2.decompress}
    if compression not in methods:
        raise ValueError(f"blocks compressed with {compression.decode('ascii', 'replace')} are not supported")
    return methods[compression](data)


def _block(data):
    """A binary block: magic, header, content."""
    size = len(data)
    header = BLOCK_HEADER.pack(0, b"\0\0\0\0", size, size, size, hashlib.md5(data, usedforsecurity=False).digest())
    return MAGIC + struct.pack(">H", len(header)) + header + data


def _represent_array(dumper, array):
    dumper.blocks.append(array.astype(array.dtype.newbyteorder("<")).tobytes())
    content = {"source": len(dumper.blocks) - 1, "datatype": _datatype(array.dtype.newbyteorder("<"))}
    content |= {"byteorder": "little", "shape": list(array.shape)}
    return dumper.represent_mapping(dumper.array_tag, content)


_Dumper.add_representer(TaggedDict, lambda dumper, node: dumper.represent_mapping(node.tag, node.items()))
_Dumper.add_representer(TaggedList, lambda dumper, node: dumper.represent_sequence(node.tag, node))
_Dumper.add_representer(TaggedText, lambda dumper, node: dumper.represent_scalar(node.tag, str(node)))
_Dumper.add_representer(np.ndarray, _represent_array)
_Dumper.add_representer(tuple, lambda dumper, node: dumper.represent_list(node))
_Dumper.add_multi_representer(np.floating, lambda dumper, value: dumper.represent_float(float(value)))
_Dumper.add_multi_representer(np.integer, lambda dumper, value: dumper.represent_int(int(value)))
_Dumper.add_multi_representer(np.bool_, lambda dumper, value: dumper.represent_bool(bool(value)))
