"""tweakreg: pointings that were wrong become right, and what happens where they cannot."""

import json

import numpy as np
import pytest
from astropy.table import Table
from naive_alignment import SCALE, STEPS, draw_stars, make_exposure, see_stars

from jwcal.alignment.solutions import apply_alignment, find_entry, name_of, write_alignment
from jwcal.errors import JwcalError
from jwcal.steps.tweakreg import tweakreg
from jwcal.wcs import from_tree
from jwcal.wcs.tangent_planes import Affine, TangentPlane, insert_correction

CLOSE = {"separation": 0.3, "tolerance": 0.2, "abs_separation": 0.3, "abs_tolerance": 0.2, "minobj": 8, "abs_minobj": 8}
X, Y = np.random.default_rng(1).uniform(0, 299, (2, 20))


def make_association(detectors=("nrcb1",), first_error=(0.0, 0.0, 0.0), largest=0.1, seed=5):
    """Exposures with wrong pointings, their sources, the true WCS, and the stars."""
    rng, pointing = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    stars = draw_stars(110, rng, 7.0)
    images, catalogs, truths = [], [], []
    for number, step in enumerate(STEPS, 1):
        error = first_error if number == 1 else (*pointing.uniform(-largest, largest, 2), pointing.normal(0, 0.02))
        for k, detector in enumerate(detectors):
            truth = make_exposure(number, detector, step, shift_v2=1.5 * k)
            images.append(make_exposure(number, detector, step, error, shift_v2=1.5 * k))
            catalogs.append(see_stars(truth, stars, 0.05, rng))
            truths.append(from_tree(truth.wcs))
    return images, catalogs, truths, stars


def errors(images, truths):
    """Largest error of positions on each exposure, mas."""
    return np.array([
        3.6e6 * np.abs(np.subtract(from_tree(image.wcs).forward(X, Y), truth.forward(X, Y))).max()
        for image, truth in zip(images, truths, strict=True)
    ])  # fmt: skip


def apply_all(images, solution):
    for image in images:
        apply_alignment(image, find_entry(solution, image))


@pytest.mark.parametrize("detectors", [("nrcb1",), ("nrcb1", "nrcb2")])
@pytest.mark.parametrize("settings", [{}, {"expand_refcat": True}, {"fitgeometry": "general"}, {"use2dhist": False}])
def test_exposures_are_aligned_with_the_first(detectors, settings):
    images, catalogs, truths, _ = make_association(detectors)
    before = errors(images, truths)
    solution = tweakreg(images, catalogs, **CLOSE | {"enforce_user_order": True} | settings)
    assert json.loads(json.dumps(solution)) == solution
    assert solution["status"] == "COMPLETE" and solution["reasons"] == []
    assert solution["reference"] == "jw01234001001_02101_00001"
    apply_all(images, solution)
    after = errors(images, truths)
    assert before[len(detectors) :].min() > 20 and after.max() < (6 if "fitgeometry" in settings else 4)
    assert all(image.header["S_TWKREG"] == "COMPLETE" for image in images)
    entry = solution["members"][name_of(images[-1])]
    assert entry["group"] == "jw01234001001_02101_00004" and entry["moved"] > 0.01
    fit = entry["relative"]
    assert fit["status"] == "SUCCESS" and 8 <= fit["used"] <= fit["matches"]
    assert 0.5 * SCALE * 0.05 < fit["rms"] < 4 * SCALE * 0.05
    x, y, dx, dy = np.array(fit["residuals"]).T
    assert len(x) <= fit["used"] and x.min() > 0 and x.max() < 320 and y.max() < 300
    if len(detectors) == 1:
        assert np.sqrt(np.mean(dx**2 + dy**2)) == pytest.approx(fit["rms"], abs=1e-6)


def test_detectors_of_a_group_move_together():
    images, catalogs, truths, _ = make_association(("nrcb1", "nrcb2"))
    catalogs[3] = catalogs[3][:0]  # one of the second group's has no sources of its own
    apply_all(images, tweakreg(images, catalogs, **CLOSE))
    assert errors(images, truths).max() < 5


def test_groups_of_the_associations_own():
    images, catalogs, _, _ = make_association()
    solution = tweakreg(images, catalogs, ["a", "a", "b", "b"], **CLOSE)
    assert {entry["group"] for entry in solution["members"].values()} == {"a", "b"}
    assert solution["reference"] == "a"


def test_alignment_with_stars(tmp_path):
    images, catalogs, truths, stars = make_association(first_error=(0.5, -0.3, 0.01))
    Table({"ra": stars[0], "dec": stars[1]}).write(tmp_path / "stars.ecsv")
    solution = tweakreg(images, catalogs, **CLOSE, abs_refcat=str(tmp_path / "stars.ecsv"))
    apply_all(images, solution)
    assert errors(images, truths).max() < 3
    assert solution["reference"] == "stars.ecsv"
    assert {from_tree(image.wcs).node["name"] for image in images} == {"FIT-LVL3-stars.ecsv"}
    assert solution["members"][name_of(images[0])]["absolute"]["matches"] > 60


def test_a_single_exposure():
    images, catalogs, _, _ = make_association()
    solution = tweakreg(images[:1], catalogs[:1], **CLOSE)
    assert solution["status"] == "SKIPPED" and "set abs_refcat" in solution["reasons"][0]
    tree = images[0].wcs
    apply_all(images[:1], solution)
    assert images[0].wcs is tree and images[0].header["S_TWKREG"] == "SKIPPED"


def test_a_single_exposure_and_stars(tmp_path):
    images, catalogs, truths, stars = make_association(first_error=(0.5, -0.3, 0.01))
    Table({"ra": stars[0], "dec": stars[1]}).write(tmp_path / "stars.fits")
    solution = tweakreg(images[:1], catalogs[:1], **CLOSE, abs_refcat=str(tmp_path / "stars.fits"))
    apply_all(images[:1], solution)
    assert solution["status"] == "COMPLETE" and errors(images[:1], truths[:1]) < 5


def test_too_few_matches():
    images, catalogs, truths, _ = make_association()
    catalogs[2] = catalogs[2][:5]
    before = errors(images, truths)
    solution = tweakreg(images, catalogs, **CLOSE)
    apply_all(images, solution)
    assert [image.header["S_TWKREG"] for image in images] == ["COMPLETE", "COMPLETE", "SKIPPED", "COMPLETE"]
    assert errors(images, truths)[2] == before[2]
    (reason,) = solution["members"][name_of(images[2])]["reasons"]
    assert reason.startswith("relative: ") and reason.endswith(" matches, 8 are needed")


def test_too_far_a_motion_is_not_believed():
    # Four stars close together, seen turned by a few pixels: the corners far away would move by arcseconds.
    images, angle = [make_exposure(1), make_exposure(2)], 0.3
    square = 10 * np.array([(-1.0, -1), (1, -1), (1, 1), (-1, 1)])
    turned = square @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    catalogs = [Table(150.0 + positions, names=("x", "y")) for positions in (square, turned)]
    settings = CLOSE | {"minobj": 3, "searchrad": 0.2}
    solution = tweakreg(images, catalogs, **settings)
    assert solution["status"] == "SKIPPED"
    (reason,) = solution["reasons"]
    assert reason.startswith("a corner moves by 2.1 arcsec, more than 0.8; ")
    assert all(np.array_equal(entry["matrix"], np.identity(2)) for entry in solution["members"].values())
    assert tweakreg(images, catalogs, **settings | {"searchrad": 1.0})["status"] == "COMPLETE"


def test_the_relative_alignment_is_kept_where_the_stars_do_not_help(tmp_path):
    images, catalogs, truths, stars = make_association()
    Table({"ra": stars[0][:4], "dec": stars[1][:4]}).write(tmp_path / "few.ecsv")
    solution = tweakreg(images, catalogs, **CLOSE, abs_refcat=str(tmp_path / "few.ecsv"))
    assert solution["status"] == "COMPLETE"
    assert solution["reasons"] == ["few.ecsv has 4 stars in the field, 8 are needed"]
    apply_all(images, solution)
    assert errors(images, truths).max() < 4 and from_tree(images[1].wcs).node["name"] == ""


def test_an_earlier_correction_is_replaced():
    images, catalogs, truths, _ = make_association()
    for image in images[1:]:
        plane = TangentPlane(image.keyword("V2_REF"), image.keyword("V3_REF"), image.keyword("ROLL_REF"))
        image.wcs = insert_correction(from_tree(image.wcs), plane, Affine(np.identity(2), np.array([0.2, 0.1]))).tree
    apply_all(images, tweakreg(images, catalogs, **CLOSE))
    assert errors(images, truths).max() < 4
    assert from_tree(images[1].wcs).frames.count("v2v3corr") == 1


def test_catalogues_of_ones_own(tmp_path):
    images, catalogs, truths, _ = make_association()
    lines = []
    for image, catalog in zip(images[:3], catalogs, strict=False):
        Table({"xcentroid": catalog["x"], "ycentroid": catalog["y"]}).write(tmp_path / f"{name_of(image)}.ecsv")
        lines.append(f"{name_of(image)}_cal.fits {name_of(image)}.ecsv\n")
    (tmp_path / "list.txt").write_text("".join(lines))
    blank = [catalog[:0] for catalog in catalogs[:3]] + catalogs[3:]
    settings = CLOSE | {"catfile": str(tmp_path / "list.txt")}
    assert tweakreg(images, blank, **settings)["status"] == "SKIPPED"
    apply_all(images, tweakreg(images, blank, use_custom_catalogs=True, **settings))
    assert errors(images, truths).max() < 4


def test_sources_outside_the_image_do_not_count():
    images, catalogs, _, _ = make_association()
    catalogs[1] = np.concatenate([catalogs[1], catalogs[1]])
    catalogs[1]["x"][len(catalogs[1]) // 2 :] += 500
    solution = tweakreg(images, catalogs, **CLOSE)
    assert solution["members"][name_of(images[1])]["sources"] == len(catalogs[1]) // 2


def test_an_earlier_solution_is_used_again(tmp_path):
    images, catalogs, _, _ = make_association()
    write_alignment(tmp_path / "a.json", tweakreg(images, catalogs, **CLOSE))
    others, _, truths, _ = make_association(("nrcb1", "nrcb2"))
    solution = tweakreg(others, [None] * 8, alignment_file=str(tmp_path / "a.json"), sip_degree=2)
    apply_all(others, solution)
    assert errors(others, truths).max() < 5
    assert others[-1].sci_header["A_ORDER"] == 2
    strange = make_exposure(9)
    solution = tweakreg([strange], [None], alignment_file=str(tmp_path / "a.json"))
    assert solution["status"] == "SKIPPED"
    assert solution["members"][name_of(strange)]["reasons"] == ["a.json has no entry for it"]


@pytest.mark.parametrize("prefix", ["", "abs_"])
def test_separation_must_exceed_the_tolerance(prefix):
    images, catalogs, _, _ = make_association()
    with pytest.raises(JwcalError, match=rf"{prefix}separation is 0.9 arcsec; .* must exceed {prefix}tolerance \(0.7"):
        tweakreg(images, catalogs, **{f"{prefix}separation": 0.9})


def test_no_sources_at_all():
    images, catalogs, _, _ = make_association()
    solution = tweakreg(images, [catalog[:0] for catalog in catalogs], **CLOSE)
    assert solution["status"] == "SKIPPED" and solution["reasons"] == ["fewer than two groups have sources"]
