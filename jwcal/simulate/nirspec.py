"""NIRSpec: both detectors, the traditional and the interleaved (IRS2) read-out, full frames and subarrays.

The light is a schematic one, for the correction of detectors: spectra run along the rows.
"""

from dataclasses import dataclass, replace

import numpy as np

from jwcal.readout.interleaved import layout
from jwcal.simulate import geometry, nirspec_files, nirspec_optics, nirspec_shutters
from jwcal.simulate.instruments import SAMPLE_TIME, Band, Chip, Instrument, _look_up
from jwcal.simulate.nirspec_detectors import InterleavedPixels, draw_nirspec_detector, is_interleaved
from jwcal.simulate.readout import Pixels
from jwcal.simulate.scene import electrons_per_jansky, flux_density, render_background

# Places on either detector, where they are for most gratings: first column and row (from one), columns and rows.
_PLACES = {
    "NRS1": {"ALLSLITS": (1, 897, 2048, 256), "SUBS200A1": (1, 1041, 2048, 64), "SUBS200A2": (1, 1005, 2048, 64),
             "SUBS200B1": (1, 905, 2048, 64), "SUBS400A1": (1, 965, 2048, 64), "SUB2048": (1, 946, 2048, 32),
             "SUB1024A": (1, 946, 1024, 32), "SUB1024B": (1025, 946, 1024, 32), "SUB512": (1025, 946, 512, 32),
             "SUB512S": (1025, 965, 512, 16), "SUB32": (1399, 975, 32, 32)},
    "NRS2": {"ALLSLITS": (1, 897, 2048, 256), "SUBS200A1": (1, 930, 2048, 64), "SUBS200A2": (1, 966, 2048, 64),
             "SUBS200B1": (1, 1068, 2048, 64), "SUBS400A1": (1, 1006, 2048, 64), "SUB2048": (1, 1055, 2048, 32),
             "SUB1024A": (1, 1055, 1024, 32), "SUB1024B": (1025, 1055, 1024, 32), "SUB512": (513, 946, 512, 32),
             "SUB512S": (513, 954, 512, 16), "SUB32": (619, 1043, 32, 32)},
}  # fmt: skip
_GRATINGS = {
    ("CLEAR", "PRISM"): (2.0, 0.020), ("F070LP", "G140M"): (1.0, 0.001), ("F100LP", "G140M"): (1.4, 0.0014),
    ("F170LP", "G235M"): (2.3, 0.0023), ("F290LP", "G395M"): (4.0, 0.004), ("F070LP", "G140H"): (1.0, 0.0004),
    ("F100LP", "G140H"): (1.4, 0.0005), ("F170LP", "G235H"): (2.3, 0.0009), ("F290LP", "G395H"): (4.0, 0.0015),
    ("F110W", "MIRROR"): (1.1, 0.2), ("F140X", "MIRROR"): (1.4, 0.8), ("CLEAR", "MIRROR"): (2.5, 3.0),
    ("OPAQUE", "G235M"): (2.3, 0.0023), ("OPAQUE", "MIRROR"): (2.5, 0.1),
}  # pivot and width, um, of a pixel's part of the spectrum  # fmt: skip
_INTERLEAVED_ROWS = 714  # clocks that an interleaved frame takes besides its columns
_SLIT, _GAP = 14, 5  # rows
_TRACE = 1.2  # rows, standard deviation


@dataclass(frozen=True)
class NirSpec(Instrument):
    """The instrument, where it differs from the others."""

    def divisor(self, nframes):
        """Sums of five frames are divided by eight."""
        return 1 << (nframes - 1).bit_length()

    def pixels(self, setup):
        """How the detectors are read."""
        return InterleavedPixels if is_interleaved(setup.readpatt) else Pixels

    def keywords(self, plan):
        """Samples in turn, of interleaved frames; what the light goes through, and how the grating wheel stands."""
        setup = plan.setup
        turns = {"NRS_NORM": layout.NORMAL, "NRS_REF": layout.REFERENCE} if is_interleaved(setup.readpatt) else {}
        slit = {"FXD_SLIT": "S1600A1"} if setup.exp_type in ("NRS_FIXEDSLIT", "NRS_BRIGHTOBJ") else {}
        if setup.exp_type == "NRS_MSASPEC":
            slit = {"MSAMETFL": nirspec_shutters.name_table(plan), "MSAMETID": nirspec_shutters.METADATA_ID}
        return turns | slit | nirspec_optics.WHEEL_STATE

    def companions(self, plan):
        """Table of open shutters."""
        if plan.setup.exp_type != "NRS_MSASPEC":
            return {}
        return {nirspec_shutters.name_table(plan): nirspec_shutters.make_table(plan)}

    def aperture(self, chip, subarray):
        """Name of the full frame's aperture: the SIAF has none for subarrays."""
        if subarray != "FULL":
            _look_up(_PLACES[chip.name], subarray, f"subarray of {self.name}")
        return chip.aperture

    def load_aperture(self, chip, subarray):
        """Place and reference point of a subarray."""
        whole = geometry.load_aperture(self, chip, "FULL")
        if subarray == "FULL":
            return whole
        self.aperture(chip, subarray)
        x, y, nx, ny = _PLACES[chip.name][subarray]
        point = whole.reference_pixel[0] - x + 1, whole.reference_pixel[1] - y + 1
        return replace(whole, x0=x - 1, y0=y - 1, nx=nx, ny=ny, reference_pixel=point)

    def frame_time(self, subarray, nx, ny, fastaxis, readpatt=None, outputs=None):
        """Seconds to read one frame."""
        if is_interleaved(readpatt or ""):
            return (layout.CLOCKS * layout.COLUMNS + _INTERLEAVED_ROWS) * SAMPLE_TIME
        return super().frame_time(subarray, nx, ny, fastaxis, readpatt, outputs)

    def render(self, scene, pointing, band, masked=False):
        """Electrons per second: the sky in a row of slits, and a spectrum along the rows for each star.

        A star that falls beside the frame is moved into it.
        """
        aperture = pointing.aperture
        x, y = np.arange(aperture.nx) + aperture.x0, np.arange(aperture.ny)
        open_slit = np.where((y + aperture.y0) % (_SLIT + _GAP) < _SLIT, 1.0, 0.02)
        light = render_background(scene, pointing, band) * open_slit[:, None]
        spectrum = 1 + 0.3 * np.sin(x / 90) + 4 * np.exp(-(((x % 400) - 200) ** 2) / 8)
        if len(scene.stars):
            rows = pointing.to_pixel(scene.stars["ra"], scene.stars["dec"])[1] % aperture.ny
            fluxes = flux_density(scene.stars["mag"], scene.stars["slope"], band.pivot) * electrons_per_jansky(band)
            profiles = np.zeros(aperture.ny)
            for row, flux in zip(rows, fluxes):
                profiles += flux * np.exp(-((y - row) ** 2) / (2 * _TRACE**2)) / (_TRACE * np.sqrt(2 * np.pi))
            light += np.outer(profiles, spectrum)
        return light.astype(np.float32)


_COMMON = {"cds_noise": 14.0, "dark": 0.008, "draw": draw_nirspec_detector, "imaging": False}

INSTRUMENT = NirSpec(
    name="NIRSPEC",
    chips={
        "NRS1": Chip("NRS1", "NRS1_FULL", "NRS1", "nrs1", fastaxis=2, slowaxis=1, gain=0.996, **_COMMON),
        "NRS2": Chip("NRS2", "NRS2_FULL", "NRS2", "nrs2", fastaxis=-2, slowaxis=-1, gain=1.137, **_COMMON),
    },
    bands={key: Band(pivot, width, 0.3) for key, (pivot, width) in _GRATINGS.items()},
    patterns={"NRSRAPID": (1, 0), "NRS": (4, 0), "NRSIRS2RAPID": (1, 0), "NRSIRS2": (5, 0), "NRSRAPIDD1": (1, 1),
              "NRSRAPIDD2": (1, 2), "NRSRAPIDD6": (1, 6)},
    subarrays=dict.fromkeys(_PLACES["NRS1"], "{stem}_FULL"),
    exp_type="NRS_FIXEDSLIT",
    wheels=("FILTER", "GRATING"),
    selection={
        "MASK": ("DETECTOR", "SUBARRAY", "READPATT"),
        "SATURATION": ("DETECTOR", "SUBARRAY"),
        "PICTUREFRAME": ("DETECTOR", "SUBARRAY"),
        "SUPERBIAS": ("DETECTOR", "READPATT", "SUBARRAY"),
        "DARK": ("DETECTOR", "READPATT", "SUBARRAY"),
    },
    distinct=frozenset({("SUPERBIAS", "READPATT")}),
    makers=nirspec_files.MAKERS | nirspec_optics.MAKERS,
    zeroframe=False,
)  # fmt: skip
