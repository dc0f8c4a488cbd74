"""Reading the headers of a FITS file without astropy, whose import alone takes longer than a thousand headers.

Cards of 80 characters in blocks of 2880 bytes; strings with doubled quotes and CONTINUE, numbers and logical values
(FITS standard 4.0, sections 3.3, 4.1 and 4.2).
"""

import math
import os
import re
from functools import lru_cache

from jwcal.errors import JwcalError

BLOCK = 2880
CARD = 80
CHUNK = 12 * BLOCK  # holds the whole primary header of most exposures


def read_header(path, names):
    """Read keywords of the primary header and the shape of SCI; check that the file is as long as its headers say.

    Parameters
    ----------
    path : str
        FITS file.
    names : sequence of str
        Keywords wanted.

    Returns
    -------
    keywords : dict
        Values of the keywords as str, int, float or bool; undefined and empty ones are left out.
    shape : tuple of int
        Shape of the first SCI extension in C order, () if there is none.

    Raises
    ------
    JwcalError
        Where the file is no FITS file, or truncated.
    OSError
        Where it cannot be opened.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        end = os.fstat(file).st_size
        cards, offset = _read_cards(file, 0)
        keywords = {name: value for name in names if (value := _value(cards, name)) is not None}
        shape = ()
        offset = _skip_data(cards, offset, end)
        while offset < end and os.pread(file, 8, offset) == b"XTENSION":
            cards, offset = _read_cards(file, offset)
            if not shape and _value(cards, "EXTNAME") == "SCI":
                shape = _shape(cards)
            offset = _skip_data(cards, offset, end)
        return keywords, shape
    finally:
        os.close(file)


def _read_cards(file, offset):
    """Cards of the header at `offset` by keyword (bytes), CONTINUE cards appended, and the offset of its data."""
    cards, last, block = {}, b"", offset
    while True:
        buffer = os.pread(file, CHUNK, block)
        if block == 0 and buffer[:8] != b"SIMPLE  ":
            raise JwcalError("not a FITS file, or damaged; fetch it again or move it out of the raw folder")
        for start in range(0, len(buffer) - CARD + 1, CARD):
            keyword = buffer[start : start + 8]
            if keyword == b"CONTINUE" and last:
                cards[last] += buffer[start : start + CARD]
            elif keyword == b"END     ":
                return cards, block + (start // BLOCK + 1) * BLOCK
            elif keyword not in cards:
                cards[last := keyword] = buffer[start : start + CARD]
            else:
                last = b""
        block += CHUNK
        if len(buffer) < CHUNK:
            raise JwcalError("truncated within a header; fetch it again")


def _skip_data(cards, offset, end):
    """Offset of the next header, from the keywords that describe the data of this one."""
    shape, bits = _shape(cards), _value(cards, "BITPIX")
    if not isinstance(bits, int) or bits not in (8, 16, 32, 64, -32, -64):
        raise JwcalError("header without a valid BITPIX; fetch it again")
    samples = math.prod(shape[:-1] if b"GROUPS  " in cards else shape) if shape else 0
    groups, parameters = (_count(cards, name, default) for name, default in (("GCOUNT", 1), ("PCOUNT", 0)))
    size = abs(bits) // 8 * groups * (parameters + samples)
    if offset + size > end:
        name = _value(cards, "EXTNAME") or "PRIMARY"
        raise JwcalError(f"truncated: {name} should end at byte {offset + size}, the file at {end}; fetch it again")
    return offset + -(-size // BLOCK) * BLOCK


def _count(cards, name, default):
    """Value of a keyword that counts something."""
    value = _value(cards, name)
    if value is None:
        return default
    if not isinstance(value, int) or value < 0:
        raise JwcalError(f"header without a valid {name}; fetch it again")
    return value


def _shape(cards):
    axes = _value(cards, "NAXIS")
    if not isinstance(axes, int) or not 0 <= axes < 1000:
        raise JwcalError("header without a valid NAXIS; fetch it again")
    shape = tuple(_value(cards, f"NAXIS{axis}") for axis in range(axes, 0, -1))
    if not all(isinstance(length, int) and length >= 0 for length in shape):
        raise JwcalError("header without a valid length of each axis; fetch it again")
    return shape


STRING = re.compile(r"'((?:[^']|'')*)'")


def _value(cards, keyword):
    """Value of a keyword: str, int, float or bool; None if absent, undefined or empty."""
    card = cards.get(keyword.encode().ljust(8))
    if card is None or card[8:10] != b"= ":
        return None
    text = card[10:CARD].decode("latin-1").strip()
    if text.startswith("'"):
        return _string(card) or None
    return _scalar(text.partition("/")[0].strip())


def _string(card):
    """Value of a string card and of the CONTINUE cards that were appended to it."""
    value = ""
    for start in range(0, len(card), CARD):
        match = STRING.search(card[start + 8 : start + CARD].decode("latin-1"))
        value = value.removesuffix("&") + (match[1].replace("''", "'").rstrip() if match else "")
    return value


@lru_cache(maxsize=4096)
def _scalar(text):
    if text in ("T", "F"):
        return text == "T"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text.upper().replace("D", "E"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
