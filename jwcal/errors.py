"""What can go wrong, said in one clear line: which file, what is the matter, what to do."""

import difflib


class JwcalError(Exception):
    """A problem with data, settings or references that the user can act on.

    Parameters
    ----------
    message : str
        One line: what is wrong, and what to do about it.
    path : str or pathlib.Path, optional
        The file it is about; put in front of the message.
    """

    def __init__(self, message, path=None):
        super().__init__(f"{path}: {message}" if path else message)


class StepSkipped(Exception):
    """Raised by a step that finds it does not apply to this exposure; the runner notes SKIPPED and the reason."""


class NoLight(StepSkipped):
    """Raised where none of an exposure's spectra falls on its detector."""


def suggest(word, known, likeness=0.6):
    """End of an error line: the nearest of what is known, as a question; empty where none is near.

    Parameters
    ----------
    word : str
        What was written.
    known : iterable of str
        What may be written.
    likeness : float
        How alike two words must be, 0 to 1.

    Returns
    -------
    str
    """
    near = difflib.get_close_matches(str(word), sorted(map(str, known)), n=1, cutoff=likeness)
    return f"; did you mean {near[0]}?" if near else ""
