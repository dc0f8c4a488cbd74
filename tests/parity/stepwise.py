"""Run jwcal's chain step by step and compare the state after every step with the official one."""

import numpy as np
from comparison import FLAG_AGREEMENT, Figure, flag_agreement, relative_difference, share_within, typical

from jwcal import dq, models, products
from jwcal.provenance import STATUS
from jwcal.references import Reference
from jwcal.runner import headers, run_step

RAMP_TOLERANCE, RATE_TOLERANCE, FIT_TOLERANCE, CAL_TOLERANCE, WCS_TOLERANCE, I2D_TOLERANCE = (
    1e-5,
    1e-4,
    1e-6,
    1e-5,
    1e-4,
    1e-3,
)
# The official median of an even number of group differences is rounded to float32 once more.
POISSON_TOLERANCE = 5e-6
# Of the rates at the end of the chain so many must agree. Not all can: the official chain and ours round the ramps
# differently, and the weights of a fit are a step function of its signal to noise, so that the last bit of a sample
# may choose other weights. `Comparison.compare_fit` asks more, of all pixels, of fits to the same ramps.
RATE_SHARE = 0.999
# After the 1/f noise is out: a pixel more or less that counts as background moves the median of its line.
CLEANED_SHARE = 0.99
IMAGE_ARRAYS = ("data", "err", "var_poisson", "var_rnoise", "var_flat")
# Differences of ramps count relative to the sample, or to this fraction of the raw level where the sample is smaller:
# what is left after the bias is subtracted carries the rounding of the raw number (5e-7 of it: eight units in the last
# place).
RAW_FRACTION = 0.05
# The official chain sets PERSISTENCE after jump, ours before dark_current.
SET_AT_ANOTHER_PLACE = {step: dq.PERSISTENCE for step in ("dark_current", "charge_migration", "jump")}


class Comparison:
    """All comparisons of one exposure.

    Parameters
    ----------
    case : str
        For the table.
    official : oracle.Official
        The official package's states.
    figures : list
        Gets a `Figure` for each array compared.
    corrections : dict of (str, str) to callable, optional
        Where the official package is known to be wrong: ``corrections[step, array](state)`` gives what it should have
        found, from its own arrays.
    inspect : dict of str to callable, optional
        ``inspect[step](product, state)`` is called after a step with our product and the official arrays.
    """

    def __init__(self, case, official, figures, corrections=None, inspect=None):
        self.case, self.official, self.figures = case, official, figures
        self.corrections, self.inspect = corrections or {}, inspect or {}
        self.same_groups = None
        self.floor = self.scatter = None

    def run(self, plan, product, members=None):
        """Run a plan's steps, comparing after each; returns the last product."""
        if isinstance(product, models.Ramp):
            self.floor = RAW_FRACTION * typical(product.data)
            self.scatter = explain_scatter(RAMP_TOLERANCE * self.floor, product, plan)
        for step in plan["steps"]:
            before, product = product, run_step(step, product, plan, members or {})
            self.compare_status(step, product)
            self.compare_state(step, product)
            if step in self.inspect:
                self.inspect[step](product, self.official.state(step))
            if step == "ramp_fit":
                self.compare_fit(before, plan)
        return product

    def compare_status(self, step, product):
        """A step must have run on both sides or on none (a step that the official pipeline lacks does not count)."""
        ours = headers(product)[0][STATUS[step]]
        theirs = self.official.status.get(step, ours)
        if step == "refpix" and ours == "SKIPPED":  # README, difference 7; the arrays are compared all the same
            return
        assert ours == theirs, f"{self.case}: {step} is {ours} here, {theirs} in the official pipeline"

    def compare_state(self, step, product):
        """Compare whatever arrays there are after a step."""
        if isinstance(product, models.Rates):
            self.compare_rate(step, product.rate)
            self.compare_rate(f"{step}_ints", product.rateints)
        elif isinstance(product, models.Ramp):
            self.compare_ramps(step, product)
        else:
            self.compare_image(step, product, self.official.state(step), CAL_TOLERANCE)

    def compare_ramps(self, step, ramp):
        """Compare a ramp with the official one after the same step; after jump with that after persistence, too."""
        if step != "persistence":
            self.compare_ramp(step, ramp, self.official.state(step), SET_AT_ANOTHER_PLACE.get(step, 0))
        if step == "jump":
            self.compare_ramp("persistence", ramp, self.official.state("persistence"))

    def compare_ramp(self, step, ramp, state, ignored=0):
        """Flags and values of a ramp."""
        if not state:
            return
        same = True
        if "groupdq" in state:  # guiders have none
            same = self.compare_flags(step, "GROUPDQ", ramp.groupdq, state["groupdq"], ignored)
        pixels = state["pixeldq"] if "pixeldq" in state else state["dq"]
        same = same & self.compare_flags(step, "PIXELDQ", ramp.pixeldq, pixels, ignored)
        self.same_groups = np.broadcast_to(same, ramp.data.shape)
        if step == "clean_flicker_noise":
            scatter = RAMP_TOLERANCE * self.floor
            share = share_within(ramp.data, state["data"], 0.0, self.same_groups, scatter)
            self.figures.append(Figure(self.case, step, "SCI", share, CLEANED_SHARE, "share", "within 1e-5"))
            return
        self.add(step, "SCI", relative_difference(ramp.data, state["data"], same, self.floor), RAMP_TOLERANCE)
        # Without ZEROFRAM = T the official package carries a ZEROFRAME along untouched.
        if ramp.zeroframe is not None and "zeroframe" in state and ramp.keyword("ZEROFRAM", False):
            self.add(
                step,
                "ZEROFRAME",
                relative_difference(ramp.zeroframe, state["zeroframe"], floor=self.floor),
                RAMP_TOLERANCE,
            )

    def compare_image(self, step, image, state, tolerance):
        """Flags and values of an image or of a cube of images, where the groups that made them had the same flags."""
        if not state:
            return
        same = self.compare_flags(step, "DQ", image.dq, state["dq"])
        if self.same_groups is not None:
            axes = 1 if same.ndim == 3 else (0, 1)
            same = same & self.same_groups.all(axis=axes)
        for name in IMAGE_ARRAYS:
            ours, theirs, note = getattr(image, name, None), state.get(name), ""
            if ours is None or theirs is None:
                continue
            if (step, name) in self.corrections:
                theirs, note = self.corrections[step, name](state), "(official value put right)"
            allowed = max(tolerance, POISSON_TOLERANCE) if name == "var_poisson" else tolerance
            self.add(step, name.upper(), relative_difference(ours, theirs, same), allowed, note)

    def compare_rate(self, step, image):
        """Count rates at the end of the chain: flags, and the share of values that agree."""
        state = self.official.state(step)
        if not state:
            return
        same = self.compare_flags(step, "DQ", image.dq, state["dq"])
        same = same & self.same_groups.all(axis=1 if same.ndim == 3 else (0, 1))
        for name in IMAGE_ARRAYS:
            ours, theirs = getattr(image, name, None), state.get(name)
            if ours is None or theirs is None:
                continue
            scatter = self.scatter.get(name, 0.0) / (2 * typical(theirs) if name == "err" else 1)
            share = share_within(ours, theirs, RATE_TOLERANCE, same, scatter)
            self.figures.append(Figure(self.case, step, name.upper(), share, RATE_SHARE, "share", "within 1e-4"))

    def compare_fit(self, ramp, plan):
        """Fit slopes to the official package's own ramps: all pixels, to the rounding of float32."""
        before = reversed(plan["steps"][: plan["steps"].index("ramp_fit")])
        names = ("persistence", "clean_flicker_noise", "picture_frame", "jump", *before)
        state = next(state for state in map(self.official.state, names) if "groupdq" in state)
        for name in ("data", "groupdq", "pixeldq", "zeroframe"):
            array = getattr(ramp, name, None)
            if array is not None and name in state:
                array[...] = state[name]
        rates, kept = run_step("ramp_fit", ramp, plan, {}), self.same_groups
        self.same_groups = None
        for suffix, image in (("", rates.rate), ("_ints", rates.rateints)):
            state = self.official.state(f"ramp_fit{suffix}")
            self.compare_image(f"fit alone{suffix}", image, state, FIT_TOLERANCE)
        self.same_groups = kept

    def compare_flags(self, step, name, ours, theirs, ignore=0):
        """Add the agreement of flags to the table; returns where they agree."""
        agreement, same = flag_agreement(ours, theirs, ignore)
        self.figures.append(
            Figure(self.case, step, name, agreement, FLAG_AGREEMENT, "flags", describe(ours, theirs, same))
        )
        return same

    def add(self, step, name, measured, allowed, note=""):
        """Add a relative difference to the table."""
        self.figures.append(Figure(self.case, step, name, measured, allowed, "values", note))


def explain_scatter(step, ramp, plan):
    """Scatter of rates and variances when a difference of two groups may be off by `step` DN, by array.

    The Poisson variance of a slope is (median rate) / (gain x time), so that it inherits the rate's scatter; that of
    the error is half the variance's over the error.
    """
    if not plan["references"].get("gain"):
        return {}
    time, groups = ramp.keyword("TGROUP"), ramp.data.shape[1]
    if ramp.keyword("INSTRUME") == "MIRI" and groups > 2:
        groups -= 2  # the last one, and one of the first
    gain = typical(Reference(plan["references"]["gain"]).image("SCI"))
    variance = step / time / (gain * time * max(groups - 1, 1))
    return {"data": step / time, "var_poisson": variance, "err": variance}


def describe(ours, theirs, same):
    """Which bits differ, and how often, for the table."""
    if same.all():
        return ""
    ours, theirs = ours[~same].astype(np.uint32), theirs[~same].astype(np.uint32)
    names = [
        f"{name} +{np.count_nonzero(ours & ~theirs & bit)} -{np.count_nonzero(theirs & ~ours & bit)}"
        for name, bit in dq.FLAGS.items()
        if np.any((ours ^ theirs) & np.uint32(bit))
    ]
    return f"[{len(ours)} differ: {', '.join(names)}]"


def compare_world(comparison, image):
    """Official sky positions against ours, in pixels, both ways."""
    from jwcal.wcs import from_tree

    x, y, ra, dec = comparison.official.state("assign_wcs")["world"]
    wcs = from_tree(image.wcs)
    ours, shifted = wcs.forward(x, y), wcs.forward(x + 1, y)
    error = separation(*ours, ra, dec) / separation(*ours, *shifted)
    comparison.add("assign_wcs", "WCS forward", float(error.max()), WCS_TOLERANCE, "pixel")
    back = wcs.inverse(ra, dec)
    error = np.hypot(back[0] - x, back[1] - y)
    comparison.add("assign_wcs", "WCS inverse", float(error.max()), WCS_TOLERANCE, "pixel")


def separation(ra, dec, other_ra, other_dec):
    """Angle between near sky positions, degrees."""
    return np.hypot((other_ra - ra) * np.cos(np.radians(dec)), other_dec - dec)


def compare_mosaic(comparison, mosaic, path):
    """A rectified image where it has weight."""
    theirs = products.read(path, models.Mosaic)
    assert mosaic.data.shape == theirs.data.shape, (
        f"{mosaic.data.shape} here, {theirs.data.shape} in the official product"
    )
    weighted = (mosaic.weight > 0) & (theirs.weight > 0)
    agreement = np.mean((mosaic.weight > 0) == (theirs.weight > 0))
    comparison.figures.append(Figure(comparison.case, "resample", "WHT > 0", agreement, FLAG_AGREEMENT, "flags"))
    for name in ("data", "err", "weight", "var_poisson", "var_rnoise", "var_flat"):
        ours, official = getattr(mosaic, name), getattr(theirs, name)
        if ours is not None and official is not None:
            # a variance is the square of an ERR
            allowed = 2 * I2D_TOLERANCE if name.startswith("var_") else I2D_TOLERANCE
            comparison.add("resample", name.upper(), relative_difference(ours, official, weighted), allowed)
    corners = [np.array(side) for side in zip(*((0, 0), (mosaic.data.shape[1] - 1, mosaic.data.shape[0] - 1)))]
    compare_frames(comparison, mosaic, theirs, *corners)


def compare_frames(comparison, ours, theirs, x, y):
    """Sky positions of the mosaic's corners."""
    from jwcal.wcs import from_tree

    ra, dec = from_tree(theirs.wcs).forward(x, y)
    back = from_tree(ours.wcs).inverse(ra, dec)
    comparison.add("resample", "WCS", float(np.max(np.hypot(back[0] - x, back[1] - y))), WCS_TOLERANCE, "pixel")
