"""Members of association files: which exposures go into a product, and in which role."""

import json
from pathlib import Path

SUFFIXES = ("_rateints", "_rate", "_calints", "_cal", "_uncal")


def background_members(paths):
    """Backgrounds of each science exposure, from level-2 association files.

    Parameters
    ----------
    paths : iterable of str
        JSON association files in the archive's format.

    Returns
    -------
    members : dict of str to tuple of str
        Science exposure name to the names of its background exposures.
    problems : list of str
        One line for each file that cannot be used.
    """
    members, problems = {}, []
    for path in sorted(map(str, paths)):
        try:
            association = json.loads(Path(path).read_text())
            if not str(association.get("asn_type", "image2")).endswith("image2"):
                continue
            for product in association["products"]:
                members.update(_backgrounds_of(product))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"{path}: not a usable association file ({type(error).__name__}: {error}); left out")
    return {name: backgrounds for name, backgrounds in members.items() if backgrounds}, problems


def _backgrounds_of(product):
    roles = {}
    for member in product["members"]:
        roles.setdefault(member["exptype"].lower(), []).append(exposure_name(member["expname"]))
    return {science: tuple(roles.get("background", ())) for science in roles.get("science", ())[:1]}


def exposure_name(path):
    """Name of an exposure without folder, suffix and extension."""
    stem = Path(path).name.removesuffix(".fits")
    return next((stem.removesuffix(suffix) for suffix in SUFFIXES if stem.endswith(suffix)), stem)
