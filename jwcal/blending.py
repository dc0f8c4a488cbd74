"""Headers of many exposures made one: keywords that hold for all of them, and a table of what each one said.

Most keywords are the first exposure's. Those of `RULES` are combined, as the data models of the observatory ask. One
deliberate difference: DATE-OBS and TIME-OBS are those of one exposure, the earliest; the official package takes the
smallest of each, which for exposures around midnight is a moment at which nothing was observed.
"""

import re

import numpy as np
from astropy.io.fits.card import Undefined

OUTSIDE = "outside calibration tolerance"
WITHIN = "within commanded tolerance"


def _agree(values):
    """The common value, or MULTIPLE."""
    return values[0] if all(value == values[0] for value in values) else "MULTIPLE"


def _tolerance(values):
    """Whether a wheel was out of place in any exposure."""
    return OUTSIDE if OUTSIDE in values else WITHIN


def _mean(values):
    return float(np.mean(values))


RULES = {
    **dict.fromkeys(("DETECTOR", "MODULE", "FILTER", "GRATING", "BAND"), _agree),
    **dict.fromkeys(("FWPOSTOL", "PWPOSTOL"), _tolerance),
    **dict.fromkeys(("FWPOSOFF", "PWPOSOFF", "EXPEND", "MJD-END", "TDB-END", "INTEND", "DATE-END"), max),
    **dict.fromkeys(("EXPSTART", "MJD-BEG", "TDB-BEG", "INTSTART", "DATE-BEG"), min),
    **dict.fromkeys(("EXPMID", "MJD-AVG", "TDB-MID"), _mean),
    **dict.fromkeys(("EFFEXPTM", "XPOSURE", "TMEASURE", "DURATION", "TELAPSE"), sum),
}
# Of the distorted frame, of the file's making, or of no interest for a single exposure.
NOT_TABLED = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|[PG]COUNT|EXT(NAME|VER|NCRS)|(A|B|AP|BP)_(\d_\d|ORDER)|COMMENT|HISTORY|"
    "|TIMEUNIT|FILETYPE|PRIMECRS|VA_RA|VA_DEC|VELOSYS|CROWDFLD|COMPRESS|OSF_FILE|OBSFOLDR|TARGDESC|DATASTRT|DATAEND"
)


class Blender:
    """Collects the headers of exposures one by one."""

    def __init__(self):
        self._rows = []

    def add(self, image):
        """Note an exposure's keywords."""
        self._rows.append(
            {
                card.keyword: card.value
                for header in (image.header, image.sci_header)
                for card in header.cards
                if not NOT_TABLED.fullmatch(card.keyword) and not isinstance(card.value, Undefined)
            }
        )

    def blend(self, product):
        """Combine the keywords of `RULES` in a product's headers, and attach the table HDRTAB, one row an exposure."""
        for keyword, rule in RULES.items():
            values = [row[keyword] for row in self._rows if keyword in row]
            if values:
                header = product.sci_header if keyword in product.sci_header else product.header
                header[keyword] = rule(values)
        first = min(self._rows, key=lambda row: (row.get("DATE-OBS", ""), row.get("TIME-OBS", "")))
        for keyword in ("DATE-OBS", "TIME-OBS"):
            if keyword in first:
                product.header[keyword] = first[keyword]
        product.tables["HDRTAB"] = self.tabulate()

    def tabulate(self):
        """All keywords as a structured array: one column a keyword, NaN or an empty text where an exposure lacks it."""
        columns = {}
        for name in dict.fromkeys(name for row in self._rows for name in row):
            columns[name] = _make_column([row.get(name) for row in self._rows])
        table = np.empty(len(self._rows), [(name, column.dtype) for name, column in columns.items()])
        for name, column in columns.items():
            table[name] = column
        return table


def _make_column(values):
    kinds = {type(value) for value in values if value is not None}
    if str in kinds:
        return np.array(["" if value is None else str(value) for value in values])
    if None in values or len(kinds) > 1:
        return np.array([np.nan if value is None else float(value) for value in values])
    return np.array(values)
