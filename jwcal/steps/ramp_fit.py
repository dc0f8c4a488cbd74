"""Fit a slope to each pixel's ramp."""

import numpy as np

from jwcal import dq
from jwcal.errors import JwcalError
from jwcal.kernels.ramp_ols import fit_ramps
from jwcal.kernels.ramp_slopes import tabulate_coefficients
from jwcal.models import Image, Ramp, Rates
from jwcal.references import Reference

ALGORITHMS = ("OLS_C", "LIKELY")


def ramp_fit(
    ramp: Ramp,
    readnoise: Reference,
    gain: Reference,
    *,
    algorithm: str = "OLS_C",
    suppress_one_group: bool = True,
    firstgroup: int | None = None,
    lastgroup: int | None = None,
    save_opt: bool = False,
) -> Rates:
    """Count rates by optimally weighted least squares over the undisturbed segments of each ramp.

    See `jwcal.kernels.ramp_ols`. LIKELY and the per-segment results (`save_opt`) are not built yet.

    Parameters
    ----------
    ramp : Ramp
        Corrected ramp, DN, with its flags; keywords TGROUP, TFRAME, NFRAMES. Left unchanged.
    readnoise : Reference
        SCI [y, x], DN, noise of the difference of two frames.
    gain : Reference
        SCI [y, x], e-/DN; pixels without a positive gain get NO_GAIN_VALUE and DO_NOT_USE.
    algorithm : str
        OLS_C (weighted least squares) or LIKELY (likelihood).
    suppress_one_group : bool
        Ramps with a single good group have no slope. Has no effect on exposures of one group.
    firstgroup, lastgroup : int or None
        First and last group to use, counted from 0.
    save_opt : bool
        Keep the results of each segment.

    Returns
    -------
    Rates
        Mean over all integrations, and one plane an integration: DN/s.

    Raises
    ------
    JwcalError
        When no ramp can be fitted, or for a setting that is not built yet.

    References
    ----------
    Fixsen et al. 2000, PASP 112, 1350.
    """
    if algorithm != "OLS_C" or save_opt:
        raise JwcalError("only algorithm OLS_C without save_opt is built yet; change ramp_fit's settings", ramp.path)
    n_integrations, n_groups = ramp.data.shape[:2]
    start, stop = _used_groups(ramp)
    suppress = bool(suppress_one_group and n_groups > 1)
    gains, noise = gain.image("SCI", like=ramp), readnoise.image("SCI", like=ramp)
    dark = ramp.average_dark_current
    dark = np.zeros_like(gains) if dark is None else np.ascontiguousarray(dark, np.float32)
    zeroframe = ramp.zeroframe
    if zeroframe is None or suppress:
        zeroframe = np.zeros((n_integrations, *gains.shape), np.float32)
    results, flags = fit_ramps(
        ramp.data,
        ramp.groupdq,
        ramp.pixeldq,
        zeroframe,
        (gains, noise, dark),
        _extra_flags(n_groups, firstgroup, lastgroup),
        _timing(ramp),
        (start, stop, suppress),
        tabulate_coefficients(n_groups),
    )
    return Rates(
        rate=_make_image(ramp, results[:, -1], flags[-1]),
        rateints=_make_image(ramp, results[:, :-1], flags[:-1]),
    )


def _used_groups(ramp):
    """First and last-plus-one group; MIRI drops leading and trailing groups that no pixel may use."""
    n_groups = ramp.data.shape[1]
    start, stop = 0, n_groups
    if (ramp.groupdq[:, 0] & dq.SATURATED).all():
        raise JwcalError("all pixels are saturated from the first group on; nothing can be fitted", ramp.path)
    if ramp.keyword("INSTRUME", "") == "MIRI" and n_groups > 1:
        lost = [bool((ramp.groupdq[:, g] & dq.DO_NOT_USE).all()) for g in range(n_groups)]
        while start < n_groups and lost[start]:
            start += 1
        stop -= bool(lost[-1])
        if stop - start < 2:
            raise JwcalError("fewer than two groups are left; nothing can be fitted", ramp.path)
    return start, stop


def _extra_flags(n_groups, firstgroup, lastgroup):
    """DO_NOT_USE for the groups outside of those to be used."""
    extra = np.zeros(n_groups, np.uint8)
    extra[: firstgroup or 0] |= dq.DO_NOT_USE
    if lastgroup is not None:
        extra[lastgroup + 1 :] |= dq.DO_NOT_USE
    return extra


def _timing(ramp):
    """Times of a group, a frame and the mean of the first group, s; factor from the read noise to that of a group."""
    tgroup, nframes = float(ramp.keyword("TGROUP")), int(ramp.keyword("NFRAMES", 1))
    tframe = float(ramp.keyword("TFRAME", tgroup))
    return tgroup, tframe, (nframes + 1) * tframe / 2, 1 / np.sqrt(2 * nframes)


def _make_image(ramp, planes, flags):
    """Image from slope, error and variances."""
    sci_header = ramp.sci_header.copy()
    sci_header["BUNIT"] = ("DN/s", "physical units of the array values")
    slope, error, photons, read = (np.ascontiguousarray(plane) for plane in planes)
    return Image(
        header=ramp.header.copy(),
        sci_header=sci_header,
        path=ramp.path,
        tables={name: table for name, table in ramp.tables.items() if name == "INT_TIMES"},
        data=slope,
        err=error,
        dq=flags,
        var_poisson=photons,
        var_rnoise=read,
    )
