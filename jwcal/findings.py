"""What the steps that compare exposures found, put back into each of them: coordinates, sky level, outliers."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from astropy.io import fits

from jwcal import products, provenance
from jwcal.alignment.solutions import apply_alignment, find_entry, name_of, read_alignment
from jwcal.outliers.maps import apply_outliers, read_outliers
from jwcal.sky.levels import note_level, read_levels


class Findings:
    """Small files that assign_mtwcs or tweakreg, skymatch and outlier_detection wrote for an association.

    Parameters
    ----------
    alignment, levels, outliers : str or None
        Paths; None for a step that was skipped.
    """

    def __init__(self, alignment=None, levels=None, outliers=None):
        self._solution = read_alignment(alignment) if alignment else None
        self._levels = read_levels(levels) if levels else None
        self._outliers = read_outliers(outliers) if outliers else None

    def prepare(self, image):
        """Correct the coordinates of an exposure and note the sky that is still in it; its pixels are not needed."""
        self._align(image)
        entry = (self._levels or {}).get(name_of(image))
        if entry is not None and entry["status"] == "COMPLETE":
            gone = image.keyword("BKGLEVEL", 0.0) if image.keyword("BKGSUB", False) else 0.0
            note_level(image, {name_of(image): entry | {"level": entry["level"] - gone, "subtracted": False}})
        return image

    def note(self, image):
        """Correct coordinates and say in the header what was found; returns the sky that is to be subtracted."""
        self._align(image)
        surplus = 0 if self._levels is None else note_level(image, self._levels)
        if self._outliers is not None:
            status = "SKIPPED" if name_of(image) not in self._outliers else "COMPLETE"
            provenance.stamp_step(image.header, "outlier_detection", status)
        return surplus

    def change(self, image, surplus):
        """Subtract sky and flag outliers, in place."""
        if surplus:
            image.data -= surplus
        if self._outliers is not None:
            apply_outliers(image, self._outliers.get(name_of(image)))
        return image

    def _align(self, image):
        if self._solution is not None:
            step = self._solution.get("step", "tweakreg")
            apply_alignment(image, find_entry(self._solution, image), step)


class Cleaned:
    """An exposure of an association with what the steps found put into it: what its `_crf` holds.

    Parameters
    ----------
    cal : str
        File of the calibrated exposure.
    findings : Findings
        What the steps found.
    told : dict
        ``association``: its file's name; ``skipped``: steps that were, and why.
    crf : str or pathlib.Path
        The file that it is written to, or would be.
    context : str, optional
        CRDS context.
    """

    def __init__(self, cal, findings, told, crf, context=None):
        self._cal, self._findings, self._told, self._crf, self._context = str(cal), findings, told, Path(crf), context

    def read(self, only=None):
        """The exposure, with all of its arrays or `only` some."""
        image, surplus = self._note()
        return self._findings.change(products.fill_image(image, only), surplus)

    def load(self, only=None):
        """The same, to the last bit, as would be read from its `_crf`."""
        outline, surplus = self._outline
        header, sci_header = (fits.Header.fromstring(text) for text in (outline.header, outline.sci_header))
        image = replace(outline, header=header, sci_header=sci_header)
        if only is None or len(only):
            image = self._findings.change(products.fill_image(image, only), surplus)
        image.path = str(self._crf)
        return image

    def _note(self):
        """The exposure without pixels, and the sky to be subtracted from them."""
        image = products.read_image(self._cal, ())
        surplus = self._findings.note(image)
        for step in self._told["skipped"]:
            provenance.stamp_step(image.header, step, "SKIPPED")
        image.header["ASNTABLE"] = (self._told["association"], "Name of the association")
        provenance.stamp_software(image.header, self._context)
        return image, surplus

    @cached_property
    def _outline(self):
        """The same with its headers as texts: as in a file, whose numbers have so many digits, and in little memory."""
        image, surplus = self._note()
        header = products.name_product(image, self._crf)
        return replace(image, header=header.tostring(), sci_header=image.sci_header.tostring()), surplus
