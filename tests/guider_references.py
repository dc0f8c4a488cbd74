"""Reference files for the real FGS exposure, added to a simulated CRDS cache."""

import re
from types import SimpleNamespace

import numpy as np

from jwcal import dq
from jwcal.fitsfiles import Extension
from jwcal.simulate import crds_cache, mappings
from jwcal.simulate.detectors import Region, draw_detector
from jwcal.simulate.instruments import Chip
from jwcal.simulate.reference_files import MAKERS, Subject, list_flags, make_header

REGION = Region(886, 1021, 128, 128)


def make_flat(subject):
    """FLAT: random response, a few pixels without one."""
    rng = np.random.default_rng(11)
    response = rng.normal(1, 0.03, (REGION.ny, REGION.nx)).astype(np.float32)
    flags = np.where(rng.random(response.shape) < 0.002, dq.NO_FLAT_FIELD, 0).astype(np.uint32)
    response[5, 7], response[9, 11] = np.nan, 0
    arrays = {"SCI": response, "ERR": np.full_like(response, 0.004), "DQ": flags, "DQ_DEF": list_flags()}
    return [make_header(subject, "FLAT", "FlatModel"), *(Extension(name, array) for name, array in arrays.items())]


TYPES = {"MASK": MAKERS["MASK"], "GAIN": MAKERS["GAIN"], "READNOISE": MAKERS["READNOISE"], "FLAT": make_flat}


def add_guider_references(cache, context):
    """Write mask, gain, readnoise and flat of GUIDER2's 128x128 subarray and enter FGS in the context.

    Parameters
    ----------
    cache : pathlib.Path
        Cache made by `write_reference_cache`.
    context : str
        Its context.
    """
    chip = Chip("GUIDER2", "FGS2_FULL", "FGS2", "g2", fastaxis=2, slowaxis=-1, gain=1.97, cds_noise=22.0, dark=0.01)
    setup = SimpleNamespace(filter="N/A", pupil="N/A", subarray="128X128")
    plan = SimpleNamespace(instrument=SimpleNamespace(name="FGS"), chip=chip, setup=setup)
    detector = draw_detector(chip, REGION, seed=3)
    subject = Subject(
        plan=plan,
        region=REGION,
        subarray=setup.subarray,
        draw=lambda: detector,
        dark_frames=2,
        cadence=(1, 0),
        inverse_linearity=False,
        peers=(),
    )
    rules = {}
    for reftype, make in TYPES.items():
        path = cache / "references" / "jwst" / "fgs" / f"jwst_fgs_{reftype.lower()}_0001.fits"
        crds_cache.write_reference(path, make(subject))
        files = {("GUIDER2", "128X128"): path.name}
        rules[reftype] = mappings.write_rules(cache, "FGS", reftype, ("DETECTOR", "SUBARRAY"), files).name
    imap = mappings.write_instrument(cache, "FGS", rules).name
    known = (cache / "mappings" / "jwst" / context).read_text()
    imaps = dict(re.findall(r"'([A-Z]+)': '(jwst_\w+\.imap)'", known)) | {"FGS": imap}
    mappings.write_pipeline(cache, context, imaps)
