"""The inventory: which exposures lie in the raw folder, and what their headers say.

Snakemake parses the workflow at every call and in every cluster job, so this module imports neither numpy nor astropy:
headers are read by a small block reader of our own, once, and kept in a cache by path, size and time of change.
"""

import csv
import os
import stat
from typing import NamedTuple

from jwcal.caches import load_cache, save_cache
from jwcal.errors import JwcalError
from jwcal.fitsheaders import read_header
from jwcal.ranges import find_fault

# Products that a pipeline can start from, with the number of axes that SCI may have.
EXPOSURE_AXES = {"uncal": (4,), "ramp": (4,), "rate": (2,), "rateints": (3,), "cal": (2, 3), "calints": (3,)}

# Products that may lie among the exposures and serve as companions (shutter tables, catalogues, later products).
COMPANIONS = frozenset(
    """msa cat segm i2d s2d s3d x1d x1dints c1d crf crfints bsub bsubints bkgx1d dark fitopt ami ami-oi amiavg aminorm
    aminorm-oi amimulti-oi amilg psfstack psfalign psfsub phot whtlt wfscmb masterbg1d masterbg2d median blot""".split()
)

# Header properties that routing, reference selection, `when:` conditions and estimates of memory may need.
KEYWORDS = tuple(
    """TELESCOP INSTRUME DETECTOR MODULE CHANNEL BAND FILTER PUPIL GRATING CORONMSK FXD_SLIT LAMP OPMODE MSASTATE
    EXP_TYPE TSOVISIT VISITYPE CROWDFLD READPATT NINTS NGROUPS NFRAMES GROUPGAP FRMDIVSR NOUTPUTS NRESETS INTSTART
    INTEND EXSEGNUM EXSEGTOT TFRAME TGROUP EFFINTTM EFFEXPTM ZEROFRAM GAINFACT SUBARRAY SUBSTRT1 SUBSTRT2 SUBSIZE1
    SUBSIZE2 FASTAXIS SLOWAXIS DATE-OBS TIME-OBS DATE-BEG EXPSTART EXPEND PROGRAM OBSERVTN VISIT VISITGRP SEQ_ID ACT_ID
    EXPOSURE OBS_ID TEMPLATE EXPRIPAR TARGPROP TARGNAME TARGTYPE TARG_RA TARG_DEC BKGDTARG IS_PSF IS_IMPRT PATTTYPE
    PATT_NUM NUMDTHPT SUBPXPTS XOFFSET YOFFSET NOD_TYPE GWA_XTIL GWA_YTIL MSAMETFL MSAMETID MSACONID MSTR_RD1
    SSTR_NST DATAMODL CAL_VER""".split()
)

TIME_SERIES = frozenset({"NRC_TSIMAGE", "NRC_TSGRISM", "NIS_SOSS", "NRS_BRIGHTOBJ", "MIR_LRS-SLITLESS"})


class Exposure(NamedTuple):
    """One raw file, or one product from the archive that work can start from, and what its header says."""

    name: str
    """File name without suffix: ``jw00793001001_01101_00001_nis``."""
    suffix: str
    """``uncal``, ``rate``, ``rateints``, ``cal``, ``calints`` or ``ramp``."""
    path: str
    """The file."""
    keywords: dict
    """Values of those of `KEYWORDS` that the header has."""
    shape: tuple
    """Shape of SCI in C order: (integration, group, y, x) of raw data."""
    size: int
    """Bytes of the file."""

    def keyword(self, name, default=None):
        """Value of a keyword of `KEYWORDS`, `default` where the header lacks it."""
        return self.keywords.get(name, default)

    @property
    def exp_type(self):
        """EXP_TYPE, the observing mode that decides on the pipelines."""
        return self.keywords["EXP_TYPE"]

    @property
    def instrument(self):
        """NIRCAM, NIRISS, NIRSPEC, MIRI or FGS."""
        return self.keywords["INSTRUME"]

    @property
    def detector(self):
        """Name of the detector, for example NRCA1."""
        return self.keywords.get("DETECTOR")

    @property
    def nx(self):
        """Columns of the data."""
        return self.shape[-1]

    @property
    def ny(self):
        """Rows of the data (3200 for NIRSpec's IRS2 readout)."""
        return self.shape[-2]

    @property
    def nints(self):
        """Number of integrations of the whole exposure (all segments)."""
        return self.keywords.get("NINTS") or (self.shape[0] if len(self.shape) > 2 else 1)

    @property
    def ngroups(self):
        """Number of groups in an integration; None where neither header nor data tell."""
        return self.keywords.get("NGROUPS") or (self.shape[1] if len(self.shape) == 4 else None)

    @property
    def is_tso(self):
        """True for a time series: flagged as such or of such an EXP_TYPE, and of two integrations at least."""
        return self.nints > 1 and (self.keywords.get("TSOVISIT") is True or self.exp_type in TIME_SERIES)


class Inventory(NamedTuple):
    """What lies in the raw folder."""

    exposures: list
    """`Exposure` by name and suffix."""
    warnings: list
    """One line for each file that is left out: file, what is wrong, what to do."""
    associations: list
    """Paths of association files (JSON)."""
    pools: list
    """Paths of tables (CSV), among which association pools may be."""
    companions: dict
    """Paths of other JWST products (shutter tables, catalogues, ...) by file name."""


def take_inventory(raw_dir, cache_path=None):
    """List the exposures below a folder; read the headers of those that are new or changed.

    Parameters
    ----------
    raw_dir : str or pathlib.Path
        Searched recursively; symbolic links to files and folders are followed.
    cache_path : str or pathlib.Path, optional
        JSON file that keeps what was read, by path, size and mtime_ns.

    Returns
    -------
    Inventory
        Broken and foreign files are left out and named in its warnings; no file raises an exception.
    """
    warnings = []
    known = load_cache(cache_path, FORMAT)
    if not os.path.exists(raw_dir):
        warnings.append(f"{raw_dir}: no such folder; put raw exposures there or set `raw:` in the config")
    files = sorted(_walk(str(raw_dir), warnings)) if not warnings else []
    records = {path: _examine(path, status, known, warnings) for path, status in files if path.endswith(".fits")}
    records = {path: record for path, record in records.items() if record is not None}
    if cache_path and records != known:
        save_cache(cache_path, FORMAT, records)
    exposures, companions = {}, {}
    for path, record in records.items():
        _admit(path, record, exposures, companions, warnings)
    if not records and os.path.exists(raw_dir) and not warnings:
        warnings.append(f"{raw_dir}: no FITS files in it; put raw exposures there or set `raw:` in the config")
    associations, pools = ([path for path, _ in files if path.endswith(ending)] for ending in (".json", ".csv"))
    return Inventory([exposures[key] for key in sorted(exposures)], warnings, associations, pools, companions)


# What one record of the cache holds: [size, mtime_ns, fault or None, values of KEYWORDS, shape].
FORMAT = ["inventory", 2, *KEYWORDS]


def _walk(folder, warnings, seen=None):
    """Yield (path, stat) of the FITS, JSON and CSV files below a folder; each real folder is entered once."""
    seen = set() if seen is None else seen
    try:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as scan:
            entries = sorted((entry for entry in scan if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        warnings.append(f"{folder}: folder cannot be read ({error.strerror}); check that it exists and its permissions")
        return
    for entry in entries:
        try:
            if entry.is_dir():
                yield from _walk(entry.path, warnings, seen)
            elif entry.name.endswith((".fits", ".json", ".csv")) and stat.S_ISREG((status := entry.stat()).st_mode):
                yield entry.path, status
        except OSError as error:
            warnings.append(f"{entry.path}: cannot be read ({error.strerror}); repair or remove the link")


def _examine(path, status, known, warnings):
    """Record of a FITS file, from the cache if the file is unchanged, None if it cannot be read now."""
    record = known.get(path)
    if record is not None and record[0] == status.st_size and record[1] == status.st_mtime_ns:
        return record
    suffix = _split_name(path)[1]
    if suffix not in EXPOSURE_AXES:
        fault = None if suffix in COMPANIONS or "_msa" in os.path.basename(path) else UNNAMED
        return [status.st_size, status.st_mtime_ns, fault, None, None]
    try:
        keywords, shape = read_header(path, KEYWORDS)
        fault = _find_fault(keywords, shape, suffix)
    except JwcalError as error:
        fault = str(error)
    except OSError as error:
        warnings.append(f"{path}: cannot be read ({error.strerror}); check its permissions")
        return None
    if fault:
        return [status.st_size, status.st_mtime_ns, fault, None, None]
    return [status.st_size, status.st_mtime_ns, None, [keywords.get(name) for name in KEYWORDS], list(shape)]


UNNAMED = "the name does not end in a product suffix (_uncal, _rate, _rateints, _cal, ...); rename or remove the file"


def _find_fault(keywords, shape, suffix):
    """Why a readable FITS file is no exposure, and what to do; None if it is one."""
    if keywords.get("TELESCOP") != "JWST":
        return f"not a JWST exposure (TELESCOP is {keywords.get('TELESCOP')}); move it out of the raw folder"
    absent = [name for name in ("INSTRUME", "EXP_TYPE") if name not in keywords]
    if absent:
        return f"keyword {' and '.join(absent)} missing, so that its mode is unknown; fetch the file again"
    if not shape:
        return "no SCI image; fetch the file again"
    if 0 in shape:
        return f"SCI of shape {shape} holds no samples; fetch the file again"
    if len(shape) not in EXPOSURE_AXES[suffix]:
        axes = " or ".join(map(str, EXPOSURE_AXES[suffix]))
        return f"SCI has {len(shape)} axes where _{suffix} files have {axes}; rename or remove the file"
    return find_fault(keywords.get)


def _admit(path, record, exposures, companions, warnings):
    """Enter a record among the exposures or companions; the first of two files of one name wins."""
    size, _, fault, values, shape = record
    name, suffix = _split_name(path)
    if fault:
        warnings.append(f"{path}: {fault}")
    elif values is None:
        companions.setdefault(os.path.basename(path), path)
    elif (name, suffix) not in exposures:
        keywords = {key: value for key, value in zip(KEYWORDS, values, strict=True) if value is not None}
        exposures[name, suffix] = Exposure(name, suffix, path, keywords, tuple(shape), size)
    elif os.path.realpath(path) != os.path.realpath(first := exposures[name, suffix].path):
        warnings.append(f"{path}: the same exposure as {first}, which is used; remove one of the two")


def _split_name(path):
    name, _, suffix = os.path.basename(path).removesuffix(".fits").rpartition("_")
    return name, suffix


class Pipelines(NamedTuple):
    """Pipelines of an EXP_TYPE, one a stage; None where the stage does not apply."""

    stage1: str | None
    stage2: str | None
    stage3: str | None


def load_exp_types(path):
    """Read the table of EXP_TYPEs.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV file with columns exp_type, stage1, stage2, stage3.

    Returns
    -------
    dict of str to Pipelines

    Raises
    ------
    JwcalError
        Where a column is absent, a row is short, or an EXP_TYPE occurs twice.
    """
    table = {}
    with open(path, newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        for row in rows:
            try:
                pipelines = Pipelines(*(row[stage].strip() or None for stage in Pipelines._fields))
                name = row["exp_type"].strip()
            except (KeyError, AttributeError) as error:
                raise JwcalError(
                    f"row {len(table) + 1} is not exp_type,stage1,stage2,stage3; repair it", path
                ) from error
            if name in table:
                raise JwcalError(f"{name} occurs twice; remove one of the rows", path)
            table[name] = pipelines
    return table
