"""Catalogues of sources: stars of known position on the sky, and catalogues of a user's own."""

from pathlib import Path

import numpy as np

from jwcal.alignment.groups import Stars
from jwcal.errors import JwcalError
from jwcal.wcs.transforms import to_cartesian

WEB_SERVICES = ("GAIADR1", "GAIADR2", "GAIADR3", "GAIAREFCAT", "GAIADR3_S3")
MAGNITUDES = ("mag", "magnitude", "phot_g_mean_mag", "gmag", "g", "isophotal_abmag", "aper_total_abmag")
J2000 = 51544.5  # MJD
YEAR = 365.25  # days
MAS = 1 / 3.6e6  # degrees


def read_table(path):
    """Read a table of any format that astropy recognises; an error that names the file where it cannot."""
    from astropy.table import Table

    try:
        if str(path).endswith(".ecsv"):
            return Table.read(path, format="ascii.ecsv")
        return Table.read(path)
    except FileNotFoundError as error:
        raise JwcalError("file not found", path) from error
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise JwcalError(f"is no readable table ({reason}); write it as .ecsv or .fits", path) from error


def read_sources(catalog, path):
    """Positions of sources on an image.

    Parameters
    ----------
    catalog : structured ndarray, astropy.table.Table or path
        With columns x and y (or xcentroid, x_centroid, ...), and perhaps weight.
    path : str
        Of the image, for messages.

    Returns
    -------
    x, y : float64 [n]
        Zero-based pixels; rows that are not finite are left out.
    weight : float64 [n] or None
    """
    if isinstance(catalog, (str, Path)):
        path, catalog = catalog, _read_plain(catalog) if str(catalog).endswith(".ecsv") else read_table(catalog)
    names = getattr(catalog, "colnames", None) or catalog.dtype.names
    columns = []
    for axis in "xy":
        found = [name for name in (axis, f"{axis}centroid", f"{axis}_centroid") if name in names]
        if not found:
            raise JwcalError(f"the catalogue has no column {axis}, {axis}centroid or {axis}_centroid", path)
        columns.append(_numbers(catalog[found[0]]))
    if "weight" in names:
        columns.append(_numbers(catalog["weight"]))
    finite = np.isfinite(columns).all(axis=0)
    columns = [column[finite] for column in columns]
    return *columns[:2], columns[2] if len(columns) > 2 else None


def _read_plain(path):
    """Read an ECSV table of plain numbers without astropy.table, which takes a second to import; else with it."""
    try:
        lines = [line for line in Path(path).read_text().splitlines() if line]
    except FileNotFoundError as error:
        raise JwcalError("file not found", path) from error
    rows = [line.split() for line in lines if not line.startswith("#")]
    try:
        if "delimiter" in "".join(line for line in lines if line.startswith("#")):
            raise ValueError
        values = np.array(rows[1:], float).reshape(-1, len(rows[0]))
    except (ValueError, IndexError):
        return read_table(path)
    table = np.empty(len(values), [(name, "f8") for name in rows[0]])
    for index, name in enumerate(rows[0]):
        table[name] = values[:, index]
    return table


def read_stars(path, epoch, centre, radius, *, limits=None, column=None):
    """Read stars with known positions.

    Proper motions are applied where the table has them; parallaxes are neglected.

    Parameters
    ----------
    path : str
        Table with RA and DEC in degrees (in any case), or ``sky_centroid``; optionally ``pmra`` (with the cosine of the
        declination) and ``pmdec`` in mas/yr, ``ref_epoch`` in years, ``weight``.
    epoch : float
        Julian year to which the stars are moved.
    centre : (float, float)
        Right ascension and declination, degrees, around which stars are taken.
    radius : float
        Degrees.
    limits : (float, float) or None
        Brightest and faintest magnitude taken.
    column : str or None
        Which column holds magnitudes; None looks for usual names.

    Returns
    -------
    stars : jwcal.alignment.groups.Stars
    name : str
        Of the catalogue.

    Raises
    ------
    JwcalError
        When there is no such file, or it lacks a column; or a web service is asked for.
    """
    if str(path).strip().upper() in WEB_SERVICES:
        raise JwcalError(
            f"abs_refcat is {path}, a web service, but jwcal works offline; save the stars around the field as a table "
            "with ra, dec (and pmra, pmdec, ref_epoch), for instance from the Gaia archive, and give its path"
        )
    table = read_table(path)
    ra, dec = _positions(table, path)
    ra, dec = _move(ra, dec, table, epoch)
    taken = np.isfinite(ra) & np.isfinite(dec)
    if limits is not None:
        magnitudes = _magnitudes(table, column, path)
        taken &= (magnitudes >= limits[0]) & (magnitudes <= limits[1])
    taken &= np.stack(to_cartesian(*centre)) @ np.stack(to_cartesian(ra, dec)) > np.cos(np.radians(radius))
    weight = _find(table, "weight")
    weight = None if weight is None else _numbers(weight)[taken]
    return Stars(ra[taken], dec[taken], weight), Path(path).name


def _positions(table, path):
    columns = [[name for name in table.colnames if name.upper() == wanted] for wanted in ("RA", "DEC")]
    if any(len(names) > 1 for names in columns):
        raise JwcalError("has several columns RA or DEC that differ in case only; keep one of each", path)
    if all(columns):
        return tuple(_numbers(table[names[0]], "deg") for names in columns)
    sky = _find(table, "sky_centroid")
    if sky is None:
        raise JwcalError(f"has neither RA and DEC nor sky_centroid (it has {', '.join(table.colnames)})", path)
    return sky.icrs.ra.deg, sky.icrs.dec.deg


def _find(table, *wanted):
    """First column with one of these names, in any case; None if there is none."""
    return next((table[name] for want in wanted for name in table.colnames if name.lower() == want), None)


def _numbers(column, unit=None):
    """Values as float64, NaN where masked; in `unit` where the column says which its own is."""
    values = getattr(column, "value", column)
    values = np.ma.filled(np.ma.asarray(values).astype(float), np.nan)
    own = getattr(column, "unit", None)
    if unit is None or own is None:
        return values
    from astropy import units

    return (values * units.Unit(own)).to_value(unit)


def _move(ra, dec, table, epoch):
    """Positions at an epoch; stars without proper motion or reference epoch stay."""
    motions = [_find(table, name) for name in ("pmra", "pmdec", "ref_epoch")]
    if any(column is None for column in motions):
        return ra, dec
    pmra, pmdec = (np.nan_to_num(_numbers(column, "mas/yr")) for column in motions[:2])
    years = np.nan_to_num(epoch - _numbers(motions[2], "yr"))
    return ra + pmra * years * MAS / np.cos(np.radians(dec)), dec + pmdec * years * MAS


def _magnitudes(table, column, path):
    found = _find(table, column.lower()) if column else _find(table, *MAGNITUDES)
    if found is None:
        names = column or ", ".join(MAGNITUDES)
        raise JwcalError(f"has no column of magnitudes ({names}); set abs_mag_column or leave abs_mag_limits out", path)
    return _numbers(found)


def epoch_of(images):
    """Julian year of the middle of exposures, from EXPSTART and EXPEND or DATE-OBS."""
    return 2000 + (float(np.mean([_mjd(image) for image in images])) - J2000) / YEAR


def _mjd(image):
    times = [image.keyword(name, None) for name in ("EXPSTART", "EXPEND")]
    if None not in times:
        return float(np.mean(np.array(times, float)))
    from datetime import date

    text = str(image.keyword("DATE-OBS"))[:10]
    return (date.fromisoformat(text) - date(1858, 11, 17)).days
