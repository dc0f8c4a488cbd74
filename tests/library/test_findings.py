"""What the steps found, put into an exposure: from the `_cal` directly the same as from its `_crf`."""

import numpy as np
import pytest
from naive_alignment import make_exposure

from jwcal import dq, products
from jwcal.alignment.solutions import FORMAT, group_of, name_of, plane_of, write_alignment
from jwcal.findings import Cleaned, Findings
from jwcal.outliers.maps import OutlierMap, write_outliers
from jwcal.sky.levels import write_levels

SHAPE = (40, 50)
PLANES = ("data", "err", "dq", "var_poisson", "var_rnoise", "var_flat")


def write_inputs(folder, subtracted):
    """A `_cal`, and the three files about it; returns paths, and the outliers' mask."""
    rng, image = np.random.default_rng(3), make_exposure(shape=SHAPE)
    for name in PLANES:
        values = rng.integers(0, 2, SHAPE) if name == "dq" else rng.gamma(2, 1, SHAPE)
        setattr(image, name, values.astype(np.uint32 if name == "dq" else np.float32))
    image.sci_header["BUNIT"] = "MJy/sr"
    cal = folder / f"{name_of(image)}_cal.fits"
    products.write(cal, image)
    entry = {"status": "COMPLETE", "reasons": [], "group": group_of(image), "plane": list(plane_of(image))}
    entry |= {"matrix": [[1, 1e-5], [-1e-5, 1]], "shift": [0.1, -0.2], "name": None, "sip": {"sip_degree": 3}}
    members = {name_of(image): entry}
    solution = {"format": FORMAT, "status": "COMPLETE", "reasons": [], "reference": None, "members": members}
    write_alignment(folder / "a.json", solution)
    # A level whose digits do not all fit on a FITS card.
    level = {"level": 0.1 + 0.2, "subtracted": subtracted, "method": "match", "status": "COMPLETE"}
    write_levels(folder / "l.json", {name_of(image): level})
    mask = rng.random(SHAPE) < 0.1
    write_outliers(folder / "o.fits", {name_of(image): OutlierMap.pack(mask)})
    return cal, (folder / "a.json", folder / "l.json", folder / "o.fits"), mask


@pytest.mark.parametrize("subtracted", [False, True])
def test_the_same_to_the_last_bit_as_from_the_file(tmp_path, subtracted):
    cal, found, mask = write_inputs(tmp_path, subtracted)
    crf = tmp_path / cal.name.replace("_cal", "_o001_crf")
    told = {"association": "a_asn.json", "skipped": {"tweakreg": "not asked for"}}

    def make():
        return Cleaned(cal, Findings(*found), told, crf, "jwst_0001.pmap")

    products.write(crf, make().read())
    for only in (None, PLANES, ("data", "dq"), ()):
        direct, read = make().load(only), products.read_image(crf, only)
        for name in (*PLANES, "area"):
            np.testing.assert_array_equal(getattr(direct, name), getattr(read, name))
        for ours, theirs in ((direct.header, read.header), (direct.sci_header, read.sci_header)):
            assert [tuple(card) for card in ours.cards] == [tuple(card) for card in theirs.cards]
        assert direct.path == read.path
    assert read.header["FILENAME"] == crf.name and read.header["S_TWKREG"] == "SKIPPED"
    assert read.header["S_OUTLIR"] == "COMPLETE" and read.header["ASNTABLE"] == "a_asn.json"
    before, after = products.read_image(cal), make().load()
    good = ~mask & (before.dq & dq.DO_NOT_USE == 0)
    expected = before.data - np.float32(0.1 + 0.2) if subtracted else before.data
    np.testing.assert_array_equal(after.data, np.where(good, expected, np.nan))


def test_the_exposure_is_made_again_for_each_reader(tmp_path):
    cal, found, _ = write_inputs(tmp_path, True)
    cleaned = Cleaned(cal, Findings(*found), {"association": "a", "skipped": {}}, tmp_path / "x_crf.fits")
    first, second = cleaned.load(), cleaned.load()
    np.testing.assert_array_equal(first.data, second.data)  # subtracted once
    assert first.data is not second.data
