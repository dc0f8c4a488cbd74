"""The sections of a report, in order.

Each module has a ``TITLE`` and ``gather(evidence)``, which gives the facts for its template, or None to be left out.
"""

from jwcal.report.sections import (
    alignment,
    associations,
    catalogues,
    costs,
    errors,
    exposures,
    flags,
    mosaics,
    overview,
    problems,
    settings,
    sky,
)

SECTIONS = (overview, problems, associations, mosaics, catalogues, exposures, flags, errors, alignment, sky, costs,
            settings)  # fmt: skip
