"""ramp_fit alone, on small nasty ramps, against the official step: every corner of both algorithms."""

from typing import NamedTuple

import numpy as np
import pytest
from comparison import FLAG_AGREEMENT, Figure, flag_agreement, relative_difference
from naive_detector import make_ramp, write_reference
from naive_ramps import CHARGELOSS, DNU, JUMP, PERSISTENCE, SAT, make_nasty

from jwcal import products
from jwcal.errors import JwcalError
from jwcal.ramps import likelihood
from jwcal.ramps.groups import exclude_groups
from jwcal.references import Reference
from jwcal.steps.ramp_fit import ramp_fit

TOLERANCE = 1e-5  # slopes of long ramps are sums in float32 on neither side, but their samples are
LIKELY_TOLERANCE = 1e-4
SHAPE = (14, 40)
PLANES = ("data", "err", "var_poisson", "var_rnoise")
TFRAME = 2.5
REFERENCE_KEYWORDS = ("TELESCOP", "INSTRUME", "DETECTOR", "SUBARRAY", "SUBSIZE1", "SUBSIZE2", "FASTAXIS", "SLOWAXIS")


class Case(NamedTuple):
    """A ramp and how it is fitted."""

    groups: int = 5
    integrations: int = 1
    settings: dict = {}
    keywords: dict = {}
    nframes: int = 1
    gap: int = 0
    zeroframe: bool = False
    dark: float = 0.0
    change: object = None


def drop_miri_groups(ramp):
    """What MIRI's steps flag: the first groups and the last one."""
    ramp.groupdq[:, [0, 1, -1]] |= DNU


def hit_ends(ramp):
    """Jumps in the first and in the last group."""
    ramp.groupdq[:, 0, :, ::3] |= JUMP
    ramp.groupdq[:, -1, :, ::2] |= JUMP


def saturate_but_one(ramp):
    """All but one ramp saturated from the first group on; another from the second."""
    ramp.groupdq[:] = SAT
    ramp.groupdq[:, :, 5, 5] = 0
    ramp.groupdq[:, 0, 6, 6] = 0


def fall(ramp):
    """Signals that fall with time."""
    ramp.data[:] = 3000 - ramp.data


def lose_charge(ramp):
    """Charge loss from some group on, as charge_migration flags it."""
    ramp.groupdq[:, 3:, 4:9] |= CHARGELOSS | DNU


def lose_integrations(ramp):
    """Integrations that are lost in part of the image."""
    ramp.groupdq[0, :, :5] |= DNU
    ramp.groupdq[1, :, 3:8] |= SAT
    ramp.groupdq[2, 1:, 6:10] |= SAT


def lose_everything(ramp):
    """No ramp can be fitted."""
    ramp.groupdq[:] |= SAT


MIRI = {"INSTRUME": "MIRI", "DETECTOR": "MIRIMAGE", "EXP_TYPE": "MIR_IMAGE", "READPATT": "FASTR1", "FILTER": "F770W"}
KEEP_ONE = {"suppress_one_group": False}
CASES = {
    "1 group": Case(1, 2),
    "1 group, first frame": Case(1, 2, KEEP_ONE, zeroframe=True, nframes=4),
    "2 groups": Case(2, 3),
    "2 groups, one kept": Case(2, 3, KEEP_ONE),
    "3 groups": Case(3, 2),
    "5 groups": Case(5, 3),
    "5 groups, one kept": Case(5, 3, KEEP_ONE),
    "40 groups": Case(40, 1),
    "4 frames, dropped first": Case(6, 2, KEEP_ONE, {"DRPFRMS1": 3}, nframes=4, gap=1),
    "8 frames": Case(6, 1, KEEP_ONE, nframes=8, gap=2),
    "first frames": Case(6, 2, KEEP_ONE, nframes=4, zeroframe=True),
    "first frames, one suppressed": Case(6, 2, nframes=4, zeroframe=True),
    "all saturated but one": Case(5, 2, change=saturate_but_one),
    "all saturated but one, kept": Case(5, 2, KEEP_ONE, change=saturate_but_one),
    "all saturated": Case(5, 2, change=lose_everything),
    "falling": Case(7, 2, change=fall),
    "dark current": Case(7, 2, dark=0.7),
    "falling, dark current": Case(7, 2, dark=0.7, change=fall),
    "jumps at the ends": Case(6, 2, change=hit_ends),
    "charge loss": Case(8, 3, change=lose_charge),
    "lost integrations": Case(6, 4, change=lose_integrations),
    "groups 2 to 5": Case(9, 2, {"firstgroup": 2, "lastgroup": 5}),
    "one group asked for": Case(9, 1, {"firstgroup": 4, "lastgroup": 4}),
    "absurd groups": Case(9, 1, {"firstgroup": -2, "lastgroup": 99}),
    "MIRI": Case(10, 3, {}, MIRI, change=drop_miri_groups),
    "MIRI, one kept": Case(10, 3, KEEP_ONE, MIRI, change=drop_miri_groups),
    "MIRI, too few": Case(4, 1, {}, MIRI, change=drop_miri_groups),
}


@pytest.fixture(scope="module")
def bench(laboratory, tmp_path_factory):
    """Folder of a case's files, and the official process."""
    return tmp_path_factory.mktemp("ramps"), laboratory.oracle


def tame_ramp(ramp, gain, noise):
    """Leave out what the official likelihood fit does not stand, or only by chance: see `test_likelihood`."""
    ramp.data[np.isnan(ramp.data)] = 500
    ramp.groupdq &= 255 - PERSISTENCE
    gain[~(gain > 0)], noise[~(noise > 0)] = 2, 8


def make_case(case, name, folder, tame=False):
    """Write ramp and references; returns the ramp as ours takes it."""
    seed = sum(name.encode())
    shape = (case.integrations, case.groups, *SHAPE)
    data, groupdq, pixeldq, gain, noise = make_nasty(seed, shape, case.nframes)
    times = {"NFRAMES": case.nframes, "GROUPGAP": case.gap, "TFRAME": TFRAME, "DRPFRMS1": 0, "ZEROFRAM": case.zeroframe,
             "TGROUP": TFRAME * (case.nframes + case.gap), "NGROUPS": case.groups, "NINTS": case.integrations,
             "TELESCOP": "JWST", "SUBARRAY": "SUB64P", "DATE-OBS": "2023-02-25", "TIME-OBS": "00:00:00"}  # fmt: skip
    ramp = make_ramp(data, **(times | case.keywords))
    ramp.groupdq, ramp.pixeldq = groupdq, pixeldq
    if case.zeroframe:
        ramp.zeroframe = np.where(np.isnan(data[:, 0]), 0, data[:, 0] / case.nframes).astype(np.float32)
        ramp.zeroframe[:, ::5] *= tame
        ramp.zeroframe[ramp.zeroframe == 0] = 125.0 * tame
    if tame:
        tame_ramp(ramp, gain, noise)
    if case.change:
        case.change(ramp)
    if case.dark:  # the official package adds e-/s to DN/s
        ramp.average_dark_current = np.full(SHAPE, case.dark, np.float32)
    products.write(folder / "official_ramp.fits", ramp)
    if case.dark:
        ramp.average_dark_current = ramp.average_dark_current * np.where(gain > 0, gain, 1)
    known = {key: ramp.header[key] for key in REFERENCE_KEYWORDS}
    write_reference(folder / "gain.fits", "gain", keywords=known, SCI=gain)
    write_reference(folder / "readnoise.fits", "readnoise", keywords=known, SCI=noise)
    return ramp


def fit_officially(oracle, folder, settings):
    """Products of the official step by suffix; empty where it makes none."""
    overrides = {f"override_{name}": str(folder / f"{name}.fits") for name in ("gain", "readnoise")}
    oracle.run("ramp_fit", folder / "official_ramp.fits", folder, {"": settings | overrides})
    return {path.stem.removeprefix("official_"): path for path in folder.glob("*.fits")}


def fit(ramp, folder, settings):
    references = (Reference(folder / f"{name}.fits", name) for name in ("readnoise", "gain"))
    return ramp_fit(ramp, *references, **settings)


def compare(name, ours, path, figures, tolerance=TOLERANCE):
    """One image with the official one."""
    theirs = products.read_image(path)
    suffix = path.stem
    share, agree = flag_agreement(ours.dq, theirs.dq)
    figures.append(Figure(f"ramp {name}", "ramp_fit", f"{suffix} DQ", share, FLAG_AGREEMENT, "flags"))
    worst = compare_planes(ours, theirs, agree)
    figures.append(Figure(f"ramp {name}", "ramp_fit", suffix, worst, tolerance, "values"))


def compare_planes(ours, theirs, where):
    """Largest relative difference of any plane."""
    return max(relative_difference(getattr(ours, plane), getattr(theirs, plane), where) for plane in PLANES)


def compare_segments(name, ours, path, figures, known, pedestals):
    """Optional results with the official ones, in pixels of which gain and read noise are known.

    The official package leaves planes empty where more single groups were found than used. `pedestals` are those that
    it would have, see `steps.ramp_fit`.
    """
    from jwcal.fitsfiles import FitsFile

    worst = 0.0
    with FitsFile(path) as file:
        for hdu, array in (ours | {"PEDESTAL": pedestals}).items():
            if hdu not in file:
                assert array.size == 0
                continue
            theirs = file.image(hdu, np.float32)
            if hdu != "PEDESTAL":
                assert not theirs[:, array.shape[1] :].any()
                theirs = theirs[:, : array.shape[1]]
            worst = max(worst, relative_difference(array, theirs, known))
    figures.append(Figure(f"ramp {name}", "ramp_fit", "fitopt", worst, TOLERANCE, "values"))


def official_pedestals(ramp, rates):
    """Ours with the time since the reset in units of groups, as the official package takes it for seconds."""
    nframes, gap, dropped = (ramp.keyword(name) for name in ("NFRAMES", "GROUPGAP", "DRPFRMS1"))
    since_reset = ((nframes + 1) / 2 + dropped) / (nframes + gap)
    excess = rates.rateints.data * since_reset * (ramp.keyword("TGROUP") - 1)
    used = ~(ramp.groupdq & DNU).all(axis=(0, 2, 3)) if ramp.keyword("INSTRUME") == "MIRI" else [True]
    without = np.isnan(ramp.data[:, np.argmax(used)])
    return np.where(without, 0, np.nan_to_num(rates.fitopt["PEDESTAL"] + excess))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", CASES)
def test_least_squares(name, bench, figures, scratch):
    case, first = CASES[name], len(figures)
    ramp = make_case(case, name, scratch)
    official = fit_officially(bench[1], scratch, case.settings | {"save_opt": True})
    if "rate" not in official:
        with pytest.raises(JwcalError):
            fit(ramp, scratch, case.settings)
        return
    rates = fit(ramp, scratch, case.settings | {"save_opt": True})
    compare(name, rates.rate, official["rate"], figures)
    compare(name, rates.rateints, official["rateints"], figures)
    gain, noise = (Reference(folder, "").image() for folder in (scratch / "gain.fits", scratch / "readnoise.fits"))
    known = (gain > 0) & (noise > 0)
    compare_segments(name, rates.fitopt, official["fitopt"], figures, known, official_pedestals(ramp, rates))
    failed = [str(figure) for figure in figures[first:] if not figure.passed]
    assert not failed, "\n".join(failed)


LIKELY_CASES = {
    "4 groups": Case(4, 2),
    "5 groups": Case(5, 3),
    "10 groups": Case(10, 4),
    "40 groups": Case(40, 1),
    "4 frames": Case(8, 2, nframes=4, gap=1),
    "8 frames": Case(8, 2, nframes=8, gap=2),
    "2 frames, first frames": Case(8, 2, nframes=2, zeroframe=True),
    "4 frames, first frames": Case(8, 2, nframes=4, gap=1, zeroframe=True),
    "first frames of one": Case(8, 2, zeroframe=True),
    "dark current": Case(7, 2, dark=0.7),
    "jumps at the ends": Case(8, 2, change=hit_ends),
    "charge loss": Case(8, 3, change=lose_charge),
    "lost integrations": Case(6, 4, change=lose_integrations),
    "groups 2 to 5": Case(9, 2, {"firstgroup": 2, "lastgroup": 5}),
    "MIRI": Case(10, 3, {}, MIRI, change=drop_miri_groups),
    "all saturated": Case(5, 2, change=lose_everything),
    "3 groups": Case(3, 2),
}


def are_comparable(ramp, extra, nframes, zeroframe):
    """Integrations of pixels in which the official likelihood fit does what it is meant to, [integration, y, x].

    Of two differences it leaves one out at random, of three that share groups of several frames two. With an even
    number of them and a median below zero the gains of omitting two are 0 / 0, and no jump is found.
    """
    lost = (ramp.groupdq | extra[:, None, None]) != 0
    data = ramp.data
    if zeroframe:
        first = (data[:, :1] * nframes - ramp.zeroframe[:, None]) / (nframes - 1)
        data = np.concatenate([ramp.zeroframe[:, None], first, data[:, 1:]], axis=1)
        lost = np.concatenate([lost[:, :1], lost], axis=1)
    number = np.sum(~(lost[:, 1:] | lost[:, :-1]), axis=1)
    enough = (number < 2) | (number > (3 if nframes > 1 else 2))
    return enough & (np.median(np.diff(data, axis=1), axis=1) > 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", LIKELY_CASES)
def test_likelihood(name, bench, figures, scratch, monkeypatch):
    case, first = LIKELY_CASES[name], len(figures)
    # As the official package guesses rates: from all differences, be they lost or not.
    monkeypatch.setattr(likelihood.fit_likelihood, "__defaults__", ((likelihood.ONE, likelihood.TWO), True))
    settings = case.settings | {"algorithm": "LIKELY", "save_opt": True}
    ramp = make_case(case, name, scratch, tame=True)
    extra = exclude_groups(case.groups, case.settings.get("firstgroup"), case.settings.get("lastgroup"))
    split = case.zeroframe and case.nframes > 1
    comparable = are_comparable(ramp, extra, case.nframes, split)
    if case.groups < 4:  # fitted by least squares on both sides
        comparable[:] = True
    assert comparable.mean() > 0.5
    official = fit_officially(bench[1], scratch, settings)
    rates = fit(ramp, scratch, settings | {"split_hits": False})
    for suffix, mask in (("rate", comparable.all(axis=0)), ("rateints", comparable)):
        compare_likely(name, getattr(rates, suffix), official[suffix], mask, figures)
    if case.groups > 3:
        theirs = products.read_image(official["likely_chisq"]).data
        ours = rates.extras["likely_chisq"].data
        mask = comparable.all(axis=0) & np.isfinite(theirs)
        worst = relative_difference(ours, theirs, mask)
        figures.append(Figure(f"likely {name}", "ramp_fit", "chi squared", worst, 10 * LIKELY_TOLERANCE, "values"))
    failed = [str(figure) for figure in figures[first:] if not figure.passed]
    assert not failed, "\n".join(failed)


def compare_likely(name, ours, path, comparable, figures):
    """One image with the official one, where a slope was fitted: the others are flagged and without error here."""
    theirs = products.read_image(path)
    fitted = np.isfinite(theirs.data)
    assert (fitted == np.isfinite(ours.data))[comparable].all() and (ours.dq[~np.isfinite(ours.data)] & DNU).all()
    share, _ = flag_agreement(ours.dq[comparable], theirs.dq[comparable], ignore=DNU)
    figures.append(Figure(f"likely {name}", "ramp_fit", f"{path.stem} DQ", share, FLAG_AGREEMENT, "flags"))
    worst = compare_planes(ours, theirs, comparable & fitted)
    figures.append(Figure(f"likely {name}", "ramp_fit", path.stem, worst, LIKELY_TOLERANCE, "values"))
