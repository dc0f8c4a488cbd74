"""Let the coordinates of exposures of a moving target follow it."""

import logging

import numpy as np

from jwcal.alignment.solutions import FORMAT, group_of, name_of
from jwcal.wcs.moving_targets import average_position, turn

log = logging.getLogger("jwcal")

KEYWORDS = ("MT_RA", "MT_DEC")


def assign_mtwcs(images) -> dict:
    """Find by how much the coordinates of each exposure are to be moved so that its target stands still.

    Every exposure has its target at the place (MT_RA, MT_DEC); all are moved to the mean of these. What comes out is an
    alignment file, as tweakreg writes it for targets that do not move.

    Other than in the official package, a mean across right ascension 0 is right, and the FITS keywords of the WCS
    follow as S_REGION does.

    Parameters
    ----------
    images : sequence of Image
        Headers of the exposures (`jwcal.products.read_headers`); no pixels are used.

    Returns
    -------
    dict
        See `jwcal.alignment.solutions`. All entries are SKIPPED where a keyword is missing in any of the exposures.
    """
    positions = [[image.keyword(name, None) for name in KEYWORDS] for image in images]
    absent = [name_of(image) for image, position in zip(images, positions) if None in position]
    solution = {"format": FORMAT, "step": "assign_mtwcs", "reference": None}
    if absent:
        reason = f"MT_RA or MT_DEC missing in {absent[0]}" + (f" and {len(absent) - 1} more" if absent[1:] else "")
        log.warning("assign_mtwcs: SKIPPED, %s; its target will not be in one place", reason)
        members = {name_of(image): {"status": "SKIPPED", "reasons": [reason]} for image in images}
        return solution | {"status": "SKIPPED", "reasons": [reason], "members": members}
    positions = np.array(positions, float)
    average = average_position(positions)
    members = {name_of(image): _make_entry(image, place, average) for image, place in zip(images, positions)}
    log.info("assign_mtwcs: the target is at %.7f %.7f on average", *average)
    return solution | {"status": "COMPLETE", "reasons": [], "members": members}


def _make_entry(image, position, average):
    """Entry of an exposure."""
    ra, dec = turn(average[0] - position[0]), average[1] - position[1]
    moved = 3600 * float(np.hypot(ra * np.cos(np.radians(average[1])), dec))
    motion = {"position": position.tolist(), "average": list(average)}
    return {"status": "COMPLETE", "reasons": [], "group": group_of(image), "moving_target": motion, "moved": moved}
