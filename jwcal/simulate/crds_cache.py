"""A miniature CRDS cache in the real layout, that the crds library and the official pipeline read as they stand.

``mappings/jwst/`` holds the context (.pmap), the instruments (.imap) and the rules (.rmap); ``references/jwst/<instrument>/``
the files; ``config/jwst/server_config`` what a client would have learnt from a server.
"""

import hashlib
import pprint
import re
from pathlib import Path

import numpy as np

from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, FitsFile, replacing, write_fits
from jwcal.simulate.detectors import FULL_FRAME
from jwcal.simulate.exposure import Observatory, Plan, plan_exposure
from jwcal.simulate.reference_files import MAKERS, USEAFTER, Subject
from jwcal.simulate.reftypes import ARRAY_TYPES, DATASET_KEYS, OPEN, SELECTION, list_types

DARK_BYTES = 32e6  # darks are cut to about this size; calibration extends them along a straight line
DARK_LEAST = 6  # frames


def write_reference_cache(cache_dir, setups, *, observatory=None, full_frame=False, coupling=False,
                          inverse_linearity=False, dark_frames=None, context="jwst_0001.pmap"):  # fmt: skip
    """Write all reference files that some exposures need, and the rules that find them.

    Parameters
    ----------
    cache_dir : path
        CRDS_PATH to be; made if absent.
    setups : iterable of jwcal.simulate.exposure.Setup or Plan
        Exposures.
    observatory : jwcal.simulate.exposure.Observatory, optional
        Must be that of the exposures.
    full_frame : bool
        True: arrays cover the full frame (SUBARRAY = GENERIC) and are cut by whoever uses them, as the observatory's
        own; darks are per subarray all the same. False: arrays cover just the subarrays that occur (a small cache).
    coupling : bool
        Whether there is an IPC reference; else it is N/A.
    inverse_linearity : bool
        Whether linearity files hold INV_COEFFS.
    dark_frames : int, optional
        Frames of the darks; default: as many as the longest exposure has, held to some tens of MB.
    context : str
        Name of the context.

    Returns
    -------
    list of pathlib.Path
        Files written.
    """
    cache_dir, observatory = Path(cache_dir), observatory or Observatory()
    plans = [setup if isinstance(setup, Plan) else plan_exposure(setup, observatory) for setup in setups]
    written, imaps = [], {}
    for name in sorted({plan.instrument.name for plan in plans}):
        mine = [plan for plan in plans if plan.instrument.name == name]
        library = _Library(cache_dir, mine, observatory, full_frame, inverse_linearity, dark_frames)
        rules = {reftype: library.add(reftype) for reftype in MAKERS if coupling or reftype != "IPC"}
        written += library.written
        imaps[name] = _write_instrument(cache_dir, name, rules, written)
    written.append(_write_mapping(cache_dir, context, _pipeline_mapping(context, imaps)))
    written.append(_write_server_config(cache_dir, context))
    return written


class _Library:
    """Reference files of one instrument, each made once however many exposures ask for it."""

    def __init__(self, cache_dir, plans, observatory, full_frame, inverse_linearity, dark_frames):
        self.folder = cache_dir / "references" / "jwst" / plans[0].instrument.name.lower()
        self.plans, self.observatory, self.full_frame = plans, observatory, full_frame
        self.inverse_linearity, self.dark_frames = inverse_linearity, dark_frames
        self.detectors, self.written = {}, []

    def selection(self, reftype):
        """Selection keywords of a type; files that cover a subarray only are selected by it too."""
        keys = self.plans[0].instrument.selection.get(reftype, SELECTION[reftype])
        by_subarray = reftype in ARRAY_TYPES and not self.full_frame and "SUBARRAY" not in keys
        return (*keys, "SUBARRAY") if by_subarray else keys

    def add(self, reftype):
        """Write all files of a type; return its selection keywords and rules (values -> file name)."""
        keys, rules = self.selection(reftype), {}
        for plan in self.plans:
            if reftype == "FILTEROFFSET" and not plan.instrument.filter_offsets:
                continue
            values = tuple(self._value(reftype, key, plan) for key in keys)
            if values not in rules:
                rules[values] = self._write(reftype, plan, len(rules) + 1)
        return keys, rules

    def _value(self, reftype, key, plan):
        if (reftype, key) in OPEN:
            return OPEN[reftype, key]
        if key == "SUBARRAY" and self.full_frame and reftype != "DARK":
            return "GENERIC"
        setup = plan.setup
        return {"DETECTOR": plan.chip.name, "FILTER": setup.filter, "PUPIL": setup.pupil, "SUBARRAY": setup.subarray,
                "READPATT": setup.readpatt, "EXP_TYPE": setup.exp_type, **plan.chip.keywords}[key]  # fmt: skip

    def _subject(self, reftype, plan):
        whole = self.full_frame and reftype != "DARK"
        region = FULL_FRAME if whole else plan.region
        key = plan.chip.name, region
        if key not in self.detectors:
            self.detectors[key] = self.observatory.detector(plan.chip, region)
        matched = "READPATT" in self.selection("DARK")
        cadence = (plan.timing.nframes, plan.timing.groupgap) if matched else (1, 0)
        frames = self.dark_frames or self._count_frames(plan, matched)
        subarray = "GENERIC" if whole else plan.setup.subarray
        bands = {peer.band: peer for peer in self.plans if peer.setup.exp_type == plan.setup.exp_type}
        return Subject(
            plan, self.detectors[key], subarray, frames, cadence, self.inverse_linearity, tuple(bands.values())
        )

    def _count_frames(self, plan, matched):
        same = [
            other for other in self.plans if other.setup.subarray == plan.setup.subarray and other.chip == plan.chip
        ]
        needed = max(other.timing.ngroups if matched else other.timing.frames for other in same)
        limit = max(DARK_LEAST, int(DARK_BYTES / (4 * plan.region.nx * plan.region.ny)))
        return min(needed, limit)

    def _write(self, reftype, plan, number):
        content = MAKERS[reftype](self._subject(reftype, plan))
        suffix = "asdf" if isinstance(content, dict) else "fits"
        path = self.folder / f"jwst_{plan.instrument.name.lower()}_{reftype.lower()}_{number:04d}.{suffix}"
        write_reference(path, content)
        self.written.append(path)
        return path.name


def write_reference(path, content):
    """Write a reference file: a list of `jwcal.fitsfiles.Extension`, or an ASDF tree."""
    if not isinstance(content, dict):
        content[0].header["FILENAME"] = path.name
        write_fits(path, content)
        return
    import asdf

    content["meta"]["filename"] = path.name
    with replacing(path) as temporary:
        asdf.AsdfFile(content, version="1.5.0").write_to(temporary)


def _write_instrument(cache_dir, name, rules, written):
    """Write the .rmap files and the .imap of an instrument; return the latter's name."""
    lower = name.lower()
    selector = {reftype: "N/A" for reftype in list_types()}
    for reftype, (keys, files) in rules.items():
        if files:
            rmap = f"jwst_{lower}_{reftype.lower()}_0001.rmap"
            written.append(_write_mapping(cache_dir, rmap, _reference_mapping(rmap, name, reftype, keys, files)))
            selector[reftype] = rmap
    imap = f"jwst_{lower}_0001.imap"
    header = {"derived_from": "simulated", "instrument": name, "mapping": "INSTRUMENT", "name": imap, "observatory": "JWST",
              "parkey": ("REFTYPE",), "sha1sum": ""}  # fmt: skip
    written.append(_write_mapping(cache_dir, imap, _format(header, pprint.pformat(selector))))
    return imap


def _reference_mapping(rmap, instrument, reftype, keys, files):
    header = {
        "classes": ("Match", "UseAfter"), "derived_from": "simulated", "filekind": reftype, "instrument": instrument,
        "mapping": "REFERENCE", "name": rmap, "observatory": "JWST",
        "parkey": (tuple(DATASET_KEYS[key] for key in keys), ("META.OBSERVATION.DATE", "META.OBSERVATION.TIME")), "sha1sum": "",
    }  # fmt: skip
    if "SUBARRAY" in keys:
        header["substitutions"] = {"META.SUBARRAY.NAME": {"GENERIC": "N/A"}}
    useafter = USEAFTER.replace("T", " ")
    lines = []
    for values, name in sorted(files.items()):
        key = values[0] if len(values) == 1 else values
        lines.append(f"    {key!r} : UseAfter({{\n        '{useafter}' : '{name}',\n    }}),\n")
    return _format(header, "Match({\n" + "".join(lines) + "})")


def _pipeline_mapping(context, imaps):
    header = {"derived_from": "simulated", "mapping": "PIPELINE", "name": context, "observatory": "JWST",
              "parkey": ("META.INSTRUMENT.NAME",), "sha1sum": ""}  # fmt: skip
    return _format(header, pprint.pformat(imaps))


def _format(header, selector):
    return f"header = {pprint.pformat(header)}\n\nselector = {selector}\n"


def _write_mapping(cache_dir, name, text):
    """Write a mapping with its checksum: the SHA-1 of all lines but the checksum's own."""
    path = cache_dir / "mappings" / "jwst" / name
    digest = hashlib.sha1("".join(line for line in text.splitlines(True) if "sha1sum" not in line).encode()).hexdigest()
    text = re.sub(r"'sha1sum': '[0-9a-f]*'", f"'sha1sum': '{digest}'", text)
    with replacing(path) as temporary:
        temporary.write_text(text)
    return path


def _write_server_config(cache_dir, context):
    """What crds believes of its server: there is none, and this is the context."""
    path = cache_dir / "config" / "jwst" / "server_config"
    information = {
        "observatory": "jwst", "operational_context": context, "edit_context": context, "latest_context": context,
        "bad_files_list": [], "bad_files": "", "force_remote_mode": False, "last_synced": USEAFTER, "server": "none",
        "crds_version": {"str": "14.0.0"}, "status": "cache", "connected": False, "mappings": [], "reference_url": {},
        "mapping_url": {},
    }  # fmt: skip
    with replacing(path) as temporary:
        temporary.write_text(pprint.pformat(information) + "\n")
    return path


def write_context(cache_dir, context, instrument, reftype, *, base="jwst_0001.pmap", detector=None, scale=1.01):
    """Add a context to a cache that differs from another in exactly one reference file.

    Parameters
    ----------
    cache_dir : path
        Cache made by `write_reference_cache`.
    context : str
        Name of the new context (``jwst_0002.pmap``).
    instrument, reftype : str
        Whose file is replaced by a new one (``NIRCAM``, ``FLAT``); any case. FITS types only.
    base : str
        Context to start from.
    detector : str, optional
        Which detector's file; default: the first in the rules.
    scale : float
        What the file's main array or table column (SCI, COEFFS, PHOTMJSR) is multiplied by; integers (DQ) stay.

    Returns
    -------
    pathlib.Path
        The new reference file.

    Raises
    ------
    JwcalError
        When the cache has no such file.
    """
    cache_dir, mappings = Path(cache_dir), Path(cache_dir) / "mappings" / "jwst"
    lower, kind, number = instrument.lower(), reftype.lower(), int(re.search(r"\d+", context)[0])
    imap = re.search(rf"jwst_{lower}_\d+\.imap", (mappings / base).read_text())
    rmap = imap and re.search(rf"jwst_{lower}_{kind}_\d+\.rmap", (mappings / imap[0]).read_text())
    if not rmap:
        raise JwcalError(f"no {reftype} references of {instrument} in context {base}; write them first", cache_dir)
    rules = (mappings / rmap[0]).read_text()
    names = re.findall(rf"jwst_{lower}_{kind}_\d+\.fits", rules)
    folder = cache_dir / "references" / "jwst" / lower
    old = next((name for name in names if detector is None or _names_detector(folder / name, detector)), None)
    if old is None:
        raise JwcalError(f"no FITS {reftype} reference of {detector or instrument} in context {base}", cache_dir)
    new = f"jwst_{lower}_{kind}_{max(int(name[-9:-5]) for name in names) + 1000 * number:04d}.fits"
    _copy_scaled(folder / old, folder / new, scale)
    renamed = {
        rmap[0]: f"jwst_{lower}_{kind}_{number:04d}.rmap",
        imap[0]: f"jwst_{lower}_{number:04d}.imap",
        base: context,
    }
    for position, (name, successor) in enumerate(renamed.items()):
        text = (
            (mappings / name).read_text().replace(f"'{old}'", f"'{new}'")
            if position == 0
            else (mappings / name).read_text()
        )
        for before, after in renamed.items():
            text = text.replace(f"'{before}'", f"'{after}'")
        _write_mapping(cache_dir, successor, text)
    return folder / new


def _names_detector(path, detector):
    with FitsFile(path) as file:
        return file.header().get("DETECTOR") == detector


def _copy_scaled(source, target, scale):
    with FitsFile(source) as file:
        extensions = []
        for name in file.names:
            header = file.header(name)
            if header.get("XTENSION", "").strip() == "BINTABLE":
                data = np.array(file.table(name))
                if "photmjsr" in (data.dtype.names or ()):
                    data["photmjsr"] *= scale
            else:
                data = file.image(name) if header["NAXIS"] else None
            if name in ("SCI", "COEFFS"):
                data = data * data.dtype.type(scale)
            extensions.append(Extension(name, data, header))
        extensions[0].header["FILENAME"] = target.name
        write_fits(target, extensions)
