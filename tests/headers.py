"""Programs as tables of headers, for tests of associations; exposures without pixels."""

from pathlib import Path

import numpy as np
from astropy.io import fits

from jwcal.exposures import Exposure

POSITIONS = {"A": (10.0, -20.0), "B": (10.1, -20.1), "C": (80.0, 30.0), "SKY": (10.3, -20.0), "SKY2": (80.2, 30.1)}
FLAGS = {"bkg": "BKGDTARG", "psf": "IS_PSF", "tso": "TSOVISIT", "imprint": "IS_IMPRT"}
VISITS = {"wfsc": "PRIME_WFSC_SENSING_CONTROL", "parallel": "PARALLEL_PURE"}

# One line for the exposures of an activity:
# program observation activity exposures EXP_TYPE FILTER PUPIL SUBARRAY target detectors [flags]
NIRCAM = """
    1234  1 02 1-3 NRC_IMAGE F200W  CLEAR FULL A nrca1,nrca2,nrcb4
    1234  1 02 1-3 NRC_IMAGE F444W  CLEAR FULL A nrcalong
    1234  1 04 1-2 NRC_IMAGE F150W2 F162M FULL A nrca1
    1234  1 04 1-2 NRC_IMAGE F444W  F470N FULL A nrcalong
    1234  2 02 1-2 NRC_IMAGE F200W  CLEAR FULL A nrca1
    1234  3 02 1-2 NRC_IMAGE F200W  CLEAR SUB160 B nrcb1
    1234  3 02 1-2 NRC_IMAGE F444W  CLEAR SUB160 B nrcblong
    1234  4 02 1   NRC_IMAGE F200W  CLEAR FULL B nrca1
    4321  1 02 1-2 NRC_IMAGE F200W  CLEAR FULL C nrca1
"""
MIRI = """
    2000  1 02 1-4 MIR_IMAGE F770W  - FULL      A mirimage
    2000  1 04 1-4 MIR_IMAGE F1500W - FULL      A mirimage
    2000  1 06 1-2 MIR_IMAGE F2100W - BRIGHTSKY A mirimage
    2000  2 02 1-2 MIR_IMAGE F770W  - FULL      SKY mirimage bkg
    2000  2 04 1-2 MIR_IMAGE F2100W - BRIGHTSKY SKY mirimage bkg
    2000  3 02 1-2 MIR_IMAGE F770W  - FULL      C mirimage
    2000  4 02 1-2 MIR_IMAGE F770W  - FULL      SKY2 mirimage bkg
    2000  5 02 1-2 MIR_IMAGE F770W  - FULL      SKY2 mirimage bkg
"""
OTHERS = """
    3000  1 02 1   NIS_TACQ  F480M  NRM    SUBTAAMI A nis
    3000  1 04 1-2 NIS_IMAGE CLEAR  F150W  FULL A nis
    3000  1 06 1-2 NIS_IMAGE F380M  CLEARP SUB80 A nis
    3000  2 02 1-2 FGS_IMAGE -      -      FULL B guider1,guider2
    3000  3 02 1-2 NRC_IMAGE F212N  CLEAR  FULL C nrca3 wfsc
    3000  4 02 1-2 NRC_IMAGE F210M  CLEAR  SUB64 C nrcb1 tso
    3000  5 02 1-2 NRC_IMAGE F210M  CLEAR  FULL C nrcb1 psf
    3000  5 04 1-2 NRC_IMAGE F250M  CLEAR  FULL C nrcblong
    3000  6 02 1   NRC_FOCUS F212N  WLP8   FULL C nrca3
    3000  7 02 1-2 NIS_WFSS  GR150R F200W  FULL B nis
"""
INSTRUMENTS = {"NRC": "NIRCAM", "MIR": "MIRI", "NIS": "NIRISS", "FGS": "FGS", "NRS": "NIRSPEC"}


def list_headers(table):
    """Headers of a table's exposures, by exposure name."""
    headers = {}
    for line in filter(str.strip, table.splitlines()):
        program, observation, activity, numbers, *rest = line.split()
        first, _, last = numbers.partition("-")
        for number in range(int(first), int(last or first) + 1):
            for header in _make_headers(program, observation, activity, number, *rest):
                headers[_name(header)] = header
    return headers


def _make_headers(
    program, observation, activity, number, exp_type, filter_, pupil, subarray, target, detectors, flags=""
):
    flags = set(filter(None, flags.split(",")))
    visit_type = next((VISITS[flag] for flag in flags if flag in VISITS), "PRIME_TARGETED_FIXED")
    for detector in detectors.split(","):
        channel = {"CHANNEL": "LONG" if "long" in detector else "SHORT"} if detector.startswith("nrc") else {}
        yield {
            "TELESCOP": "JWST", "INSTRUME": INSTRUMENTS[exp_type[:3]], "DETECTOR": detector.upper(), **channel,
            **({"FILTER": filter_} if filter_ != "-" else {}), **({"PUPIL": pupil} if pupil != "-" else {}),
            "EXP_TYPE": exp_type, "SUBARRAY": subarray, "VISITYPE": visit_type, "PROGRAM": program.zfill(5),
            "OBSERVTN": observation.zfill(3), "VISIT": "001", "VISITGRP": "02", "SEQ_ID": "1", "ACT_ID": activity,
            "EXPOSURE": f"{number:05d}", "TARGPROP": target.lower(), "TARGNAME": target, "NINTS": 1, "NGROUPS": 2,
            "TARG_RA": POSITIONS[target][0], "TARG_DEC": POSITIONS[target][1],
            **{keyword: flag in flags for flag, keyword in FLAGS.items()},
        }  # fmt: skip


def _name(h):
    visit = f"jw{h['PROGRAM']}{h['OBSERVTN']}{h['VISIT']}"
    return f"{visit}_{h['VISITGRP']}{h['SEQ_ID']}{h['ACT_ID']}_{h['EXPOSURE']}_{h['DETECTOR'].lower()}"


def list_exposures(table):
    """The inventory of a table."""
    headers = list_headers(table)
    return [Exposure(name, "uncal", f"raw/{name}_uncal.fits", h, (1, 2, 8, 8), 0) for name, h in headers.items()]


def write_exposures(table, folder):
    """Files of a table's exposures: true headers, hardly any pixels."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, header in list_headers(table).items():
        primary = fits.PrimaryHDU(header=fits.Header(list(header.items())))
        sci = fits.ImageHDU(np.zeros((1, 2, 2, 2), np.uint16), name="SCI")
        fits.HDUList([primary, sci]).writeto(Path(folder) / f"{name}_uncal.fits")
