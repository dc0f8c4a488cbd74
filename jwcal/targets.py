"""Targets that the user names and nothing makes: what may have been meant."""

import os

from jwcal.errors import suggest

SUFFIXES = """rate rateints dark cal calints crf i2d cat segm asn ramp bsub mtwcs tweakreg skymatch outliers""".split()


def explain_target(target, folder, rules, names, steps):
    """Say of a target that nothing makes what is wrong, and what may have been meant.

    Parameters
    ----------
    target : str
        A rule or file that the user asks for.
    folder : str
        Where products are.
    rules : collection of str
        Names of the rules.
    names : collection of str
        Exposures and associations at hand.
    steps : collection of str
        Steps whose state can be asked for.

    Returns
    -------
    str or None
        None where nothing can be said.
    """
    if "/" not in target and "." not in target:
        return f"there is no such target{suggest(target, rules)}"
    if os.path.dirname(os.path.normpath(target)) == os.path.normpath(folder):
        return _doubt_product(os.path.basename(target), names, {*SUFFIXES, *steps})
    return None


def _doubt_product(file, names, suffixes):
    """What is wrong with the name of a product; None where nothing can be said."""
    stem = file.partition(".")[0]
    name = max((name for name in names if stem.startswith(f"{name}_")), key=len, default=None)
    if name is None:
        meant = stem.rpartition("_")[0]
        return f"no exposure or association of that name is at hand{suggest(meant, names)}"
    rest = stem[len(name) + 1 :]
    if rest in suffixes or rest.endswith("_crf"):
        return None
    return f"nothing makes a product with the suffix {rest}{suggest(rest, suffixes)}"
