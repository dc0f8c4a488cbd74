"""Choosing reference files: the same answers as the crds library gives, kept until the rules change; clear problems."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jwcal import selection
from jwcal.errors import JwcalError
from jwcal.exposures import KEYWORDS, Exposure
from jwcal.selection import PROPERTIES, Selector, fetch

pytest.importorskip("crds")

RULE = """
selector = Match({{
    ('NRCA1', 'FULL|GENERIC') : UseAfter({{
        '2020-01-01 00:00:00' : 'jwst_nircam_{type}_0001.fits',
        '2023-01-01 00:00:00' : 'jwst_nircam_{type}_0002.fits',
    }}),
    ('NRCA1', 'SUB64P') : UseAfter({{
        '2020-01-01 00:00:00' : 'N/A',
    }}),
}})
"""
PARKEY = (("META.INSTRUMENT.DETECTOR", "META.SUBARRAY.NAME"), ("META.OBSERVATION.DATE", "META.OBSERVATION.TIME"))


def write_map(folder, name, kind, selector, **header):
    header = {"mapping": kind, "name": name, "observatory": "JWST", "derived_from": "made for a test"} | header
    lines = [f"    {key!r} : {value!r},\n" for key, value in sorted(header.items())]
    text = "header = {\n" + "".join(lines) + "%s}\n" + selector
    digest = hashlib.sha1((text % "").encode()).hexdigest()
    (folder / name).write_text(text % f"    'sha1sum' : '{digest}',\n")


def write_context(cache, context="jwst_0001.pmap", rule=RULE, types=("gain", "mask")):
    folder = cache / "mappings" / "jwst"
    folder.mkdir(parents=True, exist_ok=True)
    for reftype in types:
        write_map(
            folder, f"jwst_nircam_{reftype}_0001.rmap", "REFERENCE", rule.format(type=reftype), parkey=PARKEY,
            instrument="NIRCAM", filekind=reftype.upper(), classes=("Match", "UseAfter"),
        )  # fmt: skip
    kinds = "".join(f"    '{t.upper()}' : 'jwst_nircam_{t}_0001.rmap',\n" for t in types)
    imap = "selector = {\n" + kinds + "    'FRINGE' : 'N/A',\n}\n"
    write_map(folder, "jwst_nircam_0001.imap", "INSTRUMENT", imap, parkey=("REFTYPE",), instrument="NIRCAM")
    pmap = "selector = {\n    'NIRCAM' : 'jwst_nircam_0001.imap',\n}\n"
    write_map(folder, context, "PIPELINE", pmap, parkey=("META.INSTRUMENT.NAME",))
    return cache


@pytest.fixture
def cache(tmp_path):
    return write_context(tmp_path / "crds")


def exposure(**keywords):
    keywords = {
        "INSTRUME": "NIRCAM", "DETECTOR": "NRCA1", "EXP_TYPE": "NRC_IMAGE", "SUBARRAY": "FULL",
        "DATE-OBS": "2022-07-01", "TIME-OBS": "12:00:00.000",
    } | {key.replace("_OBS", "-OBS"): value for key, value in keywords.items()}  # fmt: skip
    return Exposure("jw1_nrca1", "uncal", "raw/jw1_nrca1_uncal.fits", keywords, (1, 2, 4, 4), 0)


def names(answers):
    return {reftype: path and os.path.basename(path) for reftype, path in answers.items()}


def test_properties_are_read_into_the_inventory():
    assert set(PROPERTIES.values()) <= set(KEYWORDS)


def test_selects_by_header_and_date(cache):
    selector = Selector(cache, "jwst_0001.pmap")
    assert selector.select(exposure(), ["gain", "fringe"]) == {
        "gain": str(cache / "references/jwst/nircam/jwst_nircam_gain_0001.fits"),
        "fringe": None,
    }
    assert names(selector.select(exposure(DATE_OBS="2023-01-01"), ["mask"])) == {"mask": "jwst_nircam_mask_0002.fits"}
    assert selector.select(exposure(SUBARRAY="SUB64P"), ["gain"]) == {"gain": None}


def test_flat_caches_are_recognised(cache):
    flat = cache / "references" / "jwst" / "jwst_nircam_gain_0001.fits"
    flat.parent.mkdir(parents=True)
    flat.write_text("")
    selector = Selector(cache, "jwst_0001.pmap")
    assert selector.select(exposure(), ["gain"]) == {"gain": str(flat)}


def test_no_answer_is_an_error_that_names_exposure_and_type(cache):
    selector = Selector(cache, "jwst_0001.pmap")
    with pytest.raises(
        JwcalError, match="jw1_nrca1: context jwst_0001.pmap has no reference file of type gain .*DETECTOR"
    ):
        selector.select(exposure(DETECTOR="NRCB5"), ["gain"])
    with pytest.raises(JwcalError, match=r"emicorr \(the context does not know this type\)"):
        selector.select(exposure(), ["gain", "emicorr"])
    assert names(selector.select(exposure(), ["gain", "emicorr"], optional={"emicorr"}))["emicorr"] is None
    with pytest.raises(JwcalError, match="unknown INSTRUME 'NICMOS'"):
        selector.select(exposure(INSTRUME="NICMOS"), ["gain"])


def test_rules_that_ask_for_unknown_properties_are_refused(tmp_path):
    cache = write_context(tmp_path / "crds")
    path = cache / "mappings/jwst/jwst_nircam_gain_0001.rmap"
    write_map(
        path.parent, path.name, "REFERENCE", RULE.format(type="gain"), instrument="NIRCAM", filekind="GAIN",
        classes=("Match", "UseAfter"), parkey=(("META.INSTRUMENT.DETECTOR", "META.MOON.PHASE"), PARKEY[1]),
    )  # fmt: skip
    with pytest.raises(JwcalError, match=r"META\.MOON\.PHASE, which jwcal does not read"):
        Selector(cache, "jwst_0001.pmap").select(exposure(), ["gain"])


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (None, "no CRDS context is named; set crds.context in the config or CRDS_CONTEXT"),
        ("latest", "'latest' is not the name of a context file"),
        ("jwst-operational", "name one, so that results can be repeated"),
        ("jwst_9999.pmap", "context jwst_9999.pmap is not in the CRDS cache"),
    ],
)
def test_unusable_contexts_say_what_the_cache_holds(cache, context, words):
    selector = Selector(cache, context)
    assert words in selector.problem
    assert "holds jwst_0001.pmap" in selector.problem
    with pytest.raises(JwcalError, match="jwst_0001"):
        selector.select(exposure(), ["gain"])


def test_an_absent_cache_is_said(tmp_path):
    assert "no CRDS cache at" in Selector(tmp_path / "absent", "jwst_0001.pmap").problem
    assert Selector(write_context(tmp_path / "crds"), "jwst_0001.pmap").problem is None


def test_damaged_rules_are_said(cache):
    path = cache / "mappings/jwst/jwst_nircam_0001.imap"
    path.write_text(path.read_text().replace("'FRINGE'", "'FRANGE'"))
    with pytest.raises(JwcalError, match="rules of jwst_0001.pmap cannot be read .*fetch them again"):
        Selector(cache, "jwst_0001.pmap").select(exposure(), ["gain"])


def test_answers_are_kept_until_the_rules_change(cache, tmp_path, monkeypatch):
    answers = tmp_path / "answers" / "references.json"
    first = Selector(cache, "jwst_0001.pmap", answers)
    expected = first.select(exposure(), ["gain", "fringe"])
    with pytest.raises(JwcalError):
        first.select(exposure(), ["emicorr"])
    first.save()
    with monkeypatch.context() as patch:
        patch.setattr(selection.Selector, "_rules", None)  # crds may not be asked again
        second = Selector(cache, "jwst_0001.pmap", answers)
        assert second.select(exposure(), ["gain", "fringe"]) == expected
        with pytest.raises(JwcalError, match="does not know this type"):
            second.select(exposure(), ["emicorr"])
    path = cache / "mappings/jwst/jwst_nircam_gain_0001.rmap"
    write_context(cache, rule=RULE.replace("_0001.fits", "_0007.fits"))
    os.utime(path, ns=(0, 1))
    assert names(Selector(cache, "jwst_0001.pmap", answers).select(exposure(), ["gain"]))["gain"].endswith("_0007.fits")


def test_answers_of_several_contexts_live_together(cache, tmp_path):
    write_context(cache, "jwst_0002.pmap")
    answers = tmp_path / "references.json"
    for context in ("jwst_0001.pmap", "jwst_0002.pmap"):
        selector = Selector(cache, context, answers)
        selector.select(exposure(), ["gain"])
        selector.save()
    assert len(json.loads(answers.read_text())["entries"]) == 2
    answers.write_text("damaged")
    assert Selector(cache, "jwst_0001.pmap", answers).select(exposure(), ["gain"])["gain"]


def test_known_answers_need_neither_crds_nor_numpy(cache, tmp_path):
    selector = Selector(cache, "jwst_0001.pmap", tmp_path / "references.json")
    selector.select(exposure(), ["gain"])
    selector.save()
    arguments = str(cache), "jwst_0001.pmap", str(tmp_path / "references.json")
    code = (
        "import sys\nfrom jwcal.exposures import Exposure\nfrom jwcal.selection import Selector\n"
        f"Selector(*{arguments!r}).select(Exposure(*{tuple(exposure())!r}), ['gain'])\n"
        "sys.exit(any(name in sys.modules for name in ('crds', 'numpy', 'astropy')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_fetch_asks_for_rules_and_files(monkeypatch, tmp_path):
    from crds.client import api

    asked = []
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(api, "set_crds_server", lambda url: asked.append(url))
    monkeypatch.setattr(api, "dump_mappings", lambda context: asked.append(context))
    monkeypatch.setattr(api, "dump_references", lambda context, files: asked.append(files))
    fetch(["x/jwst_b.fits", "x/jwst_a.fits", "y/jwst_a.fits"], tmp_path, "jwst_0001.pmap", "https://crds.example")
    assert asked == ["https://crds.example", "jwst_0001.pmap", ["jwst_a.fits", "jwst_b.fits"]]
    assert os.environ["CRDS_PATH"] == str(tmp_path)


def test_a_dead_server_is_one_line(tmp_path):
    code = f"from jwcal.selection import fetch\nfetch(['a.fits'], {str(tmp_path)!r}, 'jwst_0001.pmap', 'http://localhost:9')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "JwcalError: CRDS server http://localhost:9: " in run.stderr.splitlines()[-1]


# ---- the observatory's own rules ----

TYPES = """mask saturation superbias linearity dark gain readnoise ipc flat photom area distortion filteroffset specwcs
    wavelengthrange regions reset rscd refpix persat trapdensity camera collimator disperser fflat sflat dflat pathloss
    barshadow apcorr extract1d cubepar fringe psfmask wfssbkg drizpars throughput msaoper wavecorr""".split()
COMMON = {"DATE-OBS": "2021-12-25", "TIME-OBS": "12:20:00.000", "SUBARRAY": "FULL", "TSOVISIT": False}
NIRCAM = {"INSTRUME": "NIRCAM", "MODULE": "A", "PUPIL": "CLEAR", "READPATT": "RAPID", "CHANNEL": "SHORT"}
LONG = NIRCAM | {"CHANNEL": "LONG", "DETECTOR": "NRCALONG", "FILTER": "F444W"}
NIRISS = {"INSTRUME": "NIRISS", "DETECTOR": "NIS", "READPATT": "NISRAPID", "FILTER": "CLEAR", "PUPIL": "F150W"}
NIRSPEC = {"INSTRUME": "NIRSPEC", "DETECTOR": "NRS1", "READPATT": "NRSRAPID", "FILTER": "F170LP", "GRATING": "G235M",
           "LAMP": "NONE", "OPMODE": "IFU"}  # fmt: skip
MIRI = {"INSTRUME": "MIRI", "DETECTOR": "MIRIMAGE", "READPATT": "FAST", "FILTER": "F770W"}
MRS = MIRI | {"DETECTOR": "MIRIFUSHORT", "CHANNEL": "12", "BAND": "SHORT", "EXP_TYPE": "MIR_MRS"}
HEADERS = [
    NIRCAM | {"DETECTOR": "NRCA1", "FILTER": "F150W", "EXP_TYPE": "NRC_IMAGE"},
    NIRCAM | {"DETECTOR": "NRCB4", "MODULE": "B", "FILTER": "F212N", "EXP_TYPE": "NRC_IMAGE", "READPATT": "MEDIUM8"},
    NIRCAM | {"DETECTOR": "NRCB1", "MODULE": "B", "FILTER": "F200W", "EXP_TYPE": "NRC_IMAGE", "SUBARRAY": "SUB64P"},
    LONG | {"EXP_TYPE": "NRC_IMAGE", "READPATT": "SHALLOW4"},
    LONG | {"EXP_TYPE": "NRC_IMAGE", "PUPIL": "F405N", "READPATT": "BRIGHT1"},
    LONG | {"EXP_TYPE": "NRC_WFSS", "PUPIL": "GRISMR"},
    LONG | {"EXP_TYPE": "NRC_TSGRISM", "PUPIL": "GRISMR", "SUBARRAY": "SUBGRISM256", "TSOVISIT": True},
    LONG | {"EXP_TYPE": "NRC_CORON", "PUPIL": "MASKRND", "CORONMSK": "MASKA335R", "SUBARRAY": "SUB320A335R"},
    NIRISS | {"EXP_TYPE": "NIS_IMAGE"},
    NIRISS | {"EXP_TYPE": "NIS_AMI", "FILTER": "F480M", "PUPIL": "NRM", "SUBARRAY": "SUB80", "SUBSIZE1": 80},
    NIRISS | {"EXP_TYPE": "NIS_SOSS", "PUPIL": "GR700XD", "SUBARRAY": "SUBSTRIP256", "TSOVISIT": True},
    NIRISS | {"EXP_TYPE": "NIS_WFSS", "FILTER": "GR150C"},
    NIRSPEC | {"EXP_TYPE": "NRS_IFU"},
    NIRSPEC | {"EXP_TYPE": "NRS_MSASPEC", "DETECTOR": "NRS2", "OPMODE": "MSASPEC", "READPATT": "NRSIRS2"},
    NIRSPEC | {"EXP_TYPE": "NRS_FIXEDSLIT", "SUBARRAY": "SUBS200A1", "SUBSTRT1": 1, "SUBSTRT2": 1042, "SUBSIZE1": 2048,
               "SUBSIZE2": 64, "OPMODE": "FIXEDSLIT"},
    NIRSPEC | {"EXP_TYPE": "NRS_BRIGHTOBJ", "SUBARRAY": "SUB512", "FILTER": "CLEAR", "GRATING": "PRISM"},
    NIRSPEC | {"EXP_TYPE": "NRS_AUTOWAVE", "LAMP": "LINE1", "FILTER": "OPAQUE", "OPMODE": "MSASPEC"},
    MIRI | {"EXP_TYPE": "MIR_IMAGE"},
    MIRI | {"EXP_TYPE": "MIR_IMAGE", "SUBARRAY": "SUB128"},
    MIRI | {"EXP_TYPE": "MIR_LRS-FIXEDSLIT", "FILTER": "P750L"},
    MIRI | {"EXP_TYPE": "MIR_LYOT", "FILTER": "F2300C", "SUBARRAY": "MASKLYOT", "CORONMSK": "LYOT_2300"},
    MRS,
    MRS | {"DETECTOR": "MIRIFULONG", "CHANNEL": "34", "BAND": "LONG", "READPATT": "SLOW"},
    {"INSTRUME": "FGS", "DETECTOR": "GUIDER1", "EXP_TYPE": "FGS_IMAGE", "READPATT": "FGSRAPID"},
    {"INSTRUME": "FGS", "DETECTOR": "GUIDER2", "EXP_TYPE": "FGS_ACQ1", "READPATT": "ACQ1", "SUBARRAY": "128X128"},
    {"INSTRUME": "FGS", "DETECTOR": "GUIDER2", "EXP_TYPE": "FGS_TRACK", "SUBARRAY": "32X32", "DATE-OBS": "2013-01-01"},
]  # fmt: skip
SERVER = dict.fromkeys(("operational_context", "latest_context", "edit_context"), "jwst_0676.pmap") | {
    "observatory": "jwst", "bad_files_list": [], "force_remote_mode": False, "last_synced": "", "server": "",
    "crds_version": {"str": "14"},
}  # fmt: skip
ASK = """
import json, sys, crds
from crds.core import log
log.set_verbose(-1)
headers, types = json.load(sys.stdin)
print(json.dumps([crds.getrecommendations(h, reftypes=types, context="jwst_0676.pmap") for h in headers]))
"""


def test_real_context_gives_what_getrecommendations_gives(real_data, tmp_path):
    maps = tmp_path / "crds" / "mappings" / "jwst"
    maps.mkdir(parents=True)
    for path in (real_data / "mappings").glob("*map"):
        (maps / path.name).symlink_to(path)
    config = tmp_path / "crds" / "config" / "jwst" / "server_config"
    config.parent.mkdir(parents=True)
    config.write_text(repr(SERVER))
    headers = [COMMON | header for header in HEADERS]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CRDS")}
    environment |= {"CRDS_PATH": str(tmp_path / "crds"), "CRDS_MODE": "local", "CRDS_CONTEXT": "jwst_0676.pmap"}
    asked = subprocess.run(
        [sys.executable, "-c", ASK], input=json.dumps([headers, TYPES]), env=environment, capture_output=True, text=True
    )
    assert asked.returncode == 0, asked.stderr
    selector = Selector(tmp_path / "crds", "jwst_0676.pmap", tmp_path / "references.json")
    files = 0
    for header, expected in zip(headers, json.loads(asked.stdout.splitlines()[-1]), strict=True):
        found = names(selector.select(Exposure("jw1", "uncal", "", header, (), 0), TYPES, optional=TYPES))
        assert found == {
            t: None if expected.get(t, "NOT FOUND").startswith("NOT FOUND") else expected[t] for t in TYPES
        }
        files += sum(name is not None for name in found.values())
        failed = {t for t in TYPES if expected.get(t, "").startswith("NOT FOUND") and expected[t] != "NOT FOUND n/a"}
        if failed:
            with pytest.raises(JwcalError) as caught:
                selector.select(Exposure("jw1", "uncal", "", header, (), 0), TYPES)
            assert all(f"{t} (" in str(caught.value) for t in failed)
    assert files > 300
    shutil.rmtree(tmp_path / "crds")


def test_all_properties_of_the_real_rules_are_known(real_data):
    import re

    used = set()
    for path in (real_data / "mappings").glob("*map"):
        used |= set(re.findall(r"META\.[A-Z0-9_.]+", Path(path).read_text()))
    assert used <= set(PROPERTIES)
