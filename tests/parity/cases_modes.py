"""Further modes that are compared: what the other lists leave out of detectors, read patterns, numbers of groups."""

from dataclasses import replace

import numpy as np
from astropy.io import fits
from cases import Case

from jwcal.simulate import Setup

# Time series: the official code's own defaults run steps that the observatory switches off for them.
TIME_SERIES = {"ipc": {"skip": True}, "lastframe": {"skip": True}}


def case(name, number, setup, settings=None, faint=18.0, bright=11.0, rectified=False, damage=None):
    """A case in programme 4; `number` keeps the file names apart."""
    return Case(name, replace(setup, program=4, observation=number), settings or {}, faint, bright, rectified, damage)


def nircam(detector="NRCA1", filter="F200W", pupil="CLEAR", subarray="SUB160", readpatt="RAPID", ngroups=5, nints=1,
           exp_type="NRC_IMAGE", **more):  # fmt: skip
    """A set-up of NIRCam."""
    return Setup("NIRCAM", detector, filter, pupil, subarray, readpatt, ngroups, nints, exp_type=exp_type, **more)


def grism(readpatt, **more):
    """A NIRCam spectrum."""
    return nircam("NRCALONG", "F322W2", "GRISMR", "SUBGRISM64", readpatt, exp_type="NRC_GRISM", **more)


def niriss(subarray, readpatt, ngroups, nints=1, filter="CLEAR", pupil="F150W", exp_type="NIS_IMAGE"):
    """A set-up of NIRISS."""
    return Setup("NIRISS", "NIS", filter, pupil, subarray, readpatt, ngroups, nints, exp_type=exp_type)


def fgs(subarray, readpatt, ngroups, nints=1, exp_type="FGS_IMAGE", detector="GUIDER1", **more):
    """A set-up of FGS."""
    return Setup("FGS", detector, "N/A", "N/A", subarray, readpatt, ngroups, nints, exp_type=exp_type, **more)


def miri(subarray, readpatt, ngroups, nints=1, filter="F770W", exp_type="MIR_IMAGE", detector="MIRIMAGE"):
    """A set-up of MIRI."""
    return Setup("MIRI", detector, filter, "N/A", subarray, readpatt, ngroups, nints, exp_type=exp_type)


def break_outputs(uncal, crds, plan):
    """One output reads nothing, one always the same."""
    with fits.open(uncal, mode="update") as file:
        file["SCI"].data[..., 512:1024] = 0
        file["SCI"].data[..., 1024:1536] = 20000


def spoil_references(uncal, crds, plan):
    """NaN, zero and negative values in patches of the reference files of one subarray."""
    patches = {"superbias": ("SCI", (np.nan,)), "dark": ("SCI", (np.nan,)), "linearity": ("COEFFS", (np.nan, 0.0)),
               "gain": ("SCI", (np.nan, 0.0, -1.0)), "readnoise": ("SCI", (np.nan, 0.0)),
               "saturation": ("SCI", (np.nan,))}  # fmt: skip
    for place, (reftype, (extension, values)) in enumerate(patches.items()):
        path = find_reference(crds, reftype, plan)
        with fits.open(path, mode="update") as file:
            for row, value in enumerate(values):
                file[extension].data[..., 10 + 5 * row : 12 + 5 * row, 10 + 5 * place : 13 + 5 * place] = value


def fill_gain(uncal, crds, plan):
    """No NaN in the gain: a single one makes the whole of an official stacked identification image NaN."""
    with fits.open(find_reference(crds, "gain", plan), mode="update") as file:
        gain = file["SCI"].data
        gain[np.isnan(gain)] = np.nanmean(gain)


def enlarge_references(uncal, crds, plan):
    """Reference files that reach further than the subarray, from which both sides cut it."""
    place, margin = plan.aperture, 30
    left, low = min(margin, place.x0), min(margin, place.y0)
    right, high = min(margin, 2048 - place.x0 - place.nx), min(margin, 2048 - place.y0 - place.ny)
    for reftype in ("mask", "saturation", "superbias", "linearity", "gain", "readnoise"):
        path = find_reference(crds, reftype, plan)
        with fits.open(path, memmap=False) as file:
            for name in {"SCI", "ERR", "DQ", "COEFFS", "INV_COEFFS"} & {hdu.name for hdu in file}:
                data = file[name].data
                file[name].data = np.pad(data, [(0, 0)] * (data.ndim - 2) + [(low, high), (left, right)])
                size = file[name].data.shape
            start = {"SUBSTRT1": place.x0 + 1 - left, "SUBSTRT2": place.y0 + 1 - low}
            file[0].header.update(start | {"SUBSIZE1": size[-1], "SUBSIZE2": size[-2], "SUBARRAY": "GENERIC"})
            file.writeto(path, overwrite=True)


def find_reference(crds, reftype, plan):
    """Reference file of a detector and subarray in a simulated cache."""
    folder = crds / "references" / "jwst" / plan.instrument.name.lower()
    wanted = plan.chip.name, plan.setup.subarray
    for path in sorted(folder.glob(f"*_{reftype}_*.fits")):
        header = fits.getheader(path)
        if (header["DETECTOR"], header["SUBARRAY"]) == wanted:
            return path
    raise FileNotFoundError(f"no {reftype} of {wanted} in {folder}")


CASES = [
    case("NIRCam grism 4 outputs", 1, grism("BRIGHT2", nints=2), bright=13),
    case("NIRCam grism 1 output", 2, grism("RAPID", outputs=1)),
    case("NIRCam coronagraph SHALLOW2", 3, nircam("NRCALONG", "F335M", "MASKRND", "SUB320A335R", "SHALLOW2", 3,
                                                  exp_type="NRC_CORON")),
    case("NIRCam SUB64P DEEP8 x2", 4, nircam("NRCB1", subarray="SUB64P", readpatt="DEEP8", nints=2)),
    case("NIRCam SUB160 40 groups", 5, nircam(ngroups=40), bright=9),
    case("NIRCam 5 frames over 8", 6, nircam(nframes=5, divisor=8, ngroups=4)),
    case("NIRCam dead outputs", 7, grism("MEDIUM2", nints=2), damage=break_outputs),
    case("NIRCam spoilt references", 8, nircam("NRCA2", nints=2, readpatt="BRIGHT1"), damage=spoil_references),
    case("NIRISS SUB64 NIS 3 groups x2", 9, niriss("SUB64", "NIS", 3, 2), bright=10),
    case("NIRISS SUB128 40 groups", 10, niriss("SUB128", "NISRAPID", 40), bright=9),
    case("NIRISS WFSS64R", 11, niriss("WFSS64R", "NISRAPID", 5, 1, "GR150R", "F200W", "NIS_WFSS")),
    case("NIRISS SUBSTRIP96 SOSS x3", 12, niriss("SUBSTRIP96", "NISRAPID", 4, 3, "CLEAR", "GR700XD", "NIS_SOSS"),
         TIME_SERIES, bright=7),
    case("NIRISS larger references", 20, niriss("SUBTAAMI", "NISRAPID", 5, 1, "F480M", "NRM", "NIS_TACQ"),
         damage=enlarge_references),
    case("FGS SUB128LL FGS x2", 13, fgs("SUB128LL", "FGS", 5, 2)),
    case("FGS SUB32CNTR 2 groups x3", 14, fgs("SUB32CNTR", "FGSRAPID", 2, 3, detector="GUIDER2"), bright=13),
    case("FGS SUB8DIAG FGS8370", 15, fgs("SUB8DIAG", "FGS8370", 5)),
    case("MIRI MRS SLOWR1", 16, miri("FULL", "SLOWR1", 4, 1, "N/A", "MIR_MRS", "MIRIFULONG")),
    case("MIRI MASK1065 FASTGRPAVG x2", 17, miri("MASK1065", "FASTGRPAVG", 5, 2, "F1065C", "MIR_4QPM"), bright=8),
    case("MIRI SLITLESSPRISM 40 groups x3", 18, miri("SLITLESSPRISM", "FASTR1", 40, 3, "P750L", "MIR_LRS-SLITLESS"),
         TIME_SERIES, bright=8),
    case("MIRI SUBSLIT FASTGRPAVG8", 19, miri("SUBSLIT", "FASTGRPAVG8", 6, 1, "P750L", "MIR_LRS-FIXEDSLIT")),
]  # fmt: skip

DARKS = [
    case("NRC_DARK SUB160 x2", 31, nircam(exp_type="NRC_DARK", readpatt="SHALLOW4", nints=2)),
    case("NIS_DARK SUB80", 32, niriss("SUB80", "NISRAPID", 6, exp_type="NIS_DARK")),
    case("FGS_DARK SUB32LL", 33, fgs("SUB32LL", "FGS840", 4, exp_type="FGS_DARK")),
    case("MIR_DARKIMG SUB128 x2", 34, miri("SUB128", "FASTR1", 6, 2, exp_type="MIR_DARKIMG")),
]

GUIDING = [
    case("guider ID-IMAGE", 41, fgs("2048X64", "ID", 2, 2, "FGS_ID-IMAGE", strips=2)),
    case("guider ID-STACK", 42, fgs("2048X64", "ID", 2, 2, "FGS_ID-STACK", strips=2), damage=fill_gain),
    case("guider ACQ1", 43, fgs("128X128", "ACQ1", 2, 6, "FGS_ACQ1")),  # GUIDER2's references fit the real one
    case("guider ACQ2", 44, fgs("32X32", "ACQ2", 2, 5, "FGS_ACQ2")),
    case("guider TRACK", 45, fgs("32X32", "TRACK", 2, 200, "FGS_TRACK")),
    case("guider FINEGUIDE", 46, fgs("8X8", "FINEGUIDE", 8, 500, "FGS_FINEGUIDE")),
]
