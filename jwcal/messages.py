"""What Snakemake says, made readable: a few names of many files, settings that have changed, slips in names."""

import ast
from functools import wraps

MOST, SHOWN = 12, 3  # names that are said all; how many of more
CHANGES, WIDTH = 6, 60  # changes that are said; characters of a value


def shorten_messages(formatter, change):
    """Make Snakemake tell long lists of files by their first few and their number, and changed params by what differs.

    Parameters
    ----------
    formatter : type
        `snakemake.logging.DefaultFormatter`; its method ``format_job_info(message)`` is replaced.
    change : type
        `snakemake.persistence.ParamsChange`, which knows params before and now as sets of text; its ``__str__`` is
        replaced.
    """
    tell = formatter.format_job_info
    if hasattr(tell, "__wrapped__"):
        return

    @wraps(tell)
    def tell_briefly(self, message):
        inputs = shorten_names(message["input"])  # outputs stay: `jwcal.summary` reads them
        clauses = (", ".join(shorten_names(clause.split(", "))) for clause in str(message["reason"]).split("; "))
        return tell(self, message | {"input": inputs, "reason": "; ".join(clauses)})

    formatter.format_job_info = tell_briefly
    change.__str__ = lambda self: tell_changes(self.only_old, self.only_new)


def write_whole(handler):
    """Make Snakemake write each message at once, so that a line of a job never begins in the middle of one.

    Parameters
    ----------
    handler : type
        `snakemake.logging.ColorizingTextHandler`, which writes what ``decorate(record, message)`` gives and then its
        ``terminator``; both are replaced.
    """
    decorate = handler.decorate
    if hasattr(decorate, "__wrapped__"):
        return

    @wraps(decorate)
    def end_line(self, record, message):
        return decorate(self, record, message) + "\n"

    handler.decorate, handler.terminator = end_line, ""


def explain_missing(exception, explain):
    """Make Snakemake say of a target that no rule makes what is wrong with its name.

    Parameters
    ----------
    exception : type
        `snakemake.exceptions.MissingRuleException`; its ``__init__(file, ...)`` is replaced.
    explain : callable
        Gives, of a target, what is wrong with it; None leaves Snakemake's own words.
    """
    begin = exception.__init__
    if hasattr(begin, "__wrapped__"):
        return

    @wraps(begin)
    def begin_with_reason(self, file, *arguments, **options):
        begin(self, file, *arguments, **options)
        if reason := explain(str(file)):
            self.args = (f"{file}: {reason}",)

    exception.__init__ = begin_with_reason


def shorten_names(names):
    """Names, or the first few and how many more there are."""
    names = list(names)
    return names if len(names) <= MOST else [*names[:SHOWN], f"and {len(names) - SHOWN} more"]


def tell_changes(before, now):
    """What differs between params of a job.

    Parameters
    ----------
    before, now : iterable of str
        Params that are not the same, as Python writes them; dicts are compared entry by entry.

    Returns
    -------
    str
        Such as ``settings.jump.rejection_threshold 4.0 -> 5.0``.
    """
    before, now = (_flatten(params) for params in (before, now))
    names = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    told = [_tell(name, before.get(name), now.get(name)) for name in names[:CHANGES]]
    return " | ".join(told + [f"{len(names) - CHANGES} more"] * (len(names) > CHANGES))


def _tell(name, before, now):
    if name.split(".")[-1] == "code":
        return "code of its steps"
    if before is None or now is None:
        return f"{name} {'added: ' + now if before is None else 'no longer: ' + before}"
    return f"{name} {before} -> {now}"


def _flatten(params):
    """Values as text by dotted name; of params that are no dicts, the texts by the name of params."""
    values, others = {}, []
    for text in sorted(params):
        try:
            param = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            param = text
        if isinstance(param, dict):
            values |= _list_entries(param)
        else:
            others.append(_write(param))
    return values | ({"params": ", ".join(others)} if others else {})


def _list_entries(entries, above=""):
    """(dotted name, value as text) of all entries of a dict, of dicts in it too."""
    for key, value in entries.items():
        if isinstance(value, dict) and value:
            yield from _list_entries(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", _write(value)


def _write(value):
    """A value, of a path its end, of a long one its beginning."""
    text = str(value).replace("; ", ", ")
    if text.startswith("/"):
        return text.rpartition("/")[2]
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}..."
