"""What the summary says of exposures beside the state of their products."""

import json
from dataclasses import replace

import truth
from astropy.io import fits

from jwcal.simulate import Scene, Setup
from jwcal.summary import format_summary


def test_why_an_exposure_is_in_no_mosaic(tmp_path):
    setup = Setup(subarray="SUB64P", readpatt="RAPID", ngroups=3)
    lost, kept = (made.uncal for made in truth.simulate(tmp_path, [setup, replace(setup, exposure=2)], [Scene()] * 2))
    with fits.open(lost, mode="update") as file:
        del file[0].header["TARGNAME"], file[0].header["TARGPROP"]
    remarks = truth.load_program(tmp_path).remarks()
    names = [path.name.removesuffix("_uncal.fits") for path in (lost, kept)]
    assert remarks == {names[0]: ["in no mosaic: neither TARGNAME nor TARGPROP in the header"]}


def test_why_nothing_can_be_made(tmp_path, monkeypatch):
    """Without a context there is no table that could tell, so the summary says it."""
    truth.simulate(tmp_path, [Setup(subarray="SUB64P", readpatt="RAPID", ngroups=3)], [Scene()])
    monkeypatch.setattr(truth, "CONTEXT", "jwst_9999.pmap")
    ((_, (line,)),) = truth.load_program(tmp_path).remarks().items()
    assert "context jwst_9999.pmap is not in the CRDS cache" in line


def test_a_remark_is_said_with_its_name_once():
    text = format_summary({}, {}, {"jw1": ["jw1: no mosaic is made: why"], "jw2": ["in no mosaic: why"]})
    assert text.splitlines()[1:] == ["jw1: no mosaic is made: why", "jw2: in no mosaic: why"]


def test_the_file_of_an_association_that_is_not_made_is_named(tmp_path):
    (made,) = truth.simulate(tmp_path, [Setup(subarray="SUB64P", readpatt="RAPID", ngroups=3)], [Scene()])
    name = made.uncal.name.removesuffix("_uncal.fits")
    members = [{"expname": f"{name}_cal.fits", "exptype": "science"}]
    own = tmp_path / "raw" / "own_asn.json"
    own.write_text(json.dumps({"asn_type": "image3", "products": [{"name": name, "members": members}]}))
    ((line,),) = truth.load_program(tmp_path).remarks().values()
    assert str(own) in line and "its product name is taken; give it another" in line


def test_files_that_settings_name_and_that_are_not_there(tmp_path, capsys):
    """They are told when the workflow is laid out, each once."""
    setups = [Setup(subarray="SUB64P", readpatt="RAPID", ngroups=3, exposure=k) for k in (1, 2)]
    truth.simulate(tmp_path, setups, [Scene(), Scene()])
    steps = {"tweakreg": {"abs_refcat": "nowhere.ecsv"}, "dq_init": {"user_supplied_dq": str(tmp_path / "flags.fits")}}
    truth.load_program(tmp_path, [{"when": {"instrume": "NIRCAM"}} | steps])
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"jwcal: steps.dq_init.user_supplied_dq: there is no file {tmp_path / 'flags.fits'}; correct the path",
        "jwcal: steps.tweakreg.abs_refcat: there is no file nowhere.ecsv; correct the path",
    ]
