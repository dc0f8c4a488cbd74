"""Stage 2 in constant memory: count rates of any number of integrations, worked on in blocks as if each were all.

The steps of imaging look at each integration by itself, and do the same to all. So the first block's headers, WCS and
pixel areas are those of the product; its planes lie in a temporary file that is mapped (`jwcal.memory.mapping`).
"""

import logging
from dataclasses import fields, replace

import numpy as np

from jwcal import products
from jwcal.memory.budget import list_image_blocks
from jwcal.memory.mapping import copy, map_array
from jwcal.runner import run_chain, run_on_parts, stamp

log = logging.getLogger("jwcal")

FOR_ALL = {"assign_wcs"}  # steps that change headers and WCS only


def calibrate_image(path, plan, folder, context=None, members=None):
    """Carry count rates through a chain, in blocks of integrations if there are many.

    Parameters
    ----------
    path : str
        `_rate` or `_rateints` product.
    plan, context, members
        As for `jwcal.runner.run_chain`.
    folder : str or pathlib.Path
        Where a temporary file may lie.

    Returns
    -------
    Image
        The product after the last step; if it is large its planes are mapped.
    """
    outline = products.outline_image(path)
    blocks = list_image_blocks(outline.data.shape)
    if len(blocks) == 1:
        return run_chain(plan, products.fill_image(outline), context=context, members=members)
    log.info("%d integrations in %d blocks, in a temporary file", len(outline.data), len(blocks))
    parts, result, first = (_fill(outline, block) for block in blocks), None, 0
    for part in run_on_parts(plan["steps"], parts, plan, members, once=FOR_ALL):
        block = first, first + len(part.data)
        result = _keep(part, block, result, len(outline.data), folder)
        first = block[1]
        del part  # before the next one is read
    return stamp(result, context)


def _fill(outline, block):
    """Some integrations of an image, with headers of their own."""
    headers = {name: getattr(outline, name).copy() for name in ("header", "sci_header")}
    return products.fill_image(replace(outline, **headers), planes=block)


def _keep(part, block, result, count, folder):
    """Put a block's planes into the whole product, which is made with the first one."""
    planes = _list_planes(part)
    if result is None:
        result = replace(part, **{n: map_array((count, *a.shape[1:]), a.dtype, folder) for n, a in planes.items()})
    for name, array in planes.items():
        copy(np.ascontiguousarray(array), getattr(result, name)[slice(*block)])
    return result


def _list_planes(image):
    """Arrays with one plane an integration, by name."""
    arrays = {field.name: getattr(image, field.name) for field in fields(image)}
    return {name: array for name, array in arrays.items() if isinstance(array, np.ndarray) and array.ndim == 3}
