"""NIRSpec's apertures: which are open, where they are, and the way from each to the detector."""

from dataclasses import dataclass

import numpy as np

from jwcal.errors import JwcalError
from jwcal.wcs import nodes
from jwcal.wcs.inverses import invert
from jwcal.wcs.nirspec.optics import read_model
from jwcal.wcs.transforms import evaluate

Y_RANGE = (-0.55, 0.55)  # heights of a slit that are looked at; its edges are at -0.5 and 0.5
SLICES = 30
FIXED = 5  # quadrant that stands for the fixed slits
FIXED_SLITS = ("S200A1", "S200A2", "S400A1", "S1600A1", "S200B1")
TABLE = 1000  # heights at which the way of the light is tabulated

# Slits that a subarray is read for; all in others.
SUBARRAY_SLITS = {f"SUB{name}": (name,) for name in FIXED_SLITS if name != "S1600A1"} | dict.fromkeys(
    ("SUB2048", "SUB512", "SUB512S", "SUB1024A", "SUB1024B"), ("S1600A1",)
)


@dataclass(frozen=True)
class Slit:
    """An open aperture.

    Attributes
    ----------
    slit_id : int
        Number in the coordinates: of the slitlet, of the slice (from 0), -101 to -105 for the fixed slits.
    name : str
        Its name.
    quadrant : int
        1 to 4 of the shutters, 5 for fixed slits, 0 for slices.
    row : int
        Row of the quadrant's table (of the slicer's) that tells its place and size.
    y_range : (float, float)
        Lowest and highest position along the slit that belongs to it, in units of its height (of the one shutter that
        is row `row`), zero at the middle.
    """

    slit_id: int
    name: str
    quadrant: int
    row: int
    y_range: tuple = Y_RANGE


def fixed_slit(name, y_range=Y_RANGE):
    """`Slit` of a fixed slit by its name."""
    row = FIXED_SLITS.index(name)
    return Slit(-101 - row, name, FIXED, row, tuple(y_range))


def list_fixed_slits(image, y_range=Y_RANGE):
    """Fixed slits whose light a subarray takes in (keywords EXP_TYPE, SUBARRAY)."""
    if image.keyword("EXP_TYPE") == "NRS_BRIGHTOBJ":
        return [fixed_slit("S1600A1", y_range)]
    names = SUBARRAY_SLITS.get(str(image.keyword("SUBARRAY")).strip().upper(), FIXED_SLITS)
    return [fixed_slit(name, y_range) for name in names]


def list_slices(y_range=Y_RANGE):
    """The slices of the integral-field unit."""
    return [Slit(number, str(number), 0, number, tuple(y_range)) for number in range(SLICES)]


class LightPath:
    """The way of light between an aperture and an exposure's pixels.

    Parameters
    ----------
    spectrograph : jwcal.wcs.nirspec.optics.Spectrograph
        What lies behind.
    slit : Slit
        The aperture.
    entrance : TaggedDict
        Transform from (x, y) in the slit and the wavelength, m, to the plane before the collimator, m.

    Attributes
    ----------
    slit : Slit
        The aperture.
    wavelengths : (float, float)
        Range of wavelengths, m.
    gwa_to_slit : TaggedDict
        Direction cosines behind the grating -> x, y in the slit (units of its width and height), wavelength, m: NaN
        outside of the slit. It carries its inverse.
    detector_to_gwa : TaggedDict
        Pixels -> direction cosines; invertible.
    """

    def __init__(self, spectrograph, slit, entrance):
        self.slit, self.wavelengths = slit, spectrograph.wavelengths
        self.detector_to_gwa = spectrograph.detector_to_gwa
        self.gwa_to_slit = _trace_back(spectrograph, slit, entrance)

    def from_detector(self, x, y):
        """Position in the slit and wavelength of pixels.

        Parameters
        ----------
        x, y : ndarray
            Zero-based pixels of the exposure.

        Returns
        -------
        tuple of ndarray
            x (always 0, NaN-free) and y in units of the slit's width and height, wavelength in m; the latter two are
            NaN outside of the slit.
        """
        return evaluate(self.gwa_to_slit, *evaluate(self.detector_to_gwa, x, y))

    def to_detector(self, x, y, wavelength):
        """Pixels (x, y), zero-based, of positions in the slit (units of its width and height) and wavelengths, m."""
        direction = evaluate(self.gwa_to_slit["inverse"], x, y, wavelength)
        return evaluate(invert(self.detector_to_gwa), *direction)


def _trace_back(spectrograph, slit, entrance):
    """From directions behind the grating to the slit: its height by a table of b, its wavelength by the grating."""
    one, two = (nodes.make("identity", n_dims=count) for count in (1, 2))
    at_centre = nodes.compose(
        nodes.concatenate(two, nodes.make("constant", value=spectrograph.central_wavelength, dimensions=1)),
        entrance,
        spectrograph.msa_to_gwa,
    )
    back = nodes.compose(
        nodes.make("remap_axes", mapping=[0, 1, 0, 1], n_inputs=3),
        nodes.concatenate(nodes.scale(0, -1), two),
        nodes.concatenate(one, _tabulate(at_centre, slit.y_range), two),
        nodes.make("remap_axes", mapping=[0, 1, 0, 1, 1, 2, 3]),
        nodes.concatenate(two, at_centre, two),
        nodes.make("remap_axes", mapping=[0, 1, 2, 3, 5], n_inputs=7),
        nodes.concatenate(two, spectrograph.to_wavelength),
        _blank_outside(*slit.y_range),
    )
    back["inverse"] = nodes.compose(
        nodes.make("remap_axes", mapping=[0, 1, 2, 2]),
        nodes.concatenate(nodes.compose(entrance, spectrograph.msa_to_gwa), one),
        nodes.make("remap_axes", mapping=[3, 0, 1, 2]),
        spectrograph.to_direction,
    )
    return back


def _tabulate(to_gwa, y_range):
    """Table of the height in the slit by the second direction cosine."""
    height = np.linspace(*y_range, TABLE)
    across = evaluate(to_gwa, np.zeros(TABLE), height, np.zeros(TABLE))[1]
    return nodes.make("tabular", points=[across], lookup_table=height, method="linear", bounds_error=False,
                      fill_value=np.nan)  # fmt: skip


def _blank_outside(low, high):
    """x, y, wavelength with the latter two NaN where y lies outside of a range."""
    one = nodes.make("identity", n_dims=1)
    blank = nodes.compose(
        nodes.make_jwst("logical", condition="GT", compareto=float(high), value=np.nan),
        nodes.make_jwst("logical", condition="LT", compareto=float(low), value=np.nan),
        nodes.make("scale", factor=0.0),
    )
    first, second = (nodes.make("remap_axes", mapping=[index], n_inputs=2) for index in (0, 1))
    total = nodes.make("add", forward=[first, second])
    return nodes.compose(
        nodes.make("remap_axes", mapping=[0, 1, 2, 1]),
        nodes.concatenate(nodes.make("identity", n_dims=3), blank),
        nodes.make("remap_axes", mapping=[0, 1, 3, 2, 3]),
        nodes.concatenate(one, total, total),
    )


def slice_entrance(slit, ifuslicer, ifupost):
    """From a slice, through the optics behind the slicer, to the plane before the collimator.

    Parameters
    ----------
    slit : Slit
        The slice.
    ifuslicer, ifupost : jwcal.references.Reference
        Places of the slices; the optics behind each, which depend on the wavelength.

    Returns
    -------
    TaggedDict
        (x, y, wavelength in m) -> (x, y) in m.
    """
    place = nodes.compose(_place(ifuslicer.tree.get("data"), slit.row, ifuslicer), read_model(ifuslicer))
    one, flat = nodes.make("identity", n_dims=1), nodes.make("remap_axes", mapping=[0, 1], n_inputs=3)
    along = nodes.make("remap_axes", mapping=[2], n_inputs=3)

    def polynomial(axis):
        """Sum of a polynomial in x and y, and another one times the wavelength."""
        still, moving = (read_model(ifupost, f"slice_{slit.row}.{axis}poly{end}") for end in ("", "_distortion"))
        moving = nodes.make("multiply", forward=[nodes.compose(flat, moving), along])
        return nodes.make("add", forward=[nodes.compose(flat, still), moving])

    return nodes.compose(
        nodes.concatenate(nodes.compose(place, read_model(ifupost, f"slice_{slit.row}.linear")), one),
        nodes.make("remap_axes", mapping=[0, 1, 2, 0, 1, 2]),
        nodes.concatenate(polynomial("x"), polynomial("y")),
    )


def shutter_entrance(slit, msa):
    """From a shutter or a fixed slit to its place in the plane of the shutters.

    Parameters
    ----------
    slit : Slit
        The aperture.
    msa : jwcal.references.Reference
        Places of shutters and slits by quadrant.

    Returns
    -------
    TaggedDict
        (x, y, wavelength) -> (x, y) in m; the wavelength is not used.
    """
    quadrant = msa.tree.get(f"Q{slit.quadrant}", {})
    return nodes.compose(
        nodes.make("remap_axes", mapping=[0, 1], n_inputs=3),
        _place(quadrant.get("data"), slit.row, msa),
        read_model(msa, f"Q{slit.quadrant}.model"),
    )


def _place(table, row, reference):
    """Position in an aperture, in units of its size, to position among its like."""
    if getattr(table, "dtype", None) is None or table.dtype.names is None or not 0 <= row < len(table):
        raise JwcalError(
            f"has no aperture in row {row} of its table; is it a {reference.reftype} file?", reference.path
        )
    _, x, y, width, height = (float(value) for value in table[row])
    return nodes.compose(nodes.scale(width, height), nodes.shift(x, y))
