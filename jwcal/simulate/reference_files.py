"""Reference files of a simulated detector, in the formats of CRDS: the truth that calibration needs, without noise.

`MAKERS` maps a CRDS type to the function that makes its content from a `Subject`: a list of HDUs, or an ASDF tree.
"""

from dataclasses import dataclass

import numpy as np
from astropy.io import fits

from jwcal import dq
from jwcal.asdffiles import ARRAY_TAGS, STANDARD_PREFIX, TaggedDict
from jwcal.fitsfiles import Extension
from jwcal.simulate import effects
from jwcal.simulate import psf as psfs
from jwcal.simulate import scene as skies
from jwcal.simulate.detectors import SATURATION_MARGIN, SETTLING_FRAMES, WELL, Region, draw_response
from jwcal.simulate.mappings import USEAFTER
from jwcal.simulate.scene import PIVOT
from jwcal.simulate.transforms import describe_distortion

STANDARD = "1.6.0"  # of ASDF
TABLE_TAG = "tag:astropy.org:astropy/table/table-1.3.0"
DQ_DEF = np.dtype([("BIT", "i4"), ("VALUE", "u4"), ("NAME", "S40"), ("DESCRIPTION", "S80")])
ENERGY_FRACTIONS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)  # radii that the aperture corrections are given for
MOSAIC_SPREAD = 3  # see `jwcal.simulate.psf.measure_encircled_energy`
MODELS = {"NIRCAM": "NrcImg", "NIRISS": "NisImg", "FGS": "FgsImg", "MIRI": "MirImg"}
FILTER_AND_PUPIL = (("filter", "S12"), ("pupil", "S15"))
WHEELS = {"FGS": (), "MIRI": (("filter", "S12"), ("subarray", "S17"))}  # columns of tables by band
GENERIC = {"subarray": "GENERIC"}
SKY_ANNULUS = (1.6, 2.4)  # inner and outer radius of the sky, in units of the radius that holds 80 % of the light


@dataclass(frozen=True)
class Subject:
    """What a reference file is about.

    Attributes
    ----------
    plan : jwcal.simulate.exposure.Plan
        An exposure that needs it.
    region : jwcal.simulate.detectors.Region
        What the file covers.
    subarray : str
        Value of SUBARRAY (GENERIC for the full frame).
    draw : callable
        Gives the truth about the detector over the region.
    dark_frames : int
        Frames or groups of the dark.
    cadence : (int, int)
        NFRAMES and GROUPGAP of the dark.
    inverse_linearity : bool
        Whether the linearity file also holds the inverse polynomial.
    peers : tuple of jwcal.simulate.exposure.Plan
        One exposure in each band, for tables that list bands.
    """

    plan: object
    region: Region
    subarray: str
    draw: object
    dark_frames: int
    cadence: tuple
    inverse_linearity: bool
    peers: tuple

    @property
    def detector(self):
        """The truth about the detector over the region."""
        return self.draw()


def make_header(subject, reftype, model, **keywords):
    """Primary header of a FITS reference."""
    plan, region = subject.plan, subject.region
    cards = {
        "DATE": USEAFTER, "DATAMODL": model, "TELESCOP": "JWST", "REFTYPE": reftype, "PEDIGREE": "SIMULATION",
        "DESCRIP": f"Simulated {reftype.lower()} reference", "AUTHOR": "jwcal", "USEAFTER": USEAFTER,
        "INSTRUME": plan.instrument.name, "DETECTOR": plan.chip.name, **plan.chip.keywords,
        "SUBARRAY": subject.subarray, "SUBSTRT1": region.x0 + 1, "SUBSTRT2": region.y0 + 1, "SUBSIZE1": region.nx,
        "SUBSIZE2": region.ny,
        "FASTAXIS": plan.chip.fastaxis, "SLOWAXIS": plan.chip.slowaxis, **keywords,
    }  # fmt: skip
    header = fits.Header()
    for keyword, value in cards.items():
        header[keyword] = value
    return Extension("PRIMARY", header=header)


def list_flags(names=tuple(dq.FLAGS)):
    """DQ_DEF table: bit n of the file means the n-th of `names` that has no bit of its own in the standard table."""
    table = np.zeros(len(names), DQ_DEF)
    for row, name in zip(table, names):
        row["BIT"], row["VALUE"], row["NAME"], row["DESCRIPTION"] = dq.BITS[name], dq.FLAGS[name], name, name.lower()
    return table


def _swap_bits(flags):
    """Flags in a file's own bits, and its DQ_DEF: here the standard's bits 9 to 31 come in the opposite order."""
    high = [name for name, bit in dq.BITS.items() if bit >= 9]
    own = dict(dq.BITS) | {name: dq.BITS[other] for name, other in zip(high, reversed(high))}
    result, table = np.zeros_like(flags), list_flags()
    for row in table:
        name = row["NAME"].decode()
        row["BIT"], row["VALUE"] = own[name], 1 << own[name]
        result[(flags & np.uint32(dq.FLAGS[name])) != 0] |= np.uint32(1 << own[name])
    return result, table


def _flagged(flags):
    return [Extension("DQ", np.ascontiguousarray(flags)), Extension("DQ_DEF", list_flags())]


def make_mask(subject):
    """MASK: bad pixels and reference pixels."""
    return [make_header(subject, "MASK", "MaskModel"), *_flagged(subject.detector.flags["mask"])]


def make_saturation(subject):
    """SATURATION: threshold in raw DN, bias included."""
    detector = subject.detector
    threshold = detector.bias + np.float32(SATURATION_MARGIN) * detector.well
    header = make_header(subject, "SATURATION", "SaturationModel")
    return [header, Extension("SCI", threshold), *_flagged(detector.flags["saturation"])]


def make_superbias(subject):
    """SUPERBIAS: its flags lie in bits of their own."""
    detector = subject.detector
    flags, table = _swap_bits(detector.flags["superbias"])
    header = make_header(subject, "SUPERBIAS", "SuperBiasModel", READPATT="ANY")
    err = np.full_like(detector.bias, 0.5)
    return [
        header,
        Extension("SCI", detector.bias),
        Extension("ERR", err),
        Extension("DQ", flags),
        Extension("DQ_DEF", table),
    ]


def make_linearity(subject):
    """LINEARITY: coefficients of the true signal as a polynomial of the measured one, optionally the inverse too."""
    detector = subject.detector
    extensions = [make_header(subject, "LINEARITY", "LinearityModel"), Extension("COEFFS", detector.coefficients)]
    if subject.inverse_linearity:
        extensions.append(Extension("INV_COEFFS", invert_polynomial(detector.coefficients)))
    return [*extensions, *_flagged(detector.flags["linearity"])]


def invert_polynomial(coefficients, highest=1.05 * WELL):
    """Polynomials of degree 5 that give the measured signal from the true one.

    They agree with the exact inverse at six Chebyshev nodes from 0 to `highest`, and to 1e-7 of it in between.

    Parameters
    ----------
    coefficients : float32 [k, y, x]
        True signal (DN) = sum of c_k measured^k.
    highest : float
        End of the range, DN.

    Returns
    -------
    float32 [6, y, x]
    """
    nodes = (1 - np.cos(np.pi * np.arange(6) / 5)) / 2
    signals = np.broadcast_to((highest * nodes).astype(np.float32)[:, None, None], (6, *coefficients.shape[1:])).copy()
    effects.add_nonlinearity(signals, coefficients)
    solution = np.linalg.solve(np.vander(nodes, increasing=True), signals.reshape(6, -1).astype(float))
    return (solution / highest ** np.arange(6.0)[:, None]).reshape(signals.shape).astype(np.float32)


def make_dark(subject):
    """DARK: the ramp (DN) of the dark current at the cadence given; keyword AVDRKCUR is the typical rate (e-/s)."""
    detector, plan = subject.detector, subject.plan
    nframes, gap = subject.cadence
    tframe = plan.timing.tframe
    header = make_header(
        subject, "DARK", "DarkModel", EXP_TYPE=plan.setup.exp_type, READPATT=plan.setup.readpatt, NINTS=1,
        NGROUPS=subject.dark_frames, NFRAMES=nframes, GROUPGAP=gap, TFRAME=tframe, TGROUP=(nframes + gap) * tframe,
        AVDRKCUR=float(np.median(detector.dark)),
    )  # fmt: skip
    rate = detector.dark / detector.true_gain
    data = np.empty((subject.dark_frames, *rate.shape), np.float32)
    for group in range(subject.dark_frames):
        frames = group * (nframes + gap) + 1 + np.arange(nframes)
        settled = float(np.mean(1 - np.exp(-frames / SETTLING_FRAMES)))
        data[group] = rate * (frames.mean() * tframe) + detector.settling * np.float32(settled)
    flags = detector.flags["dark"] | (detector.flags["mask"] & np.uint32(dq.HOT | dq.FLAGS["WARM"]))
    return [header, Extension("SCI", data), *_flagged(flags)]


def make_gain(subject):
    """GAIN: e-/DN, NaN where unknown."""
    return [make_header(subject, "GAIN", "GainModel"), Extension("SCI", subject.detector.gain)]


def make_readnoise(subject):
    """READNOISE: noise of the difference of two frames, DN."""
    header = make_header(subject, "READNOISE", "ReadnoiseModel", READPATT="ANY")
    return [header, Extension("SCI", subject.detector.cds_noise)]


def make_ipc(subject):
    """IPC: kernel that undoes the coupling, 5 x 5 (the inverse in Fourier space, cut; it sums to one)."""
    padded = np.zeros((32, 32))
    padded[:3, :3] = effects.coupling_kernel()
    inverse = np.real(np.fft.ifft2(1 / np.fft.fft2(np.roll(padded, (-1, -1), (0, 1)))))
    kernel = np.roll(inverse, (2, 2), (0, 1))[:5, :5]
    return [make_header(subject, "IPC", "IPCModel"), Extension("SCI", (kernel / kernel.sum()).astype(np.float32))]


def measure_area(subject):
    """Pixel areas [y, x] relative to the nominal one, and that (arcsec^2): the area at the full frame's middle."""
    distortion, region = subject.plan.pointing.distortion, subject.region
    nominal = float(distortion.pixel_area(*distortion.reference_pixel))
    return (skies.map_areas(distortion, *region) / nominal).astype(np.float32), nominal


def make_flat(subject):
    """FLAT: what uniform light makes of equal DN: quantum efficiency, pixel area and gain together."""
    detector, setup = subject.detector, subject.plan.setup
    response = draw_response(detector, setup.filter, setup.pupil)
    flat = response * measure_area(subject)[0] * (np.float32(detector.chip.gain) / detector.true_gain)
    flat[detector.reference_pixels] = np.nan
    dead = (detector.flags["mask"] & dq.DEAD) != 0
    flat[dead] = np.nan
    flags = detector.flags["flat"].copy()
    flags[dead] |= np.uint32(dq.NO_FLAT_FIELD | dq.DO_NOT_USE)
    header = make_header(subject, "FLAT", "FlatModel", FILTER=setup.filter, PUPIL=setup.pupil, EXP_TYPE=setup.exp_type)
    err = np.where(np.isfinite(flat), np.float32(0.0008), np.nan).astype(np.float32)
    return [header, Extension("SCI", flat.astype(np.float32)), Extension("ERR", err), *_flagged(flags)]


def _describe_area(nominal):
    return {"PIXAR_SR": nominal * skies.ARCSEC2, "PIXAR_A2": nominal}


def make_area(subject):
    """AREA: relative pixel areas."""
    area, nominal = measure_area(subject)
    header = make_header(
        subject, "AREA", "PixelAreaModel", EXP_TYPE=subject.plan.setup.exp_type, **_describe_area(nominal)
    )
    return [header, Extension("SCI", area)]


def make_photom(subject):
    """PHOTOM: MJy/sr for one DN/s, all bands of the instrument."""
    plan = subject.plan
    nominal = float(plan.pointing.distortion.pixel_area(*plan.pointing.distortion.reference_pixel))
    table = np.zeros(len(plan.instrument.bands), _name_bands(plan, "photmjsr", "uncertainty"))
    for row, (key, band) in zip(table, plan.instrument.bands.items()):
        for (name, _), value in zip(WHEELS.get(plan.instrument.name, FILTER_AND_PUPIL), key):
            row[name] = GENERIC.get(name, value)
        row["photmjsr"] = skies.measure_photmjsr(band, plan.chip.gain, nominal)
        row["uncertainty"] = 0.01 * row["photmjsr"]
    model = f"{MODELS[plan.instrument.name]}PhotomModel"
    header = make_header(subject, "PHOTOM", model, EXP_TYPE=plan.setup.exp_type, **_describe_area(nominal))
    return [header, Extension("PHOTOM", table)]


def _name_bands(plan, *columns):
    """Types of a table's columns: filter and pupil, or what the instrument has instead, and numbers."""
    wheels = WHEELS.get(plan.instrument.name, FILTER_AND_PUPIL)
    return [*wheels, *((name, "f4") for name in columns)]


def make_apcorr(subject):
    """APCORR: radii (pixels) that hold given parts of a star's light on mosaics in each band, and the corrections."""
    dtype = _name_bands(subject.plan, "eefraction", "radius", "apcorr", "skyin", "skyout")
    rows = [row[-len(dtype) :] for plan in subject.peers for row in _correct_apertures(plan)]
    table = np.array(rows, dtype)
    for name in set(GENERIC) & set(table.dtype.names):
        table[name] = GENERIC[name]
    plan = subject.plan
    model = f"{MODELS[plan.instrument.name]}ApcorrModel"
    header = make_header(subject, "APCORR", model, EXP_TYPE=plan.setup.exp_type)
    return [header, Extension("APCORR", table)]


def _correct_apertures(plan):
    """Rows of the aperture corrections for one band; they allow for the wings' light in the sky annulus."""
    psf = psfs.make_field_psf(plan.band, plan.pointing, plan.masked)
    radii = np.linspace(0.3, psfs.RADIUS - 2, 800)
    energy = psfs.measure_encircled_energy(psf, radii, spread=MOSAIC_SPREAD)
    sky = np.interp(0.8, energy, radii) * np.array(SKY_ANNULUS)
    wings = np.diff(np.interp(sky, radii, energy))[0] / (np.pi * np.diff(sky**2)[0])
    for fraction in ENERGY_FRACTIONS:
        radius = np.interp(fraction, energy, radii)
        yield (plan.setup.filter, plan.setup.pupil, fraction, radius, 1 / (fraction - wings * np.pi * radius**2), *sky)


def make_meta(subject, reftype, model):
    """Branch ``meta`` of an ASDF reference."""
    plan = subject.plan
    instrument = {"name": plan.instrument.name, "detector": plan.chip.name}
    instrument |= {keyword.lower(): value for keyword, value in plan.chip.keywords.items()}
    instrument["p_pupil"] = "".join(f"{pupil}|" for pupil in sorted({pupil for _, pupil in plan.instrument.bands}))
    return {
        "author": "jwcal", "date": USEAFTER, "description": f"Simulated {reftype.lower()} reference",
        "instrument": instrument, "model_type": model, "pedigree": "SIMULATION", "reftype": reftype.lower(),
        "telescope": "JWST", "title": "Simulated", "useafter": USEAFTER,
        "exposure": {"type": plan.setup.exp_type, "p_exptype": f"{plan.setup.exp_type}|"},
    }  # fmt: skip


def make_distortion(subject):
    """DISTORTION (ASDF): zero-based full-frame pixel to V2, V3 (arcsec)."""
    meta = make_meta(subject, "DISTORTION", "DistortionModel") | {"input_units": "pixel", "output_units": "arcsec"}
    return {"meta": meta, "model": describe_distortion(subject.plan.pointing.distortion)}


def make_filteroffset(subject):
    """FILTEROFFSET (ASDF): shift of every band's image, zero where the plug-in gives none."""
    instrument = subject.plan.instrument
    offsets = {key: instrument.filter_offsets.get(key, (0.0, 0.0)) for key in instrument.bands}
    rows = [
        {"filter": filter_name, "pupil": pupil, "column_offset": column, "row_offset": row}
        for (filter_name, pupil), (column, row) in offsets.items()
    ]
    return {"meta": make_meta(subject, "FILTEROFFSET", "FilteroffsetModel"), "filters": rows}


def make_abvegaoffset(subject):
    """ABVEGAOFFSET (ASDF): AB minus Vega magnitude of every band, for a Vega that falls like a hot black body."""
    instrument = subject.plan.instrument
    offsets = {key: 1.70 + 5 * np.log10(band.pivot / PIVOT) for key, band in instrument.bands.items()}
    columns = {"filter": [key[0] for key in offsets], "pupil": [key[1] for key in offsets]}
    if instrument.name == "MIRI":
        del columns["pupil"]
    if instrument.name == "FGS":
        columns, offsets = {"detector": list(instrument.chips)}, dict.fromkeys(instrument.chips, *offsets.values())
    columns["abvega_offset"] = list(offsets.values())
    return {"meta": make_meta(subject, "ABVEGAOFFSET", "ABVegaOffsetModel"), "abvega_offset": _tabulate(columns)}


def _tabulate(columns):
    """Node of an astropy table with the given columns, written out in the text of the tree."""
    column_tag, array_tag = f"{STANDARD_PREFIX}table/column-1.2.0", f"{STANDARD_PREFIX}{ARRAY_TAGS[STANDARD]}"
    described = []
    for name, values in columns.items():
        text = isinstance(values[0], str)
        array = {"data": values if text else [float(value) for value in values], "shape": [len(values)]}
        array["datatype"] = ["ucs4", max(map(len, values))] if text else "float64"
        described.append(TaggedDict({"name": name, "data": TaggedDict(array, tag=array_tag)}, tag=column_tag))
    return TaggedDict({"colnames": list(columns), "columns": described, "qtable": False}, tag=TABLE_TAG)


MAKERS = {
    "MASK": make_mask, "SATURATION": make_saturation, "SUPERBIAS": make_superbias, "LINEARITY": make_linearity,
    "DARK": make_dark, "GAIN": make_gain, "READNOISE": make_readnoise, "IPC": make_ipc, "FLAT": make_flat,
    "AREA": make_area, "PHOTOM": make_photom, "APCORR": make_apcorr, "DISTORTION": make_distortion,
    "FILTEROFFSET": make_filteroffset,
    "ABVEGAOFFSET": make_abvegaoffset,
}  # fmt: skip
