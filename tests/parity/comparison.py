"""Measure how far two arrays agree, and remember it for the table at the end of the run."""

from dataclasses import dataclass

import numpy as np

FLAG_AGREEMENT = 0.9999
ROWS_AT_ONCE = 256
SHARES = ("flags", "share")  # kinds of figures that are fractions of samples, and should be large


@dataclass
class Figure:
    """One line of the table: what was compared, how well it agrees, and what was asked."""

    case: str
    step: str
    array: str
    measured: float
    allowed: float
    kind: str
    note: str = ""

    @property
    def passed(self):
        """True where the measured figure keeps the allowed one."""
        return self.measured >= self.allowed if self.kind in SHARES else self.measured <= self.allowed

    def __str__(self):
        share = self.kind in SHARES
        relation = ">" if share else "<="
        shown = f"{100 * self.measured:.5f} %" if share else f"{self.measured:.2e}"
        asked = f"{100 * self.allowed:.2f} %" if share else f"{self.allowed:.0e}"
        verdict = "" if self.passed else "  FAILS"
        return f"{self.case:26} {self.step:18} {self.array:14} {shown:>12} {relation:>2} {asked:9}{verdict} {self.note}"


def flag_agreement(ours, theirs, ignore=0):
    """Fraction of samples with the same flags, and where they agree.

    Parameters
    ----------
    ours, theirs : integer arrays of one shape
        Flags.
    ignore : int
        Bits left out of the comparison.

    Returns
    -------
    (float, bool array)
    """
    same = (ours ^ theirs.astype(ours.dtype)) & ours.dtype.type(~ignore & int(np.iinfo(ours.dtype).max)) == 0
    return np.count_nonzero(same) / same.size, same


def relative_difference(ours, theirs, where=None, floor=None):
    """Largest difference relative to the value, or to the array's typical value where that is larger.

    Parameters
    ----------
    ours, theirs : float arrays [..., y, x]
        What is compared; NaN must meet NaN.
    where : bool array, optional
        Samples that count (broadcast against the arrays).
    floor : float, optional
        Smallest scale; default the median of ``|theirs|``, since the noise of float32 arithmetic is that of the terms,
        not of a difference that happens to be near zero.

    Returns
    -------
    float
        The largest relative difference; infinite where one is NaN and the other is not.
    """
    if ours.shape != theirs.shape:
        raise AssertionError(f"shapes differ: {ours.shape} here, {theirs.shape} in the official product")
    if floor is None:
        floor = typical(theirs)
    worst = 0.0
    for plane in np.ndindex(ours.shape[:-2]):
        for row in range(0, ours.shape[-2], ROWS_AT_ONCE):
            part = (*plane, slice(row, row + ROWS_AT_ONCE))
            mask = None if where is None else np.broadcast_to(where, ours.shape)[part]
            worst = max(worst, _largest(ours[part].astype(float), theirs[part].astype(float), mask, floor))
    return worst


def share_within(ours, theirs, tolerance, where, scatter=0.0):
    """Fraction of samples that agree to a tolerance relative to the value, or to the median where that is larger.

    Parameters
    ----------
    ours, theirs : float arrays of one shape
        What is compared; NaN must meet NaN.
    tolerance : float
        Relative.
    where : bool array
        Samples that count.
    scatter : float
        Difference that float32 alone explains: counts as agreement wherever it is larger than the tolerance.

    Returns
    -------
    float
        1 where no sample counts.
    """
    ours, theirs = (np.asarray(values, float)[where] for values in (ours, theirs))
    allowed = np.maximum(tolerance * np.maximum(np.abs(theirs), typical(theirs)), scatter)
    agree = (np.abs(ours - theirs) <= allowed) | (np.isnan(ours) & np.isnan(theirs)) | (ours == theirs)
    return float(agree.mean()) if agree.size else 1.0


def _largest(ours, theirs, mask, floor):
    if mask is not None:
        ours, theirs = ours[mask], theirs[mask]
    lone = np.isfinite(ours) != np.isfinite(theirs)
    if lone.any():
        return np.inf
    scale = np.maximum(np.abs(theirs), floor)
    difference = np.abs(ours - theirs)
    ratio = np.divide(difference, scale, out=np.zeros_like(scale), where=np.isfinite(difference) & (difference > 0))
    return float(ratio.max(initial=0.0))


def typical(values):
    """Median of the absolute finite non-zero values, of at most a million of them; 1 where there are none."""
    flat = np.asarray(values).reshape(-1)
    flat = np.abs(flat[:: max(1, flat.size // 1_000_000)].astype(float))
    flat = flat[np.isfinite(flat) & (flat > 0)]
    return float(np.median(flat)) if flat.size else 1.0


def format_table(figures):
    """The table: every figure, those that fail marked."""
    head = f"{'case':26} {'step':18} {'array':14} {'measured':>12}    {'asked':9}"
    failed = sum(not figure.passed for figure in figures)
    return "\n".join([head, "-" * len(head), *map(str, figures), f"{len(figures)} comparisons, {failed} fail"])
