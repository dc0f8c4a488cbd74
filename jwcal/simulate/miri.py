"""MIRI: the imager with its subarrays and coronagraphs, and the two detectors of the spectrometer (MRS)."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from jwcal.simulate import geometry, miri_effects, miri_files
from jwcal.simulate.instruments import SAMPLE_TIME, Band, Chip, Instrument
from jwcal.simulate.miri_detectors import MiriPixels, draw_miri_detector
from jwcal.simulate.scene import render_background, render_scene

_BANDS = {"F560W": (5.635, 1.00), "F770W": (7.639, 1.95), "F1000W": (9.953, 1.80), "F1130W": (11.309, 0.73),
          "F1280W": (12.810, 2.47), "F1500W": (15.064, 2.92), "F1800W": (17.984, 2.95), "F2100W": (20.795, 4.58),
          "F2550W": (25.365, 3.67), "F1065C": (10.563, 0.57), "F1140C": (11.310, 0.60), "F1550C": (15.517, 0.70),
          "F2300C": (22.645, 4.03), "P750L": (7.872, 4.50)}  # fmt: skip

# Clocks from row to row by subarray.
_ROW_CLOCKS = {"FULL": 271, "BRIGHTSKY": 162, "SUB256": 96, "SUB128": 44, "SUB64": 28, "SLITLESSPRISM": 28,
               "MASKLYOT": 90, "MASK1065": 82, "MASK1140": 82, "MASK1550": 82, "SUB128_IP": 43, "SUB64_IP": 29,
               "SLITLESSPRISM_IP": 27, "SLITLESSPRISM_IPS": 23, "SUBSLIT": 68}  # fmt: skip
_SLOW_ROW_CLOCKS = 2333  # full frame
_SLOW_SAMPLES = 9

# Interferences that are seen.
_WAVES = {name: ("Hz390", "Hz10") for name in _ROW_CLOCKS} | {
    "FULL": ("Hz10",),
    "BRIGHTSKY": ("Hz390", "Hz218", "Hz10"),
}
_SLOW_WAVES = {"MIRIMAGE": ("Hz10",), "MIRIFUSHORT": ("Hz218", "Hz10"), "MIRIFULONG": ("Hz218", "Hz10")}

_PATTERNS = {"FASTR1": (1, 0), "FAST": (1, 0), "SLOWR1": (1, 0), "SLOW": (1, 0), "FASTGRPAVG": (4, 0),
             "FASTGRPAVG8": (8, 0), "FASTGRPAVG16": (16, 0), "FASTGRPAVG32": (32, 0),
             "FASTGRPAVG64": (64, 0)}  # fmt: skip

# First rows (zero-based) behind the coronagraphs' masks: the archive's, two less than the SIAF's.
_FIRST_ROWS = {"MASK1065": 18, "MASK1140": 244, "MASK1550": 466, "MASKLYOT": 716}
_CORONAGRAPHS = {"MASKLYOT": "LYOT_2300", "MASK1065": "4QPM_1065", "MASK1140": "4QPM_1140", "MASK1550": "4QPM_1550"}

MRS_SCALE = 0.196  # arcsec a pixel along a slice
_SLICE, _GAP = 23, 5  # columns


@dataclass(frozen=True)
class Miri(Instrument):
    """The instrument, where it differs from the near-infrared ones."""

    def outputs(self, subarray):
        """Number of outputs: four, which take every fourth column."""
        return miri_effects.OUTPUTS

    def samples(self, readpatt):
        """Number of times a pixel is sampled in each frame (NSAMPLES)."""
        return _SLOW_SAMPLES if readpatt.startswith("SLOW") else 1

    def row_clocks(self, subarray, readpatt):
        """Clocks from row to row; slow patterns read full frames."""
        return _SLOW_ROW_CLOCKS if readpatt.startswith("SLOW") else _ROW_CLOCKS[subarray]

    def count_rows(self, subarray):
        """Rows of a subarray of the imager."""
        chip = self.chips["MIRIMAGE"]
        return int(geometry.read_aperture(self, self.aperture(chip, subarray)).YSciSize)

    def waves(self, detector, subarray, readpatt):
        """Names of the interferences that are seen."""
        return _SLOW_WAVES[detector] if readpatt.startswith("SLOW") else _WAVES[subarray]

    def pixels(self, setup):
        """How the detectors are read."""
        where = setup.subarray, setup.readpatt
        rows, samples = self.row_clocks(*where), self.samples(setup.readpatt)
        return partial(MiriPixels, rowclocks=rows, samples=samples, waves=self.waves(setup.detector, *where))

    def frame_time(self, subarray, nx, ny, fastaxis, readpatt=None, outputs=None):
        """Seconds to read one frame of `ny` rows."""
        return miri_effects.count_clocks(ny, self.row_clocks(subarray, readpatt or "FASTR1")) * SAMPLE_TIME

    def load_distortion(self, chip):
        """Distortion of the imager; a plain scale about the middle of the detector behind the spectrometer."""
        if chip.imaging:
            return geometry.load_distortion(self, chip)
        entry = geometry.read_aperture(self, chip.aperture)
        scale = np.array([[0.0, 0.0], [MRS_SCALE, 0.0]])
        middle = tuple((length - 1) / 2 for length in chip.size)
        place = float(entry.V2Ref), float(entry.V3Ref), float(entry.V3IdlYAngle), int(entry.VIdlParity)
        return geometry.Distortion(middle, scale, scale.T.copy(), *place, chip.size)

    def load_aperture(self, chip, subarray):
        """Place and reference point of a subarray."""
        if chip.imaging:
            part = geometry.load_aperture(self, chip, subarray)
            return geometry.move_aperture(part, part.x0, _FIRST_ROWS.get(subarray, part.y0))
        whole = self.load_distortion(chip)
        place = whole.v2_ref, whole.v3_ref, whole.yangle, whole.parity
        return geometry.Aperture(self.aperture(chip, subarray), 0, 0, *chip.size, *place, whole.reference_pixel)

    def keywords(self, plan):
        """The coronagraph's mask."""
        mask = _CORONAGRAPHS.get(plan.setup.subarray) if plan.setup.exp_type in ("MIR_LYOT", "MIR_4QPM") else None
        return {"CORONMSK": mask} if mask else {}

    def render(self, scene, pointing, band, masked=False):
        """Electrons per second: an image of the sky, or, behind the spectrometer, the light of its slices.

        The spectrometer's picture is a schematic one, for the correction of detectors: the sky's background in slices
        that run up the detector, with fringes along the wavelength. Prisms are not drawn either: their light is that of
        an image through a broad band.
        """
        if not pointing.aperture.name.startswith("MIRIFU"):
            return render_scene(scene, pointing, band, masked)
        light = render_background(scene, pointing, band)
        x, y = np.arange(light.shape[1]), np.arange(light.shape[0])
        slices = np.where(x % (_SLICE + _GAP) < _SLICE, 1.0, 0.02)
        fringes = 1 + 0.15 * np.sin(2 * np.pi * y / (20 + y / 100))
        return (light * slices * fringes[:, None]).astype(np.float32)


_COMMON = {"fastaxis": 1, "slowaxis": 2, "gain": 3.1, "cds_noise": 19.0, "dark": 0.18, "size": (1032, 1024),
           "border": (4, 0), "draw": draw_miri_detector}  # fmt: skip

INSTRUMENT = Miri(
    name="MIRI",
    chips={
        "MIRIMAGE": Chip("MIRIMAGE", "MIRIM_FULL", "MIRIM", "mirimage", **_COMMON),
        "MIRIFUSHORT": Chip("MIRIFUSHORT", "MIRIFU_CHANNEL1A", "MIRIFU", "mirifushort", imaging=False,
                            keywords={"CHANNEL": "12", "BAND": "SHORT"}, **_COMMON),
        "MIRIFULONG": Chip("MIRIFULONG", "MIRIFU_CHANNEL3A", "MIRIFU", "mirifulong", imaging=False,
                           keywords={"CHANNEL": "34", "BAND": "SHORT"}, **_COMMON),
    },
    bands={(name, "N/A"): Band(pivot, width, 0.35) for name, (pivot, width) in _BANDS.items()}
    | {("N/A", "N/A"): Band(12.0, 0.01, 0.1)},  # one resolution element of the spectrometer
    patterns=_PATTERNS,
    subarrays={name: f"{{stem}}_{name}" for name in _ROW_CLOCKS if name != "FULL"},
    exp_type="MIR_IMAGE",
    filter_offsets={("F560W", "N/A"): (0.11, -0.06), ("F1000W", "N/A"): (-0.03, 0.08), ("F2550W", "N/A"): (0.2, 0.15)},
    selection={
        "DARK": ("DETECTOR", "READPATT", "SUBARRAY"),
        "READNOISE": ("DETECTOR", "SUBARRAY", "READPATT"),
        "FLAT": ("DETECTOR", "FILTER", "SUBARRAY"),
        "AREA": ("DETECTOR", "FILTER", "EXP_TYPE"),
        "DISTORTION": ("DETECTOR", "EXP_TYPE"),
        "FILTEROFFSET": ("DETECTOR", "EXP_TYPE"),
    },
    makers=miri_files.MAKERS,
    zeroframe=False,
)  # fmt: skip
