"""persistence carried over two exposures of a detector, against the official step given its array by hand."""

import numpy as np
from comparison import Figure
from naive_detector import make_ramp

from jwcal import dq, products
from jwcal.steps.persistence import persistence
from jwcal.windows import collect_windows, read_windows, spread_windows, write_windows

SHAPE, TGROUP, START, DAY = (2, 6, 48, 64), 10.0, 60100.0, 86400.0
SETTINGS = {"persistence_time": 200, "dn_threshold": 9000.0}


def expose(start, seed):
    """A ramp with some pixels that saturate, and some that are bright."""
    rng = np.random.default_rng(seed)
    data = rng.uniform(0, 10000, SHAPE)
    keywords = {"EXPSTART": start, "TGROUP": TGROUP, "EFFINTTM": 60.0, "NGROUPS": 6, "NINTS": 2, "TELESCOP": "JWST"}
    ramp = make_ramp(data, **keywords, DETECTOR="NRCA1", SUBARRAY="SUB64P")
    ramp.groupdq[rng.random(SHAPE) < 0.01] = dq.SATURATED
    return ramp


def test_two_exposures(laboratory, figures, scratch):
    handed_on, official_file = scratch / "x_persistence.asdf", str(scratch / "official.asdf")
    for number, start in enumerate((START, START + 250.0 / DAY)):
        path = scratch / f"x{number}_ramp.fits"
        products.write(path, expose(start, seed=number))
        given = {"skip": False, "persistence_array_file": official_file, "save_persistence": official_file}
        official = laboratory.oracle.run("persistence", path, scratch / str(number), {"persistence": SETTINGS | given})
        theirs = products.read_ramp(official.product("cal")).groupdq
        ramp = products.read_ramp(path)
        before = read_windows(handed_on if number else None, ramp)
        ramp.carried["persistence"] = spread_windows(before, ramp)
        ours = persistence(ramp, **SETTINGS).groupdq
        write_windows(handed_on, collect_windows(before, ramp, ramp.carried["persistence"]), ramp, 200)
        share = float((ours == theirs).mean())
        figures.append(
            Figure(f"persistence, exposure {number + 1}", "persistence", "GROUPDQ", share, 1.0, "share", "equal")
        )
        assert share == 1.0
    alone = persistence(expose(START + 250.0 / DAY, seed=1), **SETTINGS).groupdq
    assert 0.02 < (ours != alone).mean() < 0.5  # the first exposure is felt
