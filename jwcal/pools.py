"""Association pools of the archive: what it knows of exposures beyond their headers."""

import csv

from jwcal.errors import JwcalError

EMPTY = frozenset({"", "null", "--", "n", "f", "false", "n/a"})


def normalise(value):
    """A header's or pool's value in lower case; "" for all the ways to say that there is none (or false)."""
    if value is None or value is False:
        return ""
    text = "t" if value is True else str(value).strip().lower()
    return "" if text in EMPTY else text


def read_pool(path):
    """Read a pool, the archive's table of a program's exposures.

    Parameters
    ----------
    path : str
        Table with ``|`` between columns and one line an exposure; lines that begin with # are comments.

    Returns
    -------
    dict of str to dict
        Exposure name, in lower case, to its values by column (targetid, asn_candidate, pntgtype, exposerr, ...); "pool"
        is the pool's name. Values are lower case, "" where there is none.

    Raises
    ------
    JwcalError
        Where it is no such table.
    """
    name = str(path).rpartition("/")[2]
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader((line for line in file if line.strip() and line[0] != "#"), delimiter="|"))
    columns = [column.strip().lower() for column in rows[0]] if rows else []
    if not {"filename", "asn_candidate"} <= set(columns):
        raise JwcalError("no pool: columns filename and asn_candidate missing; remove the file", path)
    pool = {}
    for row in rows[1:]:
        values = dict(zip(columns, map(normalise, row)))
        exposure = values["filename"].rpartition("/")[2].removesuffix(".fits").removesuffix("_uncal")
        pool[exposure] = values | {"pool": name}
    return pool
