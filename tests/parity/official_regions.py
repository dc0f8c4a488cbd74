"""Jobs of the official process on NIRSpec's coordinates: ``{"pipeline": "science_regions", "input": rate}``.

``folder/regions/mask.npy`` is the mask of clean_flicker_noise (True: dark) without clipping, ``boxes.npy`` the bounding
box of each slit or slice (x0, x1, y0, y1), ``places.npy`` the positions in them that were looked at (x, y, wavelength
in m), ``pixels.npy`` where these fall on the detector [slit, (x, y), position], ``back.npy`` position and wavelength of
these pixels. The setting ``overrides`` names reference files (``override_camera`` ...); with ``flag_open`` shutters
that cannot close are looked for in all kinds of exposures.
"""

from pathlib import Path

import numpy as np

HEIGHTS, WAVELENGTHS = (-0.5, -0.2, 0.0, 0.45), 9


def find_regions(path, folder, settings):
    """Masks and places of an exposure's slits."""
    from jwst.assign_wcs import AssignWcsStep
    from jwst.clean_flicker_noise import clean_flicker_noise as official
    from jwst.msaflagopen import MSAFlagOpenStep
    from stdatamodels.jwst import datamodels

    model = datamodels.open(path)
    exp_type = model.meta.exposure.type
    flag_open = settings.get("flag_open", exp_type in ("NRS_IFU", "NRS_MSASPEC"))
    files = settings["overrides"]
    assign, flag = AssignWcsStep(), MSAFlagOpenStep()
    for step in (assign, flag):
        for name, file in files.items():
            setattr(step, name, file)
    official.AssignWcsStep, official.MSAFlagOpenStep = (lambda: assign), (lambda: flag)
    folder_of_input = str(Path(path).parent)
    image = official.post_process_rate(model.copy(), folder_of_input, assign_wcs=True, msaflagopen=flag_open)
    mask = official.create_mask(image, mask_science_regions=True, n_sigma=0)
    target = folder / "regions"
    target.mkdir(exist_ok=True)
    np.save(target / "mask.npy", mask)
    assign.nrs_ifu_slice_wcs = True
    with_wcs = assign.run(model)
    for name, array in describe_slits(with_wcs).items():
        np.save(target / f"{name}.npy", array)
    return {"regions": "COMPLETE"}


def describe_slits(model):
    """Boxes, and places forth and back, of all slits."""
    wcs, info = model.meta.wcs, model.meta.wcsinfo
    transform = wcs.get_transform("detector", "slit_frame")
    to_slit = wcs.get_transform("gwa", "slit_frame")
    wavelengths = np.linspace(info.waverange_start, info.waverange_end, WAVELENGTHS)
    wavelength, height = (grid.ravel() for grid in np.meshgrid(wavelengths, HEIGHTS))
    places = np.array([np.zeros(height.size), height, wavelength])
    boxes, pixels, back = [], [], []
    for slit_id in to_slit.slit_ids:
        box = wcs.bounding_box[slit_id]
        boxes.append(np.ravel([tuple(box["x"]), tuple(box["y"])] if hasattr(box, "model") else box))
        x, y = transform.inverse(slit_id, *places)[:2]
        pixels.append((x, y))
        back.append(transform(x, y, slit_id)[1:])
    return {"ids": np.array(to_slit.slit_ids), "boxes": np.array(boxes), "places": places,
            "pixels": np.array(pixels), "back": np.array(back)}  # fmt: skip


JOBS = {"science_regions": find_regions}


def run(job, folder):
    """Run one job."""
    with np.errstate(all="ignore"):
        return JOBS[job["pipeline"]](job["input"], folder, job.get("settings", {}).get("", {}))
