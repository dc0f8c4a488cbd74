"""Stage 1 in constant memory: ramps of any number of integrations, worked on in blocks.

The ramp lies in a temporary file that is mapped (`jwcal.memory.mapping`). Steps that look at one integration at a time
run on a block of integrations after the other, as if it were the exposure. The steps that compare integrations get the
whole ramp, and are as careful with memory as they can: jump and ramp_fit take some rows of all integrations at a time.
What comes out is the same, bit for bit, as without blocks.
"""

import importlib
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby

import numpy as np

from jwcal import products
from jwcal.memory.budget import can_give_up, list_blocks
from jwcal.memory.mapping import copy, find_pages, map_array
from jwcal.products import INTEGRATIONS
from jwcal.runner import run_chain, run_on_parts, run_step, stamp

log = logging.getLogger("jwcal")

# Steps that look at each integration by itself; what passes from one to the next they keep in `Ramp.carried`.
SEPARATE = set(
    """group_scale dq_init saturation ipc superbias refpix linearity firstframe lastframe reset rscd dark_current
    charge_migration persistence""".split()
)


def calibrate_ramp(path, plan, folder, context=None, carried=None):
    """Carry a raw ramp through a chain, in blocks of integrations if it is large.

    Parameters
    ----------
    path : str
        Raw file.
    plan : dict
        See `jwcal.runner.run_chain`.
    folder : str or pathlib.Path
        Where a temporary file may lie.
    context : str, optional
        CRDS context, for the header.
    carried : dict, optional
        What steps find from an exposure before, and leave for the one after (`Ramp.carried`).

    Returns
    -------
    Ramp or Rates
        The product after the last step. If the ramp is large its arrays are mapped.
    """
    outline = products.outline_ramp(path)
    outline.carried = {} if carried is None else carried
    blocks = list_blocks(outline.data.shape)
    if len(blocks) == 1:
        with ThreadPoolExecutor(1) as pool:  # importing compiled code takes as long as reading
            pool.submit(_import_steps, [step for step in plan["steps"] if step not in plan["skipped"]])
            ramp = products.read_ramp(path)
        ramp.carried, ramp.spendable = outline.carried, can_give_up(outline.data.shape)
        return run_chain(plan, ramp, context=context)
    log.info("%d integrations in %d blocks, in a temporary file", outline.data.shape[0], len(blocks))
    chain = [(separate, list(steps)) for separate, steps in groupby(plan["steps"], SEPARATE.__contains__)]
    first = chain.pop(0)[1] if chain and chain[0][0] else []
    product = _run_separately(first, (products.fill_ramp(outline, *block) for block in blocks), plan, outline, folder)
    for separate, steps in chain:
        if separate:
            parts = (_cut(product, *block) for block in blocks)
            product = _run_separately(steps, parts, plan, product, folder)
        else:
            for step in steps:
                product = run_step(step, product, plan)
    return stamp(product, context)


def carry_windows(earlier, path):
    """What persistence finds in `Ramp.carried` of a raw file: windows of the exposure before (`inherit_windows`)."""
    if not earlier:
        return {}
    from jwcal.windows import inherit_windows

    return {"persistence": inherit_windows(earlier, products.outline_ramp(path))[1]}


def _import_steps(steps):
    """Import what steps need, numba with it; whatever goes wrong is said when they run."""
    from jwcal.kernels import image  # noqa: F401

    for step in steps:
        importlib.import_module(f"jwcal.steps.{step}")


def _run_separately(steps, parts, plan, whole, folder):
    """Run steps on one block of integrations after the other; returns the whole ramp after them."""
    result = None
    for part in run_on_parts(steps, parts, plan):
        result = _keep(part, result, whole, folder)
        del part  # before the next one is read
    return result


def _cut(ramp, first, last):
    """A copy of some integrations of a mapped ramp; headers, tables and what is carried are shared."""
    parts = {}
    for name in INTEGRATIONS:
        array = getattr(ramp, name)
        if array is not None:
            parts[name] = np.empty((last - first, *array.shape[1:]), array.dtype)
            copy(array[first:last], parts[name])
    return replace(ramp, **parts, pixeldq=ramp.pixeldq.copy(), offset=first)


def _keep(part, result, whole, folder):
    """Put a block into the whole ramp after the steps, which is made with the first one."""
    if result is None:
        count = whole.data.shape[0]
        result = replace(part, offset=0, **_make_room(part, whole, count, folder))
    else:
        result.pixeldq |= part.pixeldq
    for name in INTEGRATIONS:
        source = getattr(part, name)
        if source is not None:
            copy(np.ascontiguousarray(source), getattr(result, name)[part.offset : part.offset + len(source)])
    return result


def _make_room(part, whole, count, folder):
    """Arrays of all integrations: those of the ramp before the steps, if they are mapped and of the right shape."""
    arrays = {}
    for name in INTEGRATIONS:
        own, before = getattr(part, name), getattr(whole, name)
        if own is not None:
            shape = count, *own.shape[1:]
            fits = before is not None and before.shape == shape and find_pages(before) is not None
            arrays[name] = before if fits else map_array(shape, own.dtype, folder)
    return arrays
