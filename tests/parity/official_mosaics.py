"""Jobs of the official process that take an association: ``outlier_detection``, ``mosaic`` (resample), ``archive``.

``{"pipeline": "outlier_detection", "input": [paths of _cal files], "folder": ..., "settings": {"": {name: value}}}``
keeps flags and data of every member as ``folder/<number>/{dq,data,...}.npy``; ``mosaic`` writes ``folder/i2d.fits``;
``archive`` writes the exposures as the official package does, ``_cal`` and cleaned ``_crf``.
"""

from pathlib import Path

import numpy as np

ARRAYS = ("data", "err", "dq", "var_poisson", "var_rnoise", "var_flat")


def open_library(paths):
    """The members as the official pipelines get them from an association."""
    from jwst.associations.asn_from_list import asn_from_list
    from jwst.associations.lib.rules_level3_base import DMS_Level3_Base
    from jwst.datamodels import ModelLibrary

    names = [Path(path).name for path in paths]
    table = asn_from_list(names, rule=DMS_Level3_Base, product_name="mosaic", asn_id="a3001")
    path = Path(paths[0]).parent / "official_asn.json"
    path.write_text(table.dump()[1])
    return ModelLibrary(str(path), on_disk=False)


def detect_outliers(paths, folder, settings):
    """Run OutlierDetectionStep; returns its status."""
    from jwst.outlier_detection import OutlierDetectionStep

    step = OutlierDetectionStep()
    step.mode = "imaging"
    configure(step, settings)
    library = step.run(open_library(paths))
    with library:
        for number, model in enumerate(library):
            target = folder / str(number)
            target.mkdir(parents=True, exist_ok=True)
            for name in ARRAYS:
                np.save(target / f"{name}.npy", getattr(model, name))
            status = model.meta.cal_step.outlier_detection
            library.shelve(model, modify=False)
    return {"outlier_detection": status}


def make_mosaic(paths, folder, settings):
    """Run ResampleStep; returns its status."""
    from jwst.resample import ResampleStep

    step = ResampleStep()
    configure(step, settings)
    model = step.run(open_library(paths))
    model.save(str(folder / "i2d.fits"))
    model.close()
    return {"resample": "COMPLETE"}


def write_as_archive(paths, folder, settings):
    """Write the exposures, before and after OutlierDetectionStep; returns its status."""
    from jwst.datamodels import ImageModel
    from jwst.outlier_detection import OutlierDetectionStep

    for path in paths:
        with ImageModel(path) as model:
            model.save(str(folder / Path(path).name))
    step = OutlierDetectionStep()
    step.mode = "imaging"
    configure(step, settings)
    library = step.run(open_library(paths))
    with library:
        for path, model in zip(paths, library):
            model.save(str(folder / Path(path).name.replace("_cal", "_a3001_crf")))
            library.shelve(model, modify=False)
    return {"outlier_detection": "COMPLETE"}


def configure(step, settings):
    """Set the step's parameters."""
    for name, value in settings.items():
        if not hasattr(step, name):
            raise AttributeError(f"{type(step).__name__} has no parameter {name}")
        setattr(step, name, value)


JOBS = {"outlier_detection": detect_outliers, "mosaic": make_mosaic, "archive": write_as_archive}


def run(job, folder):
    """Run one job of `JOBS`."""
    return JOBS[job["pipeline"]](job["input"], folder, job["settings"].get("", {}))
