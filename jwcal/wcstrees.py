"""The WCS in a product's ASDF extension: bytes to tree and back (without the code that evaluates it)."""

from jwcal import asdffiles
from jwcal.asdffiles import kind


def encode_tree(tree):
    """Content of the column ASDF_METADATA.

    Parameters
    ----------
    tree : dict
        ``{"meta": {"wcs": node}}``; a bare WCS node is put there.

    Returns
    -------
    bytes
        An ASDF file; the same tree always gives the same bytes.
    """
    return asdffiles.encode({"meta": {"wcs": tree}} if kind(tree) == "wcs" else tree)


def decode_tree(content):
    """Tree of the column ASDF_METADATA, with only the branches that lead to a WCS.

    Parameters
    ----------
    content : bytes
        An ASDF file. What else the archive keeps there repeats keywords and points to other extensions.

    Returns
    -------
    dict
        ``{"meta": {"wcs": node}}`` for an image; empty where there is no WCS.
    """
    return _prune(asdffiles.decode(content)) or {}


def _prune(node):
    """The part of a tree that leads to WCS nodes, None if there is none. Lists keep their length."""
    if kind(node) == "wcs":
        return node
    if isinstance(node, dict):
        kept = {key: part for key, value in node.items() if (part := _prune(value)) is not None}
        return kept or None
    if isinstance(node, list):
        kept = [_prune(value) for value in node]
        return kept if any(part is not None for part in kept) else None
    return None
