"""One official run as a user starts it: ``official_job.py JOB INPUT FOLDER``; the jobs are those at the end."""

import sys
from pathlib import Path


def run_detector1(source, folder):
    """Raw ramp to `_rate` and `_rateints`."""
    from astropy.io import fits
    from jwst.pipeline import Detector1Pipeline

    # As the observatory's own parameters have it for time series, and as our chain for them.
    steps = {"ipc": {"skip": True}} if fits.getval(source, "EXP_TYPE") == "NIS_SOSS" else {}
    Detector1Pipeline.call(source, save_results=True, output_dir=folder, steps=steps)


def run_ramp(source, folder):
    """Raw ramp to the one that is ready to be fitted."""
    from jwst.pipeline import Detector1Pipeline

    Detector1Pipeline.call(source, save_results=True, output_dir=folder, save_calibrated_ramp=True)


def run_likelihood(source, folder):
    """Calibrated ramp to `_rate`, by likelihood."""
    from jwst.ramp_fitting import RampFitStep

    rate, _ = RampFitStep.call(source, algorithm="LIKELY")
    rate.save(str(Path(folder) / Path(source).name.replace("_ramp", "_rate")))


def run_image2(source, folder):
    """Count rates to `_cal` and `_i2d`."""
    from jwst.pipeline import Image2Pipeline

    Image2Pipeline.call(source, save_results=True, output_dir=folder)


def run_image3(source, folder):
    """`_cal` of an association to `_crf`, `_i2d`, `_cat`."""
    from jwst.pipeline import Image3Pipeline

    Image3Pipeline.call(source, save_results=True, output_dir=folder)


def run_all(source, folder):
    """Raw ramp to `_i2d`, in one process."""
    run_detector1(source, folder)
    run_image2(str(Path(folder) / Path(source).name.replace("_uncal", "_rate")), folder)


if __name__ == "__main__":
    jobs = {"detector1": run_detector1, "ramp": run_ramp, "likelihood": run_likelihood, "image2": run_image2,
            "image3": run_image3, "all": run_all}  # fmt: skip
    jobs[sys.argv[1]](*sys.argv[2:])
