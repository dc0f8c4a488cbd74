"""One official run as a user starts it: ``official_job.py detector1|image2|image3|all INPUT FOLDER``."""

import sys
from pathlib import Path


def run_detector1(source, folder):
    """Raw ramp to `_rate` and `_rateints`."""
    from jwst.pipeline import Detector1Pipeline

    Detector1Pipeline.call(source, save_results=True, output_dir=folder)


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
    {"detector1": run_detector1, "image2": run_image2, "image3": run_image3, "all": run_all}[sys.argv[1]](*sys.argv[2:])
