"""Fit a slope to each pixel's ramp."""

import logging

from jwcal.errors import JwcalError
from jwcal.models import Image, Ramp, Rates
from jwcal.ramps.groups import exclude_groups, gather_maps
from jwcal.references import Reference

log = logging.getLogger("jwcal")

FEWEST_GROUPS = 4  # of the likelihood fit


def ramp_fit(
    ramp: Ramp,
    readnoise: Reference,
    gain: Reference,
    *,
    algorithm: str = "OLS_C",
    suppress_one_group: bool = True,
    firstgroup: int | None = None,
    lastgroup: int | None = None,
    split_hits: bool = True,
    save_opt: bool = False,
) -> Rates:
    """Count rates from ramps: by least squares over their undisturbed segments, or by likelihood.

    OLS_C (`jwcal.ramps.least_squares`): segments between jumps are fitted with weights that suit their signal, and
    averaged. LIKELY (`jwcal.ramps.likelihood`): the rate that explains the differences of groups best, given their
    covariance; it finds jumps itself, besides those that are flagged. Fewer than four groups are left to OLS_C.

    Unlike the official package:

    - The mean dark current, e-/s, is divided by the gain before it is added to a rate in DN/s.
    - OLS_C: the pedestal among the per-segment results takes the slope times the *time* since the reset. There are no
      empty planes of segments; pixels without gain or read noise have finite entries.
    - LIKELY: the first guess of a pixel's rate is the median of its usable differences (there of all: where most of a
      bright pixel's groups are saturated it is zero, and photon noise is taken for jumps). NaN samples are left out
      (there they spoil the ramp); PERSISTENCE alone is no reason to leave a group out; a jump is found whatever the
      sign of the median (there an even number of differences of a pixel in the dark hides it). Of two differences
      that disagree neither is dropped, nor two of three (there one is taken at random). Where the ZEROFRAME is zero
      it does not serve. Pixels without a slope, or without gain, have DO_NOT_USE and errors of zero (there infinity);
      integrations without one do not count in chi squared. suppress_one_group does not matter: one group has no
      difference.

    Parameters
    ----------
    ramp : Ramp
        Corrected ramp, DN, with its flags; keywords TGROUP, TFRAME, NFRAMES. Left unchanged, but for the JUMP_DET that
        LIKELY adds to its `groupdq` if that is in memory; one that is `spendable` is lost.
    readnoise : Reference
        SCI [y, x], DN, noise of the difference of two frames.
    gain : Reference
        SCI [y, x], e-/DN; pixels without a positive gain get NO_GAIN_VALUE and DO_NOT_USE.
    algorithm : str
        OLS_C (weighted least squares) or LIKELY (likelihood).
    suppress_one_group : bool
        Ramps with a single good group have no slope; otherwise their signal since the reset gives one, and the
        ZEROFRAME serves where even the first group is saturated. Has no effect on exposures of one group.
    firstgroup : int or None
        First group to use, counted from 0.
    lastgroup : int or None
        Last group to use, counted from 0; both are ignored if that leaves fewer than two groups.
    split_hits : bool
        LIKELY, several frames a group: two neighbouring differences are a jump only by a positive charge that they
        share as a hit among the frames of their common group would have it. Otherwise (and in the official package)
        any two are whose omission makes the others fit better; more of them are false, and fewer are found.
    save_opt : bool
        Keep the results of each segment (`Rates.fitopt`); of LIKELY, chi squared summed over the integrations
        (`likely_chisq` in `Rates.extras`).

    Returns
    -------
    Rates
        Mean over all integrations, and one plane an integration, DN/s; GAINFACT of the gain file is noted in their
        headers, for gain_scale.

    Raises
    ------
    JwcalError
        When no ramp can be fitted, or for an algorithm that it does not know.

    References
    ----------
    Fixsen et al. 2000, PASP 112, 1350; Robberto 2008, JWST-STScI-001490; Brandt 2024, PASP 136, 045004 and 045005.
    """
    n_groups = ramp.data.shape[1]
    maps, extra = gather_maps(ramp, readnoise, gain), exclude_groups(n_groups, firstgroup, lastgroup)
    fitopt, extras = None, dict(ramp.extras)
    if algorithm == "LIKELY" and n_groups < FEWEST_GROUPS:
        log.info("ramp_fit: %d groups are too few for LIKELY; OLS_C instead", n_groups)
        algorithm = "OLS_C"
    if algorithm == "LIKELY":
        from jwcal.ramps.likelihood import fit_likelihood

        *integrations, mean, mean_flags = fit_likelihood(ramp, maps, extra, split_hits=split_hits)
        if save_opt:
            extras["likely_chisq"] = _make_chi_squared(ramp, mean[4])
    elif algorithm == "OLS_C":
        from jwcal.ramps.least_squares import fit_least_squares

        results, flags, fitopt = fit_least_squares(ramp, maps, extra, suppress_one_group, save_opt)
        integrations, mean, mean_flags = (results[:, :-1], flags[:-1]), results[:, -1], flags[-1]
    else:
        raise JwcalError(f"ramp_fit knows no algorithm {algorithm}; choose OLS_C or LIKELY", ramp.path)
    factor = gain.keyword("GAINFACT")
    return Rates(
        rate=_make_image(ramp, mean, mean_flags, factor),
        rateints=_make_image(ramp, *integrations, factor, tables=("INT_TIMES",)),
        fitopt=fitopt,
        extras=extras,
    )


def _make_chi_squared(ramp, chi_squared):
    """Image of the chi squared of all integrations."""
    sci_header = ramp.sci_header.copy()
    sci_header.remove("BUNIT", ignore_missing=True)
    return Image(header=ramp.header.copy(), sci_header=sci_header, path=ramp.path, data=chi_squared)


def _make_image(ramp, planes, flags, factor, tables=()):
    """Image from slope, error and variances."""
    header, sci_header = ramp.header.copy(), ramp.sci_header.copy()
    sci_header["BUNIT"] = ("DN/s", "physical units of the array values")
    if factor is not None:
        header["GAINFACT"] = (factor, "Gain scale factor")
    slope, error, photons, read = planes[:4]
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
