"""What the references say about a band: radii that hold given parts of a star's light, and its offset to Vega."""

import logging
from typing import NamedTuple

import numpy as np

from jwcal.errors import JwcalError

log = logging.getLogger("jwcal")

# Keywords by which an instrument's rows are chosen, under the names of the columns.
ROWS = {"NIRCAM": ("filter", "pupil"), "NIRISS": ("filter", "pupil"), "MIRI": ("filter", "subarray"), "FGS": ()}
OFFSET_ROWS = ROWS | {"MIRI": ("filter",), "FGS": ("detector",)}


class Apertures(NamedTuple):
    """Circles in which sources are measured.

    Attributes
    ----------
    energies : tuple of int
        Per cent of a star's light that each holds.
    radii : float64 [circle]
        Radii in pixels of the mosaic.
    corrections : float64 [circle]
        Total light over that in the circle, less a sky measured in the annulus.
    inner, outer : float
        Radii of the sky annulus, pixels of the mosaic.
    """

    energies: tuple
    radii: np.ndarray
    corrections: np.ndarray
    inner: float
    outer: float

    def describe(self):
        """What the catalogue says of them, under the official names; None where there are none."""
        if not np.isfinite(self.radii).all():
            return None
        names = {"aperture_corrections": self.corrections, "aperture_ee": self.energies, "aperture_radii": self.radii}
        lists = {name: [float(f"{value:.7g}") for value in values] for name, values in names.items()}
        lists["aperture_ee"] = list(self.energies)
        return lists | {"bkg_aperture_inner_radius": self.inner, "bkg_aperture_outer_radius": self.outer}


def read_apertures(reference, mosaic, energies):
    """Circles for the band of a mosaic.

    Parameters
    ----------
    reference : jwcal.references.Reference or None
        APCORR file.
    mosaic : jwcal.models.Mosaic
        Its header names the band and the size of its pixels over those of the detector (PXSCLRT).
    energies : tuple of int
        Per cent of the light.

    Returns
    -------
    Apertures
        Radii and corrections are NaN where there is no file, or the file has no such band; the log says which.

    Raises
    ------
    JwcalError
        When the file gives no radius for one of the energies, or an ambiguous one.
    """
    if reference is None:
        log.warning("%s: no APCORR reference; the catalogue has no aperture photometry", mosaic.path)
    rows = (
        None
        if reference is None
        else _choose(reference.table("APCORR"), ROWS, mosaic, reference, "aperture photometry")
    )
    if rows is None:
        absent = np.full(len(energies), np.nan)
        return Apertures(tuple(energies), absent, absent, np.nan, np.nan)
    percent = np.round(100 * np.asarray(rows["eefraction"], float)).astype(int)
    for energy in energies:
        if np.count_nonzero(percent == energy) != 1:
            listed = ", ".join(map(str, sorted(set(percent))))
            raise JwcalError(f"no single radius for {energy} % of the light; set aperture_ee1 to 3 among {listed}",
                             reference.path)  # fmt: skip
    chosen = rows[[int(np.flatnonzero(percent == energy)[0]) for energy in energies]]
    if len(set(chosen["skyin"])) > 1 or len(set(chosen["skyout"])) > 1:
        raise JwcalError("a band has several sky annuli; the radii must share one", reference.path)
    ratio = float(mosaic.keyword("PXSCLRT", 1.0))
    radii, corrections = (np.asarray(chosen[name], float) for name in ("radius", "apcorr"))
    inner, outer = (float(chosen[name][0]) / ratio for name in ("skyin", "skyout"))
    return Apertures(tuple(energies), radii / ratio, corrections, inner, outer)


def read_vega_offset(reference, mosaic):
    """AB minus Vega magnitude in the band of a mosaic.

    Parameters
    ----------
    reference : jwcal.references.Reference or None
        ABVEGAOFFSET file.
    mosaic : jwcal.models.Mosaic
        Its header names the band.

    Returns
    -------
    float
        NaN where there is no file, or the file has no such band; the log says which.
    """
    if reference is None:
        log.warning("%s: no ABVEGAOFFSET reference; the catalogue has no Vega magnitudes", mosaic.path)
        return np.nan
    columns = {column["name"]: np.asarray(column["data"]) for column in reference.tree["abvega_offset"]["columns"]}
    table = np.rec.fromarrays(list(columns.values()), names=list(columns))
    rows = _choose(table, OFFSET_ROWS, mosaic, reference, "Vega magnitudes")
    return np.nan if rows is None else float(rows["abvega_offset"][0])


def _choose(table, columns, mosaic, reference, needed_for):
    """Rows of a table for the band of a mosaic; None where there is none, then the log tells what is lost."""
    instrument = mosaic.keyword("INSTRUME")
    if instrument not in columns:
        raise JwcalError(f"{instrument} has no imaging apertures; leave the step out", mosaic.path)
    wanted = {name: str(mosaic.keyword(name.upper(), "")) for name in columns[instrument]}
    chosen = np.ones(len(table), bool)
    for name, value in wanted.items():
        chosen &= np.char.strip(np.asarray(table[name]).astype(str)) == value
    if not chosen.any():
        band = ", ".join(f"{name} {value}" for name, value in wanted.items())
        log.warning("%s: no row for %s in %s; the catalogue has no %s", mosaic.path, band, reference.name, needed_for)
        return None
    return table[chosen]
