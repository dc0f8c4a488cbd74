"""Compile all kernels, by taking a tiny made-up exposure through every step with the settings that reach each kernel.

The files are read and written as those of a real job, so that each kernel meets the one signature that it has there.
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from astropy.io import fits

from jwcal import asdffiles, dq, models, products
from jwcal.errors import StepSkipped
from jwcal.fitsfiles import Extension, write_fits
from jwcal.jobs import kernel_cache
from jwcal.readout.side_columns import COLUMNS, ROWS

MOST_WORKERS = 4  # each takes some 600 MB
NX = NY = 32
GROUPS = 12
HEADER = {
    "TELESCOP": "JWST", "INSTRUME": "NIRCAM", "DETECTOR": "NRCB1", "CHANNEL": "SHORT", "EXP_TYPE": "NRC_IMAGE",
    "FILTER": "F200W", "PUPIL": "CLEAR", "SUBARRAY": "SUB64P", "READPATT": "RAPID", "NFRAMES": 4, "GROUPGAP": 1,
    "FRMDIVSR": 4, "TFRAME": 1.0, "TGROUP": 5.0, "EFFINTTM": 60.0, "EFFEXPTM": 120.0, "DURATION": 120.0,
    "TMEASURE": 120.0, "XPOSURE": 120.0, "TELAPSE": 120.0, "SUBSTRT1": 1, "SUBSTRT2": 1, "SUBSIZE1": NX, "SUBSIZE2": NY,
    "FASTAXIS": 1, "SLOWAXIS": 2, "ZEROFRAM": True, "EXPSTART": 60000.0, "EXPMID": 60000.0, "EXPEND": 60000.0,
    "DATE-OBS": "2023-02-25", "TIME-OBS": "00:00:00", "NOUTPUTS": 1,
}  # fmt: skip
MIRI = {"INSTRUME": "MIRI", "DETECTOR": "MIRIMAGE", "EXP_TYPE": "MIR_IMAGE", "FILTER": "F770W", "READPATT": "FASTR1",
        "SUBARRAY": "SUB64", "NOUTPUTS": 4, "NSAMPLES": 1, "FASTAXIS": 1, "SLOWAXIS": 2}  # fmt: skip
POINTING = {
    "RA_REF": 80.0, "DEC_REF": -69.0, "ROLL_REF": 30.0, "V2_REF": 120.0, "V3_REF": -520.0, "VPARITY": -1,
    "V3I_YANG": 0.0, "VA_SCALE": 1.0, "RA_V1": 80.0, "DEC_V1": -69.0, "PA_V3": 30.0,
}  # fmt: skip
RAMP_STEPS = (
    ("group_scale", {}),
    ("dq_init", {}),
    ("saturation", {}),
    ("ipc", {}),
    ("superbias", {}),
    ("refpix", {}),
    ("linearity", {}),
    ("persistence", {"persistence_time": 100, "dn_threshold": 30000.0}),
    ("dark_current", {}),
    ("charge_migration", {}),
)


def main():
    """Compile all kernels, in several processes, and note in the cache that they are complete."""
    kernel_cache().mkdir(parents=True, exist_ok=True)
    workers = {}
    with ThreadPoolExecutor(min(MOST_WORKERS, len(os.sched_getaffinity(0)))) as pool:
        for part in PARTS:
            workers[part] = pool.submit(_start_worker, part, workers.get(FOLLOWS.get(part)))
    for worker in workers.values():
        worker.result()
    (kernel_cache() / "complete").touch()


def _start_worker(part, earlier):
    """Compile one part in a process of its own, with one thread: numba, which `warm` imports, takes no other later."""
    if earlier:
        earlier.result()
    begin = "from jwcal import jobs; jobs.prepare_environment(1); from jwcal import compiling, warm"
    program = f"{begin}; compiling.prepare_worker({part in DEARER}); warm.compile_kernels([{part!r}])"
    environment = os.environ | {"NUMBA_OPT": "3" if part in DEARER else "2"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def compile_kernels(parts=None):
    """Run the kernels of some parts (default: all) once; compiled, they land in NUMBA_CACHE_DIR."""
    with tempfile.TemporaryDirectory(prefix="jwcal-warm-") as folder:
        references = _write_references(Path(folder))
        for part in parts or PARTS:
            PARTS[part](Path(folder), references)


def _run(step, product, references, **settings):
    """One step on a product; what does not apply is passed over."""
    import importlib

    from jwcal.chains import declare
    from jwcal.runner import bind_references

    function = getattr(importlib.import_module(f"jwcal.steps.{step}"), step)
    try:
        return function(product, **bind_references(declare(step), references), **settings)
    except StepSkipped:
        return product


def _warm_ramps(folder, references):
    """All steps before jump."""
    for integrations in (1, 2):
        ramp = _reread(folder, _make_ramp(integrations))
        for step, settings in RAMP_STEPS:
            ramp = _run(step, ramp, references, **settings)


def _warm_mid_infrared(folder, references):
    """Steps of MIRI alone."""
    for integrations in (1, 2):
        for settings in INTERFERENCE_SETTINGS:
            _run("emicorr", _make_miri(folder, integrations), references, **settings)
        ramp = _make_miri(folder, integrations)
        for step in ("firstframe", "lastframe", "reset", "rscd", "dark_current"):
            ramp = _run(step, ramp, references)
    full = np.zeros((1, 2, ROWS, COLUMNS), np.float32)  # only full frames have reference columns
    header = fits.Header(list((HEADER | MIRI).items()))
    flags = np.zeros(full.shape, np.uint8), np.zeros(full.shape[-2:], np.uint32)
    _run("refpix", models.Ramp(header, fits.Header(), data=full, groupdq=flags[0], pixeldq=flags[1]), references)


def _warm_interleaved(folder, references):
    """Kernels of NIRSpec's interleaved frames, on small ones: the reference file's tables have millions of rows."""
    from jwcal.kernels.interleaved_references import bridge_gaps, lay_out, subtract_series
    from jwcal.readout.interleaved.transforms import LENGTH, transform, transform_back

    plane, mean, lines = np.ones((3, NX), np.float32), np.zeros((3, NX)), np.zeros((2, 2))
    table, columns = np.array([[0, 1], [2, -1]]), np.arange(NX)
    series = np.empty((2, NX, 2), np.float32)
    lay_out(plane, mean, table, table, columns, lines, series)
    bridge_gaps(series[0].reshape(-1), np.ones(3))
    transform_back(transform(np.zeros(LENGTH, np.float32)), np.empty(LENGTH, np.float32))
    subtract_series(plane, plane[:2], mean, np.array([[2, 1, 0]]), columns, lines, series[1:])


def _make_miri(folder, integrations):
    """A ramp of MIRI's imager."""
    ramp = _make_ramp(integrations)
    ramp.header.update(MIRI)
    return _reread(folder, ramp)


def _warm_jump(folder, references):
    for integrations in (1, 2):
        for settings in JUMP_SETTINGS:
            _run("jump", _reread(folder, _make_ramp(integrations)), references, **settings)


def _warm_fit(folder, references):
    for integrations in (1, 2):
        for settings in FIT_SETTINGS:
            ramp = _run("dark_current", _reread(folder, _make_ramp(integrations)), references)
            _run("gain_scale", _run("ramp_fit", ramp, references, **settings), references)


INTERFERENCE_SETTINGS = ({}, {"algorithm": "sequential"}, {"onthefly_corr_freq": [390.625]})
JUMP_SETTINGS = (
    {"expand_large_events": True, "find_showers": True, "after_jump_flag_dn1": 10.0, "after_jump_flag_time1": 20.0},
    {"min_diffs_single_pass": 100},
    {"minimum_sigclip_groups": 2, "only_use_ints": False},
    {"minimum_sigclip_groups": 2},
)
FIT_SETTINGS = ({"suppress_one_group": False, "save_opt": True}, {}, {"algorithm": "LIKELY", "split_hits": True})


def _warm_guider(folder, references):
    for exp_type in ("FGS_ACQ1", "FGS_FINEGUIDE", "FGS_ID-IMAGE"):
        ramp = _reread(folder, _make_ramp(2))
        ramp.header["INSTRUME"], ramp.header["EXP_TYPE"] = "FGS", exp_type
        image = _run("guider_cds", ramp, references)
        _run("flat_field", image, references)


def _warm_images(folder, references):
    from jwcal.steps.background import background
    from jwcal.steps.skymatch import skymatch

    for shape in ((NY, NX), (2, NY, NX)):
        products.write(folder / "x_rate.fits", _make_rates(shape))
        image = products.read_image(folder / "x_rate.fits")
        skies = [products.read_image(folder / "x_rate.fits") for _ in range(2)]
        image = background(image, skies)
        for step in ("assign_wcs", "flat_field", "photom"):
            image = _run(step, image, references)
        if image.data.ndim == 2:
            products.write(folder / "x_cal.fits", image)
            for kernel in ("square", "point", "turbo", "gaussian", "lanczos2"):
                _run("resample", products.read_image(folder / "x_cal.fits"), references, kernel=kernel)
            image.data += np.linspace(0, 1, NX, dtype=np.float32)
            for name in ("x", "y"):
                products.write(folder / f"{name}_cal.fits", image)
            for pixel_pairs in (True, False):
                skymatch([folder / "x_cal.fits", folder / "y_cal.fits"], pixel_pairs=pixel_pairs)
            _warm_mosaics(folder, image)


def _warm_mosaics(folder, image):
    """Three exposures, two of them taken together with different detectors."""
    from jwcal.steps.outlier_detection import outlier_detection
    from jwcal.steps.resample import resample

    paths = [folder / f"x{number}_cal.fits" for number in range(3)]
    image.header.update(dict.fromkeys(("PROGRAM", "OBSERVTN", "VISIT", "VISITGRP", "SEQ_ID", "ACT_ID"), "1"))
    for number, path in enumerate(paths):
        image.header["EXPOSURE"] = str(number // 2)
        products.write(path, image)
    for resample_data in (True, False):
        outlier_detection(paths, resample_data=resample_data)
    resample(paths)


def _warm_catalog(folder, references):
    """Two stars that touch, and a third."""
    from jwcal.wcs import nodes

    y, x = np.mgrid[:NY, :NX]
    data = np.random.default_rng(3).normal(0.0, 0.1, (NY, NX))
    for x0, y0 in ((8, 8), (14, 8), (22, 22)):
        data += 50 * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 6)
    sky = nodes.fitswcs((NX / 2, NY / 2), (80.0, -69.0), (1e-5, 1e-5), np.array([[-1.0, 0.0], [0.0, 1.0]]))
    frames = nodes.frame2d("detector", ("x", "y"), "pixel"), nodes.sky_frame()
    wcs = {"meta": {"wcs": nodes.wcs((frames[0], sky), (frames[1], None), pixel_shape=(NX, NY))}}
    header, sci_header = fits.Header(list(HEADER.items())), fits.Header([("BUNIT", "MJy/sr"), ("PIXAR_SR", 3e-14)])
    planes = {"data": data.astype(np.float32), "err": np.full((NY, NX), 0.1, np.float32)}
    mosaic = models.Mosaic(header, sci_header, wcs=wcs, weight=np.ones((NY, NX), np.float32), **planes)
    products.write(folder / "x_i2d.fits", mosaic)
    mosaic = products.read(folder / "x_i2d.fits", models.Mosaic, ("data", "err", "weight"))
    _run("source_catalog", mosaic, references, npixels=5)


def _warm_flicker(folder, references):
    """Ramps by median, count rates by median of the integrations and by Fourier series."""
    from jwcal.steps.clean_flicker_noise import clean_flicker_noise

    for integrations in (1, 2):
        for settings in ({"save_noise": True}, {"apply_flat_field": True}, {"background_method": "median_image"}):
            _run("clean_flicker_noise", _reread(folder, _make_ramp(integrations)), references, **settings)
    image = _make_rates((NY, NX))
    image.header["EXP_TYPE"] = "NRS_FIXEDSLIT"
    clean_flicker_noise(image, fit_method="fft")


# What is compiled by one process; the longest first, but for those that follow another.
PARTS = {"images": _warm_images, "fit": _warm_fit, "jump": _warm_jump, "ramps": _warm_ramps, "catalog": _warm_catalog,
         "flicker": _warm_flicker, "mid_infrared": _warm_mid_infrared, "interleaved": _warm_interleaved,
         "guider": _warm_guider}  # fmt: skip
# What calls kernels of an earlier part: it finds them in the cache instead of compiling them again.
FOLLOWS = {"flicker": "fit", "mid_infrared": "ramps"}
# Kernels that gain by LLVM's dearest level of optimisation (ramp_fit a third); all others compile a fifth sooner.
DEARER = {"fit", "ramps"}


def _make_rates(shape):
    """Count rates of one or several integrations."""
    rng = np.random.default_rng(2)
    planes = {
        name: rng.uniform(1, 2, shape).astype(np.float32) for name in ("data", "err", "var_poisson", "var_rnoise")
    }
    header, sci_header = fits.Header(list(HEADER.items())), fits.Header(list(POINTING.items()))
    return models.Image(header=header, sci_header=sci_header, dq=np.zeros(shape, np.uint32), **planes)


def _make_ramp(integrations):
    """A ramp with stars, a cosmic ray, a saturated core and reference pixels."""
    rng = np.random.default_rng(1)
    shape = (integrations, GROUPS, NY, NX)
    data = rng.normal(1000.0, 5.0, shape) + np.arange(1, GROUPS + 1)[:, None, None] * 50.0
    data[:, 5:, 10, 12] += 500.0
    data[:, 3:, 14:26, 14:26] = 60000.0
    header = fits.Header(list((HEADER | {"NINTS": integrations, "NGROUPS": GROUPS}).items()))
    return models.Ramp(
        header=header,
        sci_header=fits.Header(list(POINTING.items())),
        data=data.astype(np.float32),
        groupdq=np.zeros(shape, np.uint8),
        pixeldq=np.zeros(shape[-2:], np.uint32),
        zeroframe=data[:, 0].astype(np.float32),
    )


def _reread(folder, ramp):
    products.write(folder / "x_ramp.fits", ramp)
    return products.read_ramp(folder / "x_ramp.fits")


def _write_references(folder):
    """Tiny reference files of every type; returns their paths by type."""
    plane = np.ones((NY, NX), np.float32)
    flags = np.zeros((NY, NX), np.uint32)
    flags[:4] = flags[-4:] = flags[:, :4] = flags[:, -4:] = dq.REFERENCE_PIXEL | dq.DO_NOT_USE
    coefficients = np.stack([0 * plane, plane, 1e-7 * plane])
    kernel = np.array([[0, 0.01, 0], [0.01, 0.96, 0.01], [0, 0.01, 0]], np.float32)
    photom = np.zeros(1, [("filter", "S12"), ("pupil", "S12"), ("photmjsr", "f4"), ("uncertainty", "f4")])
    photom[0] = (b"F200W", b"CLEAR", 1.0, 0.0)
    columns = [
        ("filter", "S12"),
        ("pupil", "S12"),
        *((n, "f4") for n in "eefraction radius apcorr skyin skyout".split()),
    ]
    apcorr = np.array([(b"F200W", b"CLEAR", e, 3 * e, 1 / e, 5, 7) for e in (0.3, 0.5, 0.7)], columns)
    skips = np.zeros(1, [("subarray", "S17"), ("readpatt", "S12"), ("group_skip1", "i4"), ("group_skip", "i4")])
    skips[0] = (MIRI["SUBARRAY"].encode(), MIRI["READPATT"].encode(), 1, 3)
    contents = {
        "mask": {"DQ": flags},
        "saturation": {"SCI": 50000 * plane, "DQ": 0 * flags},
        "ipc": {"SCI": kernel},
        "superbias": {"SCI": 10 * plane, "ERR": plane, "DQ": 0 * flags},
        "linearity": {"COEFFS": coefficients, "INV_COEFFS": coefficients, "DQ": 0 * flags},
        "dark": {"SCI": np.ones((4, NY, NX), np.float32), "ERR": np.ones((4, NY, NX), np.float32), "DQ": 0 * flags},
        "reset": {"SCI": np.ones((2, 4, NY, NX), np.float32), "DQ": 0 * flags},
        "rscd": {"RSCD_GROUP_SKIP": skips},
        "gain": {"SCI": 2 * plane},
        "readnoise": {"SCI": 10 * plane},
        "flat": {"SCI": plane, "ERR": 0.01 * plane, "DQ": 0 * flags},
        "photom": {"PHOTOM": photom},
        "apcorr": {"APCORR": apcorr},
        "area": {"SCI": plane},
    }
    header = fits.Header(list(HEADER.items()))
    header["NGROUPS"], header["NFRAMES"], header["GROUPGAP"] = 4, 1, 0
    header["PIXAR_SR"], header["PIXAR_A2"] = 2e-14, 1e-3
    for reftype, arrays in contents.items():
        extensions = [Extension(name, array) for name, array in arrays.items()]
        write_fits(folder / f"{reftype}.fits", [Extension("PRIMARY", header=header), *extensions])
    _write_distortion(folder / "distortion.asdf")
    _write_waves(folder / "emicorr.asdf")
    return {path.stem: path for path in folder.iterdir()}


def _write_waves(path):
    """An interference for MIRI's ramp."""
    waves = {"Hz390": {"frequency": 390.625, "phase_amplitudes": np.sin(2 * np.pi * np.arange(500) / 500)}}
    cases = {MIRI["SUBARRAY"]: {"rowclocks": 28, "frameclocks": 8512, "freqs": {"FAST": ["Hz390"]}}}
    path.write_bytes(asdffiles.encode({"frequencies": waves, "subarray_cases": cases}))


def _write_distortion(path):
    """A distortion of plain scale, written by hand: building it with astropy.modeling takes longer than reading it."""
    path.write_text(DISTORTION)


DISTORTION = """#ASDF 1.0.0
#ASDF_STANDARD 1.6.0
%YAML 1.1
%TAG ! tag:stsci.edu:asdf/
--- !core/asdf-1.1.0
model: !transform/concatenate-1.2.0
  forward:
  - !transform/scale-1.2.0
    factor: 0.031
    inputs: [x]
    outputs: [y]
  - !transform/scale-1.2.0
    factor: 0.031
    inputs: [x]
    outputs: [y]
  inputs: [x0, x1]
  outputs: [y0, y1]
...
"""
