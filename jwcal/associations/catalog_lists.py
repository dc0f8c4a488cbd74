"""Lists of catalogues of exposures' sources that a user made, read while the workflow is laid out, too."""

from pathlib import Path

from jwcal.associations.members import exposure_name
from jwcal.errors import JwcalError


def read_catfile(path):
    """Catalogues that a user lists.

    Parameters
    ----------
    path : str or pathlib.Path
        Text file: in each line an exposure's file, and its catalogue (relative to this file); without one, sources
        are found in the exposure. Lines that begin with # are comments.

    Returns
    -------
    dict of str to str or None
        Exposure name to path.
    """
    path = Path(path)
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError as error:
        raise JwcalError(f"cannot be read ({error.strerror})", path) from error
    listed = {}
    for words in lines:
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 2:
            raise JwcalError(f"has {len(words)} columns in the line of {words[0]}; write two", path)
        listed[exposure_name(words[0])] = str(path.parent / words[1]) if len(words) == 2 else None
    return listed
