"""One small exposure of each observing mode: what is read, in how many groups and integrations."""

from jwcal.simulate import Setup

SUFFIX = {"calwebb_dark": "dark", "calwebb_guider": "cal"}
TIME_SERIES = "calwebb_tso1"
NGROUPS = 5  # no step is short of groups


def _fgs(exp_type, subarray="SUB32LL", readpatt="FGSRAPID", ngroups=NGROUPS, nints=1, **more):
    return Setup("FGS", "GUIDER1", "N/A", "N/A", subarray, readpatt, ngroups, nints, exp_type=exp_type, **more)


def _miri(exp_type, filter_name="F770W", subarray="SUB64", detector="MIRIMAGE", nints=1):
    return Setup("MIRI", detector, filter_name, "N/A", subarray, "FASTR1", NGROUPS, nints, exp_type=exp_type)


def _mrs(exp_type):
    return _miri(exp_type, "N/A", "FULL", "MIRIFUSHORT")


def _nircam(exp_type, filter_name="F200W", pupil="CLEAR", subarray="SUB160", detector="NRCA1", nints=1):
    return Setup("NIRCAM", detector, filter_name, pupil, subarray, "RAPID", NGROUPS, nints, exp_type=exp_type)


def _grism(exp_type, nints=1):
    return _nircam(exp_type, "F322W2", "GRISMR", "SUBGRISM64", "NRCALONG", nints)


def _niriss(exp_type, filter_name="CLEAR", pupil="F150W", subarray="SUB64", nints=1):
    return Setup("NIRISS", "NIS", filter_name, pupil, subarray, "NISRAPID", NGROUPS, nints, exp_type=exp_type)


def _nirspec(exp_type, filter_name="F140X", grating="MIRROR", nints=1):
    return Setup("NIRSPEC", "NRS1", filter_name, grating, "SUB512", "NRSRAPID", NGROUPS, nints, exp_type=exp_type)


_SPECIAL = {
    "FGS_ID-IMAGE": _fgs("FGS_ID-IMAGE", "2048X64", "ID", 2, 2, strips=2),
    "FGS_ID-STACK": _fgs("FGS_ID-STACK", "2048X64", "ID", 2, 2, strips=2),
    "FGS_ACQ1": _fgs("FGS_ACQ1", "128X128", "ACQ1", 2, 6),
    "FGS_ACQ2": _fgs("FGS_ACQ2", "32X32", "ACQ2", 2, 5),
    "FGS_TRACK": _fgs("FGS_TRACK", "32X32", "TRACK", 2, 40),
    "FGS_FINEGUIDE": _fgs("FGS_FINEGUIDE", "8X8", "FINEGUIDE", 8, 50),
    "MIR_MRS": _mrs("MIR_MRS"),
    "MIR_DARKMRS": _mrs("MIR_DARKMRS"),
    "MIR_FLATMRS": _mrs("MIR_FLATMRS"),
    "MIR_FLATMRS-EXT": _mrs("MIR_FLATMRS-EXT"),
    "MIR_LRS-FIXEDSLIT": _miri("MIR_LRS-FIXEDSLIT", "P750L", "SUBSLIT"),
    "MIR_LRS-SLITLESS": _miri("MIR_LRS-SLITLESS", "P750L", "SLITLESSPRISM", nints=2),
    "MIR_WFSS": _miri("MIR_WFSS", "P750L", "SUB256"),
    "MIR_LYOT": _miri("MIR_LYOT", "F2300C", "MASKLYOT"),
    "MIR_4QPM": _miri("MIR_4QPM", "F1065C", "MASK1065"),
    "NRC_CORON": _nircam("NRC_CORON", "F335M", "MASKRND", "SUB320A335R", "NRCALONG"),
    "NRC_WFSS": _grism("NRC_WFSS"),
    "NRC_GRISM": _grism("NRC_GRISM"),
    "NRC_TSGRISM": _grism("NRC_TSGRISM", 2),
    "NRC_TSIMAGE": _nircam("NRC_TSIMAGE", "F210M", "WLP8", nints=2),
    "NRC_TACQ": _nircam("NRC_TACQ", "F335M", subarray="SUBNDA335R", detector="NRCALONG"),
    "NIS_WFSS": _niriss("NIS_WFSS", "GR150R", "F200W", "WFSS64R"),
    "NIS_SOSS": _niriss("NIS_SOSS", "CLEAR", "GR700XD", "SUBSTRIP96", 2),
    "NIS_AMI": _niriss("NIS_AMI", "F480M", "NRM", "SUB80", 2),
    "NIS_TACQ": _niriss("NIS_TACQ", "F480M", "NRM", "SUBTAAMI"),
    "NRS_BRIGHTOBJ": _nirspec("NRS_BRIGHTOBJ", "CLEAR", "PRISM", nints=2),
    "NRS_DARK": _nirspec("NRS_DARK", "OPAQUE"),
}
_SPECIAL |= {name: _nirspec(name, "F170LP", "G235M") for name in (
    "NRS_FIXEDSLIT", "NRS_IFU", "NRS_MSASPEC", "NRS_AUTOWAVE", "NRS_AUTOFLAT", "NRS_LAMP")}  # fmt: skip
_USUAL = {"FGS": _fgs, "MIR": _miri, "NIS": _niriss, "NRC": _nircam, "NRS": _nirspec}

# Subarrays that hold reference pixels; elsewhere the near-infrared refpix has nothing to go by.
REFERENCE_PIXELS = {"2048X64", "FULL", "SUB160", "SUBGRISM64", "SUB64", "SUB80", "WFSS64R", "SUBSTRIP96", "SUB512"}


def list_modes(exp_types):
    """Set-up of each EXP_TYPE, each in a programme of its own."""
    from dataclasses import replace

    setups = {name: _SPECIAL.get(name) or _USUAL[name[:3]](name) for name in exp_types}
    return {name: replace(setup, program=number) for number, (name, setup) in enumerate(setups.items(), 1)}


# The steps of stage 1 by the documentation of the first pipeline, with those that have come since in their places.
NEAR_INFRARED = """group_scale dq_init saturation ipc superbias refpix linearity persistence dark_current
    charge_migration jump picture_frame clean_flicker_noise ramp_fit gain_scale""".split()
MID_INFRARED = """group_scale dq_init emicorr saturation ipc firstframe lastframe reset linearity rscd dark_current
    refpix persistence charge_migration jump clean_flicker_noise ramp_fit gain_scale""".split()
GUIDER = ["dq_init", "guider_cds", "flat_field"]
# What time series leave out.
NOT_IN_TIME_SERIES = {"ipc", "firstframe", "lastframe", "persistence"}
# Off unless asked for, or without effect on these exposures (one frame a group, no GAINFACT).
OFF = {"group_scale", "persistence", "charge_migration", "picture_frame", "clean_flicker_noise", "gain_scale",
       "firstframe", "emicorr"}  # fmt: skip

BRIGHTER_FATTER = {"NIS_IMAGE", "NIS_AMI", "NIS_WFSS", "NIS_EXTCAL"}  # recommended there


def expect(setup, pipeline):
    """(step, whether it runs) of an exposure, in order."""
    if pipeline == "calwebb_guider":
        return [(step, True) for step in GUIDER]
    mid = setup.instrument == "MIRI"
    steps, off = MID_INFRARED if mid else NEAR_INFRARED, set(OFF)
    if pipeline == "calwebb_dark":
        steps = steps[: steps.index("dark_current")]
    if pipeline == TIME_SERIES:
        off |= NOT_IN_TIME_SERIES
    if setup.instrument == "NIRSPEC":  # the gain references of its subarrays carry GAINFACT
        off -= {"gain_scale"}
    if setup.exp_type in BRIGHTER_FATTER:
        off -= {"charge_migration"}
    if setup.subarray not in REFERENCE_PIXELS or (mid and setup.subarray != "FULL"):
        off |= {"refpix"}
    return [(step, step not in off) for step in steps]
