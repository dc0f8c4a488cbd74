"""NIRISS: imaging and aperture-masking interferometry (SUB80)."""

from jwcal.simulate.instruments import Band, Chip, Instrument

_BLUE = {"F090W": (0.902, 0.201), "F115W": (1.150, 0.227), "F140M": (1.404, 0.147), "F150W": (1.494, 0.338),
         "F158M": (1.582, 0.198), "F200W": (1.989, 0.460)}  # fmt: skip
_RED = {"F277W": (2.764, 0.715), "F356W": (3.593, 0.914), "F380M": (3.825, 0.204), "F430M": (4.280, 0.202),
        "F444W": (4.437, 1.108), "F480M": (4.817, 0.298)}  # fmt: skip
MASK_THROUGHPUT = 0.15  # light that the seven holes of the mask let through


def _list_bands():
    bands = {("CLEAR", name): Band(pivot, width, 0.45) for name, (pivot, width) in _BLUE.items()}
    bands |= {(name, "CLEARP"): Band(pivot, width, 0.50) for name, (pivot, width) in _RED.items()}
    masked = ("F277W", "F380M", "F430M", "F480M")
    return bands | {(name, "NRM"): Band(*_RED[name], 0.50 * MASK_THROUGHPUT) for name in masked}


INSTRUMENT = Instrument(
    name="NIRISS",
    chips={
        "NIS": Chip("NIS", "NIS_CEN", "NIS", "nis", fastaxis=-2, slowaxis=-1, gain=1.61, cds_noise=14.0, dark=0.026)
    },
    bands=_list_bands(),
    patterns={"NISRAPID": (1, 0), "NIS": (4, 0)},
    subarrays={"SUB80": "{stem}_AMI1", "SUB64": "{stem}_SUB64", "SUB128": "{stem}_SUB128", "SUB256": "{stem}_SUB256"},
    exp_type="NIS_IMAGE",
    selection={
        "DARK": ("DETECTOR", "READPATT", "SUBARRAY"),
        "SUPERBIAS": ("DETECTOR", "READPATT", "SUBARRAY"),
        "DISTORTION": ("EXP_TYPE",),
        "PHOTOM": ("DETECTOR", "EXP_TYPE"),
    },
)
