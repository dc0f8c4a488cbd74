"""chains.yaml against the seed's tables, and declarations against the steps' real signatures."""

import importlib
import inspect
from pathlib import Path

import pytest

from jwcal import provenance
from jwcal.chains import STEPS, Chains, declare
from jwcal.exposures import load_exp_types
from jwcal.needed_references import COMPANION_TYPES
from jwcal.runner import bind_references
from jwcal.settings import matches

CONFIG = Path(__file__).resolve().parents[2] / "config"
BUILT = sorted(path.stem for path in STEPS.glob("[a-z]*.py"))

# Arguments that are neither references nor settings.
MEMBERS = {"backgrounds", "catalogs", "groups", "alignment", "prepare", "folder"}
WITHOUT_PRODUCT = {"tweakreg_catalog"}  # writes a table, whose header says nothing of steps
# The seed's orders; today's extra steps stand between them.
SEED = {
    "near_infrared_ramps": "group_scale dq_init saturation ipc superbias refpix linearity persistence dark_current "
    "jump ramp_fit gain_scale",
    "near_infrared_time_series": "group_scale dq_init saturation superbias refpix linearity dark_current jump ramp_fit "
    "gain_scale",
    "mid_infrared_ramps": "group_scale dq_init saturation ipc linearity rscd dark_current refpix persistence jump "
    "ramp_fit gain_scale",
    "guider": "dq_init guider_cds flat_field",
    "imaging": "background assign_wcs flat_field photom",
    "single_exposure_resampling": "resample",
    "mosaics": "tweakreg skymatch outlier_detection resample source_catalog",
}


@pytest.fixture(scope="module")
def chains():
    return Chains(CONFIG / "chains.yaml", matches)


@pytest.mark.parametrize("chain", SEED)
def test_order_of_the_seed(chains, chain):
    positions = [chains.chains[chain].index(step) for step in SEED[chain].split()]
    assert positions == sorted(positions)


def test_every_pipeline_has_a_chain(chains):
    table = load_exp_types(CONFIG / "exp_types.csv")
    named = {p for row in table.values() for p in row if p}
    assert named <= set(chains.pipelines)
    for entries in chains.pipelines.values():
        assert {entry["chain"] for entry in entries} <= set(chains.chains)
        assert "when" not in entries[-1], "the last entry serves all other exposures"


def test_time_series_skip_what_the_seed_says(chains):
    ramps, series = (set(chains.chains[f"near_infrared_{kind}"]) for kind in ("ramps", "time_series"))
    assert ramps - series == {"ipc", "persistence"}


@pytest.mark.parametrize("step", BUILT)
def test_declaration_is_the_signature(step):
    function = getattr(importlib.import_module(f"jwcal.steps.{step}"), step)
    parameters = list(inspect.signature(function).parameters.values())
    declaration = declare(step)
    settings = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert declaration.settings == settings
    positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY][1:]
    arguments = [p.name for p in positional if p.name not in MEMBERS]
    references = [name for argument in arguments for name in declaration.groups.get(argument, [argument])]
    assert list(declaration.references + declaration.optional) == references
    assert all(p.default is None for p in positional if {p.name} & {*declaration.optional, *declaration.groups})


@pytest.mark.parametrize("step", BUILT)
def test_every_step_has_its_place_and_keywords(chains, step):
    assert any(step in chain for chain in chains.chains.values())
    assert step in provenance.STATUS or step in WITHOUT_PRODUCT
    declaration = declare(step)
    assert set(declaration.references + declaration.optional) <= {*provenance.REFERENCE, *COMPANION_TYPES}


def test_types_of_one_instrument_only():
    declaration = declare("clean_flicker_noise")
    only = set(declaration.types("NIRSPEC")) - set(declaration.types("NIRCAM"))
    assert {"camera", "msa", "wavelengthrange", "msametafile"} <= only and "flat" not in only
    assert declaration.types("NIRSPEC") == declaration.references + declaration.optional
    assert declare("flat_field").instruments == {}


def test_types_of_a_group_are_bound_to_its_argument():
    paths = {"gain": "gain.fits", "flat": None, "camera": "camera.asdf", "msametafile": None}
    arguments = bind_references(declare("clean_flicker_noise"), paths)
    assert set(arguments) == {"gain", "optics"} and set(arguments["optics"]) == {"camera"}
    assert set(bind_references(declare("clean_flicker_noise"), {"gain": "gain.fits"})) == {"gain"}


def test_unbuilt_step():
    assert declare("no_such_step") is None
