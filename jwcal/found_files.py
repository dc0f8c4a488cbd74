"""Reading the JSON files in which steps keep what they found about an association."""

import json
from pathlib import Path

from jwcal.errors import JwcalError


def read_found(path, is_right, otherwise):
    """Content of a JSON file that a step wrote, and that a user may have edited.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    is_right : callable
        Tells by the content whether it is the kind of file that is wanted; it may fail on others.
    otherwise : str
        What to say of a file that is not.

    Returns
    -------
    dict

    Raises
    ------
    JwcalError
        When there is no such file, or it holds something else.
    """
    try:
        content = json.loads(Path(path).read_text())
        if is_right(content):
            return content
    except FileNotFoundError as error:
        raise JwcalError("file not found", path) from error
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise JwcalError(otherwise, path)
