"""NIRCam: ten detectors, two channels; images, coronagraphs, grisms and time series."""

from dataclasses import dataclass

from jwcal.simulate.instruments import Band, Chip, Instrument

_SHORT = {"F070W": (0.704, 0.128), "F090W": (0.901, 0.194), "F115W": (1.154, 0.225), "F140M": (1.404, 0.142),
          "F150W": (1.501, 0.318), "F150W2": (1.671, 1.227), "F182M": (1.845, 0.238), "F187N": (1.874, 0.024),
          "F200W": (1.990, 0.461), "F210M": (2.093, 0.205), "F212N": (2.120, 0.027)}  # fmt: skip
_LONG = {"F250M": (2.503, 0.181), "F277W": (2.786, 0.672), "F300M": (2.996, 0.318), "F322W2": (3.247, 1.339),
         "F335M": (3.365, 0.347), "F356W": (3.563, 0.787), "F360M": (3.621, 0.372), "F410M": (4.092, 0.436),
         "F430M": (4.280, 0.228), "F444W": (4.421, 1.024), "F460M": (4.624, 0.228),
         "F480M": (4.834, 0.303)}  # fmt: skip

# Narrow bands sit in the pupil wheel, behind a wide filter.
_PUPIL_BANDS = {("F150W2", "F162M"): (1.626, 0.168), ("F150W2", "F164N"): (1.644, 0.020),
                ("F322W2", "F323N"): (3.237, 0.038), ("F444W", "F405N"): (4.055, 0.046),
                ("F444W", "F466N"): (4.654, 0.054), ("F444W", "F470N"): (4.707, 0.051)}  # fmt: skip
_DISPERSION = 0.001  # um a pixel, of the grisms
_STOPS = {"MASKRND": 0.08, "MASKBAR": 0.08, "WLP8": 0.38, "WLM8": 0.38}  # throughput of coronagraphs and weak lenses


def _list_bands():
    bands = {(name, "CLEAR"): Band(pivot, width, 0.40) for name, (pivot, width) in _SHORT.items()}
    bands |= {(name, "CLEAR"): Band(pivot, width, 0.48) for name, (pivot, width) in _LONG.items()}
    bands |= {key: Band(pivot, width, 0.38) for key, (pivot, width) in _PUPIL_BANDS.items()}
    for stop, throughput in _STOPS.items():
        bands |= {(name, stop): Band(*shape, throughput) for name, shape in (_SHORT | _LONG).items()}
    for axis, grism in ((1, "GRISMR"), (0, "GRISMC")):
        bands |= {
            (name, grism): Band(pivot, width, 0.3, round(width / _DISPERSION), axis)
            for name, (pivot, width) in _LONG.items()
        }
    return bands


def _describe_chip(module, position):
    """Chip of position 1-4 (short wave) or 5 (long wave) of module A or B."""
    long = position == 5
    name = f"NRC{module}{'LONG' if long else position}"
    fast_reversed = (module == "A") == (position in (1, 3, 5))  # A1, A3, ALONG, B2, B4
    return Chip(
        name=name,
        aperture=f"NRC{module}{position}_FULL",
        stem=f"NRC{module}{position}",
        label=name.lower(),
        fastaxis=-1 if fast_reversed else 1,
        slowaxis=2 if fast_reversed else -2,
        gain=1.82 if long else 2.05,
        cds_noise=13.5 if long else 15.8,
        dark=0.034 if long else 0.0022,
        keywords={"CHANNEL": "LONG" if long else "SHORT", "MODULE": module},
    )


def _list_subarrays():
    """SIAF apertures by SUBARRAY; an aperture named in full belongs to one detector."""
    table = {name: f"{{stem}}_{name}" for name in ("SUB640", "SUB320", "SUB160", "SUB400P", "SUB160P", "SUB64P")}
    table["FULLP"] = "{stem}_FULLP"
    for rows in (256, 128, 64):  # the short-wave channel looks on while the other one takes spectra
        table[f"SUBGRISM{rows}"] = (f"{{stem}}_GRISM{rows}_F322W2", f"{{stem}}_GRISMTS{rows}")
    table |= {
        "SUB32TATS": "{stem}_TAPSIMG32",
        "SUB32TATSGRISM": "{stem}_TAGRISMTS32",
        "SUB32TA_DHS": "{stem}_TADHSTS32",
    }
    for size in (8, 64):
        table |= {f"SUB{size}FP1{module}": f"NRC{module}{n}_FP1_SUB{size}" for module, n in (("A", 3), ("B", 4))}
        table[f"SUB{size}FP6A"] = f"NRCA1_FP6_SUB{size}"
    table |= {"SUB96DHSPILA": "NRCA3_DHSPIL_SUB96", "SUB96DHSPILB": "NRCB4_DHSPIL_SUB96"}
    return table | _list_coronagraphs()


def _list_coronagraphs():
    """SIAF apertures of the subarrays behind the coronagraphs' masks, and of their target acquisition."""
    a, b = ("NRCA2", "NRCA4", "NRCA5"), ("NRCB1", "NRCB3", "NRCB5")
    masks = {"640A210R": (a, "MASK210R"), "640ASWB": (a, "MASKSWB"), "320A335R": (a, "MASK335R"),
             "320A430R": (a, "MASK430R"), "320ALWB": (a, "MASKLWB"), "400X256ALWB": (a, "400X256_MASKLWB"),
             "640B210R": (b, "MASK210R"), "640BSWB": (b, "MASKSWB"), "320B335R": (b, "MASK335R"),
             "320B430R": (b, "MASK430R"), "320BLWB": (b, "MASKLWB")}  # fmt: skip
    acquisition = {"210R": "210R", "335R": "335R", "430R": "430R", "SWBL": "SWB", "SWBS": "SWBS", "LWBS": "LWB",
                   "LWBL": "LWBL"}  # fmt: skip
    for module, stems in (("A", a), ("B", b)):
        masks |= {f"ND{module}{name}": (stems, f"TAMASK{place}") for name, place in acquisition.items()}
    masks |= {f"FSA{name}": (a, f"FSTAMASK{name}") for name in ("210R", "335R", "430R", "SWB", "LWB")}
    return {f"SUB{name}": tuple(f"{stem}_{place}" for stem in stems) for name, (stems, place) in masks.items()}


_MASKS = ("210R", "335R", "430R", "LWB", "SWB")


@dataclass(frozen=True)
class Nircam(Instrument):
    """The instrument, where it differs from the others."""

    def keywords(self, plan):
        """The coronagraph's mask."""
        if plan.setup.exp_type != "NRC_CORON":
            return {}
        mask = next((name for name in _MASKS if plan.setup.subarray.endswith(name)), "335R")
        return {"CORONMSK": f"MASKA{mask}"}


INSTRUMENT = Nircam(
    name="NIRCAM",
    chips={chip.name: chip for module in "AB" for chip in (_describe_chip(module, n) for n in range(1, 6))},
    bands=_list_bands(),
    patterns={
        "RAPID": (1, 0),
        "BRIGHT1": (1, 1),
        "BRIGHT2": (2, 0),
        "SHALLOW2": (2, 3),
        "SHALLOW4": (4, 1),
        "MEDIUM2": (2, 8),
        "MEDIUM8": (8, 2),
        "MEDIUMDEEP2": (2, 13),
        "MEDIUMDEEP8": (8, 7),
        "DEEP2": (2, 18),
        "DEEP8": (8, 12),
        "DHS3": (1, 2),
        "DHS4": (1, 3),
        "DHS5": (1, 4),
        "DHS6": (1, 5),
        "DHS7": (1, 6),
    },
    subarrays=_list_subarrays(),
    exp_type="NRC_IMAGE",
    four_outputs=frozenset({"FULL", "FULLP", "SUBGRISM256", "SUBGRISM128", "SUBGRISM64"}),
    filter_offsets={
        ("F277W", "CLEAR"): (-0.010, -0.564),
        ("F356W", "CLEAR"): (-0.131, -0.489),
        ("F444W", "CLEAR"): (-0.089, -0.071),
        ("F410M", "CLEAR"): (-0.238, -0.420),
        ("F200W", "CLEAR"): (0.062, -0.115),
        ("F150W", "CLEAR"): (-0.041, 0.087),
    },
)
