"""Subtract electromagnetic interference from MIRI's raw ramps."""

import logging

import numpy as np

from jwcal.errors import JwcalError, StepSkipped
from jwcal.models import Ramp
from jwcal.readout.interference import CLOCK, Clocks, Wave, subtract_folded, subtract_jointly
from jwcal.references import Reference

log = logging.getLogger("jwcal")

READ_PATTERNS = ("FAST", "FASTR1", "SLOW", "SLOWR1")
LEAST_GROUPS, LEAST_GROUPS_SEQUENTIAL = 3, 4
# Clocks from row to row, for frequencies that are given in the settings.
ROW_CLOCKS = {"FULL_FAST": 271, "FULL_SLOW": 2333, "BRIGHTSKY": 162, "SUB256": 96, "SUB128": 44, "SUB64": 28,
              "SLITLESSPRISM": 28, "MASKLYOT": 90, "MASK1065": 82, "MASK1140": 82, "MASK1550": 82}  # fmt: skip


def emicorr(
    ramp: Ramp,
    emicorr: Reference | None = None,
    *,
    algorithm: str = "joint",
    nints_to_phase: int | None = None,
    nbins: int | None = None,
    scale_reference: bool = True,
    onthefly_corr_freq: list | None = None,
    use_n_cycles: int | None = 3,
    fit_ints_separately: bool = False,
) -> Ramp:
    """Fit and subtract waves of fixed frequency that run through the four outputs alike, in place.

    ``joint`` fits amplitude and phase of a known wave together with the ramps; ``sequential`` takes slopes off first,
    folds the rest by phase, and can do without a known wave (`jwcal.readout.interference` says how, and where they
    differ from the official package). Each frequency is corrected after the others. Unlike the official package,
    `nints_to_phase` is found for each frequency (there the first one's serves for all).

    Parameters
    ----------
    ramp : Ramp
        Raw ramp, DN; keywords DETECTOR, SUBARRAY, READPATT, NSAMPLES.
    emicorr : Reference, optional
        ``frequencies`` (name: frequency in Hz, phase_amplitudes) and ``subarray_cases`` (rowclocks, frameclocks, freqs
        by speed, and for slow patterns by detector).
    algorithm : str
        ``joint`` or ``sequential``.
    nints_to_phase : int or None
        sequential: integrations that are folded.
    nbins : int or None
        sequential: bins of a wave; None takes one for every other clock, at most 500.
    scale_reference : bool
        sequential: give the reference's wave the amplitude that is measured.
    onthefly_corr_freq : list of float or None
        Frequencies, Hz, to correct without a reference, by the wave that is measured.
    use_n_cycles : int or None
        sequential: cycles that the integrations folded have to cover; None takes all integrations.
    fit_ints_separately : bool
        joint: one amplitude and phase for each integration.

    Returns
    -------
    Ramp
        The same object.

    Raises
    ------
    StepSkipped
        When the read pattern, subarray or number of groups is not one that can be corrected, or there is no reference.
    JwcalError
        When the reference lacks a frequency that it names, or a setting makes no sense.
    """
    n_integrations, n_groups = ramp.data.shape[:2]
    joint = algorithm == "joint" and onthefly_corr_freq is None
    least = LEAST_GROUPS if joint else LEAST_GROUPS_SEQUENTIAL
    if n_groups < least:
        raise StepSkipped(f"needs {least} groups, the exposure has {n_groups}")
    case, waves = _choose(ramp, emicorr, onthefly_corr_freq)
    frame = case.get("frameclocks") or Clocks.of(ramp, case["rowclocks"], 0).group
    clocks = Clocks.of(ramp, case["rowclocks"], frame if ramp.keyword("READPATT").upper().endswith("R1") else 0)
    for wave in waves:
        if joint:
            amplitudes = subtract_jointly(ramp, wave, clocks, fit_ints_separately)
            log.info("emicorr: %s, %.4f of the reference's amplitude", wave.name, np.mean(amplitudes))
            continue
        folded = nints_to_phase
        if folded is None:
            folded = _count_integrations(use_n_cycles, wave.period, frame * n_groups, n_integrations)
        subtract_folded(ramp, wave, clocks, min(folded, n_integrations), nbins, scale_reference)
    return ramp


def _choose(ramp, reference, frequencies):
    """What is known of the subarray's clocks, and the waves to correct."""
    readpatt, subarray = ramp.keyword("READPATT").upper(), ramp.keyword("SUBARRAY")
    if readpatt not in READ_PATTERNS:
        raise StepSkipped(f"READPATT {readpatt} is not corrected, only {', '.join(READ_PATTERNS)}")
    speed = readpatt[:4]
    name = f"{subarray}_{speed}" if "FULL" in subarray else subarray
    if frequencies is not None:
        if name not in ROW_CLOCKS:
            raise StepSkipped(f"the clocks of SUBARRAY {subarray} are not known")
        waves = [Wave(f"{hertz} Hz", _find_period(hertz), None) for hertz in frequencies]
        return {"rowclocks": ROW_CLOCKS[name]}, waves
    if reference is None:
        raise StepSkipped("there is no reference")
    case = reference.tree["subarray_cases"].get(name)
    names = (case or {}).get("freqs", {}).get(speed)
    if isinstance(names, dict):
        names = names.get(ramp.keyword("DETECTOR"))
    if not names:
        raise StepSkipped(f"the reference says nothing of SUBARRAY {subarray} with READPATT {readpatt}")
    if "rowclocks" not in case:
        raise JwcalError(f"case {name} lacks rowclocks; correct the file", reference.path)
    return case, [_read_wave(reference, name) for name in names]


def _read_wave(reference, name):
    """A wave of the reference."""
    try:
        entry = reference.tree["frequencies"][name]
        shape = np.array(entry["phase_amplitudes"], float)
        return Wave(str(name), _find_period(float(entry["frequency"])), shape)
    except (KeyError, TypeError, ValueError) as error:
        raise JwcalError(f"frequency {name} is named but not described; correct the file", reference.path) from error


def _find_period(hertz):
    """Period of a frequency, clocks."""
    if not hertz > 0:
        raise JwcalError(f"a frequency of {hertz} Hz makes no sense; give positive numbers to onthefly_corr_freq")
    return 1.0 / hertz / CLOCK


def _count_integrations(cycles, period, duration, n_integrations):
    """Integrations that cover so many cycles; all of them for None."""
    return n_integrations if cycles is None else int(np.ceil(cycles * period / duration))
