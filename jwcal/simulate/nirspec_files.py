"""Reference files of NIRSpec's own kinds: interleaved frames, filters for their noise; see `reference_files`."""

import numpy as np

from jwcal import dq
from jwcal.fitsfiles import Extension
from jwcal.readout.interleaved import layout
from jwcal.simulate import reference_files
from jwcal.simulate.nirspec_detectors import (
    BAD_PAIRS,
    SUBARRAY_GAIN,
    draw_interleaved_bias,
    find_pair,
    is_interleaved,
)
from jwcal.simulate.reference_files import make_header, make_meta

SAMPLES = layout.COLUMNS * layout.CLOCKS
COEFFICIENTS = np.dtype([(f"{name}_{k}", "f4") for name in ("alpha", "beta") for k in range(4)])
BAD = np.dtype([("OUTPUT", "u2"), ("ODD_EVEN", "u2"), ("MASK", "u4")])
FILLED = 22 / 8  # clocks in a block, over those that hold a reference sample
SLOW, FAST = 800.0, 20000.0  # widths of the filters, cycles a frame
HALF_ROWS = 1025  # frequencies of the rows of a frame
PICTURE = 0.004  # DN/s, height of the picture frame


def _asks_interleaved(subject):
    return is_interleaved(subject.plan.setup.readpatt)


def make_mask(subject):
    """MASK; interleaved samples are flagged as reference pixels, whole rows of bad ones too.

    BAD_REF_PIXEL is left to these: among the pixels at the edges it would be taken for a whole row.
    """
    header, flags, definition = reference_files.make_mask(subject)
    if not _asks_interleaved(subject):
        return [header, flags, definition]
    chip = subject.plan.chip
    whole = np.full((layout.ROWS, layout.COLUMNS), dq.REFERENCE_PIXEL, np.uint32)
    whole[layout.find_normal(chip.fastaxis)] = flags.data & np.uint32(~dq.FLAGS["BAD_REF_PIXEL"] & 0xFFFFFFFF)
    for pair in BAD_PAIRS[:2]:
        whole[find_pair(chip, *pair)] |= np.uint32(dq.FLAGS["BAD_REF_PIXEL"] | dq.DO_NOT_USE)
    return [header, Extension("DQ", whole), definition]


def make_superbias(subject):
    """SUPERBIAS, of all samples of interleaved frames."""
    extensions = reference_files.make_superbias(subject)
    setup = subject.plan.setup
    extensions[0].header["READPATT"] = setup.readpatt
    if not _asks_interleaved(subject):
        return extensions
    header, _, _, flags, definition = extensions
    whole = np.zeros((layout.ROWS, layout.COLUMNS), np.uint32)
    whole[layout.find_normal(subject.plan.chip.fastaxis)] = flags.data
    bias = draw_interleaved_bias(subject.detector)
    errors = np.full(bias.shape, 0.5, np.float32)
    return [header, Extension("SCI", bias), Extension("ERR", errors), Extension("DQ", whole), definition]


def make_gain(subject):
    """GAIN; that of subarrays says by how much it exceeds the full frame's."""
    extensions = reference_files.make_gain(subject)
    if tuple(subject.region[2:]) != (layout.COLUMNS, layout.COLUMNS):
        extensions[0].header["GAINFACT"] = SUBARRAY_GAIN
    return extensions


def make_refpix(subject):
    """REFPIX: filters in Fourier space for the reference output (alpha) and the interleaved samples (beta).

    Slow drifts are taken from the output's own samples, faster ones, which outputs share, from the reference output.
    None where nothing is interleaved.
    """
    if not _asks_interleaved(subject):
        return None
    frequency = np.minimum(np.arange(SAMPLES), SAMPLES - np.arange(SAMPLES))
    sense = np.where(np.arange(SAMPLES) < SAMPLES // 2, 1, -1)
    table = np.zeros(2 * SAMPLES, COEFFICIENTS)
    for k in range(4):
        slow, fast = (1 / (1 + (frequency / (width * (1 + 0.1 * k))) ** 2) for width in (SLOW, FAST))
        turn = np.exp(0.2j * sense * (1 - np.exp(-frequency / FAST)))
        for name, values in (("alpha", (fast - slow) * 0.9 * turn), ("beta", FILLED * slow)):
            table[f"{name}_{k}"][0::2], table[f"{name}_{k}"][1::2] = values.real, values.imag
    header = make_header(subject, "REFPIX", "IRS2Model", READPATT=subject.plan.setup.readpatt)
    return [header, Extension("IRS2", table), Extension("DQ", _list_bad())]


def _list_bad():
    """Table of bad pairs by output and parity; in even outputs the file counts parities the other way round."""
    rows = []
    for output, pair in BAD_PAIRS[1:]:
        parity = pair % 2 + 1
        rows.append((output, parity if output % 2 else 3 - parity, 1 << (pair // 2)))
    return np.array(rows, BAD)


def make_sirskernel(subject):
    """SIRSKERNEL (ASDF): filters for the left and the right reference pixels of each output, as Fourier series."""
    frequency = np.arange(HALF_ROWS) / (HALF_ROWS - 1)
    tree = {"meta": make_meta(subject, "SIRSKERNEL", "SIRSKernelModel")}
    for chip in subject.plan.instrument.chips:
        shapes = [0.5 / (1 + (frequency / width) ** 2) for width in (0.1, 0.12, 0.15, 0.2)]
        tree[chip.lower()] = {
            "gamma": np.array([shape * np.exp(0.1j * frequency) for shape in shapes]),
            "zeta": np.array([shape * 0.9 for shape in shapes]).astype(complex),
        }
    return tree


def make_pictureframe(subject):
    """PICTUREFRAME: the warm rim of the picture, DN/s."""
    if tuple(subject.region[2:]) != (layout.COLUMNS, layout.COLUMNS):
        return None
    along = np.abs(np.arange(layout.COLUMNS) - (layout.COLUMNS - 1) / 2) / (layout.COLUMNS / 2)
    rim = np.maximum(along[:, None], along[None, :]) ** 8
    header = make_header(subject, "PICTUREFRAME", "PictureFrameModel")
    return [header, Extension("SCI", (PICTURE * (rim + 0.2 * along[:, None])).astype(np.float32))]


MAKERS = {
    "MASK": make_mask, "SUPERBIAS": make_superbias, "GAIN": make_gain, "REFPIX": make_refpix,
    "SIRSKERNEL": make_sirskernel, "PICTUREFRAME": make_pictureframe,
}  # fmt: skip
