"""Putting names into the rules' patterns, quickly.

Each pattern holds the names of all the exposures that its rule serves, and Snakemake reads through it for each file of
each job: time that grows with the square of the number of exposures.
"""

from functools import lru_cache, wraps

LONG = 200  # characters of a pattern that holds many names


def spare_constraints(io):
    """Make Snakemake put values into patterns without their constraints, which have no part in that.

    Parameters
    ----------
    io : module
        `snakemake.io`; its ``apply_wildcards(pattern, wildcards)`` is replaced. In a version of Snakemake that has
        none, nothing is done.
    """
    apply, strip = (getattr(io, name, None) for name in ("apply_wildcards", "strip_wildcard_constraints"))
    if apply is None or strip is None or hasattr(apply, "__wrapped__"):
        return
    shorten = lru_cache(maxsize=1024)(strip)

    @wraps(apply)
    def apply_to_short(pattern, wildcards):
        return apply(shorten(pattern) if len(pattern) > LONG else pattern, wildcards)

    io.apply_wildcards = apply_to_short
