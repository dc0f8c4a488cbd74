"""Reference files of the guiders: masks and flats of stacked identification images cover their strips side by side."""

import numpy as np

from jwcal.fitsfiles import Extension
from jwcal.simulate import reference_files


def make_mask(subject):
    """MASK: bad pixels, of the strips where the exposure is a stack of strips."""
    return stack_columns(reference_files.make_mask(subject), subject)


def make_flat(subject):
    """FLAT, likewise."""
    return stack_columns(reference_files.make_flat(subject), subject)


def stack_columns(content, subject):
    """Bring the images of a file into the order of a stack of strips, if that is what the exposure is."""
    from jwcal.simulate.fgs import OVERLAP, STRIP

    plan = subject.plan
    if plan.setup.exp_type != "FGS_ID-STACK":
        return content
    starts = plan.region.x0 - subject.region.x0 + (STRIP - OVERLAP) * np.arange(plan.setup.strips)
    columns = (starts[:, None] + np.arange(STRIP)).ravel()
    header = content[0].header
    header["SUBARRAY"], header["SUBSTRT1"], header["SUBSIZE1"] = plan.setup.subarray, plan.region.x0 + 1, len(columns)
    header["EXP_TYPE"] = plan.setup.exp_type
    images = [
        Extension(part.name, np.ascontiguousarray(part.data[:, columns]), part.header)
        if part.data is not None and part.data.dtype.names is None
        else part
        for part in content[1:]
    ]
    return [content[0], *images]


MAKERS = {"MASK": make_mask, "FLAT": make_flat}
