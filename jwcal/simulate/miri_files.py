"""Reference files of MIRI's own types; see `jwcal.simulate.reference_files`."""

import numpy as np

from jwcal import dq
from jwcal.fitsfiles import Extension
from jwcal.simulate import miri_effects
from jwcal.simulate.detectors import SETTLING_FRAMES
from jwcal.simulate.miri_detectors import SETTLING_FIRST
from jwcal.simulate.reference_files import list_flags, make_header, make_meta

INTEGRATIONS = 2  # that darks and resets tell apart
SKIPS = np.dtype([("subarray", "S17"), ("readpatt", "S12"), ("group_skip1", "i4"), ("group_skip", "i4")])
WAVE_BINS = 500


def make_dark(subject):
    """DARK: a ramp (DN) for the first integration and one for all later ones."""
    detector, plan = subject.detector, subject.plan
    nframes, gap = subject.cadence
    tframe = plan.timing.tframe
    header = make_header(
        subject, "DARK", "DarkMIRIModel", EXP_TYPE=plan.setup.exp_type, READPATT=plan.setup.readpatt,
        NINTS=INTEGRATIONS, NGROUPS=subject.dark_frames, NFRAMES=nframes, GROUPGAP=gap, TFRAME=tframe,
        TGROUP=(nframes + gap) * tframe, AVDRKCUR=float(np.median(detector.dark)),
    )  # fmt: skip
    rate = detector.dark / detector.true_gain
    data = np.empty((INTEGRATIONS, subject.dark_frames, *rate.shape), np.float32)
    for integration, group in np.ndindex(data.shape[:2]):
        frames = group * (nframes + gap) + 1 + np.arange(nframes)
        settled = float(np.mean(1 - np.exp(-frames / SETTLING_FRAMES))) * (1 if integration else SETTLING_FIRST)
        data[integration, group] = rate * (frames.mean() * tframe) + detector.settling * np.float32(settled)
    flags = detector.flags["dark"] | (detector.flags["mask"] & np.uint32(dq.HOT | dq.FLAGS["WARM"]))
    flags = np.stack([np.where(detector.flags["mask"] & dq.HOT, flags, 0).astype(np.uint32), flags])[:, None]
    return [header, Extension("SCI", data), Extension("DQ", flags), Extension("DQ_DEF", list_flags())]


def make_reset(subject):
    """RESET: the anomaly (DN) of the first groups, for the first integration and for later ones."""
    detector, timing, setup = subject.detector, subject.plan.timing, subject.plan.setup
    span = timing.nframes + timing.groupgap
    groups = -(-miri_effects.RESET_FRAMES // span)
    header = make_header(subject, "RESET", "ResetModel", READPATT=setup.readpatt, NINTS=INTEGRATIONS, NGROUPS=groups)
    shares = np.array([
        [np.mean([miri_effects.share_reset_anomaly(i, g * span + 1 + frame) for frame in range(timing.nframes)])
         for g in range(groups)]
        for i in range(INTEGRATIONS)
    ])  # fmt: skip
    data = (shares[:, :, None, None] * detector.anomaly).astype(np.float32)
    flags = detector.flags["reset"]
    return [header, Extension("SCI", data), Extension("DQ", flags), Extension("DQ_DEF", list_flags())]


def make_rscd(subject):
    """RSCD: groups to leave out of the first integration and of later ones, by subarray and read pattern."""
    instrument = subject.plan.instrument
    rows = [
        (subarray.encode(), readpatt.encode(), 1, 3 if nframes == 1 else 1)
        for subarray in ("FULL", *instrument.subarrays)
        for readpatt, (nframes, _) in instrument.patterns.items()
    ]
    header = make_header(subject, "RSCD", "RSCDModel")
    return [header, Extension("RSCD_GROUP_SKIP", np.array(rows, SKIPS))]


def make_emicorr(subject):
    """EMICORR (ASDF): waves by phase, and which of them a subarray sees at which clocks."""
    instrument = subject.plan.instrument
    phase = (np.arange(WAVE_BINS) + 0.5) / WAVE_BINS
    frequencies = {
        name: {"frequency": frequency, "phase_amplitudes": miri_effects.draw_wave(name, phase)}
        for name, (frequency, _) in miri_effects.WAVES.items()
    }
    cases = {}
    for subarray in ("FULL", *instrument.subarrays):
        for speed in ("FAST", "SLOW") if subarray == "FULL" else ("FAST",):
            name = f"{subarray}_{speed}" if subarray == "FULL" else subarray
            cases[name] = _describe_case(instrument, subarray, f"{speed}R1")
    meta = make_meta(subject, "EMICORR", "EmiModel")
    return {"meta": meta, "frequencies": frequencies, "subarray_cases": cases}


def _describe_case(instrument, subarray, readpatt):
    """Clocks of a row and a frame, and the interferences, of one subarray."""
    rows = instrument.row_clocks(subarray, readpatt)
    clocks = round(instrument.frame_time(subarray, 0, instrument.count_rows(subarray), 1, readpatt) * 1e5)
    seen = {chip: list(instrument.waves(chip, subarray, readpatt)) for chip in instrument.chips}
    waves = {"FAST": seen["MIRIMAGE"]} if readpatt.startswith("FAST") else {"SLOW": seen}
    return {"rowclocks": rows, "frameclocks": clocks, "freqs": waves}


MAKERS = {"SUPERBIAS": None, "DARK": make_dark, "RESET": make_reset, "RSCD": make_rscd, "EMICORR": make_emicorr}
