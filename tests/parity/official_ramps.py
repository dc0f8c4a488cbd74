"""Jobs of the official process that fit a ramp: ``{"pipeline": "ramp_fit", "input": path, "settings": {"": {...}}}``.

The products are ``folder/{rate,rateints}.fits``; none where the step makes none. Optional results are named by
the step.
"""

import numpy as np


def fit(path, folder, settings):
    """Run RampFitStep; returns its status."""
    from jwst.ramp_fitting import RampFitStep
    from stdatamodels.jwst.datamodels import RampModel

    step = RampFitStep()
    for name, value in settings.items():
        if not hasattr(step, name):
            raise AttributeError(f"ramp_fit has no parameter {name}")
        setattr(step, name, value)
    step.output_dir = str(folder)
    ramp = RampModel(path)
    if ramp.hasattr("zeroframe"):  # the C code takes the file's byte order for the machine's
        ramp.zeroframe = ramp.zeroframe.astype("=f4")
    for suffix, model in zip(("rate", "rateints"), step.run(ramp), strict=True):
        if model is None:
            return {"ramp_fit": "FAILED"}
        model.save(str(folder / f"{suffix}.fits"))
        model.close()
    return {"ramp_fit": "COMPLETE"}


JOBS = {"ramp_fit": fit}


def run(job, folder):
    """Run one job."""
    with np.errstate(all="ignore"):
        return JOBS[job["pipeline"]](job["input"], folder, job.get("settings", {}).get("", {}))
