"""What the steps that compare exposures found, put back into each of them: coordinates, sky level, outliers."""

from jwcal.alignment import apply_alignment, find_entry, name_of, read_alignment
from jwcal.outliers.maps import apply_outliers, read_outliers


class Findings:
    """Small files that tweakreg, skymatch and outlier_detection wrote for an association.

    Parameters
    ----------
    alignment, levels, outliers : str or None
        Paths; None for a step that was skipped.
    """

    def __init__(self, alignment=None, levels=None, outliers=None):
        self._solution = read_alignment(alignment) if alignment else None
        self._outliers = read_outliers(outliers) if outliers else None

    def prepare(self, image):
        """Correct the coordinates of an exposure and note its sky level, in place; pixels need not have been read."""
        if self._solution is not None:
            apply_alignment(image, find_entry(self._solution, image))
        return image

    def apply(self, image):
        """All of it: also flag the outliers."""
        image = self.prepare(image)
        if self._outliers is not None:
            from jwcal.provenance import stamp_step

            found = self._outliers.get(name_of(image))
            stamp_step(image.header, "outlier_detection", "SKIPPED" if found is None else "COMPLETE")
            apply_outliers(image, found)
        return image
