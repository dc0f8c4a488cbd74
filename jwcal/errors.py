"""What can go wrong, said in one clear line: which file, what is the matter, what to do."""


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
