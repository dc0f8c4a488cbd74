"""Associations made from headers: the rules, one by one; the official generator's are compared in tests/parity."""

import json
import random

import pytest
from headers import MIRI, NIRCAM, OTHERS, list_exposures

from jwcal.associations.files import read_associations
from jwcal.associations.members import background_members
from jwcal.associations.rules import explain_absence, make_associations


def stage(number, associations):
    """Numbers of members by product name."""
    return {a.name: len(a.members) for a in associations if a.stage == number}


def find(name, associations):
    (association,) = [a for a in associations if a.name == name]
    return association


def change(exposures, keywords, names=""):
    """Exposures with other keywords where the name holds a text; None takes a keyword away."""
    changed = []
    for exposure in exposures:
        new = exposure.keywords | keywords if names in exposure.name else exposure.keywords
        changed.append(exposure._replace(keywords={k: v for k, v in new.items() if v is not None}))
    return changed


def test_mosaics_of_nircam():
    assert stage(3, make_associations(list_exposures(NIRCAM))) == {
        "jw01234-o001_t001_nircam_clear-f200w": 9,
        "jw01234-o001_t001_nircam_clear-f444w": 3,
        "jw01234-o001_t001_nircam_f150w2-f162m": 2,
        "jw01234-o001_t001_nircam_f444w-f470n": 2,
        "jw01234-o002_t001_nircam_clear-f200w": 2,
        "jw01234-o003_t002_nircam_clear-f200w-sub160": 2,
        "jw01234-o003_t002_nircam_clear-f444w-sub160": 2,
        "jw01234-o004_t002_nircam_clear-f200w": 1,
        "jw04321-o001_t001_nircam_clear-f200w": 2,
    }


def test_mosaics_of_other_instruments():
    assert stage(3, make_associations(list_exposures(OTHERS))) == {
        "jw03000-o001_t001_niriss_clear-f150w": 3,
        "jw03000-o001_t001_niriss_clearp-f380m-sub80": 3,
        "jw03000-o002_t002_fgs_clear": 4,
        "jw03000-o005_t003_nircam_clear-f250m": 2,
    }


def test_content_is_the_archive_s():
    association = find("jw03000-o001_t001_niriss_clear-f150w", make_associations(list_exposures(OTHERS)))
    content = json.loads(json.dumps(association.content))
    assert association.file_name == "jw03000-o001_image3_00001_asn.json"
    assert (content["asn_type"], content["asn_rule"]) == ("image3", "candidate_Asn_Lv3Image")
    assert (content["program"], content["asn_id"], content["target"]) == ("03000", "o001", "t001")
    assert (content["version_id"], content["asn_pool"]) == (None, "none")
    (product,) = content["products"]
    common = {"exposerr": None, "asn_candidate": "[('o001', 'observation')]"}
    names = [f"jw03000001001_021{act}_nis_cal.fits" for act in ("04_00001", "04_00002", "02_00001")]
    roles = ["science", "science", "target_acquisition"]
    assert product["members"] == [{"expname": n, "exptype": r, **common} for n, r in zip(names, roles)]


def test_detectors_of_one_exposure_are_a_group():
    members = find("jw01234-o001_t001_nircam_clear-f200w", make_associations(list_exposures(NIRCAM))).members
    assert [m.group_id for m in members] == [f"jw01234001001_02102_0000{i}" for i in (1, 1, 1, 2, 2, 2, 3, 3, 3)]
    assert len({m.exposure_name for m in members}) == 9


def test_backgrounds_are_those_nearest_on_the_sky_in_the_same_optics():
    backgrounds = background_members(make_associations(list_exposures(MIRI)))
    sky = {o: tuple(f"jw0200000{o}001_02102_0000{i}_mirimage" for i in (1, 2)) for o in (2, 4, 5)}
    assert backgrounds["jw02000001001_02102_00003_mirimage"] == sky[2]
    assert backgrounds["jw02000003001_02102_00001_mirimage"] == sky[4] + sky[5]
    assert backgrounds["jw02000001001_02106_00001_mirimage"] == tuple(s.replace("_02102", "_02104") for s in sky[2])
    assert not [name for name in backgrounds if "_02104" in name or name.startswith("jw02000002")]


def test_backgrounds_of_unknown_position_are_all_taken():
    exposures = change(list_exposures(MIRI), {"TARG_RA": None}, "jw0200000")
    backgrounds = background_members(make_associations(exposures))
    assert len(backgrounds["jw02000003001_02102_00001_mirimage"]) == 6


def test_a_background_target_is_an_image_of_its_own():
    made = make_associations(list_exposures(MIRI))
    assert find("jw02000-o002_t002_miri_f770w", made).rule == "candidate_Asn_Lv3ImageBackground"
    alone = find("jw02000002001_02102_00001_mirimage", made)
    assert (alone.rule, alone.asn_id) == ("candidate_Asn_Lv2ImageSpecial", "o002") and len(alone.members) == 1
    with_sky = find("jw02000001001_02102_00001_mirimage", made)
    assert (with_sky.rule, with_sky.asn_id) == ("candidate_Asn_Lv2Image", "c1001")
    assert [m.exptype for m in with_sky.members] == ["science", "background", "background"]


def test_one_association_an_exposure_in_stage_2():
    made = make_associations(list_exposures(NIRCAM))
    names = [a.name for a in made if a.stage == 2]
    assert names == sorted(e.name for e in list_exposures(NIRCAM))
    assert len({a.file_name for a in made}) == len(made)


def test_order_of_exposures_and_doubles_do_not_matter():
    exposures = [e for table in (NIRCAM, MIRI, OTHERS) for e in list_exposures(table)]
    shuffled = exposures + [e._replace(suffix="rate") for e in exposures]
    random.Random(1).shuffle(shuffled)
    assert [a.content for a in make_associations(shuffled)] == [a.content for a in make_associations(exposures)]


def test_later_exposures_leave_earlier_products_alone():
    exposures = list_exposures(NIRCAM)
    before = {a.name: a for a in make_associations(exposures)}
    later = list_exposures(
        "1234 1 06 1-2 NRC_IMAGE F115W CLEAR FULL A nrca1\n 1234 9 02 1 NRC_IMAGE F200W CLEAR FULL C nrca1"
    )
    after = {a.name: a for a in make_associations(exposures + later)}
    stage3 = {name for name, a in before.items() if a.stage == 3}
    assert all(after[name] == before[name] for name in stage3)
    assert {name for name in after.keys() - before.keys() if after[name].stage == 3} == {
        "jw01234-o001_t001_nircam_clear-f115w", "jw01234-o009_t003_nircam_clear-f200w"}  # fmt: skip


def test_a_target_keeps_its_number():
    table = "\n".join(f"7 {o} 02 1 NRC_IMAGE F200W CLEAR FULL {t} nrca1" for o, t in enumerate("ABA", 1))
    targets = [a.target for a in make_associations(list_exposures(table)) if a.stage == 3]
    assert targets == ["t001", "t002", "t001"]


def test_a_target_without_a_standard_name_has_the_observer_s():
    exposures = change(list_exposures(NIRCAM), {"TARGNAME": None})
    assert stage(3, make_associations(exposures)) == stage(3, make_associations(list_exposures(NIRCAM)))


def test_program_and_observation_from_the_name():
    exposures = change(list_exposures(NIRCAM), {"PROGRAM": None, "OBSERVTN": None})
    assert stage(3, make_associations(exposures)) == stage(3, make_associations(list_exposures(NIRCAM)))


def test_exposures_of_one_product_are_together_whatever_the_visit_type():
    exposures = change(list_exposures(NIRCAM), {"VISITYPE": "PARALLEL_PURE"}, "_00002_")
    assert stage(3, make_associations(exposures)) == stage(3, make_associations(list_exposures(NIRCAM)))


def test_observations_of_one_target_are_joined_on_demand():
    made = make_associations(list_exposures(NIRCAM), discover=True)
    more = {a.name: len(a.members) for a in made if a.asn_id == "a3001"}
    assert more == {"jw01234-a3001_t001_nircam_clear-f200w": 11}
    assert find(*more, made).rule == "discover_Asn_Lv3Image"


@pytest.mark.parametrize(
    ("kinds", "mosaics"),
    [
        (["observation"], {"o001": 2, "o002": 1}),
        (["candidate"], {"c1007": 3}),
        (["observation", "candidate"], {"o001": 2, "o002": 1, "c1007": 3}),
        (["background"], {}),
    ],
)
def test_kinds_of_mosaics(kinds, mosaics):
    exposures = list_exposures(
        "1234 1 02 1-2 NRC_IMAGE F200W CLEAR FULL A nrca1\n 1234 2 02 1 NRC_IMAGE F200W CLEAR FULL A nrca1"
    )
    pool = {e.name: row((f"o{e.keyword('OBSERVTN')}", "observation"), ("c1007", "group")) for e in exposures}
    made = make_associations(exposures, pool=pool, kinds=kinds)
    assert {a.asn_id: len(a.members) for a in made if a.stage == 3} == mosaics
    assert sorted(a.name for a in made if a.stage == 2) == sorted(e.name for e in exposures)


def test_kinds_leave_the_subtraction_of_backgrounds_alone():
    exposures, all_kinds = list_exposures(MIRI), make_associations(list_exposures(MIRI))
    made = make_associations(exposures, kinds=["observation"])
    assert background_members(made) == background_members(all_kinds) != {}
    assert {a.candidate for a in made if a.stage == 3} == {"observation"}
    assert {a.candidate for a in all_kinds if a.stage == 3} == {"observation", "background"}
    only = make_associations(exposures, kinds=["background"])
    assert {a.candidate for a in only if a.stage == 3} == {"background"}


def row(*candidates, **values):
    return {"asn_candidate": str(list(candidates)), "pool": "jw01234_pool.csv", **values}


def test_a_pool_tells_candidates_targets_and_errors():
    exposures = list_exposures(
        "1234 1 02 1-2 NRC_IMAGE F200W CLEAR FULL A nrca1\n 1234 2 02 1 NRC_IMAGE F200W CLEAR FULL A nrca1"
    )
    group = ("c1007", "group")
    pool = {e.name: row((f"o{e.keyword('OBSERVTN')}", "observation"), group, targetid="12") for e in exposures}
    pool[exposures[0].name]["exposerr"] = "unsuccessful"
    made = make_associations(exposures, pool=pool)
    assert stage(3, made) == {"jw01234-o001_t012_nircam_clear-f200w": 2, "jw01234-o002_t012_nircam_clear-f200w": 1,
                              "jw01234-c1007_t012_nircam_clear-f200w": 3}  # fmt: skip
    content = find("jw01234-c1007_t012_nircam_clear-f200w", made).content
    assert content["asn_pool"] == "jw01234_pool.csv"
    assert content["products"][0]["members"][0]["exposerr"] == "unsuccessful"
    assert exposures[0].name in content["degraded_status"] and exposures[1].name not in content["degraded_status"]


def test_targets_that_no_pool_knows_get_free_numbers():
    exposures = list_exposures(
        "5 1 02 1 NRC_IMAGE F200W CLEAR FULL A nrca1\n 5 2 02 1 NRC_IMAGE F200W CLEAR FULL B nrca1"
    )
    pool = {exposures[1].name: row(("o002", "observation"), targetid="1")}
    assert [a.target for a in make_associations(exposures, pool=pool) if a.stage == 3] == ["t002", "t001"]


def test_a_mosaic_and_those_of_its_targets_are_not_both_made():
    table = "\n".join(f"1234 {o} 02 1 NRC_IMAGE F200W CLEAR FULL {t} nrca1" for o, t in enumerate("AABB", 1))
    exposures = list_exposures(table)
    pool = {e.name: row(("c1001", "mosaic"), targetid="1" if e.keyword("TARGNAME") == "A" else "2") for e in exposures}
    assert stage(3, make_associations(exposures, pool=pool)) == {"jw01234-c1001_t000_nircam_clear-f200w": 4}


def given_file(path, exposures, **keys):
    name, suffix = keys.pop("name", "mine"), "rate" if keys.get("asn_type") == "image2" else "cal"
    members = [{"expname": f"{e.name}_{suffix}.fits", "exptype": "science"} for e in exposures]
    path.write_text(json.dumps(keys | {"products": [{"name": name, "members": members}]}))
    (association,), problems = read_associations([path])
    assert problems == []
    return association


@pytest.mark.parametrize(
    ("keys", "members"),
    [
        ({"name": "jw01234-o001_t001_nircam_clear-f200w", "asn_id": "a3001"}, slice(0, 5)),  # the same product
        ({"name": "mine", "asn_id": "a3001"}, slice(0, 9)),  # the same members and type
        ({"name": "mine", "asn_id": "o001"}, slice(3, 4)),  # the same _crf
    ],
)
def test_hand_made_associations_win(tmp_path, keys, members):
    exposures = list_exposures(NIRCAM)
    ours = [e for e in exposures if e.name.startswith("jw01234001") and e.keyword("FILTER") == "F200W"]
    given = given_file(tmp_path / "jw01234-o001_image3_00001_asn.json", ours[members], asn_type="image3", **keys)
    made = make_associations(exposures, [given])
    assert made[0] is given
    without = stage(3, make_associations(exposures))
    without.pop("jw01234-o001_t001_nircam_clear-f200w")
    assert stage(3, made) == {given.name: len(given.members), **without}
    assert len({a.file_name for a in made}) == len(made)
    left = [e.name for e in ours if e.name not in given.science]
    lines = explain_absence(exposures, made)
    assert lines.keys().isdisjoint(given.science) and all("takes the place" in lines[name] for name in left)


def test_an_association_of_other_members_and_id_costs_nothing(tmp_path):
    exposures = list_exposures(NIRCAM)
    given = given_file(tmp_path / "x.json", exposures[:5], asn_type="image3", asn_id="a3001")
    assert stage(3, make_associations(exposures, [given])) == {"mine": 5, **stage(3, make_associations(exposures))}


def test_hand_made_associations_win_in_stage_2(tmp_path):
    exposures = list_exposures(MIRI)
    given = given_file(tmp_path / "x.json", exposures[:1], asn_type="image2", name="anything")
    made = make_associations(exposures, [given])
    assert find(exposures[0].name, made) is given
    backgrounds = background_members(made)
    assert exposures[0].name not in backgrounds and exposures[1].name in backgrounds


def test_why_an_exposure_is_in_no_mosaic():
    exposures = list_exposures(OTHERS)
    lines = explain_absence(exposures, make_associations(exposures))
    assert not any("\n" in line for line in lines.values())
    assert "jw03000001001_02104_00001_nis" not in lines  # science
    assert "jw03000001001_02102_00001_nis" not in lines  # acquisition of its target
    assert "wavefront" in lines["jw03000003001_02102_00001_nrca3"]
    assert "time series" in lines["jw03000004001_02102_00001_nrcb1"]
    assert "psf" in lines["jw03000005001_02102_00001_nrcb1"]
    assert "no science" in lines["jw03000006001_02102_00001_nrca3"]
    assert "NIS_WFSS; put one into the raw folder" in lines["jw03000007001_02102_00001_nis"]


@pytest.mark.parametrize("keywords", [{"SUBARRAY": None}, {"TARGNAME": None, "TARGPROP": None}, {"IS_IMPRT": True}])
def test_what_lacks_is_said(keywords):
    exposures = change(list_exposures(NIRCAM), keywords)[:1]
    made = make_associations(exposures)
    assert stage(3, made) == {}
    assert next(iter(keywords))[:6] in explain_absence(exposures, made)[exposures[0].name] or keywords == {
        "IS_IMPRT": True
    }


def test_exposures_without_program_are_left_alone():
    exposures = [e._replace(name="my_image") for e in change(list_exposures(NIRCAM), {"PROGRAM": None})[:1]]
    assert make_associations(exposures) == []
    assert "PROGRAM or OBSERVTN" in explain_absence(exposures, [])["my_image"]


def test_nothing_is_made_of_nothing():
    assert make_associations([]) == [] and explain_absence([], []) == {}
