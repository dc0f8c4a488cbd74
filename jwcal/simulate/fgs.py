"""FGS: images without a filter, and the guiders' functions: identification, acquisition, track and fine guide."""

from dataclasses import dataclass, replace

import numpy as np

from jwcal.simulate import fgs_files, fgs_tables, geometry
from jwcal.simulate.detectors import cut
from jwcal.simulate.instruments import Band, Chip, Instrument
from jwcal.simulate.readout import Ramps, Timing

STRIP, OVERLAP = 64, 8  # columns of a strip of the identification image, and those it shares with the next one
STRIPS = "2048X64"  # SUBARRAY of that
FIRST_COLUMN = 12  # zero-based, of the first strip
PAUSE = 21  # frames of a fine-guide integration between its first reads and its last ones


@dataclass(frozen=True)
class FowlerTiming(Timing):
    """An integration with half of its reads at the start and half at the end; the group time lies between the means."""

    @property
    def tgroup(self):
        """Seconds from the mean of the first reads to that of the last ones."""
        return (self.ngroups / 2 + PAUSE) * self.tframe

    @property
    def frames(self):
        """Frames of an integration, those that are not read included."""
        return self.ngroups + PAUSE

    def frame_number(self, group, frame):
        """One-based number in the integration of a read (zero-based)."""
        return group + 1 + np.where(np.asarray(group) >= self.ngroups / 2, PAUSE, 0)


@dataclass(frozen=True)
class Fgs(Instrument):
    """The instrument, where it differs from the others."""

    def place(self, chip, setup):
        """Place of an exposure; an identification image is that of its strips together."""
        if setup.subarray != STRIPS:
            return self.load_aperture(chip, setup.subarray)
        whole = geometry.load_aperture(self, chip, "FULL")
        width = setup.strips * (STRIP - OVERLAP) + OVERLAP
        middle = (width - 1) / 2, whole.reference_pixel[1]
        v2, v3 = self.load_distortion(chip).to_v2v3(middle[0] + FIRST_COLUMN, middle[1])
        return replace(whole, x0=FIRST_COLUMN, nx=width, reference_pixel=middle, v2_ref=float(v2), v3_ref=float(v3))

    def timing(self, setup, nframes, groupgap, tframe):
        """Timing of an exposure."""
        kind = FowlerTiming if setup.readpatt == "FINEGUIDE" else Timing
        return kind(setup.nints, setup.ngroups, nframes, groupgap, setup.divisor or nframes, tframe)

    def frame_time(self, subarray, nx, ny, fastaxis, readpatt=None, outputs=None):
        """Seconds to read one frame: of an identification image, one strip."""
        return super().frame_time(subarray, STRIP if subarray == STRIPS else nx, ny, fastaxis, readpatt, outputs)

    def expose(self, plan, rate, detector, **options):
        """What is read: identification images strip by strip, each with all its reads."""
        if plan.setup.subarray != STRIPS:
            return super().expose(plan, rate, detector, **options)
        seed, parts = options.pop("seed"), []
        for number in range(plan.setup.strips):
            place = plan.region._replace(x0=plan.region.x0 + number * (STRIP - OVERLAP), nx=STRIP)
            light = np.ascontiguousarray(rate[:, place.x0 - plan.region.x0 :][:, :STRIP])
            options["traps"] = None
            parts.append(super().expose(plan, light, cut(detector, place), seed=f"{seed}/{number}", **options))
        return join_strips(parts, stacked=plan.setup.exp_type == "FGS_ID-STACK")

    def frame_size(self, plan):
        """Columns and rows of the raw data: stacked strips keep the columns that they share."""
        columns = plan.setup.strips * STRIP if plan.setup.exp_type == "FGS_ID-STACK" else plan.aperture.nx
        return columns, plan.aperture.ny

    def tables(self, plan, scene):
        """The guiders' tables; None for images."""
        return fgs_tables.list_tables(plan, scene)


def join_strips(parts, stacked):
    """One image of the strips' ramps: side by side, or with the mean of what two strips share.

    Parameters
    ----------
    parts : list of readout.Ramps
        Strips, from left to right.
    stacked : bool
        Whether they are put side by side.

    Returns
    -------
    readout.Ramps
    """
    strips = [part.data for part in parts]
    if stacked:
        data = np.concatenate(strips, axis=-1)
    else:
        step = STRIP - OVERLAP
        width = step * len(strips) + OVERLAP
        total, count = np.zeros((*strips[0].shape[:-1], width), np.uint32), np.zeros(width, np.uint32)
        for number, strip in enumerate(strips):
            total[..., number * step : number * step + STRIP] += strip
            count[number * step : number * step + STRIP] += 1
        data = (total // count).astype(np.uint16)
    for number, part in enumerate(parts):
        part.hits["x"] += number * (STRIP if stacked else STRIP - OVERLAP)
    hits = np.concatenate([part.hits for part in parts])
    return Ramps(data, None, hits, np.zeros(data.shape[-2:], np.float32))


_COMMON = {"gain": 1.97, "cds_noise": 22.0, "dark": 0.01}
_BY_PATTERN = ("DETECTOR", "READPATT", "SUBARRAY")
_GUIDING = {"128X128": "{stem}_SUB128CNTR", "32X32": "{stem}_SUB32CNTR", "8X8": "{stem}_SUB8CNTR",
            STRIPS: "{stem}_FULL"}  # fmt: skip
_IMAGING = [f"SUB{size}{place}" for size in (128, 32, 8) for place in ("CNTR", "DIAG", "LL")]

INSTRUMENT = Fgs(
    name="FGS",
    chips={
        "GUIDER1": Chip("GUIDER1", "FGS1_FULL", "FGS1", "guider1", fastaxis=-2, slowaxis=-1, **_COMMON),
        "GUIDER2": Chip("GUIDER2", "FGS2_FULL", "FGS2", "guider2", fastaxis=2, slowaxis=-1, **_COMMON),
    },
    bands={("N/A", "N/A"): Band(2.5, 3.5, 0.45)},
    patterns={
        "ID": (1, 0),
        "ACQ1": (1, 1),
        "ACQ2": (1, 1),
        "TRACK": (1, 0),
        "FINEGUIDE": (1, 0),
        "FGSRAPID": (1, 0),
        "FGS": (4, 0),
        "FGS60": (1, 59),
        "FGS840": (1, 839),
        "FGS8370": (1, 8369),
    },
    subarrays=_GUIDING | {name: f"{{stem}}_{name}" for name in _IMAGING},
    exp_type="FGS_IMAGE",
    four_outputs=frozenset({"FULL", STRIPS}),
    selection={
        "MASK": ("DETECTOR", "SUBARRAY", "EXP_TYPE"),
        "DARK": _BY_PATTERN,
        "FLAT": ("DETECTOR", "EXP_TYPE"),
        "AREA": ("DETECTOR",),
        "DISTORTION": ("EXP_TYPE", "DETECTOR"),
    },
    makers=fgs_files.MAKERS,
)
