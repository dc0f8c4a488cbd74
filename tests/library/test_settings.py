"""Settings: what is refused and how it is said, which layer wins, and that schema, config and steps agree."""

import contextlib
import importlib
import inspect
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from jwcal import settings
from jwcal.errors import JwcalError
from jwcal.exposures import Exposure
from jwcal.own_files import OWN_FILES
from jwcal.settings import load_settings, load_yaml, matches

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "config" / "schema.yaml"
STEPS = load_yaml(SCHEMA)["properties"]["steps"]["properties"]
BUILT = sorted(path.stem for path in (ROOT / "jwcal" / "steps").glob("[!_]*.py"))
# Settings that the official package does not have, with the value that makes jwcal do as it does.
OFFICIAL_VALUES = {
    "background": {"propagate_variances": False},
    "ramp_fit": {"split_hits": False},
    "tweakreg": {"clip_accum": False, "clip_median": False, "abs_use_all": False},
    "skymatch": {"pixel_pairs": False},
    "outlier_detection": {"core_scale": 0.0},
}
NO_RANGE = "side_gain fillval rotation crpix crval xoffset yoffset abs_mag_limits lower upper".split()
# Steps that the official package leaves out unless its parameter files say otherwise.
OFFICIALLY_SKIPPED = {
    "charge_migration",
    "persistence",
    "clean_flicker_noise",
    "emicorr",
    "picture_frame",
    "firstframe",
}


def exposure(name="jw1_nrca1", suffix="uncal", **keywords):
    keywords = {
        "INSTRUME": "NIRCAM", "DETECTOR": "NRCA1", "EXP_TYPE": "NRC_IMAGE", "FILTER": "F200W", "NGROUPS": 5, "NINTS": 1,
        "SUBARRAY": "FULL", "TSOVISIT": False, "PROGRAM": "01234", "TGROUP": 10.73, "DATE-OBS": "2022-07-01",
    } | {key.replace("_OBS", "-OBS"): value for key, value in keywords.items()}  # fmt: skip
    return Exposure(name, suffix, "", keywords, (keywords["NINTS"], keywords["NGROUPS"], 4, 4), 0)


def load(text=""):
    return load_settings(yaml.safe_load(text) or {}, SCHEMA)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: {jump: {rejection_treshold: 4}}", "steps.jump.rejection_treshold is not a setting; did you mean rej"),
        ("steps: {jumpp: {skip: true}}", "steps.jumpp is not a setting; did you mean jump?"),
        ("steps: {jump: {rejection_threshold: -1}}", "steps.jump.rejection_threshold: -1 is out of range, it must be"),
        ("steps: {jump: {rejection_threshold: .nan}}", "steps.jump.rejection_threshold: nan is out of range"),
        ("steps: {resample: {pixfrac: 1.5}}", "steps.resample.pixfrac: 1.5 is out of range, it must be at least 0"),
        ("steps: {resample: {kernel: sqare}}", "'sqare' is not one of square, gaussian, point, turbo, lanczos2, l"),
        ("steps: {jump: {skip: 'maybe'}}", "steps.jump.skip: 'maybe' is not true or false"),
        ("steps: {jump: {rejection_threshold: 1e1}}", "'1e1' is not a number (write 10.0)"),
        ("steps: {saturation: {n_pix_grow_sat: 1.5}}", "1.5 is not a whole number"),
        ("steps: {jump: }", "steps.jump: None is not a mapping"),
        ("nonsense: 1", "nonsense is not a setting; there are raw, products,"),
        ("crds: {contxt: jwst_0001.pmap}", "crds.contxt is not a setting; did you mean context?"),
        ("overrides: [{jump: {skip: true}}]", "overrides[0]: when is missing"),
        ("overrides: [{when: {}, jumpp: {}}]", "overrides[0].jumpp is not a setting; did you mean jump?"),
        ("overrides: [{when: {filtr: F200W}}]", "overrides[0].when: filtr is no property of exposures; did you mean f"),
        ("overrides: [{when: {}}, {when: {filter: {a: 1}}}]", "overrides[1].when.filter: {'a': 1} is not"),
        ("overrides: [{when: {}, jump: {edge_size: -3}}]", "overrides[0].jump.edge_size: -3 is out of range"),
        ("modes: [{when: {moon: full}}]", "modes[0].when: moon is no property"),
        ("references: {override: {flaat: a.fits}}", "references.override.flaat is not a setting; did you mean flat?"),
        ("references: {override: [{when: {a: 1}, flat: a.fits}]}", "references.override[0].when: a is no property"),
        ("references: {override: {flat: }}", "references.override.flat: None is not a text"),
        ("pipelines: {x: true}", "pipelines.x is not a setting; there are save_calibrated_ramp, save_bsub"),
        ("resources: {threads: 0}", "resources.threads: 0 is out of range, it must be at least 1"),
        ("{raw: '', products: 3}", "products: 3 is not a text (and 1 more)"),
    ],
)  # fmt: skip
def test_mistakes_are_one_clear_line(text, said):
    with pytest.raises(JwcalError) as caught:
        load(text)
    line = str(caught.value)
    assert line.startswith("config: ")
    assert said in line
    assert "\n" not in line
    assert len(line) < 300


def test_an_empty_configuration_gives_the_defaults_of_the_schema():
    settings = load()
    assert (settings.raw, settings.products, settings.threads) == ("raw", "products", None)
    assert settings.for_step(exposure(), "jump")["rejection_threshold"] == 4.0
    assert settings.pipeline_option(exposure(), "save_bsub") is False
    assert settings.reference_overrides(exposure()) == {}


# ---- layers ----


def test_later_layers_win():
    settings = load("""
        steps: {jump: {rejection_threshold: 5, edge_size: 1}}
        modes: [{when: {instrume: NIRCAM}, jump: {rejection_threshold: 6, sat_expand: 9}}]
        overrides:
          - {when: {filter: F200W}, jump: {rejection_threshold: 7}, pipelines: {save_calibrated_ramp: true}}
          - {when: {filter: F200W, ngroups: "<6"}, jump: {rejection_threshold: 8}, ipc: {skip: true}}
          - {when: {filter: F115W}, jump: {rejection_threshold: 9}}
    """)
    found = settings.for_step(exposure(), "jump")
    assert (found["rejection_threshold"], found["edge_size"], found["sat_expand"]) == (8, 1, 9)
    assert "skip" not in found
    assert settings.skips(exposure(), "ipc")
    assert settings.pipeline_option(exposure(), "save_calibrated_ramp")
    longer = exposure(NGROUPS=6)
    assert settings.for_step(longer, "jump")["rejection_threshold"] == 7
    assert not settings.skips(longer, "ipc")
    assert settings.for_step(exposure(FILTER="F115W"), "jump")["rejection_threshold"] == 9
    miri = settings.for_step(exposure(INSTRUME="MIRI", FILTER="F770W"), "jump")
    assert (miri["rejection_threshold"], miri["sat_expand"]) == (5, 2)


def test_results_are_not_shared():
    settings = load()
    settings.for_step(exposure(), "jump")["rejection_threshold"] = 99
    assert settings.for_step(exposure(), "jump")["rejection_threshold"] == 4.0


def test_steps_that_the_schema_does_not_know_have_no_settings():
    assert load().for_step(exposure(), "fringe") == {}
    assert load().skips(exposure(), "fringe") is False


def test_reference_overrides():
    assert load("references: {override: {flat: ~/f.fits, ipc: N/A}}").reference_overrides(exposure()) == {
        "flat": os.path.expanduser("~/f.fits"),
        "ipc": None,
    }
    settings = load("""
        references:
          override:
            - {flat: all.fits, gain: gain.fits}
            - {when: {filter: F115W}, flat: f115w.fits}
    """)
    assert settings.reference_overrides(exposure()) == {"flat": "all.fits", "gain": "gain.fits"}
    assert settings.reference_overrides(exposure(FILTER="F115W")) == {"flat": "f115w.fits", "gain": "gain.fits"}


def test_crds_comes_from_the_environment_unless_set(monkeypatch):
    monkeypatch.setenv("CRDS_PATH", "/cache")
    monkeypatch.setenv("CRDS_CONTEXT", "jwst_0001.pmap")
    monkeypatch.delenv("CRDS_SERVER_URL", raising=False)
    settings = load()
    assert (settings.crds_path, settings.crds_context, settings.crds_server) == ("/cache", "jwst_0001.pmap", None)
    settings = load("crds: {path: mine, context: jwst_0002.pmap, server: https://crds.example}")
    assert (settings.crds_path, settings.crds_context) == ("mine", "jwst_0002.pmap")
    assert settings.crds_server == "https://crds.example"


# ---- conditions ----


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, True),
        ({"filter": "F200W"}, True),
        ({"FILTER": "f200w"}, True),
        ({"filter": "F2*W"}, True),
        ({"filter": "F???W"}, True),
        ({"filter": "F115W"}, False),
        ({"filter": ["F115W", "F2*"]}, True),
        ({"filter": ["F115W", "F150W"]}, False),
        ({"filter": "F200W", "ngroups": 4}, False),
        ({"ngroups": 5}, True),
        ({"ngroups": 5.0}, True),
        ({"ngroups": "5"}, True),
        ({"ngroups": ">4"}, True),
        ({"ngroups": "> 5"}, False),
        ({"ngroups": ">=5"}, True),
        ({"ngroups": "<=4"}, False),
        ({"ngroups": "!=5"}, False),
        ({"ngroups": "==5"}, True),
        ({"ngroups": ["<3", ">4"]}, True),
        ({"tgroup": "<10.8"}, True),
        ({"subarray": "!=SUB*"}, True),
        ({"subarray": "!=FULL"}, False),
        ({"program": 1234}, True),
        ({"program": "01234"}, True),
        ({"date-obs": ">2022-06-30"}, True),
        ({"date_obs": "<2022-06-30"}, False),
        ({"tsovisit": False}, True),
        ({"tsovisit": "false"}, True),
        ({"tsovisit": True}, False),
        ({"tso": False}, True),
        ({"name": "jw1_*"}, True),
        ({"suffix": "rate"}, False),
        ({"grating": None}, True),
        ({"filter": None}, False),
        ({"grating": "*"}, False),
        ({"grating": "!=PRISM"}, False),
        ({"grating": ["PRISM", None]}, True),
        ({"filter": ">3"}, False),
    ],
)
def test_conditions(when, expected):
    assert matches(when, exposure()) is expected


def test_a_number_is_compared_with_numbers_only():
    with pytest.raises(JwcalError, match=r"compares 5 with '<six'; write a number"):
        matches({"ngroups": "<six"}, exposure())


def test_settings_that_name_files_are_known():
    """Jobs depend on these files; other texts are choices, lists of flags or names of columns."""
    texts = {
        (step, name)
        for step, part in STEPS.items()
        for name, setting in part["properties"].items()
        if setting.get("type") == ["string", "null"] and "enum" not in setting
    }
    known = {(step, name) for step, names in OWN_FILES.items() for name in names}
    assert texts - {("tweakreg", "abs_mag_column")} == known


# ---- agreement of schema, config.yaml, official.yaml and the steps' signatures ----


def signature(step):
    """Keyword-only arguments of a step with their defaults."""
    function = getattr(importlib.import_module(f"jwcal.steps.{step}"), step)
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}, inspect.getdoc(function)


def test_every_step_has_settings_and_every_setting_a_step():
    assert set(STEPS) == set(BUILT)


@pytest.mark.parametrize("step", BUILT)
def test_schema_and_signature_agree(step):
    expected, documentation = signature(step)
    declared = {name: part for name, part in STEPS[step]["properties"].items() if name != "skip"}
    assert set(declared) == set(expected)
    documented = {name for names in re.findall(r"^([\w, ]+) : ", documentation, re.M) for name in names.split(", ")}
    assert set(declared) <= documented, f"not documented in the docstring of {step}"


@pytest.mark.parametrize("step", BUILT)
def test_schema_and_signature_agree_on_defaults(step):
    for name, default in signature(step)[0].items():
        assert same(STEPS[step]["properties"][name]["default"], default), f"{step}.{name}"


@pytest.mark.parametrize("step", STEPS)
def test_every_setting_is_described_and_its_default_allowed(step):
    import jsonschema

    assert STEPS[step]["description"]
    for name, part in STEPS[step]["properties"].items():
        assert part["description"].endswith("."), name
        jsonschema.validate(part["default"], part)
        if "number" in part["type"] and not {"minimum", "exclusiveMinimum"} & set(part):
            assert name in NO_RANGE, f"{step}.{name} has no range"


def test_config_yaml_holds_every_setting_with_the_schemas_default():
    config = load_yaml(ROOT / "config" / "config.yaml")
    load_settings(config, SCHEMA)
    expected = {step: {n: p["default"] for n, p in part["properties"].items()} for step, part in STEPS.items()}
    assert config["steps"] == expected
    properties = load_yaml(SCHEMA)["properties"]
    assert set(config) == set(properties)
    for name in ("crds", "pipelines", "resources", "references"):
        assert config[name] == {key: part["default"] for key, part in properties[name]["properties"].items()}
    assert config["overrides"] == []


@pytest.mark.parametrize("step", BUILT)
def test_official_yaml_holds_the_defaults_of_the_code(step):
    official = load_yaml(ROOT / "config" / "official.yaml")
    assert official["modes"] == []
    expected = signature(step)[0] | {"skip": step in OFFICIALLY_SKIPPED} | OFFICIAL_VALUES.get(step, {})
    assert set(official["steps"][step]) == set(expected)
    for name, value in official["steps"][step].items():
        assert same(value, expected[name]), f"{step}.{name} is {value!r}, in the code {expected[name]!r}"


def same(one, other):
    """Equal, where a text of YAML may stand for NaN and a list for a tuple."""
    if isinstance(other, float) and math.isnan(other):
        return str(one).lower() in ("nan", ".nan")
    return list(one) == list(other) if isinstance(one, list) and other is not None else one == other


def test_official_yaml_is_a_valid_overlay():
    config, official = (load_yaml(ROOT / "config" / name) for name in ("config.yaml", "official.yaml"))
    settings = load_settings(config | official, SCHEMA)
    assert settings.skips(exposure(EXP_TYPE="NIS_AMI"), "charge_migration")
    assert set(official["steps"]) == set(STEPS)


def test_recommended_modes():
    settings = load_settings(load_yaml(ROOT / "config" / "config.yaml"), SCHEMA)
    assert settings.skips(exposure(), "charge_migration")
    assert not settings.skips(exposure(EXP_TYPE="NIS_AMI", INSTRUME="NIRISS"), "charge_migration")
    assert settings.skips(exposure(), "persistence")
    for other in ({"INSTRUME": "MIRI"}, {"SUBARRAY": "SUB64P"}, {"NINTS": 2, "TSOVISIT": True}):
        assert not settings.for_step(exposure(**other), "jump")["expand_large_events"]


def test_settings_need_no_numpy():
    code = (
        "import sys\nfrom jwcal.settings import *\n"
        f"load_settings(load_yaml({str(ROOT / 'config' / 'config.yaml')!r}), {str(SCHEMA)!r})\n"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'astropy', 'crds')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_texts_from_the_command_line_are_read():
    settings = load("steps: {jump: {skip: 'true', rejection_threshold: '4.5'}, resample: {fillval: '0'}}")
    assert settings.for_step(exposure(), "jump")["rejection_threshold"] == 4.5
    assert settings.skips(exposure(), "jump")
    assert settings.for_step(exposure(), "resample")["fillval"] == "0"


def test_what_was_found_right_is_not_checked_again_and_what_was_wrong_is(tmp_path, monkeypatch):
    cache, checked = tmp_path / "settings.json", []
    check = settings._validate
    monkeypatch.setattr(settings, "_validate", lambda *given: (checked.append(given[0]), check(*given)))
    right, wrong = {"raw": "here"}, {"rwa": "here"}
    for config, known in ((right, False), (right, True), (wrong, False), (wrong, False), ({"raw": "there"}, False)):
        checked.clear()
        with contextlib.suppress(JwcalError):
            load_settings(dict(config), SCHEMA, cache)
        assert bool(checked) != known
    with pytest.raises(JwcalError, match="rwa"):
        load_settings(wrong, SCHEMA, cache)
    other = tmp_path / "schema.yaml"
    other.write_text(SCHEMA.read_text() + "\n")
    load_settings({"raw": "there"}, other, cache)  # the same words, the same schema
    other.write_text(SCHEMA.read_text().replace("  raw:", "  raw_:"))
    with pytest.raises(JwcalError):
        load_settings({"raw": "there"}, other, cache)
