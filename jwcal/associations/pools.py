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


def read_pools(paths):
    """Read the pools among tables.

    Parameters
    ----------
    paths : iterable of str
        Tables; of two pools that know an exposure the one whose name comes last wins, which is the newer one.

    Returns
    -------
    pool : dict of str to dict
        As `read_pool` gives it, of all.
    problems : list of str
        One line for each table that is called a pool but is none, or cannot be read; other tables are passed over.
    """
    pool, problems = {}, []
    for path in sorted(map(str, paths), key=lambda path: path.rpartition("/")[2]):
        try:
            pool |= read_pool(path)
        except JwcalError as error:
            if "pool" in path.rpartition("/")[2].lower():
                problems.append(str(error))
    return pool, problems


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
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader((line for line in file if line.strip() and line[0] != "#"), delimiter="|"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise JwcalError(f"no pool: it cannot be read ({error}); remove the file", path) from error
    columns = [column.strip().lower() for column in rows[0]] if rows else []
    if not {"filename", "asn_candidate"} <= set(columns):
        raise JwcalError("no pool: columns filename and asn_candidate missing; remove the file", path)
    pool = {}
    for row in rows[1:]:
        values = dict(zip(columns, map(normalise, row)))
        exposure = values["filename"].rpartition("/")[2].removesuffix(".fits").removesuffix("_uncal")
        pool[exposure] = values | {"pool": name}
    return pool
