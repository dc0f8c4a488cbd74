"""What Snakemake says of a job, without the names of hundreds of files: those of `all` would bury all other lines."""

from functools import wraps

MOST, SHOWN = 12, 3  # names that are said all; how many of more


def shorten_messages(formatter):
    """Make a class that formats Snakemake's messages tell long lists of files by their first few and their number.

    Parameters
    ----------
    formatter : type
        `snakemake.logging.DefaultFormatter`; its method ``format_job_info(message)`` is replaced.
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


def shorten_names(names):
    """Names, or the first few and how many more there are."""
    names = list(names)
    return names if len(names) <= MOST else [*names[:SHOWN], f"and {len(names) - SHOWN} more"]
