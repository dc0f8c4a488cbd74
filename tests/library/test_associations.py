"""Association files by hand: what is read, what is said of those that cannot be used."""

import json

import pytest
from headers import MIRI, NIRCAM, list_exposures

from jwcal.associations.files import read_associations
from jwcal.associations.members import background_members, exposure_name
from jwcal.exposures import Exposure


def write(path, members, *, name="mosaic", **keys):
    """An association file of one product; members as (expname, exptype) or dicts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [m if isinstance(m, dict) else {"expname": m[0], "exptype": m[1]} for m in members]
    path.write_text(json.dumps(keys | {"products": [{"name": name, "members": entries}]}))
    return path


def only_problem(paths, exposures=None):
    associations, problems = read_associations(paths, exposures)
    assert associations == []
    (line,) = problems
    assert "\n" not in line and str(paths[0]) in line
    return line


SCIENCE = [("jw1_nrca1_cal.fits", "science"), ("jw2_nrca1_cal.fits", "science")]


def test_backgrounds_of_a_hand_made_association(tmp_path):
    members = [("jw1_nrca1_rate.fits", "science"), ("./jw2_nrca1_rateints.fits", "background"),
               ("/far/jw3_nrca1_rate.fits", "Background")]  # fmt: skip
    given, problems = read_associations([write(tmp_path / "x_asn.json", members, asn_type="image2")])
    assert background_members(given) == {"jw1_nrca1": ("jw2_nrca1", "jw3_nrca1")} and problems == []


def test_backgrounds_of_several_associations_of_an_exposure_are_joined(tmp_path):
    science, first, second = ("jw1_rate.fits", "science"), ("jw2_rate.fits", "background"), ("jw3_rate", "background")
    files = [write(tmp_path / "a.json", [science, second, first], asn_type="image2"),
             write(tmp_path / "b.json", [science], asn_type="image2"),
             write(tmp_path / "c.json", [science, first], asn_type="spec2")]  # fmt: skip
    assert background_members(read_associations(files)[0]) == {"jw1": ("jw3", "jw2")}


@pytest.mark.parametrize(
    ("asn_type", "kinds", "keywords", "said"),
    [
        ("image3", ("science", "science"), {"FILTER": "F200W"}, "FILTER F115W, F200W; they are put into one mosaic"),
        ("image3", ("science", "science"), {"DETECTOR": "NRCB1"}, None),
        ("image2", ("science", "background"), {"DETECTOR": "NRCB1"}, "DETECTOR NRCA1, NRCB1; one is subtracted"),
        ("image2", ("science", "science"), {"DETECTOR": "NRCB1"}, None),
        ("spec3", ("science", "science"), {"FILTER": "F200W"}, None),
    ],
)
def test_images_that_have_little_in_common(tmp_path, asn_type, kinds, keywords, said):
    """They are used as the file says, and the user is told."""
    alike = {"INSTRUME": "NIRCAM", "DETECTOR": "NRCA1", "FILTER": "F115W", "PUPIL": "CLEAR", "SUBARRAY": "FULL"}
    exposures = [
        Exposure(name, "cal", "", values, (4, 4), 0) for name, values in (("jw1_x", alike), ("jw2_x", alike | keywords))
    ]
    members = [(f"{e.name}_cal.fits", kind) for e, kind in zip(exposures, kinds, strict=True)]
    (association,), problems = read_associations(
        [write(tmp_path / "x_asn.json", members, asn_type=asn_type)], exposures
    )
    assert len(association.members) == 2 and len(problems) == (said is not None)
    assert said is None or (said in problems[0] and association.name in problems[0])


def test_a_stage_3_association_is_kept_as_it_is(tmp_path):
    members = [{"expname": "../cal/jw1_nrca1_cal.fits", "exptype": "SCIENCE", "group_id": "g", "exposerr": "null"},
               {"expname": "jw2_nrca1", "exptype": "science", "tweakreg_catalog": "mine/stars.ecsv"},
               {"expname": "jw3_nrca1_o012_crf.fits", "exptype": "science", "tweakreg_catalog": None}]  # fmt: skip
    path = write(
        tmp_path / "deep" / "my_asn.json", members, name="a/field_f200w.fits", asn_type="image3", asn_id="c1001"
    )
    (association,), problems = read_associations([path])
    assert problems == []
    assert (association.name, association.asn_type, association.asn_id) == ("field_f200w", "image3", "c1001")
    assert (association.file_name, association.stage, association.path) == ("my_asn.json", 3, str(path))
    assert association.science == ("jw1_nrca1", "jw2_nrca1", "jw3_nrca1")
    assert [m.group_id for m in association.members] == ["g", "jw2_nrca1", "jw3_nrca1"]
    assert [m.tweakreg_catalog for m in association.members] == [None, str(tmp_path / "deep" / "mine/stars.ecsv"), ""]
    assert association.content == json.loads(path.read_text())


@pytest.mark.parametrize(
    ("keys", "suffix", "expected"),
    [
        ({"asn_type": "None", "asn_rule": "DMS_Level3_Base"}, "", "image3"),
        ({"asn_type": "user_built", "asn_rule": "DMSLevel2bBase"}, "", "image2"),
        ({}, "_cal.fits", "image3"),
        ({"asn_type": "mosaic"}, "_cal", "image3"),
        ({}, "_rate.fits", "image2"),
        ({"asn_type": "Image3"}, "_rate.fits", "image3"),
    ],
)
def test_the_type_is_found_where_a_tool_left_it_open(tmp_path, keys, suffix, expected):
    exposure = list_exposures(NIRCAM)[0]
    path = write(tmp_path / "x.json", [(exposure.name + suffix, "science")], **keys)
    (association,), _ = read_associations([path], [exposure])
    assert (association.asn_type, association.asn_id) == (expected, "a3001")


def test_the_type_follows_the_exposure(tmp_path):
    exposure = list_exposures(NIRCAM)[0]
    path = write(tmp_path / "x.json", [(exposure.name + "_cal.fits", "science")], asn_rule="DMS_Level3_Base")
    types = {"NRC_WFSS": "spec3", "NIS_AMI": "ami3", "MIR_LYOT": "coron3", "NRC_TSIMAGE": "tso3"}
    for exp_type, expected in types.items():
        changed = exposure._replace(keywords=exposure.keywords | {"EXP_TYPE": exp_type, "NINTS": 5})
        assert read_associations([path], [changed])[0][0].asn_type == expected


def test_detectors_of_one_exposure_move_together(tmp_path):
    exposures = [e for e in list_exposures(NIRCAM) if "nrca" in e.name][:4]
    path = write(tmp_path / "x.json", [(f"{e.name}_cal.fits", "science") for e in exposures], asn_type="image3")
    (association,), _ = read_associations([path], exposures)
    groups = ["jw01234001001_02102_00001"] * 2 + ["jw01234001001_02102_00002"] * 2
    assert [member.group_id for member in association.members] == groups


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("\xff\x00", "not valid JSON"),
        ("[1, 2]", "not an association"),
        ('{"notes": []}', "not an association"),
        ('{"products": []}', "not an association"),
        ('{"asn_type": "image3", "products": [{"name": "x"}]}', "no list of members"),
        ('{"asn_type": "image3", "products": ["x"]}', "no list of members"),
        ('{"asn_type": "image3", "products": [{"members": [{"exptype": "science"}]}]}', "no expname"),
        ('{"asn_type": "image3", "products": [{"members": [{"expname": 3, "exptype": "science"}]}]}', "no expname"),
        ('{"asn_type": "image3", "products": [{"members": ["jw1_cal.fits"]}]}', "no expname"),
        ('{"asn_type": "image3", "products": [{"members": [{"expname": "a", "exptype": "psf"}]}]}', "exptype science"),
        ('{"asn_type": "x", "products": [{"members": [{"expname": "a", "exptype": "science"}]}]}', "asn_type 'x'"),
        ('{"asn_id": "a/b", "products": [{"members": [{"expname": "a_cal", "exptype": "science"}]}]}', "asn_id 'a/b'"),
        ('{"asn_id": 7, "products": [{"members": [{"expname": "a_cal", "exptype": "science"}]}]}', "asn_id 7"),
    ],
)
def test_an_unusable_file_is_one_line_and_costs_no_other(tmp_path, text, words):
    bad, good = tmp_path / "bad_asn.json", write(tmp_path / "good_asn.json", SCIENCE, asn_type="image3")
    bad.write_bytes(text.encode("latin-1"))
    assert words in only_problem([bad])
    associations, problems = read_associations([good, bad])
    assert [a.path for a in associations] == [str(good)] and len(problems) == 1


def test_a_comma_too_many_is_forgiven(tmp_path):
    path = write(tmp_path / "x_asn.json", SCIENCE, asn_type="image3")
    path.write_text(path.read_text().replace("}]}", "},]}"))
    with pytest.raises(ValueError):
        json.loads(path.read_text())
    associations, problems = read_associations([path])
    assert problems == [] and len(associations[0].members) == 2


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    assert "cannot be read" in only_problem([tmp_path / "absent_asn.json"])


def test_a_bad_product_costs_no_other_product_of_its_file(tmp_path):
    products = [
        {"members": [{"expname": f"jw{i}_rate.fits", "exptype": role}]} for i, role in enumerate(("science", "x"))
    ]
    (tmp_path / "x.json").write_text(json.dumps({"asn_type": "image2", "products": [*products, *products[:1]]}))
    associations, problems = read_associations([tmp_path / "x.json"])
    assert [a.name for a in associations] == ["jw0", "jw0"] and len(problems) == 1


def test_only_the_first_product_of_stage_3_is_made(tmp_path):
    products = [{"name": name, "members": [{"expname": f"{name}_cal", "exptype": "science"}]} for name in "ab"]
    (tmp_path / "x.json").write_text(json.dumps({"asn_type": "image3", "products": products}))
    (association,), (line,) = read_associations([tmp_path / "x.json"])
    assert association.name == "a" and association.content["products"] == products[:1]
    assert "only its first product" in line


def test_an_exposure_is_not_its_own_background(tmp_path):
    members = [("jw1_nrca1_rate.fits", role) for role in ("science", "background")]
    line = only_problem([write(tmp_path / "x.json", members, asn_type="image2")])
    assert "jw1_nrca1 is science and its own background" in line


def test_absent_exposures_are_named(tmp_path):
    exposures = list_exposures(MIRI)[:2]
    present = [(f"{e.name}_cal.fits", "science") for e in exposures]
    absent = [("jw9_nrca1_cal.fits", "science"), ("jw8_nrca1_cal.fits", "science")]
    path = write(tmp_path / "x.json", [*present, *absent], asn_type="image3")
    assert "jw9_nrca1 and 1 more of mosaic not in the raw folder" in only_problem([path], exposures)
    path = write(tmp_path / "x.json", [*present, ("jw9_nrca1_cal.fits", "target_acquisition")], asn_type="image3")
    assert len(read_associations([path], exposures)[0]) == 1
    assert len(read_associations([write(tmp_path / "x.json", SCIENCE, asn_type="image3")])[0]) == 1


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"name": "same"}, {"name": "same", "asn_id": "a3002"}, "the same product name as in"),
        ({"name": "one"}, {"name": "two"}, "the same asn_id a3001 and exposure jw1_nrca1 as in"),
    ],
)
def test_two_files_of_one_product_are_noticed(tmp_path, first, second, words):
    paths = [
        write(tmp_path / name, SCIENCE, asn_type="image3", **keys)
        for name, keys in (("a.json", first), ("b.json", second))
    ]
    associations, (line,) = read_associations(paths)
    assert [a.path for a in associations] == [str(paths[0])]
    assert words in line and str(paths[0]) in line and line.startswith(str(paths[1]))


def test_two_files_of_one_name_are_noticed(tmp_path):
    paths = [write(tmp_path / d / "x.json", SCIENCE, asn_type="image3", name=d, asn_id=f"a{d}") for d in ("1", "2")]
    assert "the same file name" in read_associations(paths)[1][0]


def test_associations_of_the_archive_s_format(real_data):
    pools = real_data / "pools"
    given, problems = read_associations([pools / "asn_level2.json", pools / "asn_mosaic.json"])
    assert problems == []
    assert background_members(given) == {"test_lrs3": ("test_lrs3bkg",), "test_lrs4": ("test_lrs4bkg",)}
    mosaic = given[-1]
    assert (mosaic.name, mosaic.asn_type, mosaic.asn_id) == ("jw96090_t001_nircam_f150w2_mosaic", "image3", "o001")
    assert mosaic.science[0] == "jw96090001001_03101_00001_nrca1"
    folder = real_data / "nirspec_mos_jw02565"
    given, problems = read_associations(sorted(folder.glob("*_asn.json")))
    assert problems == [] and {a.asn_type for a in given} == {"spec2", "spec3"}


@pytest.mark.parametrize(
    "path",
    ["jw1_nrca1", "jw1_nrca1_cal", "jw1_nrca1.fits", "a/b/jw1_nrca1_cal.fits", "/a/jw1_nrca1_rateints.fits",
     "jw1_nrca1_o001_crf.fits", "jw1_nrca1_a3001_crfints.fits", "../jw1_nrca1_x1d.fits", "jw1_nrca1_uncal.fits"],
)  # fmt: skip
def test_exposure_name(path):
    assert exposure_name(path) == "jw1_nrca1"
