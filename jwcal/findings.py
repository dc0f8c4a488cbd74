"""What the steps that compare exposures found, put back into each of them: coordinates, sky level, outliers."""

from jwcal.alignment.solutions import apply_alignment, find_entry, name_of, read_alignment
from jwcal.outliers.maps import apply_outliers, read_outliers
from jwcal.provenance import stamp_step
from jwcal.sky.levels import apply_level, read_levels


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
            apply_level(image, {name_of(image): entry | {"level": entry["level"] - gone, "subtracted": False}})
        return image

    def apply(self, image):
        """Correct coordinates, note or subtract the sky, flag outliers, in place."""
        self._align(image)
        if self._levels is not None:
            apply_level(image, self._levels)
        if self._outliers is not None:
            found = self._outliers.get(name_of(image))
            stamp_step(image.header, "outlier_detection", "SKIPPED" if found is None else "COMPLETE")
            apply_outliers(image, found)
        return image

    def _align(self, image):
        if self._solution is not None:
            step = self._solution.get("step", "tweakreg")
            apply_alignment(image, find_entry(self._solution, image), step)
