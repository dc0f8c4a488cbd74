"""Run the official package on exposures that the parity tests hand over, and keep the state after every step.

Runs inside ``.venv-parity``, as one process for all cases, since importing the package is slow. It reads one job a line
from standard input, ``{"pipeline": "detector1", "input": path, "folder": path, "settings": {step: {name: value}}}``,
and answers each with one line, ``{"status": {step: "COMPLETE"}, "seconds": 12.3}`` or ``{"error": "..."}``. The arrays
after each step that did something are ``folder/step/array.npy``, the final products ``folder/{rate,cal,...}.fits``.
"""

import contextlib
import gc
import importlib
import json
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import official_mosaics
import official_ramps
import official_regions

PIPELINES = {
    "detector1": ("jwst.pipeline", "Detector1Pipeline"),
    "dark": ("jwst.pipeline", "DarkPipeline"),
    "guider": ("jwst.pipeline", "GuiderPipeline"),
    "image2": ("jwst.pipeline", "Image2Pipeline"),
    "resample": ("jwst.resample", "ResampleStep"),
    "clean_flicker_noise": ("jwst.clean_flicker_noise", "CleanFlickerNoiseStep"),
    "persistence": ("jwst.persistence", "PersistenceStep"),
    "jump": ("jwst.jump", "JumpStep"),
    "source_catalog": ("jwst.source_catalog", "SourceCatalogStep"),
}
ARRAYS = ("data", "groupdq", "pixeldq", "zeroframe", "err", "dq", "var_poisson", "var_rnoise", "var_flat", "wht", "con")
OWN_NAMES = {"bkg_subtract": "background"}
WORLD_POINTS = 40


def main():
    """Serve jobs until standard input ends."""
    answers = sys.stdout
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            answer = serve(json.loads(line))
        print(json.dumps(answer), file=answers, flush=True)
        gc.collect()


def serve(job):
    """Run one job; an error becomes an answer."""
    start = time.perf_counter()
    try:
        status = run(job)
    except Exception:
        return {"error": traceback.format_exc()}
    return {"status": status, "seconds": time.perf_counter() - start}


def run(job):
    """Run a pipeline with the code's defaults and keep the state after each of its steps."""
    folder = Path(job["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    if job["pipeline"] in official_mosaics.JOBS:
        return official_mosaics.run(job, folder)
    if job["pipeline"] in official_ramps.JOBS:
        return official_ramps.run(job, folder)
    if job["pipeline"] in official_regions.JOBS:
        return official_regions.run(job, folder)
    module, name = PIPELINES[job["pipeline"]]
    pipeline = getattr(importlib.import_module(module), name)()
    status, products = {}, {}
    for step in getattr(pipeline, "step_defs", {}):
        watch(getattr(pipeline, step), OWN_NAMES.get(step, step), folder, status, products)
    for step, settings in job.get("settings", {}).items():
        configure(pipeline, step, settings)
    if job["pipeline"] == "source_catalog":  # it writes its tables itself
        pipeline.save_results, pipeline.output_dir = True, str(folder)
        pipeline.run(job["input"])
        return status
    result = pipeline.run(job["input"])
    for model in result if isinstance(result, list) else [result]:
        keep_product(model, job["pipeline"], products)
    for suffix, model in products.items():
        model.save(str(folder / f"{suffix}.fits"))
        model.close()
    return status


def configure(pipeline, step, settings):
    """Set a step's parameters (the pipeline's own when it is a single step)."""
    official = {own: name for name, own in OWN_NAMES.items()}.get(step, step)
    target = getattr(pipeline, official, pipeline)
    for name, value in settings.items():
        if not hasattr(target, name):
            raise AttributeError(f"{step} has no parameter {name}")
        setattr(target, name, value)


def watch(step, name, folder, status, products):
    """Make a step keep its result's arrays whenever it has run."""
    original = step.run

    def run_and_keep(*arguments):
        result = original(*arguments)
        for model in result if isinstance(result, (tuple, list)) else (result,):
            if model is not None:
                keep_state(model, name, folder, status, products)
        return result

    step.run = run_and_keep


def keep_state(model, name, folder, status, products):
    """Save the arrays of a model as they are after a step, unless the step was skipped."""
    cube = type(model).__name__ == "CubeModel" and name in ("ramp_fit", "gain_scale")
    alias = {"background": "back_sub", "guider_cds": "guider_cds"}.get(name, name)
    state = getattr(model.meta.cal_step, alias, None)
    status[name] = state or "COMPLETE"
    if name == "resample":
        products["i2d"] = model
    if cube and name == "gain_scale":
        products["rateints"] = model.copy()
    if state == "SKIPPED":
        return
    target = folder / (f"{name}_ints" if cube else name)
    target.mkdir(exist_ok=True)
    for array in ARRAYS:
        values = getattr(model, array, None) if model.hasattr(array) else None
        if isinstance(values, np.ndarray) and values.size:
            np.save(target / f"{array}.npy", values)
    if name == "assign_wcs":
        np.save(target / "world.npy", sample_world(model))


def sample_world(model):
    """Sky positions of a grid of pixels: rows x, y, right ascension, declination."""
    ny, nx = model.data.shape[-2:]
    x, y = np.meshgrid(np.linspace(0, nx - 1, WORLD_POINTS), np.linspace(0, ny - 1, WORLD_POINTS))
    ra, dec = model.meta.wcs(x.ravel(), y.ravel(), with_bounding_box=False)
    return np.array([x.ravel(), y.ravel(), ra, dec])


def keep_product(model, pipeline, products):
    """Name a pipeline's result by its suffix."""
    if model is None:
        return
    cube = np.ndim(model.data) == 3
    suffix = {"detector1": "rate", "dark": "dark", "guider": "cal", "resample": "i2d"}.get(pipeline)
    products[suffix or ("calints" if cube else "cal")] = model


if __name__ == "__main__":
    main()
