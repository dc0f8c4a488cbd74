"""Pixel ↔ sky: world coordinate systems as trees of transforms, evaluated with numpy alone.

A WCS is carried as the raw tree that its file holds (`image.wcs`), ``{"meta": {"wcs": node}}``: nested mappings with
ASDF tags, what the ``ASDF`` extension of a product contains. It is evaluated without building the gwcs and
astropy.modeling objects, whose import costs more than all the arithmetic; gwcs, stdatamodels and jdaviz read the same
tree as a ``gwcs.WCS``.

The interface (pixels are zero-based, (x, y) = (column, row), integer at the pixel's centre; angles in degrees):

``from_tree(tree) -> WCS``
    Evaluatable form of a tree. ``wcs.forward(x, y) -> (ra, dec)``, ``wcs.inverse(ra, dec) -> (x, y)``,
    ``wcs.pixel_to_v2v3(x, y)``, ``wcs.bounding_box`` ((x0, x1), (y0, y1)) or None, ``wcs.footprint()`` (4, 2) corners,
    ``wcs.tree``.
``encode_tree(tree) -> bytes`` and ``decode_tree(bytes) -> tree``
    Content of the column ``ASDF_METADATA`` of the ``ASDF`` extension; the same tree always gives the same bytes.
    `decode_tree` reads the archive's products as well and keeps only the branches that lead to a WCS.
``output_wcs(wcses, footprints, header, *, pixel_scale_ratio=1.0, pixel_scale=None, rotation=None, crpix=None,
crval=None, output_shape=None) -> (WCS, shape)``
    The tangent-plane frame of a mosaic: `wcses` the inputs' WCS (the first sets the scale), `footprints` their S_REGION
    strings or (4, 2) corners, `header` of the first input (RA_REF, DEC_REF, ROLL_REF, V3I_YANG, VPARITY).
    ``fits_keywords(wcs)`` gives CTYPE, CRPIX, CRVAL, CDELT, PC of the result; ``scale_at(wcs, ra, dec)`` in degrees and
    ``mean_pixel_area(wcs, shape)`` in steradians measure pixels.
``pixel_map(wcs_in, wcs_out, shape) -> float64 (2, Y, X)``
    Output (x, y) of each input pixel, NaN outside the input's bounding box: evaluated on a sparse grid whose error is
    checked, interpolated by a kernel. ``sparse_map`` gives the grid alone; ``MapRoom`` expands one after another in the
    same memory.
"""

from jwcal.wcs.mosaics import fits_keywords, mean_pixel_area, output_wcs, scale_at
from jwcal.wcs.pipeline import WCS, from_tree
from jwcal.wcstrees import decode_tree, encode_tree

__all__ = ["WCS", "MapRoom", "decode_tree", "encode_tree", "fits_keywords", "from_tree", "mean_pixel_area",
           "output_wcs", "pixel_map", "scale_at", "sparse_map"]  # fmt: skip


def __getattr__(name):
    # Numba is imported only by those who map pixels.
    if name in ("pixel_map", "sparse_map", "SparseMap", "MapRoom"):
        from jwcal.wcs import pixel_maps

        return getattr(pixel_maps, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
