"""What the benchmark works on: ``bench_inputs.py simulate`` and ``bench_inputs.py plan``, in the benchmark's folder.

A mode as a further argument (`MODES`) makes one exposure of another instrument, or plans its stage 1.
``bench_inputs.py repeat FOLDER N`` makes N exposures of the `_cal` files in a folder, in ``raw``.

``plan`` writes ``jobs/<rule>.json``, what Snakemake would hand to the rule's script for the first exposure.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).resolve().parent))
DITHERS = ((0.0, 0.0), (1.3, 0.4), (-0.9, 1.1), (0.6, -1.2))
THREADS = 2


MODES = {
    "niriss": {"instrument": "NIRISS", "detector": "NIS", "filter": "CLEAR", "pupil": "F150W", "subarray": "FULL",
               "readpatt": "NISRAPID", "ngroups": 20, "nints": 2, "exp_type": "NIS_IMAGE"},
    "soss": {"instrument": "NIRISS", "detector": "NIS", "filter": "CLEAR", "pupil": "GR700XD",
             "subarray": "SUBSTRIP256", "readpatt": "NISRAPID", "ngroups": 5, "nints": 50, "exp_type": "NIS_SOSS"},
    "miri": {"instrument": "MIRI", "detector": "MIRIMAGE", "filter": "F770W", "pupil": "N/A", "subarray": "FULL",
             "readpatt": "FASTR1", "ngroups": 40},
    "irs2": {"instrument": "NIRSPEC", "detector": "NRS1", "filter": "F170LP", "pupil": "G235M", "subarray": "FULL",
             "readpatt": "NRSIRS2RAPID", "ngroups": 10},
}  # fmt: skip


def choose_setups(mode):
    """Four dithered NIRCam full frames of ten groups, or an exposure in another mode."""
    from jwcal.simulate import Setup

    if mode:
        return [Setup(**MODES[mode], observation=90)]
    return [
        Setup(detector="NRCA1", subarray="FULL", readpatt="BRIGHT1", ngroups=10, observation=90, exposure=number + 1,
              dither=dither, position=number + 1, positions=len(DITHERS))
        for number, dither in enumerate(DITHERS)
    ]  # fmt: skip


def simulate(mode=None):
    """Exposures with their reference files; kept from run to run."""
    from cases import Case, make_scene

    from jwcal.simulate import plan_exposure, simulate_exposure, write_reference_cache

    if Path("raw/complete").exists():
        return
    setups = choose_setups(mode)
    plans = [plan_exposure(setup) for setup in setups]
    write_reference_cache("crds_cache", plans, coupling=True)
    Path("raw").mkdir(exist_ok=True)
    for plan in plans:
        scale = plan.pointing.distortion.pixel_area(0, 0) ** 0.5 if mode else 0.031
        simulate_exposure(plan, make_scene(Case("bench", plan.setup), plan.aperture, scale), "raw")
    Path("raw/complete").touch()


def plan(mode=None):
    """Write the jobs of the first exposure; of another mode's, stage 1."""
    from snakemake.utils import update_config

    from jwcal.settings import load_yaml
    from jwcal.workflow import Program

    config = load_yaml(ROOT / "config" / "config.yaml")
    update_config(config, load_yaml(ROOT / "config" / "official.yaml"))
    program = Program(config)
    name = sorted(program.exposures)[0]
    Path("jobs").mkdir(exist_ok=True)
    Path("products").mkdir(exist_ok=True)
    files = {suffix: f"products/{name}_{suffix}.fits" for suffix in ("rate", "cal", "i2d")}
    write_job("warm", {}, {"warmed": "warmed.txt"}, {}, config)
    outputs = {"rate": files["rate"]}
    if mode and MODES[mode].get("nints", 1) > 1:
        outputs["rateints"] = f"products/{name}_rateints.fits"
    write_job("detector1", {"uncal": f"raw/{name}_uncal.fits"}, outputs,
              {"plan": program.plan("detector1", name)}, config)  # fmt: skip
    if mode:
        return
    fit = program.plan("detector1", name)
    fit |= {"steps": ["ramp_fit"], "settings": {"ramp_fit": fit["settings"]["ramp_fit"] | {"algorithm": "LIKELY"}}}
    write_job("likelihood", {"uncal": f"official/{name}_ramp.fits"}, {"rate": f"products/{name}_likely_rate.fits"},
              {"plan": fit}, config, "detector1")  # fmt: skip
    write_job("image2", {"rate": files["rate"], "backgrounds": []}, {"cal": files["cal"]},
              {"plan": program.plan("image2", name)}, config)  # fmt: skip
    write_job("resample", {"cal": files["cal"]}, {"i2d": files["i2d"]},
              {"plan": program.plan("resample", name)}, config)  # fmt: skip


def repeat(folder, number):
    """Copies of calibrated exposures, each an exposure of its own."""
    from astropy.io import fits

    given = sorted(Path(folder).glob("*_cal.fits"))
    Path("raw").mkdir(exist_ok=True)
    for copy in range(int(number)):
        source, exposure = given[copy % len(given)], f"{copy + 1:05d}"
        start, activity, _, detector = source.name.removesuffix("_cal.fits").split("_")
        target = Path("raw", f"{start}_{activity}_{exposure}_{detector}_cal.fits")
        target.write_bytes(source.read_bytes())
        with fits.open(target, mode="update") as file:
            file[0].header.update({"EXPOSURE": exposure, "FILENAME": target.name})


def write_job(rule, inputs, outputs, params, config, script=None):
    """What Snakemake would hand to the script of a rule."""
    job = {"rule": rule, "script": f"{script or rule}.py", "input": inputs, "output": outputs, "params": params,
           "threads": THREADS, "log": f"logs/{rule}.log", "config": config}  # fmt: skip
    Path("jobs", f"{rule}.json").write_text(json.dumps(job))


if __name__ == "__main__":
    {"simulate": simulate, "plan": plan, "repeat": repeat}[sys.argv[1]](*sys.argv[2:])
