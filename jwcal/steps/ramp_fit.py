"""Fit a slope to each pixel's ramp."""

import numpy as np

from jwcal import dq
from jwcal.errors import JwcalError
from jwcal.kernels.ramp_ols import fit_ramps
from jwcal.kernels.ramp_optional import describe_segments
from jwcal.kernels.ramp_slopes import tabulate_coefficients
from jwcal.mapping import fit_in_bands, walk
from jwcal.models import Image, Ramp, Rates
from jwcal.references import Reference

SEGMENT_HDUS = ("SLOPE", "SIGSLOPE", "VAR_POISSON", "VAR_RNOISE", "YINT", "SIGYINT", "WEIGHTS")


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

    See `jwcal.kernels.ramp_ols`. The likelihood algorithm (LIKELY) is not built yet. Unlike the official package, the
    pedestal among the per-segment results takes the slope times the *time* since the reset.

    Parameters
    ----------
    ramp : Ramp
        Corrected ramp, DN, with its flags; keywords TGROUP, TFRAME, NFRAMES. Left unchanged.
    readnoise : Reference
        SCI [y, x], DN, noise of the difference of two frames.
    gain : Reference
        SCI [y, x], e-/DN; pixels without a positive gain get NO_GAIN_VALUE and DO_NOT_USE.
    algorithm : str
        OLS_C (weighted least squares); LIKELY (likelihood) is refused.
    suppress_one_group : bool
        Ramps with a single good group have no slope; otherwise their signal since the reset gives one, and the
        ZEROFRAME serves where even the first group is saturated. Has no effect on exposures of one group.
    firstgroup : int or None
        First group to use, counted from 0.
    lastgroup : int or None
        Last group to use, counted from 0; both are ignored if that leaves fewer than two groups.
    save_opt : bool
        Keep the results of each segment (`Rates.fitopt`).

    Returns
    -------
    Rates
        Mean over all integrations, and one plane an integration, DN/s; GAINFACT of the gain file is noted in their
        headers, for gain_scale.

    Raises
    ------
    JwcalError
        When no ramp can be fitted, or for a setting that is not built yet.

    References
    ----------
    Fixsen et al. 2000, PASP 112, 1350; Robberto 2008, JWST-STScI-001490.
    """
    if algorithm != "OLS_C":
        raise JwcalError(f"ramp_fit's algorithm {algorithm} is not built yet; set it to OLS_C", ramp.path)
    n_integrations, n_groups = ramp.data.shape[:2]
    extra = _extra_flags(n_groups, firstgroup, lastgroup)
    start, stop = _used_groups(ramp, extra)
    suppress = bool(suppress_one_group and n_groups > 1)
    gains, noise = gain.image("SCI", like=ramp), readnoise.image("SCI", like=ramp)
    dark, zeroframe = ramp.average_dark_current, ramp.zeroframe
    dark = np.zeros(gains.shape, np.float32) if dark is None else np.ascontiguousarray(dark, np.float32)
    if zeroframe is None or suppress:
        zeroframe = np.zeros((n_integrations, *gains.shape), np.float32)
    inputs = (
        *(ramp.data, ramp.groupdq, ramp.pixeldq, zeroframe, (gains, noise, dark)),
        *(extra, _timing(ramp), (start, stop, suppress), tabulate_coefficients(stop - start)),
    )
    results, flags = fit_in_bands(fit_ramps, *inputs)
    factor = gain.keyword("GAINFACT")
    return Rates(
        rate=_make_image(ramp, results[:, -1], flags[-1], factor),
        rateints=_make_image(ramp, results[:, :-1], flags[:-1], factor, tables=("INT_TIMES",)),
        fitopt=_describe(ramp, inputs) if save_opt else None,
        extras=ramp.extras,
    )


def _extra_flags(n_groups, firstgroup, lastgroup):
    """DO_NOT_USE for the groups outside of those to be used."""
    first = max(0, firstgroup or 0)
    last = n_groups - 1 if lastgroup is None else lastgroup
    extra = np.zeros(n_groups, np.uint8)
    if first < last:
        extra[:first] = dq.DO_NOT_USE
        extra[last + 1 :] = dq.DO_NOT_USE
    return extra


def _used_groups(ramp, extra):
    """First and last-plus-one group; MIRI drops leading groups, and the last one, that no pixel may use."""
    n_groups = ramp.data.shape[1]
    start, stop = 0, n_groups
    if ramp.keyword("INSTRUME", "") == "MIRI" and n_groups > 1:
        lost = [bool(extra[g]) or _all_flagged(ramp.groupdq[:, g], dq.DO_NOT_USE) for g in range(n_groups)]
        while start < n_groups and lost[start]:
            start += 1
        stop -= lost[-1]
        if stop - start < 2:
            raise JwcalError("fewer than two groups can be used; nothing can be fitted", ramp.path)
    if _all_flagged(ramp.groupdq[:, start], dq.SATURATED):
        raise JwcalError("all pixels are saturated from the first group on; nothing can be fitted", ramp.path)
    return start, stop


def _all_flagged(flags, flag):
    """Whether all samples of an array [integration, y, x] have a flag; a look at the first rows mostly settles it."""
    return all(bool((row & flag).all()) for plane in walk(flags) for row in plane)


def _timing(ramp):
    """Times of a group, a frame and the mean of the first group, s; factor from the read noise to that of a group."""
    tgroup, nframes = float(ramp.keyword("TGROUP")), int(ramp.keyword("NFRAMES", 1))
    tframe = float(ramp.keyword("TFRAME", tgroup))
    return tgroup, tframe, (nframes + 1) * tframe / 2, 1 / np.sqrt(2 * nframes)


def _describe(ramp, inputs):
    """Per-segment results by HDU name; how many segments and jumps there are is counted first."""
    n_integrations, _, ny, nx = ramp.data.shape
    nframes, gap = int(ramp.keyword("NFRAMES", 1)), int(ramp.keyword("GROUPGAP", 0))
    frames = (nframes + 1) / 2 + int(ramp.keyword("DRPFRMS1", 0))
    since_reset = frames / (nframes + gap) * float(ramp.keyword("TGROUP"))
    segments, jumps = 0, 0
    for _ in range(2):
        results = np.zeros((len(SEGMENT_HDUS), n_integrations, segments, ny, nx), np.float32)
        sizes = np.zeros((n_integrations, jumps, ny, nx), np.float32)
        pedestals = np.zeros((n_integrations, ny, nx), np.float32)
        segments, jumps = describe_segments(*inputs, since_reset, (results, sizes, pedestals))
    return dict(zip(SEGMENT_HDUS, results, strict=True)) | {"PEDESTAL": pedestals, "CRMAG": sizes}


def _make_image(ramp, planes, flags, factor, tables=()):
    """Image from slope, error and variances."""
    header, sci_header = ramp.header.copy(), ramp.sci_header.copy()
    sci_header["BUNIT"] = ("DN/s", "physical units of the array values")
    if factor is not None:
        header["GAINFACT"] = (factor, "Gain scale factor")
    slope, error, photons, read = planes
    return Image(
        header=header,
        sci_header=sci_header,
        path=ramp.path,
        tables={name: ramp.tables[name] for name in tables if name in ramp.tables},
        data=slope,
        err=error,
        dq=flags,
        var_poisson=photons,
        var_rnoise=read,
    )
