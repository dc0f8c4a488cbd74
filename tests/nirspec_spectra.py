"""Count rates of simulated NIRSpec exposures; references of its optics, simulated or the observatory's own."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from jwcal.models import Image
from jwcal.references import Reference
from jwcal.simulate import Setup, nirspec_optics, nirspec_shutters, plan_exposure
from jwcal.simulate.crds_cache import write_reference
from jwcal.simulate.headers import make_primary, make_science

VELOCITY = 12345.0  # m/s, along the line of sight
REAL = {"CAMERA": "0004", "COLLIMATOR": "0004", "FORE": "0027", "FPA": "0005", "IFUFORE": "0003", "IFUPOST": "0004",
        "IFUSLICER": "0003", "OTE": "0005", "WAVELENGTHRANGE": "0004"}  # fmt: skip
REAL_DISPERSERS = {"PRISM": "0034", "G140M": "0032", "G235M": "0037", "G395M": "0036", "G395H": "0035"}


def setup(exp_type, filter_name="F170LP", grating="G235M", detector="NRS1", subarray="FULL", **more):
    """What an observer asks for."""
    return Setup("NIRSPEC", detector, filter_name, grating, subarray, "NRSRAPID", 3, exp_type=exp_type, **more)


def make_rates(asked, seed=1, **keywords):
    """Count rates of noise about one, with the headers of a simulated exposure."""
    plan = plan_exposure(asked)
    header, sci_header = make_primary(plan, "x_rate.fits"), make_science(plan)
    sci_header["VELOSYS"] = VELOCITY
    header["DATAMODL"] = "IFUImageModel" if asked.exp_type == "NRS_IFU" else "ImageModel"
    for name, value in keywords.items():
        header[name] = value
    data = np.random.default_rng(seed).normal(1, 0.1, (plan.aperture.ny, plan.aperture.nx)).astype(np.float32)
    planes = {name: np.ones_like(data) for name in ("err", "var_poisson", "var_rnoise")}
    return Image(header=header, sci_header=sci_header, data=data, dq=np.zeros(data.shape, np.uint32), **planes)


def write_optics(folder, asked, real=None):
    """Write references of the optics; returns them by type, with the table of open shutters of a MOS exposure.

    Of the observatory's files (`real` is their folder) those are taken that are there; shutters are simulated.
    """
    plan, references = plan_exposure(asked), {}
    for reftype, maker in nirspec_optics.MAKERS.items():
        path = find_real(real, reftype, asked.pupil) if real else None
        if path is None:
            content = maker(SimpleNamespace(plan=plan))
            path = Path(folder) / f"{reftype.lower()}.{'json' if isinstance(content, str) else 'asdf'}"
            write_reference(path, content)
        references[reftype.lower()] = Reference(path, reftype.lower())
    if asked.exp_type == "NRS_MSASPEC":
        path = Path(folder) / nirspec_shutters.name_table(plan)
        write_reference(path, nirspec_shutters.make_table(plan))
        references["msametafile"] = Reference(path, "msametafile")
    return references


def find_real(folder, reftype, grating):
    """Path of the observatory's reference, None where it is not at hand."""
    number = REAL_DISPERSERS.get(grating) if reftype == "DISPERSER" else REAL.get(reftype)
    return number and Path(folder) / f"jwst_nirspec_{reftype.lower()}_{number}.asdf"


def real_folder():
    """Folder of the observatory's references, None without JWCAL_REAL_DATA."""
    data = os.environ.get("JWCAL_REAL_DATA")
    return data and Path(data) / "references" / "crds_asdf"
