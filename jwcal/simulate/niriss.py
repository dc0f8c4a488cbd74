"""NIRISS: images, slitless spectra, spectra of single objects (SOSS) and aperture-masking interferometry."""

from dataclasses import dataclass, replace

from jwcal.simulate import geometry
from jwcal.simulate.instruments import Band, Chip, Instrument
from jwcal.simulate.niriss_soss import draw_soss

_BLUE = {"F090W": (0.902, 0.201), "F115W": (1.150, 0.227), "F140M": (1.404, 0.147), "F150W": (1.494, 0.338),
         "F158M": (1.582, 0.198), "F200W": (1.989, 0.460)}  # fmt: skip
_RED = {"F277W": (2.764, 0.715), "F356W": (3.593, 0.914), "F380M": (3.825, 0.204), "F430M": (4.280, 0.202),
        "F444W": (4.437, 1.108), "F480M": (4.817, 0.298)}  # fmt: skip
MASK_THROUGHPUT = 0.15  # light that the seven holes of the mask let through
_DISPERSION = 0.0047  # um a pixel, of the grisms for slitless spectra
_STRIPS = {
    "SUBSTRIP96": (1802, 96),
    "SUBSTRIP256": (1792, 256),
}  # first row (zero-based) and rows, for SOSS
_SOSS = {"CLEAR": Band(1.6, 2.2, 0.30), "F277W": Band(2.764, 0.715, 0.15)}


def _list_bands():
    bands = {("CLEAR", name): Band(pivot, width, 0.45) for name, (pivot, width) in _BLUE.items()}
    bands |= {(name, "CLEARP"): Band(pivot, width, 0.50) for name, (pivot, width) in _RED.items()}
    masked = ("F277W", "F380M", "F430M", "F480M")
    bands |= {(name, "NRM"): Band(*_RED[name], 0.50 * MASK_THROUGHPUT) for name in masked}
    for axis, grism in ((1, "GR150R"), (0, "GR150C")):
        bands |= {
            (grism, name): Band(pivot, width, 0.35, round(width / _DISPERSION), axis)
            for name, (pivot, width) in _BLUE.items()
        }
    return bands | {(name, "GR700XD"): band for name, band in _SOSS.items()}


@dataclass(frozen=True)
class Niriss(Instrument):
    """The instrument, where it differs from the others."""

    def load_aperture(self, chip, subarray):
        """Place and reference point of a subarray.

        The SIAF's apertures for SOSS enclose traces that the subarrays do not hold: their place is that of the archive.
        """
        part = geometry.load_aperture(self, chip, subarray)
        if subarray not in _STRIPS:
            return part
        y0, ny = _STRIPS[subarray]
        return replace(geometry.move_aperture(part, 0, y0), nx=chip.size[0], ny=ny)

    def render(self, scene, pointing, band, masked=False):
        """Electrons per second: as `Instrument.render`, or the traces of a single object."""
        if band in _SOSS.values():
            return draw_soss(scene, pointing, band)
        return super().render(scene, pointing, band, masked)

    def keywords(self, plan):
        """Where the pupil wheel stopped, for SOSS."""
        return {"PWCPOS": 245.76} if plan.setup.pupil == "GR700XD" else {}


_SUBARRAYS = {"SUB80": "{stem}_AMI1", "SUBTAAMI": "{stem}_AMITA", "SUBTASOSS": "{stem}_SOSSTA"}
_SAME = ("SUB64", "SUB128", "SUB256", "SUBAMPCAL", "SUBSTRIP96", "SUBSTRIP256", "WFSS64R", "WFSS64C", "WFSS128R",
         "WFSS128C")  # fmt: skip

INSTRUMENT = Niriss(
    name="NIRISS",
    chips={
        "NIS": Chip("NIS", "NIS_CEN", "NIS", "nis", fastaxis=-2, slowaxis=-1, gain=1.61, cds_noise=14.0, dark=0.026)
    },
    bands=_list_bands(),
    patterns={"NISRAPID": (1, 0), "NIS": (4, 0)},
    subarrays=_SUBARRAYS | {name: f"{{stem}}_{name}" for name in _SAME},
    exp_type="NIS_IMAGE",
    selection={
        "DARK": ("DETECTOR", "READPATT", "SUBARRAY"),
        "SUPERBIAS": ("DETECTOR", "READPATT", "SUBARRAY"),
        "DISTORTION": ("EXP_TYPE",),
        "PHOTOM": ("DETECTOR", "EXP_TYPE"),
    },
)
