"""What the benchmark works on: ``bench_inputs.py simulate`` and ``bench_inputs.py plan``, in the benchmark's folder.

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


def simulate():
    """Four dithered NIRCam full frames of ten groups, with their reference files; kept from run to run."""
    from cases import Case, make_scene

    from jwcal.simulate import Setup, plan_exposure, simulate_exposure, write_reference_cache

    if Path("raw/complete").exists():
        return
    setups = [
        Setup(detector="NRCA1", subarray="FULL", readpatt="BRIGHT1", ngroups=10, observation=90, exposure=number + 1,
              dither=dither, position=number + 1, positions=len(DITHERS))
        for number, dither in enumerate(DITHERS)
    ]  # fmt: skip
    plans = [plan_exposure(setup) for setup in setups]
    write_reference_cache("crds_cache", plans, coupling=True)
    Path("raw").mkdir(exist_ok=True)
    for plan in plans:
        simulate_exposure(plan, make_scene(Case("bench", plan.setup), plan.aperture, 0.031), "raw")
    Path("raw/complete").touch()


def plan():
    """Write the jobs of the first exposure."""
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
    write_job("detector1", {"uncal": f"raw/{name}_uncal.fits"}, {"rate": files["rate"]},
              {"plan": program.plan("detector1", name)}, config)  # fmt: skip
    write_job("image2", {"rate": files["rate"], "backgrounds": []}, {"cal": files["cal"]},
              {"plan": program.plan("image2", name)}, config)  # fmt: skip
    write_job("resample", {"cal": files["cal"]}, {"i2d": files["i2d"]},
              {"plan": program.plan("resample", name)}, config)  # fmt: skip


def write_job(rule, inputs, outputs, params, config):
    """What Snakemake would hand to the script of a rule."""
    job = {"rule": rule, "script": f"{rule}.py", "input": inputs, "output": outputs, "params": params,
           "threads": THREADS, "log": f"logs/{rule}.log", "config": config}  # fmt: skip
    Path("jobs", f"{rule}.json").write_text(json.dumps(job))


if __name__ == "__main__":
    {"simulate": simulate, "plan": plan}[sys.argv[1]]()
