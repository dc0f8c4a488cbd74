"""List the reference files that the exposures need; fetch the missing ones where a CRDS server is configured."""

from jwcal.jobs import run


def references(needed, crds):
    """Print a table: type, file, state; fetch what is missing.

    Parameters
    ----------
    needed : list of (str, str, bool)
        Reference type, path, and whether it is present.
    crds : dict
        ``path``, ``context`` and ``server`` of the CRDS cache.
    """
    from jwcal.errors import JwcalError
    from jwcal.selection import fetch

    for reftype, path, present in needed:
        print(f"{'present' if present else 'MISSING':8} {reftype:14} {path}")
    missing = [path for _, path, present in needed if not present]
    print(
        f"{len(needed)} reference files needed, {len(missing)} missing from {crds['path']} (context {crds['context']})"
    )
    if missing and crds["server"]:
        fetch(missing, **crds)
    elif missing:
        raise JwcalError(
            "reference files are missing and no CRDS server is configured; set crds.server in the config (or "
            "CRDS_SERVER_URL), or copy the files into the cache"
        )


if "snakemake" in globals():
    run(globals()["snakemake"], references)
