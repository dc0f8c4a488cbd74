"""Headers and tables of raw files, as the archive writes them; and the truth files beside them."""

import numpy as np
from astropy.io import fits

from jwcal.fitsfiles import Extension, write_fits
from jwcal.products import asdf_extension
from jwcal.simulate import scene as skies
from jwcal.simulate.plans import format_time

MJD_2000 = 51544.0
DAY = 86400.0

GROUP = np.dtype(
    [("integration_number", "i4"), ("group_number", "i2"), ("end_day", "i2"), ("end_milliseconds", "i4"),
     ("end_submilliseconds", "i2"), ("group_end_time", "S26"), ("number_of_columns", "i2"), ("number_of_rows", "i2"),
     ("number_of_gaps", "i2"), ("completion_code_number", "i2"), ("completion_code_text", "S36"),
     ("bary_end_time", "f8"), ("helio_end_time", "f8")]
)  # fmt: skip
INT_TIMES = np.dtype(
    [("integration_number", "i4")]
    + [(f"int_{when}_{system}", "f8") for system in ("MJD_UTC", "BJD_TDB") for when in ("start", "mid", "end")]
)


def write_uncal(plan, ramps, directory, scene):
    """Write ``<root>_uncal.fits``.

    Parameters
    ----------
    plan : jwcal.simulate.exposure.Plan
        What was exposed.
    ramps : jwcal.simulate.readout.Ramps
        What was read.
    directory : pathlib.Path
        Where.
    scene : jwcal.simulate.scene.Scene
        Sky, for the guiders' tables of stars.

    Returns
    -------
    pathlib.Path
    """
    path = directory / f"{plan.root}_uncal.fits"
    tables = plan.instrument.tables(plan, scene)
    if tables is None:
        tables = [Extension("GROUP", list_groups(plan)), Extension("INT_TIMES", list_integrations(plan))]
    extensions = [
        Extension("PRIMARY", header=make_primary(plan, path.name)),
        Extension("SCI", ramps.data, make_science(plan)),
        *([Extension("ZEROFRAME", ramps.zeroframe)] if plan.zeroframe else []),
        *([Extension("REFOUT", ramps.refout)] if ramps.refout is not None else []),
        *tables,
        asdf_extension({"meta": {"model_type": "Level1bModel", "telescope": "JWST"}}),
    ]
    write_fits(path, extensions)
    for name, content in plan.instrument.companions(plan).items():
        write_fits(directory / name, content)
    return path


def make_primary(plan, filename):
    """Primary header of a raw file."""
    header = fits.Header()
    for block in (_describe_file, _describe_programme, _describe_instrument, _describe_times, _describe_readout,
                  _describe_subarray, _describe_dither):  # fmt: skip
        for keyword, value in block(plan, filename).items():
            header[keyword] = value
    return header


def _iso(mjd):
    """Date and time to the millisecond."""
    return format_time(mjd)[:-3]


def _describe_file(plan, filename):
    return {
        "DATE": _iso(plan.setup.start + 1), "ORIGIN": "STSCI", "TIMESYS": "UTC", "TIMEUNIT": "s", "FILENAME": filename,
        "SDP_VER": "jwcal", "DATAMODL": "Level1bModel", "TELESCOP": "JWST", "FILETYPE": "raw",
    }  # fmt: skip


def _describe_programme(plan, _):
    s = plan.setup
    visit = f"{s.program:05d}{s.observation:03d}{s.visit:03d}"
    return {
        "TITLE": "Simulated by jwcal", "PI_NAME": "jwcal", "CATEGORY": "CAL", "SUBCAT": "UNKNOWN", "SCICAT": "UNKNOWN",
        "DATE-OBS": _iso(s.start)[:10], "TIME-OBS": _iso(s.start)[11:], "DATE-BEG": _iso(s.start),
        "DATE-END": _iso(s.start + plan.timing.duration / DAY), "OBS_ID": f"V{visit}P00000000021{s.activity:02d}",
        "VISIT_ID": visit, "PROGRAM": f"{s.program:05d}", "OBSERVTN": f"{s.observation:03d}", "VISIT": f"{s.visit:03d}",
        "VISITGRP": "02", "SEQ_ID": "1", "ACT_ID": f"{s.activity:02d}", "EXPOSURE": f"{s.exposure:05d}",
        "BKGDTARG": False, "OBSLABEL": "simulation", "VISITYPE": "PRIME_TARGETED_FIXED", "TSOVISIT": s.tso,
        "TARGPROP": s.target, "TARGNAME": s.target, "TARGTYPE": "FIXED", "TARG_RA": s.ra, "TARG_DEC": s.dec,
        "SRCTYAPT": "UNKNOWN",
    }  # fmt: skip


def _describe_instrument(plan, _):
    s = plan.setup
    wheels = {key: name for key, name in zip(plan.instrument.wheels, (s.filter, s.pupil)) if name != "N/A"}
    name = {"INSTRUME": plan.instrument.name, "DETECTOR": plan.chip.name}
    return {**name, **plan.chip.keywords, **wheels, **plan.instrument.keywords(plan), "FOCUSPOS": 0.0}


def _describe_times(plan, _):
    start, stop = plan.setup.start, plan.setup.start + plan.timing.duration / DAY
    mid = (start + stop) / 2
    return {"EXP_TYPE": plan.setup.exp_type, "EXPCOUNT": 1, "EXPRIPAR": "PRIME", "EXPSTART": start, "EXPMID": mid,
            "EXPEND": stop, "MJD-BEG": start, "MJD-AVG": mid, "MJD-END": stop}  # fmt: skip


def _describe_readout(plan, _):
    s, t = plan.setup, plan.timing
    exposed, samples = t.nints * t.integration_time, plan.instrument.samples(s.readpatt)
    return {
        "READPATT": s.readpatt, "NOUTPUTS": plan.outputs, "NINTS": t.nints, "INTSTART": 1, "INTEND": t.nints,
        "EXSEGNUM": 1, "EXSEGTOT": 1, "NGROUPS": t.ngroups, "NFRAMES": t.nframes, "FRMDIVSR": t.divisor,
        "GROUPGAP": t.groupgap,
        "DRPFRMS1": 0, "DRPFRMS3": 0, "NSAMPLES": samples, "TSAMPLE": 10.0, "TFRAME": t.tframe, "TGROUP": t.tgroup,
        "EFFINTTM": t.integration_time, "EFFEXPTM": exposed, "XPOSURE": exposed, "TMEASURE": exposed,
        "DURATION": t.duration, "TELAPSE": t.duration, "NRSTSTRT": 1, "NRESETS": t.nresets,
        "ZEROFRAM": plan.zeroframe, "DATAPROB": False,
        "IS_PSF": False, "IS_IMPRT": False,
    }  # fmt: skip


def _describe_subarray(plan, _):
    a, (nx, ny) = plan.aperture, plan.instrument.frame_size(plan)
    return {"SUBARRAY": plan.setup.subarray, "SUBSTRT1": a.x0 + 1, "SUBSTRT2": a.y0 + 1, "SUBSIZE1": nx,
            "SUBSIZE2": ny, "FASTAXIS": plan.chip.fastaxis, "SLOWAXIS": plan.chip.slowaxis}  # fmt: skip


def _describe_dither(plan, _):
    s = plan.setup
    return {
        "PATTTYPE": "NONE" if s.positions == 1 else "INTRAMODULEBOX", "PATT_NUM": s.position, "NUMDTHPT": s.positions,
        "PATTSIZE": "DEFAULT", "SUBPXPTS": 1, "SUBPXPAT": "NONE", "XOFFSET": s.dither[0], "YOFFSET": s.dither[1],
        "APERNAME": plan.aperture.name, "PPS_APER": plan.aperture.name, "PCS_MODE": "FINEGUIDE", "GS_ORDER": 1,
        "VISITSTA": "SUCCESSFUL",
    }  # fmt: skip


def make_science(plan):
    """Header of the SCI extension: units, pointing and a linear WCS."""
    pointing, a = plan.pointing, plan.aperture
    attitude = pointing.attitude
    ra, dec = (float(value) for value in attitude.to_sky(a.v2_ref, a.v3_ref))
    roll = attitude.roll_at(a.v2_ref, a.v3_ref)
    ra_v1, dec_v1 = (float(value) for value in attitude.to_sky(0.0, 0.0))
    matrix = pointing.sky_matrix(*a.reference_pixel) / 3600
    scale = np.hypot(matrix[0], matrix[1])
    cards = {
        "BUNIT": "DN", "RADESYS": "ICRS", "PA_APER": (roll + a.yangle) % 360, "VA_SCALE": pointing.va_scale,
        "VA_RA": ra, "VA_DEC": dec, "RA_V1": ra_v1, "DEC_V1": dec_v1, "PA_V3": attitude.roll_at(0.0, 0.0), "WCSAXES": 2,
        "CRPIX1": a.reference_pixel[0] + 1, "CRPIX2": a.reference_pixel[1] + 1, "CRVAL1": ra, "CRVAL2": dec,
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg", "CDELT1": scale[0],
        "CDELT2": scale[1], "PC1_1": matrix[0, 0] / scale[0], "PC1_2": matrix[0, 1] / scale[1],
        "PC2_1": matrix[1, 0] / scale[0],
        "PC2_2": matrix[1, 1] / scale[1], "V2_REF": a.v2_ref, "V3_REF": a.v3_ref, "VPARITY": a.parity,
        "V3I_YANG": a.yangle, "RA_REF": ra, "DEC_REF": dec, "ROLL_REF": roll, "VELOSYS": 0.0,
    }  # fmt: skip
    header = fits.Header()
    for keyword, value in cards.items():
        header[keyword] = value
    return header


def list_groups(plan):
    """GROUP table: one row a group, with its end time."""
    timing, a = plan.timing, plan.aperture
    table = np.zeros(timing.nints * timing.ngroups, GROUP)
    table["integration_number"] = np.repeat(np.arange(timing.nints) + 1, timing.ngroups)
    table["group_number"] = np.tile(np.arange(timing.ngroups) + 1, timing.nints)
    frames = timing.frame_number(table["group_number"].astype(float) - 1, timing.nframes - 1)
    seconds = (table["integration_number"] - 1) * timing.cycle + frames * timing.tframe
    mjd = plan.setup.start + seconds / DAY
    table["end_day"] = mjd - MJD_2000
    milliseconds = (mjd % 1) * DAY * 1e3
    table["end_milliseconds"] = milliseconds
    table["end_submilliseconds"] = (milliseconds % 1) * 1000
    table["group_end_time"] = [format_time(moment).encode() for moment in mjd]
    table["number_of_columns"], table["number_of_rows"] = a.nx, a.ny
    table["completion_code_text"] = b"Normal Completion"
    table["bary_end_time"] = table["helio_end_time"] = mjd
    return table


def list_integrations(plan):
    """INT_TIMES table: start, middle and end of each integration (barycentric times without light-travel time)."""
    timing = plan.timing
    table = np.zeros(timing.nints, INT_TIMES)
    table["integration_number"] = np.arange(timing.nints) + 1
    start = plan.setup.start + np.arange(timing.nints) * timing.cycle / DAY
    for name, seconds in (("start", 0.0), ("mid", timing.integration_time / 2), ("end", timing.integration_time)):
        table[f"int_{name}_MJD_UTC"] = start + seconds / DAY
        table[f"int_{name}_BJD_TDB"] = start + seconds / DAY + 69.184 / DAY
    return table


def write_truth(plan, scene, rate, hits, directory):
    """Write ``<root>_truth.fits``.

    RATE: image (DN/s, light only); STARS, GALAXIES: tables with pixel positions and flux densities (Jy) in this band;
    COSMIC_RAYS: table of deposits (e-) by integration and group.

    Parameters
    ----------
    plan : jwcal.simulate.exposure.Plan
        What was exposed.
    scene : jwcal.simulate.scene.Scene
        Sky.
    rate : float32 [y, x]
        Expected count rate, DN/s.
    hits : structured array of `jwcal.simulate.cosmicrays.HIT`
        Cosmic rays.
    directory : pathlib.Path
        Where.

    Returns
    -------
    pathlib.Path
    """
    path = directory / f"{plan.root}_truth.fits"
    header = make_primary(plan, path.name)
    header["FILETYPE"] = "truth"
    header["DATAMODL"] = "DataModel"
    units = fits.Header({"BUNIT": "DN/s"})
    extensions = [Extension("PRIMARY", header=header), Extension("RATE", np.asarray(rate, np.float32), units)]
    for name in ("stars", "galaxies"):
        table = list_sources(getattr(scene, name), plan)
        if len(table):
            extensions.append(Extension(name.upper(), table))
    if len(hits):
        extensions.append(Extension("COSMIC_RAYS", hits))
    write_fits(path, extensions)
    return path


def list_sources(sources, plan):
    """Sources that lie on the subarray, with columns x, y (zero-based pixels) and flux (Jy in the band) in front."""
    x, y = plan.pointing.to_pixel(sources["ra"], sources["dec"]) if len(sources) else (np.zeros(0), np.zeros(0))
    a = plan.aperture
    inside = (x > -0.5) & (x < a.nx - 0.5) & (y > -0.5) & (y < a.ny - 0.5)
    result = np.zeros(int(inside.sum()), [("x", "f8"), ("y", "f8"), ("flux", "f8"), *sources.dtype.descr])
    for name in sources.dtype.names:
        result[name] = sources[name][inside]
    result["x"], result["y"] = x[inside], y[inside]
    result["flux"] = skies.flux_density(result["mag"], result["slope"], plan.band.pivot)
    return result
