"""The official package's tweakreg, assign_mtwcs and skymatch on files: ``official_alignment.py JOBS.json FOUND.json``.

Runs inside ``.venv-parity``. Jobs are a list of ``{"step": "tweakreg" | "assign_mtwcs" | "skymatch", "files": [...],
"settings": {...}, "seen": [[x, y], ...]}``; the results a list of mappings, file name to what became of it.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np


def run_tweakreg(files, settings, seen):
    """Align; sources, fit, and where the pixels `seen` (x and y) are on the sky afterwards, of each file."""
    import jwst.tweakreg.tweakreg_step as module
    from jwst.datamodels import ModelLibrary

    if "connectivity" in settings:
        settings = settings | {"connectivity": str(settings["connectivity"])}  # an option, which must be a text
    kept = {}
    apply = module.TweakRegStep._apply_tweakreg_solution

    def watch(self, images, correctors, **options):
        for corrector in correctors:
            kept[corrector.meta["name"]] = describe(corrector)
        return apply(self, images, correctors, **options)

    module.TweakRegStep._apply_tweakreg_solution = watch
    try:
        library = module.TweakRegStep.call(ModelLibrary(files), **settings)
    finally:
        module.TweakRegStep._apply_tweakreg_solution = apply
    found = {}
    with library:
        for model in library:
            ra, dec = model.meta.wcs(*np.array(seen, float), with_bounding_box=False)
            own = {"ra": ra.tolist(), "dec": dec.tolist(), "region": model.meta.wcsinfo.s_region}
            name = model.meta.filename
            found[name] = own | {"step": model.meta.cal_step.tweakreg} | kept.get(Path(name).stem, {})
            library.shelve(model, modify=False)
    return found


def describe(corrector):
    """Sources and fit of one exposure."""
    fit, catalog = corrector.meta.get("fit_info", {}), corrector.meta["catalog"]
    return {
        "sources": [np.asarray(catalog[name], float).tolist() for name in ("x", "y", "flux")],
        "matrix": np.asarray(corrector.meta.get("matrix", np.eye(2))).tolist(),
        "shift": np.ravel(corrector.meta.get("shift", [0, 0])).tolist(),
        "fit": fit.get("status"),
        "matches": fit.get("nmatches"),
        "rms": fit.get("rmse"),
    }


def run_assign_mtwcs(files, settings, seen):
    """Follow a moving target; where the pixels `seen` are afterwards, and the keywords, of each file."""
    from jwst.assign_mtwcs import AssignMTWcsStep
    from jwst.datamodels import ModelLibrary

    library, found = AssignMTWcsStep.call(ModelLibrary(files), **settings), {}
    with library:
        for model in library:
            ra, dec = model.meta.wcs(*np.array(seen, float), with_bounding_box=False)
            info = model.meta.wcsinfo
            found[model.meta.filename] = {
                "ra": ra.tolist(),
                "dec": dec.tolist(),
                "region": info.s_region,
                "average": [info.mt_avra, info.mt_avdec],
                "frames": model.meta.wcs.available_frames,
                "status": model.meta.cal_step.assign_mtwcs,
            }
            library.shelve(model, modify=False)
    return found


def run_skymatch(files, settings, seen):
    """Match the sky; level and method of each file."""
    from jwst.datamodels import ModelLibrary
    from jwst.skymatch import SkyMatchStep

    library, found = SkyMatchStep.call(ModelLibrary(files), **settings), {}
    with library:
        for model in library:
            background = model.meta.background
            found[model.meta.filename] = {
                "level": background.level,
                "subtracted": background.subtracted,
                "method": background.method,
                "status": model.meta.cal_step.skymatch,
            }
            library.shelve(model, modify=False)
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    steps = {"tweakreg": run_tweakreg, "skymatch": run_skymatch, "assign_mtwcs": run_assign_mtwcs}
    jobs = json.loads(Path(sys.argv[1]).read_text())
    results = [steps[job["step"]](job["files"], job["settings"], job.get("seen", [])) for job in jobs]
    Path(sys.argv[2]).write_text(json.dumps(results))
