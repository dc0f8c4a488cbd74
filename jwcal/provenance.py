"""What a product's header says about its making: step status, reference files, software versions. One table for all."""

from jwcal import __version__

STATUS = {
    "group_scale": "S_GRPSCL",
    "dq_init": "S_DQINIT",
    "emicorr": "S_MIREMI",
    "saturation": "S_SATURA",
    "ipc": "S_IPC",
    "superbias": "S_SUPERB",
    "refpix": "S_REFPIX",
    "firstframe": "S_FRSTFR",
    "lastframe": "S_LASTFR",
    "reset": "S_RESET",
    "rscd": "S_RSCD",
    "linearity": "S_LINEAR",
    "persistence": "S_PERSIS",
    "dark_current": "S_DARK",
    "charge_migration": "S_CHGMIG",
    "jump": "S_JUMP",
    "picture_frame": "S_PCTFRM",
    "clean_flicker_noise": "S_CLNFNS",
    "ramp_fit": "S_RAMP",
    "gain_scale": "S_GANSCL",
    "guider_cds": "S_GUICDS",
    "background": "S_BKDSUB",
    "assign_wcs": "S_WCS",
    "flat_field": "S_FLAT",
    "photom": "S_PHOTOM",
    "assign_mtwcs": "S_MTWCS",
    "tweakreg": "S_TWKREG",
    "skymatch": "S_SKYMAT",
    "outlier_detection": "S_OUTLIR",
    "resample": "S_RESAMP",
    "source_catalog": "S_SRCCAT",
}

REFERENCE = {
    "abvegaoffset": "R_ABVEGA",
    "apcorr": "R_APCORR",
    "area": "R_AREA",
    "camera": "R_CAMERA",
    "collimator": "R_COLLIM",
    "dark": "R_DARK",
    "disperser": "R_DISPER",
    "distortion": "R_DISTOR",
    "emicorr": "R_MIREMI",
    "filteroffset": "R_FILOFF",
    "flat": "R_FLAT",
    "fpa": "R_FPA",
    "gain": "R_GAIN",
    "ifupost": "R_IFUPOS",
    "ifuslicer": "R_IFUSLI",
    "ipc": "R_IPC",
    "linearity": "R_LINEAR",
    "mask": "R_MASK",
    "msa": "R_MSA",
    "msaoper": "R_MSAOPE",
    "pastasoss": "R_PSTSOS",
    "photom": "R_PHOTOM",
    "pictureframe": "R_PCTFRM",
    "readnoise": "R_READNO",
    "refpix": "R_REFPIX",
    "reset": "R_RESET",
    "rscd": "R_RSCD",
    "saturation": "R_SATURA",
    "sirskernel": "R_SIRSKL",
    "superbias": "R_SUPERB",
    "wavelengthrange": "R_WAVRAN",
}

CARD_ROOM = 64  # characters of value and comment that one card holds


def stamp_step(header, step, status):
    """Note a step's outcome.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Primary header; changed in place.
    step : str
        Official step name.
    status : str
        COMPLETE, SKIPPED or FAILED.
    """
    header[STATUS[step]] = (status, f"{step} step")


def stamp_reference(header, reftype, path):
    """Note the reference file that a step used; `path` None means that none applies."""
    value = "N/A" if path is None else f"crds://{str(path).rsplit('/', 1)[-1]}"
    comment = f"{reftype} reference file"
    header[REFERENCE[reftype]] = (value, comment if len(value) + len(comment) <= CARD_ROOM else "")


def stamp_software(header, crds_context):
    """Note versions: ours, that of the crds library, and the CRDS context.

    DATE stays that of the raw file: the same input, settings and references give the same bytes.
    """
    from importlib.metadata import version

    header["CAL_VER"] = (f"jwcal {__version__}", "Calibration software version number")
    header["CAL_VCS"] = ("RELEASE", "Calibration software version control sys number")
    header["CRDS_VER"] = (version("crds"), "Version of CRDS file selection software used")
    header["CRDS_CTX"] = (crds_context or "N/A", "CRDS context (.pmap) used to select ref files")
