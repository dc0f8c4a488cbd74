"""A miniature CRDS cache in the real layout, that the crds library and the official pipeline read as they stand.

``mappings/jwst/`` holds the context (.pmap), the instruments (.imap) and the rules (.rmap),
``references/jwst/<instrument>/`` the files, ``config/jwst/server_config`` what a client has learnt from a server.
"""

import re
from functools import partial
from pathlib import Path

import numpy as np

from jwcal import asdffiles
from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, FitsFile, replacing, write_fits
from jwcal.simulate import mappings
from jwcal.simulate.detectors import Region
from jwcal.simulate.exposure import Observatory
from jwcal.simulate.plans import Plan, plan_exposure
from jwcal.simulate.reference_files import MAKERS, STANDARD, Subject
from jwcal.simulate.reftypes import ARRAY_TYPES, IMAGING_TYPES, OPEN, SELECTION

DARK_BYTES = 16e6  # darks are cut to about this size; calibration extends them along a straight line
DARK_LEAST = 6  # frames


def write_reference_cache(cache_dir, setups, *, observatory=None, full_frame=False, coupling=False,
                          inverse_linearity=False, dark_frames=None, context="jwst_0001.pmap", types=None):  # fmt: skip
    """Write all reference files that some exposures need, and the rules that find them.

    Instruments that the context already has stay in it.

    Parameters
    ----------
    cache_dir : path
        CRDS_PATH to be; made if absent.
    setups : iterable of jwcal.simulate.plans.Setup or Plan
        Exposures; `jwcal.simulate.plans.read_plan` makes plans of raw files, real ones too.
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
    types : collection of str, optional
        Reference types to write, in upper case; all others are N/A. Default: all.

    Returns
    -------
    list of pathlib.Path
        Files written.
    """
    cache_dir, observatory = Path(cache_dir), observatory or Observatory()
    plans = [setup if isinstance(setup, Plan) else plan_exposure(setup, observatory.va_scale) for setup in setups]
    written, instruments = [], _list_instruments(cache_dir, context)
    for name in sorted({plan.instrument.name for plan in plans}):
        mine = [plan for plan in plans if plan.instrument.name == name]
        library = _Library(cache_dir, mine, observatory, full_frame, inverse_linearity, dark_frames)
        wanted = [t for t in library.makers if (types is None or t in types) and (coupling or t != "IPC")]
        rules = library.fill(wanted)
        written += library.written
        written.append(mappings.write_instrument(cache_dir, name, rules))
        instruments[name] = written[-1].name
    written.append(mappings.write_pipeline(cache_dir, context, instruments))
    written.append(mappings.write_server_config(cache_dir, context))
    return written


def _list_instruments(cache_dir, context):
    """Names of the .imap files that a context already holds, by instrument."""
    path = cache_dir / "mappings" / "jwst" / context
    return dict(re.findall(r"'([A-Z]+)': '(jwst_\w+\.imap)'", path.read_text())) if path.exists() else {}


class _Library:
    """Reference files of one instrument, each made once however many exposures ask for it."""

    def __init__(self, cache_dir, plans, observatory, full_frame, inverse_linearity, dark_frames):
        self.cache_dir, self.plans, self.observatory = cache_dir, plans, observatory
        self.instrument = plans[0].instrument
        self.full_frame, self.inverse_linearity, self.dark_frames = full_frame, inverse_linearity, dark_frames
        makers = MAKERS | self.instrument.makers
        self.makers = {reftype: maker for reftype, maker in makers.items() if maker is not None}
        self.detectors, self.written = {}, []

    def fill(self, reftypes):
        """Write files and rules of some types; return the names of the latter by type."""
        rules = {}
        for reftype in reftypes:
            if reftype == "FILTEROFFSET" and not self.instrument.filter_offsets:
                continue
            keys, files = self.selection(reftype), {}
            for plan in self.plans:
                if reftype in IMAGING_TYPES and not plan.chip.imaging:
                    continue
                values = tuple(self._value(reftype, key, plan) for key in keys)
                if values not in files:
                    files[values] = self._write(reftype, plan, len(files) + 1)
            if not any(files.values()):
                continue
            self.written.append(mappings.write_rules(self.cache_dir, self.instrument.name, reftype, keys, files))
            rules[reftype] = self.written[-1].name
        return rules

    def selection(self, reftype):
        """Selection keywords of a type; files that cover a subarray only are selected by it too."""
        keys = self.instrument.selection.get(reftype, SELECTION[reftype])
        by_subarray = reftype in ARRAY_TYPES and not self.full_frame and "SUBARRAY" not in keys
        return (*keys, "SUBARRAY") if by_subarray else keys

    def _value(self, reftype, key, plan):
        if (reftype, key) in OPEN and (reftype, key) not in self.instrument.distinct:
            return OPEN[reftype, key]
        if key == "SUBARRAY" and self.full_frame and reftype != "DARK":
            return "GENERIC"
        setup = plan.setup
        return {"DETECTOR": plan.chip.name, "FILTER": setup.filter, "PUPIL": setup.pupil, "GRATING": setup.pupil,
                "SUBARRAY": setup.subarray, "READPATT": setup.readpatt, "EXP_TYPE": setup.exp_type,
                **plan.chip.keywords}[key]  # fmt: skip

    def _write(self, reftype, plan, number):
        content = self.makers[reftype](self._subject(reftype, plan))
        if content is None:
            return None
        suffix = {dict: "asdf", str: "json"}.get(type(content), "fits")
        lower = self.instrument.name.lower()
        folder = self.cache_dir / "references" / "jwst" / lower
        path = folder / f"jwst_{lower}_{reftype.lower()}_{number:04d}.{suffix}"
        write_reference(path, content)
        self.written.append(path)
        return path.name

    def _subject(self, reftype, plan):
        whole = reftype == "AREA" or (self.full_frame and reftype != "DARK")
        region = Region(0, 0, *plan.chip.size) if whole else plan.region
        matched = "READPATT" in self.selection("DARK")
        bands = {peer.band: peer for peer in self.plans if peer.setup.exp_type == plan.setup.exp_type}
        return Subject(
            plan=plan,
            region=region,
            subarray="GENERIC" if whole else plan.setup.subarray,
            draw=partial(self._draw, plan.chip, region),
            dark_frames=self.dark_frames or self._count_frames(plan, matched),
            cadence=(plan.timing.nframes, plan.timing.groupgap) if matched else (1, 0),
            inverse_linearity=self.inverse_linearity,
            peers=tuple(bands.values()),
        )

    def _draw(self, chip, region):
        if (chip.name, region) not in self.detectors:
            self.detectors[chip.name, region] = self.observatory.detector(chip, region)
        return self.detectors[chip.name, region]

    def _count_frames(self, plan, matched):
        """Frames (or groups of the same cadence) that the longest exposure of a subarray takes, within bounds."""
        same = [peer for peer in self.plans if (peer.chip, peer.region) == (plan.chip, plan.region)]
        needed = max(peer.timing.ngroups if matched else peer.timing.frames for peer in same)
        limit = max(DARK_LEAST, int(DARK_BYTES / (4 * plan.region.nx * plan.region.ny)))
        return min(needed, limit)


def write_reference(path, content):
    """Write a reference file: a list of `jwcal.fitsfiles.Extension`, an ASDF tree, or text."""
    if isinstance(content, list):
        content[0].header["FILENAME"] = path.name
        write_fits(path, content)
        return
    if isinstance(content, dict):
        content["meta"]["filename"] = path.name
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else asdffiles.encode(content, STANDARD))


def write_context(cache_dir, context, instrument, reftype, *, base="jwst_0001.pmap", detector=None, scale=1.01):
    """Add a context to a cache that differs from another in exactly one reference file.

    Parameters
    ----------
    cache_dir : path
        Cache made by `write_reference_cache`.
    context : str
        Name of the new context (``jwst_0002.pmap``).
    instrument, reftype : str
        Whose file is replaced by a new one (``NIRCAM``, ``FLAT``), in any case. FITS types only.
    base : str
        Context to start from.
    detector : str, optional
        Which detector's file; default: the first in the rules.
    scale : float
        What the file's main array or table column (SCI, COEFFS, PHOTMJSR) is multiplied by; flags stay.

    Returns
    -------
    pathlib.Path
        The new reference file.

    Raises
    ------
    JwcalError
        When the cache has no such file.
    """
    folder, lower, kind = Path(cache_dir) / "mappings" / "jwst", instrument.lower(), reftype.lower()
    imap = _find_name(rf"jwst_{lower}_\d+\.imap", folder / base)
    rmap = _find_name(rf"jwst_{lower}_{kind}_\d+\.rmap", folder / imap)
    old = _find_reference(Path(cache_dir), lower, kind, folder / rmap, detector)
    serial = re.search(r"\d+", context)[0]
    number = 100 * int(serial) + int(old.stem[-4:])
    new = old.with_name(f"jwst_{lower}_{kind}_{number:04d}.fits")
    _copy_scaled(old, new, scale)
    renamed = {
        old.name: new.name,
        rmap: f"jwst_{lower}_{kind}_{serial}.rmap",
        imap: f"jwst_{lower}_{serial}.imap",
        base: context,
    }
    for name in (rmap, imap, base):
        text = (folder / name).read_text()
        for before, after in renamed.items():
            text = text.replace(f"'{before}'", f"'{after}'")
        mappings.write_mapping(cache_dir, renamed[name], text)
    return new


def _find_name(pattern, path):
    found = re.search(pattern, path.read_text()) if path.is_file() else None
    if found is None:
        raise JwcalError(f"the context names no {pattern.replace(chr(92), '')}; write such references first", path)
    return found[0]


def _find_reference(cache_dir, lower, kind, rmap, detector):
    """Path of the first file in the rules that is about the detector."""
    for name in re.findall(rf"jwst_{lower}_{kind}_\d+\.fits", rmap.read_text()):
        path = cache_dir / "references" / "jwst" / lower / name
        with FitsFile(path) as file:
            if detector is None or file.header().get("DETECTOR") == detector:
                return path
    raise JwcalError(f"no FITS file of detector {detector} in these rules; choose another type or detector", rmap)


def _copy_scaled(source, target, scale):
    with FitsFile(source) as file:
        extensions = []
        for name in file.names:
            header = file.header(name)
            if header.get("XTENSION", "").strip() == "BINTABLE":
                data = np.array(file.table(name))
                if "photmjsr" in data.dtype.names:
                    data["photmjsr"] *= scale
            else:
                data = file.image(name) if header["NAXIS"] else None
            if name in ("SCI", "COEFFS"):
                data *= data.dtype.type(scale)
            extensions.append(Extension(name, data, header))
        extensions[0].header["FILENAME"] = target.name
        write_fits(target, extensions)
