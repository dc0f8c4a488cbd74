"""The pointing of an exposure while it is being aligned: pixels, its corrected tangent plane, and the sky."""

import numpy as np

from jwcal.wcs.tangent_planes import IDENTITY, last_telescope_frame, linearise, split_correction


class Pointing:
    """One exposure's way from pixels to the sky, with a correction that can be changed.

    Parameters
    ----------
    wcs : jwcal.wcs.WCS
        Detector to sky; a correction that it has already is the start.
    plane : jwcal.wcs.tangent_planes.TangentPlane
        Where a first correction shall hold.

    Attributes
    ----------
    plane : TangentPlane
        Where the correction holds.
    affine : Affine
        The correction, arcseconds: from the plane as it was to the corrected plane.
    """

    def __init__(self, wcs, plane):
        bare, own_plane, affine = split_correction(wcs)
        self.wcs, self.plane, self.affine = bare, own_plane or plane, affine or IDENTITY
        self._start = self.affine
        self._first, self._last = bare.frames[0], bare.frames[-1]
        self._telescope = last_telescope_frame(bare)

    @classmethod
    def frozen(cls, other):
        """A copy that stays as it is when the other is corrected."""
        copy = cls.__new__(cls)
        copy.__dict__.update(other.__dict__)
        return copy

    def to_plane(self, x, y):
        """Corrected plane coordinates, arcseconds, of pixels."""
        return self.affine(*self.plane.project(*self.wcs.transform(self._first, self._telescope, x, y)))

    def from_plane(self, x, y):
        """Pixels of corrected plane coordinates."""
        v2, v3 = self.plane.deproject(*self.affine.inverse()(x, y))
        return self.wcs.transform(self._telescope, self._first, v2, v3)

    def to_sky(self, x, y):
        """RA and Dec, degrees, of corrected plane coordinates."""
        return self.wcs.transform(self._telescope, self._last, *self.plane.deproject(x, y))

    def from_sky(self, ra, dec):
        """Corrected plane coordinates of RA and Dec."""
        return self.plane.project(*self.wcs.transform(self._last, self._telescope, ra, dec))

    def pixels_to_sky(self, x, y):
        """RA and Dec, degrees, of pixels."""
        return self.to_sky(*self.to_plane(x, y))

    def correct(self, change, other):
        """Add a correction that was found in the plane of another pointing (or of this one)."""
        if other is not self:
            change = change.carried(linearise(lambda x, y: self.from_sky(*other.to_sky(x, y))))
        self.affine = change.after(self.affine)

    def pixel_scale(self):
        """Size of the pixels in the middle of the image, arcseconds."""
        x, y = (np.mean(interval) for interval in self.wcs.bounding_box)
        u, v = self.to_plane(np.array([x, x + 1, x]), np.array([y, y, y + 1]))
        return float(np.sqrt(abs((u[1] - u[0]) * (v[2] - v[0]) - (u[2] - u[0]) * (v[1] - v[0]))))

    def corners(self):
        """RA and Dec, degrees (4, 2), of the corners of the bounding box."""
        (x0, x1), (y0, y1) = self.wcs.bounding_box
        return np.column_stack(self.pixels_to_sky(np.array([x0, x0, x1, x1]), np.array([y0, y1, y1, y0])))

    def original_corners(self):
        """The corners before anything was corrected."""
        before = Pointing.frozen(self)
        before.affine = self._start
        return before.corners()
