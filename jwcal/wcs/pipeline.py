"""A world coordinate system that can be evaluated: frames, and the transforms between them."""

import numpy as np

from jwcal.asdffiles import kind
from jwcal.errors import JwcalError
from jwcal.wcs import dispersion  # noqa: F401  # enters the kinds of spectrographs
from jwcal.wcs.inverses import NotInvertible, invert
from jwcal.wcs.nodes import read_bounds
from jwcal.wcs.transforms import evaluate, to_cartesian

NEWTON_STEPS = 30
NEWTON_TOLERANCE = 1e-10  # pixels


class WCS:
    """Detector to sky.

    Parameters
    ----------
    node : TaggedDict
        Raw ``gwcs/wcs`` node.

    Attributes
    ----------
    node : TaggedDict
        What it was made of; `tree` wraps it as a product's ASDF extension holds it.
    frames : list of str
        Names of the frames from detector to sky.
    """

    def __init__(self, node):
        self.node = node
        self._transforms = [step.get("transform") for step in node["steps"]]
        self.frames = [_name(step["frame"]) for step in node["steps"]]

    @property
    def tree(self):
        """The tree of a product's ASDF extension: ``{"meta": {"wcs": node}}``."""
        return {"meta": {"wcs": self.node}}

    @property
    def bounding_box(self):
        """((x0, x1), (y0, y1)) in pixels, within which the WCS holds; None where it is not limited."""
        return read_bounds(self._transforms[0])

    @property
    def pixel_shape(self):
        """Size (nx, ny) of the image, None where the node does not say."""
        return self.node.get("pixel_shape")

    def transform(self, source, target, *inputs):
        """Transform coordinates between two frames, forward or backward.

        Parameters
        ----------
        source, target : str
            Names of frames (``detector``, ``v2v3``, ``v2v3vacorr``, ``world``).
        *inputs : float or ndarray
            Coordinates in `source`.

        Returns
        -------
        tuple of ndarray

        Raises
        ------
        NotInvertible
            When a backward transform has no inverse.
        """
        first, last = self._index(source), self._index(target)
        if first <= last:
            chain = self._transforms[first:last]
        else:
            chain = [invert(node) for node in reversed(self._transforms[last:first])]
        for node in chain:
            inputs = evaluate(node, *inputs)
        return inputs

    def forward(self, x, y):
        """Right ascension and declination, degrees, of pixels (zero-based). Bounding boxes are ignored."""
        return self.transform(self.frames[0], self.frames[-1], x, y)

    def inverse(self, ra, dec):
        """Pixels (x, y), zero-based, of positions in degrees."""
        try:
            return self.transform(self.frames[-1], self.frames[0], ra, dec)
        except NotInvertible:
            return self._solve(ra, dec)

    def pixel_to_v2v3(self, x, y):
        """Telescope coordinates V2, V3 in arcseconds of pixels (zero-based)."""
        return self.transform(self.frames[0], "v2v3", x, y)

    def footprint(self, box=None):
        """Corners of the bounding box on the sky.

        Parameters
        ----------
        box : tuple ((x0, x1), (y0, y1)) or None
            Instead of the WCS' own.

        Returns
        -------
        ndarray (4, 2)
            RA (0 to 360) and Dec in degrees; lower left, upper left, upper right, lower right corner.
        """
        (x0, x1), (y0, y1) = box or self.bounding_box
        ra, dec = self.forward(np.array([x0, x0, x1, x1]), np.array([y0, y1, y1, y0]))
        return np.column_stack([np.mod(ra, 360), dec])

    def _index(self, frame):
        if frame not in self.frames:
            raise JwcalError(f"the WCS has no frame {frame}; it has {', '.join(self.frames)}")
        return self.frames.index(frame)

    def _solve(self, ra, dec):
        """Invert `forward` by Newton's method, from the middle of the bounding box."""
        target = np.stack(to_cartesian(*np.broadcast_arrays(np.asarray(ra, float), dec)))
        x, y = (np.full(target.shape[1:], np.mean(interval)) for interval in self.bounding_box or ((0, 0), (0, 0)))
        for _ in range(NEWTON_STEPS):
            here, right, up = (np.stack(to_cartesian(*self.forward(x + i, y + j))) for i, j in ((0, 0), (1, 0), (0, 1)))
            dx, dy = _solve_plane(right - here, up - here, target - here)
            x, y = x + dx, y + dy
            if not np.any(np.hypot(dx, dy) > NEWTON_TOLERANCE):
                break
        return x, y


def _solve_plane(a, b, target):
    """Factors p, q that bring p a + q b closest to the target; vectors along the first axis."""
    aa, bb, ab = (a * a).sum(0), (b * b).sum(0), (a * b).sum(0)
    at, bt = (a * target).sum(0), (b * target).sum(0)
    determinant = aa * bb - ab * ab
    return (at * bb - bt * ab) / determinant, (bt * aa - at * ab) / determinant


def _name(frame):
    return frame["name"] if isinstance(frame, dict) else str(frame)


def from_tree(tree):
    """Evaluatable WCS of a raw tree.

    Parameters
    ----------
    tree : dict
        ``{"meta": {"wcs": node}}`` (`image.wcs`), or the bare ``gwcs/wcs`` node.

    Returns
    -------
    WCS

    Raises
    ------
    JwcalError
        When there is no WCS in it.
    """
    node = tree if kind(tree) == "wcs" else (tree or {}).get("meta", {}).get("wcs")
    if kind(node) != "wcs":
        raise JwcalError("the product has no WCS; run assign_wcs first")
    return WCS(node)
