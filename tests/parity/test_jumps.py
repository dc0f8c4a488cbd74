"""jump alone against the official step: showers, their recall, and integrations compared with each other."""

import numpy as np
import pytest
from comparison import Figure
from naive_detector import make_ramp, write_reference

from jwcal import dq, products
from jwcal.references import Reference
from jwcal.steps.jump import jump

SIZE, TGROUP, GAIN, NOISE, RATE = 128, 2.775, 3.1, 6.0, 2.0  # pixels, s, e-/DN, DN, DN/s
KEYWORDS = {"INSTRUME": "MIRI", "DETECTOR": "MIRIMAGE", "EXP_TYPE": "MIR_IMAGE", "FASTAXIS": 1, "SLOWAXIS": 2,
            "TGROUP": TGROUP, "TFRAME": TGROUP, "TELESCOP": "JWST", "SUBARRAY": "SUB256", "FILTER": "F770W",
            "READPATT": "FASTR1", "DATE-OBS": "2023-02-25", "TIME-OBS": "00:00:00"}  # fmt: skip
LARGEST = 6 / GAIN  # DN/s; what acts there, whatever max_shower_amplitude says
CASES = {
    "showers": ((2, 24), {"find_showers": True}),
    "showers over time": ((12, 8), {"find_showers": True, "minimum_sigclip_groups": 10}),
    "integrations clipped": ((12, 6), {"minimum_sigclip_groups": 10}),
    "all clipped": ((6, 6), {"minimum_sigclip_groups": 10, "only_use_ints": False}),
}


def expose(n_integrations, n_groups, seed=3):
    """Ramps with rays and showers, and where these light up by more than two electrons a pixel."""
    rng = np.random.default_rng(seed)
    shape = (n_integrations, n_groups, SIZE, SIZE)
    steps = rng.poisson(RATE * GAIN * TGROUP, shape).astype(float)
    steps[rng.random(shape) < 3e-4] += 3000.0
    y, x = np.mgrid[:SIZE, :SIZE]
    showers = np.zeros(shape)
    for i in range(n_integrations):
        for g in range(3, n_groups - 2, 7):
            (cy, cx), radius = rng.uniform(25, SIZE - 25, 2), rng.uniform(8, 15)
            showers[i, g] = rng.uniform(40, 120) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / radius**2)
    steps += rng.poisson(showers)
    data = np.cumsum(steps, axis=1) / GAIN + rng.normal(1000.0, NOISE / np.sqrt(2), shape)
    return make_ramp(data, **KEYWORDS, NGROUPS=n_groups, NINTS=n_integrations), showers > NOISE * GAIN


@pytest.mark.parametrize("case", CASES)
def test_same_flags(case, laboratory, figures, scratch):
    shape, settings = CASES[case]
    ramp, showers = expose(*shape)
    products.write(scratch / "x_ramp.fits", ramp)
    cards = {"TELESCOP": "JWST", "INSTRUME": "MIRI", "DETECTOR": "MIRIMAGE", "SUBSIZE1": SIZE, "SUBSIZE2": SIZE}
    for name, value in (("gain", GAIN), ("readnoise", NOISE)):
        image = np.full((SIZE, SIZE), value)
        write_reference(scratch / f"{name}.fits", name, keywords=cards | {"REFTYPE": name.upper()}, SCI=image)
    given = {f"override_{name}": str(scratch / f"{name}.fits") for name in ("gain", "readnoise")}
    official = laboratory.oracle.run("jump", scratch / "x_ramp.fits", scratch / "official", {"jump": settings | given})
    theirs = products.read_ramp(official.product("cal")).groupdq
    references = [Reference(scratch / f"{name}.fits", name) for name in ("gain", "readnoise")]
    ours = jump(
        products.read_ramp(scratch / "x_ramp.fits"), *references, **settings, max_shower_amplitude=LARGEST
    ).groupdq
    share = float((ours == theirs).mean())
    figures.append(Figure(f"jump {case}", "jump", "GROUPDQ", share, 0.9999, "share", "equal"))
    assert figures[-1].passed
    if "find_showers" in settings:
        recall, reference = (float(((flags & dq.JUMP_DET) != 0)[showers].mean()) for flags in (ours, theirs))
        figures.append(Figure(f"jump {case}", "jump", "recall", recall, reference - 1e-3, "share", "as the official"))
        assert figures[-1].passed and recall > 0.3
