"""Count rates of guider exposures from differences of samples."""

import numpy as np

from jwcal.errors import JwcalError
from jwcal.models import GuiderImage, Ramp
from jwcal.references import Reference

AVERAGED = 4  # samples averaged at either end of a fine-guide ramp


def guider_cds(ramp: Ramp, gain: Reference, readnoise: Reference) -> GuiderImage:
    """Difference of the samples of each integration over the group time, with its error.

    FGS_ACQ1, ACQ2 and TRACK: second less first group. FGS_FINEGUIDE: mean of the last four less mean of the first four.
    FGS_ID: the lesser of the differences of the two integrations, which removes cosmic rays; one image comes out.

    The variance is ``2 (readnoise / TGROUP)**2 + max(rate, 0) / (gain TGROUP)``. The official package 3.0.0 puts the
    difference in DN instead of the rate into the second term, as if TGROUP were 1 s; that is corrected here.

    Parameters
    ----------
    ramp : Ramp
        Guider exposure, DN; keywords EXP_TYPE, TGROUP.
    gain : Reference
        Gain SCI [y, x], e-/DN. Its mean is used for the stacked ID image, which has no place on the detector.
    readnoise : Reference
        Read noise SCI [y, x], DN; likewise.

    Returns
    -------
    GuiderImage
        Rates and errors [integration, y, x] in DN/s; flags [y, x]; the guider's tables.

    Raises
    ------
    JwcalError
        When there are too few groups or a reference does not cover the exposure.

    References
    ----------
    JWST pipeline documentation, "guider_cds".
    """
    exp_type, group_time = ramp.keyword("EXP_TYPE"), float(ramp.keyword("TGROUP"))
    difference = _difference(ramp, exp_type)
    rate = difference / np.float32(group_time)
    gains, noise = _read_plane(gain, ramp, exp_type), _read_plane(readnoise, ramp, exp_type)
    with np.errstate(divide="ignore", invalid="ignore"):
        poisson = rate / (gains * np.float32(group_time))
    poisson[poisson < 0] = 0
    err = np.sqrt(2 * (noise / np.float32(group_time)) ** 2 + poisson)
    sci_header = ramp.sci_header.copy()
    sci_header["BUNIT"] = ("DN/s", "physical units of the array values")
    return GuiderImage(
        header=ramp.header,
        sci_header=sci_header,
        path=ramp.path,
        tables=ramp.tables,
        data=rate.astype(np.float32, copy=False),
        err=err.astype(np.float32, copy=False),
        dq=ramp.pixeldq,
    )


def _difference(ramp, exp_type):
    """Signal gathered between the first and the last samples, float32 [integration, y, x], DN."""
    ngroup = ramp.data.shape[1]
    if ngroup < 2:
        raise JwcalError(f"{exp_type} with {ngroup} group; guider_cds needs two at least", ramp.path)
    if exp_type == "FGS_FINEGUIDE":
        return ramp.data[:, -AVERAGED:].mean(axis=1) - ramp.data[:, :AVERAGED].mean(axis=1)
    difference = ramp.data[:, 1] - ramp.data[:, 0]
    return difference[:2].min(axis=0, keepdims=True) if exp_type.startswith("FGS_ID") else difference


def _read_plane(reference, ramp, exp_type):
    """A reference's image cut to the exposure; its mean where a stacked image does not fit the detector."""
    try:
        return reference.image("SCI", like=ramp)
    except JwcalError:
        if "STACK" not in exp_type:
            raise
        return np.full(ramp.data.shape[-2:], np.nanmean(reference.image("SCI")), np.float32)
