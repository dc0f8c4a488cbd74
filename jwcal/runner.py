"""Run a chain of steps in memory: bind references and settings by name, note what was done in header and log."""

import importlib
import logging
import time

from jwcal import models, provenance
from jwcal.chains import declare
from jwcal.errors import StepSkipped
from jwcal.references import Reference

log = logging.getLogger("jwcal")


def run_chain(plan, product, *, context=None, until=None, members=None):
    """Carry a product through the steps of a plan.

    Parameters
    ----------
    plan : dict
        ``steps`` (names in order), ``skipped`` (name to reason), ``settings`` (name to keyword arguments) and
        ``references`` (CRDS type to path, None for not applicable), as made by `jwcal.workflow.Program.plan`.
    product : Ramp, Image or Rates
        Input; steps may change it in place.
    context : str, optional
        CRDS context, for the header.
    until : str, optional
        Last step to run.
    members : dict of str to list, optional
        Further products by argument name, for steps that use other exposures (``backgrounds``).

    Returns
    -------
    The product after the last step.
    """
    for step in plan["steps"]:
        product = run_step(step, product, plan, members)
        if step == until:
            break
    return stamp(product, context)


def stamp(product, context):
    """Note software versions and CRDS context in the headers of a product; returns it."""
    for header in headers(product):
        provenance.stamp_software(header, context)
    return product


def run_step(step, product, plan, members=None):
    """Run one step, or note why it is skipped; returns the product after it."""
    start = time.perf_counter()
    product, reason = apply_step(step, product, plan, members or {})
    _log_step(step, reason, time.perf_counter() - start)
    return product


def apply_step(step, product, plan, members):
    """Run one step and note it in the headers; returns the product, and why the step was skipped (None: was not)."""
    reason = plan["skipped"].get(step)
    if reason is None:
        try:
            product = _call(step, product, plan, members)
        except StepSkipped as skipped:
            reason = str(skipped)
    for header in headers(product):
        provenance.stamp_step(header, step, "COMPLETE" if reason is None else "SKIPPED")
        for reftype in _types(step, header.get("INSTRUME")):
            if reftype in provenance.REFERENCE and (reason is None or plan["references"].get(reftype) is None):
                provenance.stamp_reference(header, reftype, plan["references"].get(reftype))
    return product, reason


def run_on_parts(steps, parts, plan, members=None, once=()):
    """Run steps on one part of a product after the other; the log tells at the end how each step fared with all.

    Parameters
    ----------
    steps : list of str
        Steps.
    parts : iterator of Ramp or Image
        Parts. Nothing holds on to one of them when the next is made, if the caller does not.
    plan, members
        See `run_chain`.
    once : collection of str
        Steps that run on the first part only.

    Yields
    ------
    Ramp or Image
        Each part after the steps.
    """
    reasons, seconds = {}, dict.fromkeys(steps, 0.0)
    for part in parts:
        for step in steps:
            if step not in once or step not in reasons:
                start = time.perf_counter()
                part, reasons[step] = apply_step(step, part, plan, members or {})
                seconds[step] += time.perf_counter() - start
        yield part
        del part
    for step in steps:
        _log_step(step, reasons[step], seconds[step])


def _log_step(step, reason, seconds):
    """Note in the log how a step ended."""
    if reason is not None:
        log.info("%s: SKIPPED, %s", step, reason)
    else:
        log.info("%s: COMPLETE in %.2f s", step, seconds)


def _types(step, instrument):
    declaration = declare(step)
    return declaration.types(instrument) if declaration else ()


def _call(step, product, plan, members):
    function = getattr(importlib.import_module(f"jwcal.steps.{step}"), step)
    arguments = bind_references(declare(step), plan["references"])
    arguments |= {name: products for name, products in members.items() if step in MEMBERS[name]}
    return function(product, **arguments, **plan["settings"].get(step, {}))


def bind_references(declaration, paths):
    """References of a step by argument.

    Parameters
    ----------
    declaration : jwcal.chains.Declaration
        What the step takes.
    paths : dict of str to (str or None)
        Path by type; a type that the step can do without may lack.

    Returns
    -------
    dict
        `Reference` by argument; where an argument takes several, a dict of them by type.
    """
    opened = {name: Reference(paths[name], name) for name in declaration.references}
    opened |= {name: Reference(paths[name], name) for name in declaration.optional if paths.get(name)}
    for argument, types in declaration.groups.items():
        group = {name: opened.pop(name) for name in types if name in opened}
        opened |= {argument: group} if group else {}
    return opened


# Steps that take further exposures, by the argument that holds them.
MEMBERS = {"backgrounds": {"background"}}


def headers(product):
    """Primary headers of a product, or of both products of ramp_fit."""
    if isinstance(product, models.Rates):
        return [product.rate.header, product.rateints.header]
    return [product.header]
