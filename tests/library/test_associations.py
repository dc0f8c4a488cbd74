import json

from jwcal.associations import background_members, exposure_name


def test_backgrounds_of_a_hand_made_association(tmp_path):
    members = [
        {"expname": "jw1_nrca1_rate.fits", "exptype": "science"},
        {"expname": "./jw2_nrca1_rateints.fits", "exptype": "background"},
        {"expname": "jw3_nrca1_rate.fits", "exptype": "Background"},
    ]
    path = tmp_path / "x_asn.json"
    path.write_text(json.dumps({"asn_type": "image2", "products": [{"name": "x", "members": members}]}))
    assert background_members([path]) == ({"jw1_nrca1": ("jw2_nrca1", "jw3_nrca1")}, [])


def test_unusable_association_is_one_line(tmp_path):
    path = tmp_path / "x_asn.json"
    path.write_text("{")
    members, problems = background_members([path])
    assert members == {} and len(problems) == 1 and "x_asn.json" in problems[0]


def test_other_stages_are_not_read(tmp_path):
    path = tmp_path / "x_asn.json"
    path.write_text(json.dumps({"asn_type": "image3"}))
    assert background_members([path]) == ({}, [])


def test_exposure_name():
    assert exposure_name("a/b/jw1_nrca1_cal.fits") == "jw1_nrca1"
