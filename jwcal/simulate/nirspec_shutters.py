"""The table of open shutters (`_msa.fits`) of a NIRSpec exposure, as the archive writes it."""

import numpy as np
from astropy.io import fits

from jwcal.fitsfiles import Extension

METADATA_ID = 1
SHUTTER_INFO = np.dtype(
    [("slitlet_id", "i2"), ("msa_metadata_id", "i2"), ("shutter_quadrant", "i2"), ("shutter_row", "i2"),
     ("shutter_column", "i2"), ("source_id", "i4"), ("background", "S1"), ("shutter_state", "S6"),
     ("estimated_source_in_shutter_x", "f4"), ("estimated_source_in_shutter_y", "f4"), ("dither_point_index", "i2"),
     ("primary_source", "S1"), ("fixed_slit", "S7")]
)  # fmt: skip
SOURCE_INFO = np.dtype(
    [("program", "i4"), ("source_id", "i4"), ("source_name", "S20"), ("alias", "S31"), ("ra", "f8"), ("dec", "f8"),
     ("preimage_id", "S30"), ("stellarity", "f8")]
)  # fmt: skip

# Slitlets: quadrant, place along the dispersion (shutter_row), first and last place across it, source (0: background).
SLITLETS = ((1, 100, 40, 42, 11), (2, 200, 10, 12, 12), (3, 20, 100, 102, 13), (4, 340, 150, 150, 0),
            (4, 5, 80, 83, 0), (3, 360, 5, 6, -1))  # fmt: skip
PLACE = 0.42, 0.55  # of a source in its shutter
ARCMINUTE = 1 / 60


def name_table(plan):
    """File name of a visit's table."""
    s = plan.setup
    return f"jw{s.program:05d}{s.observation:03d}{s.visit:03d}_{METADATA_ID:02d}_msa.fits"


def make_table(plan):
    """Extensions SHUTTER_INFO and SOURCE_INFO; the sources step from shutter to shutter with the dither positions."""
    rows = [
        _make_row(number, slitlet, column, position)
        for number, slitlet in enumerate(SLITLETS, 1)
        for column in range(slitlet[2], slitlet[3] + 1)
        for position in range(1, max(3, plan.setup.positions) + 1)
    ]
    s, real = plan.setup, [slitlet[-1] for slitlet in SLITLETS if slitlet[-1] > 0]
    sources = [
        (s.program, k, f"{s.program}_{k}", f"{k}", s.ra + k % 3 * ARCMINUTE, s.dec, "None", 0.5 * (k % 2)) for k in real
    ]
    return [
        Extension("PRIMARY", header=fits.Header({"TELESCOP": "JWST", "INSTRUME": "NIRSPEC", "ORIGIN": "STSCI"})),
        Extension("SHUTTER_INFO", np.array(rows, SHUTTER_INFO)),
        Extension("SOURCE_INFO", np.array(sources, SOURCE_INFO)),
    ]


def _make_row(number, slitlet, column, position):
    """An open shutter at a dither position."""
    quadrant, place, first, last, source = slitlet
    main = source != 0 and column == first + (position - 1) % (last - first + 1)
    x, y = PLACE if main else (np.nan, np.nan)
    return (number, METADATA_ID, quadrant, place, column, source if main else 0, "N" if main else "Y", "OPEN", x, y,
            position, "Y" if main else "N", "NONE")  # fmt: skip
