"""FGS: the guiders' acquisition images, and imaging without a filter."""

from jwcal.simulate.instruments import Band, Chip, Instrument

_COMMON = {"gain": 1.97, "cds_noise": 22.0, "dark": 0.01}
_BY_PATTERN = ("DETECTOR", "READPATT", "SUBARRAY")

INSTRUMENT = Instrument(
    name="FGS",
    chips={
        "GUIDER1": Chip("GUIDER1", "FGS1_FULL", "FGS1", "guider1", fastaxis=-2, slowaxis=-1, **_COMMON),
        "GUIDER2": Chip("GUIDER2", "FGS2_FULL", "FGS2", "guider2", fastaxis=2, slowaxis=-1, **_COMMON),
    },
    bands={("N/A", "N/A"): Band(2.5, 3.5, 0.45)},
    patterns={"ACQ1": (1, 1), "ACQ2": (1, 1), "TRACK": (1, 0), "FGSRAPID": (1, 0), "FGS": (4, 0)},
    subarrays={"128X128": "{stem}_SUB128CNTR", "32X32": "{stem}_SUB32CNTR", "8X8": "{stem}_SUB8CNTR"},
    exp_type="FGS_IMAGE",
    selection={
        "MASK": ("DETECTOR", "SUBARRAY", "EXP_TYPE"),
        "DARK": _BY_PATTERN,
        "FLAT": ("DETECTOR", "EXP_TYPE"),
        "AREA": ("DETECTOR",),
        "DISTORTION": ("EXP_TYPE", "DETECTOR"),
    },
)
