"""Write an association that was made from headers, in the archive's format."""

from jwcal.jobs import run


def association(content, asn):
    """Write an association as JSON.

    Parameters
    ----------
    content : dict
        What the file holds.
    asn : str
        File to write.
    """
    import json

    from jwcal.fitsfiles import replacing

    with replacing(asn) as temporary:
        temporary.write_text(json.dumps(content, indent=4) + "\n")


if "snakemake" in globals():
    run(globals()["snakemake"], association)
