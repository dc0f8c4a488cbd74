"""500 damaged raw files go through inventory and stage 1: each ends in a product, or in one clear line."""

import importlib.util
import shutil
import signal
import warnings
from pathlib import Path

import pytest
from astropy.io import fits
from mutations import FAMILIES, Raw, mutate
from snakemake.utils import update_config

from jwcal.errors import JwcalError
from jwcal.settings import load_yaml
from jwcal.simulate import Scene, Setup, simulate_exposure, write_reference_cache
from jwcal.workflow import ROOT, RULES, Program

COUNT = 25  # of each instrument and family
LONGEST = 120  # s, for one exposure
SETUPS = {
    "NIRCAM": Setup("NIRCAM", "NRCB1", "F200W", "CLEAR", "SUB64P", "RAPID", 4, 2),
    "NIRISS": Setup("NIRISS", "NIS", "F480M", "NRM", "SUB80", "NISRAPID", 4, 2, exp_type="NIS_AMI"),
    "MIRI": Setup("MIRI", "MIRIMAGE", "F770W", "N/A", "SUB64", "FASTR1", 6, 2),
    "NIRSPEC": Setup("NIRSPEC", "NRS1", "CLEAR", None, "SUB32", "NRSRAPID", 4, 2),
    "FGS": Setup("FGS", "GUIDER1", "N/A", "N/A", "32X32", "TRACK", 2, 6, exp_type="FGS_TRACK"),
}


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    """A folder with references, and the sound raw files by instrument."""
    folder = tmp_path_factory.mktemp("fuzz")
    made = {name: simulate_exposure(setup, Scene(), folder / "sound") for name, setup in SETUPS.items()}
    write_reference_cache(folder / "crds", [exposure.plan for exposure in made.values()])
    return folder, {name: Raw(exposure.uncal) for name, exposure in made.items()}


def load_program(folder, raw):
    config = load_yaml(ROOT / "config" / "config.yaml")
    update_config(config, {"raw": str(raw), "crds": {"path": str(folder / "crds"), "context": "jwst_0001.pmap"}})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return Program(config)


def load_script(rule):
    spec = importlib.util.spec_from_file_location(rule, ROOT / "scripts" / f"{rule}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, rule)


def calibrate(program, name, out):
    """What the job of an exposure does: a list of products, or an error; None where no rule serves it."""
    rule = next((rule for rule in ("detector1", "dark", "guider") if name in program.jobs[rule]), None)
    if rule is None:
        return None
    exposure = program.exposure(name)
    assert program.memory(rule, name) > 0 and program.minutes(rule, name) > 0
    products = [str(out / f"{name}_{suffix}.fits") for suffix in RULES[rule][1]]
    products = products[: 1 if exposure.nints == 1 else None]
    load_script(rule)(exposure.path, program.plan(rule, name), *products)
    return products


def list_complaints(program, name, out, lines, folder):
    """What is wrong with how an exposure ended; none if it is a product or a line."""
    try:
        signal.alarm(LONGEST)
        products = calibrate(program, name, out)
    except JwcalError as error:
        line = str(error)
        found = list(out.iterdir())
        return (
            []
            if line.startswith(f"{folder}/") and "\n" not in line and not found
            else [f"unclear: {line!r}, left {found}"]
        )
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    finally:
        signal.alarm(0)
    if products is None:
        told = [line for line in lines if name in line]
        return [] if told else ["left out without a word"]
    return [complaint for path in products for complaint in check_product(path)] + [
        f"left {path.name}" for path in out.iterdir() if str(path) not in products
    ]


def check_product(path):
    if not Path(path).exists():
        return [f"no {path}"]
    with fits.open(path) as hdus:
        return [f"{hdu.name} of {path}" for hdu in hdus[1:] if hdu.data is None]


def time_out(*_):
    raise TimeoutError(f"no end after {LONGEST} s")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("instrument", SETUPS)
def test_damaged_exposures(instrument, family, laboratory, tmp_path, capfd):
    folder, sound = laboratory
    done, complaints = {}, {}
    (tmp_path / "raw").mkdir()
    for seed in range(COUNT):
        name = f"jw{seed:05d}001001_02101_00001_{instrument.lower()}"
        done[name], content = mutate(sound[instrument], family, seed)
        (tmp_path / "raw" / f"{name}_uncal.fits").write_bytes(content)
    signal.signal(signal.SIGALRM, time_out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = load_program(folder, tmp_path / "raw")
        program.targets(), program.rows, program.pattern("detector1", True), program.threads(2)
        lines = capfd.readouterr().err.splitlines()
        for name, what in done.items():
            out = tmp_path / name
            out.mkdir()
            complaints |= {
                f"{name} {what}": found
                for found in [list_complaints(program, name, out, lines, folder.parent)]
                if found
            }
            shutil.rmtree(out)
    assert not complaints, "\n".join(f"{what}: {found}" for what, found in complaints.items())
