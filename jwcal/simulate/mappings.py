"""Text of CRDS mappings: contexts (.pmap), instruments (.imap) and rules (.rmap), and the list that a client keeps."""

import hashlib
import pprint
import re
from pathlib import Path

from jwcal.fitsfiles import replacing
from jwcal.simulate.reftypes import DATASET_KEYS, list_types

USEAFTER = "2020-01-01T00:00:00"


def write_rules(cache_dir, instrument, reftype, keys, files):
    """Write the .rmap of one reference type.

    Parameters
    ----------
    cache_dir : pathlib.Path
        The cache.
    instrument, reftype : str
        In upper case.
    keys : tuple of str
        Selection keywords.
    files : dict of tuple of str to str
        File name by the keywords' values; None where there is none (N/A).

    Returns
    -------
    pathlib.Path
    """
    name = f"jwst_{instrument.lower()}_{reftype.lower()}_0001.rmap"
    selected = tuple(DATASET_KEYS[key] for key in keys)
    header = {
        "classes": ("Match", "UseAfter"),
        "derived_from": "simulated",
        "filekind": reftype,
        "instrument": instrument,
        "mapping": "REFERENCE",
        "name": name,
        "observatory": "JWST",
        "parkey": (selected, ("META.OBSERVATION.DATE", "META.OBSERVATION.TIME")),
        "sha1sum": "",
    }
    if "SUBARRAY" in keys:
        header["substitutions"] = {"META.SUBARRAY.NAME": {"GENERIC": "N/A"}}
    rules = [(values[0] if len(values) == 1 else values, file) for values, file in sorted(files.items())]
    useafter = USEAFTER.replace("T", " ")
    since = {file: f"UseAfter({{\n        '{useafter}' : '{file}',\n    }})" if file else "'N/A'" for _, file in rules}
    text = "".join(f"    {key!r} : {since[file]},\n" for key, file in rules)
    return write_mapping(cache_dir, name, _format(header, f"Match({{\n{text}}})"))


def write_instrument(cache_dir, instrument, rules):
    """Write the .imap of an instrument; types without rules (reftype -> file name of the .rmap) are N/A."""
    name = f"jwst_{instrument.lower()}_0001.imap"
    header = {
        "derived_from": "simulated",
        "instrument": instrument,
        "mapping": "INSTRUMENT",
        "name": name,
        "observatory": "JWST",
        "parkey": ("REFTYPE",),
        "sha1sum": "",
    }
    selector = {reftype: rules.get(reftype, "N/A") for reftype in list_types()}
    return write_mapping(cache_dir, name, _format(header, pprint.pformat(selector)))


def write_pipeline(cache_dir, context, instruments):
    """Write the context: instrument -> file name of the .imap."""
    header = {
        "derived_from": "simulated",
        "mapping": "PIPELINE",
        "name": context,
        "observatory": "JWST",
        "parkey": ("META.INSTRUMENT.NAME",),
        "sha1sum": "",
    }
    return write_mapping(cache_dir, context, _format(header, pprint.pformat(instruments)))


def _format(header, selector):
    return f"header = {pprint.pformat(header)}\n\nselector = {selector}\n"


def write_mapping(cache_dir, name, text):
    """Write a mapping with its checksum: the SHA-1 of all lines but the checksum's own."""
    path = Path(cache_dir) / "mappings" / "jwst" / name
    lines = [line for line in text.splitlines(True) if "sha1sum" not in line]
    digest = hashlib.sha1("".join(lines).encode(), usedforsecurity=False).hexdigest()
    with replacing(path) as temporary:
        temporary.write_text(re.sub(r"'sha1sum': '[0-9a-f]*'", f"'sha1sum': '{digest}'", text))
    return path


def write_server_config(cache_dir, context):
    """Write what a client has learnt from its server: here there is none, and this is the context to use."""
    path = Path(cache_dir) / "config" / "jwst" / "server_config"
    information = {
        "observatory": "jwst",
        "operational_context": context,
        "edit_context": context,
        "latest_context": context,
        "bad_files_list": [],
        "bad_files": "",
        "force_remote_mode": False,
        "last_synced": USEAFTER,
        "server": "none",
        "crds_version": {"str": "14.0.0"},
        "status": "cache",
        "connected": False,
        "mappings": [],
        "reference_url": {},
        "mapping_url": {},
    }
    with replacing(path) as temporary:
        temporary.write_text(pprint.pformat(information) + "\n")
    return path
