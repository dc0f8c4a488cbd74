"""The report of a run: one HTML file that shows what was made, how good it is, and what it took.

`jwcal.report.runs` says where a run's files are, `jwcal.report.looks` takes what the report needs of a product, once,
and keeps it in a small file, the modules of `jwcal.report.sections` gather facts, `jwcal.report.render` makes the page.
"""

from jwcal.report.render import write_report
from jwcal.report.runs import Run, find_run

__all__ = ["Run", "find_run", "write_report"]
