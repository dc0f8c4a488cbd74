"""Data-quality flags of JWST products: names, bits, and the translation of reference files' own tables.

The table is that of the JWST data products (uint32 for pixels; the groups of a ramp use its lowest eight bits).
"""

import numpy as np

BITS = {
    "DO_NOT_USE": 0,
    "SATURATED": 1,
    "JUMP_DET": 2,
    "DROPOUT": 3,
    "OUTLIER": 4,
    "PERSISTENCE": 5,
    "AD_FLOOR": 6,
    "CHARGELOSS": 7,
    "NON_SCIENCE": 9,
    "DEAD": 10,
    "HOT": 11,
    "WARM": 12,
    "LOW_QE": 13,
    "RC": 14,
    "TELEGRAPH": 15,
    "NONLINEAR": 16,
    "BAD_REF_PIXEL": 17,
    "NO_FLAT_FIELD": 18,
    "NO_GAIN_VALUE": 19,
    "NO_LIN_CORR": 20,
    "NO_SAT_CHECK": 21,
    "UNRELIABLE_BIAS": 22,
    "UNRELIABLE_DARK": 23,
    "UNRELIABLE_SLOPE": 24,
    "UNRELIABLE_FLAT": 25,
    "OPEN": 26,
    "ADJ_OPEN": 27,
    "FLUX_ESTIMATED": 28,
    "MSA_FAILED_OPEN": 29,
    "OTHER_BAD_PIXEL": 30,
    "REFERENCE_PIXEL": 31,
}
FLAGS = {name: 1 << bit for name, bit in BITS.items()}
GOOD = 0
DO_NOT_USE = FLAGS["DO_NOT_USE"]
SATURATED = FLAGS["SATURATED"]
JUMP_DET = FLAGS["JUMP_DET"]
OUTLIER = FLAGS["OUTLIER"]
PERSISTENCE = FLAGS["PERSISTENCE"]
AD_FLOOR = FLAGS["AD_FLOOR"]
CHARGELOSS = FLAGS["CHARGELOSS"]
NON_SCIENCE = FLAGS["NON_SCIENCE"]
DEAD = FLAGS["DEAD"]
HOT = FLAGS["HOT"]
NO_FLAT_FIELD = FLAGS["NO_FLAT_FIELD"]
NO_GAIN_VALUE = FLAGS["NO_GAIN_VALUE"]
NO_LIN_CORR = FLAGS["NO_LIN_CORR"]
NO_SAT_CHECK = FLAGS["NO_SAT_CHECK"]
FLUX_ESTIMATED = FLAGS["FLUX_ESTIMATED"]
REFERENCE_PIXEL = FLAGS["REFERENCE_PIXEL"]


def translate(dq, definitions):
    """Map a reference file's flags to the standard ones, by name.

    Parameters
    ----------
    dq : ndarray of integers
        Flags in the reference file's own bits.
    definitions : record array or None
        Its DQ_DEF table with columns VALUE and NAME; None leaves the flags as they are.

    Returns
    -------
    ndarray of uint32
        The same flags in the bits of `FLAGS`. Names not in the standard are dropped.
    """
    dq = np.asarray(dq).astype(np.uint32)
    if definitions is None or not dq.any():
        return dq
    pairs = [
        (int(value), FLAGS[name])
        for value, name in ((row["VALUE"], str(row["NAME"]).strip()) for row in definitions)
        if name in FLAGS
    ]
    if all(own == standard for own, standard in pairs):
        known = np.uint32(sum({own for own, _ in pairs}))
        return dq & known
    flagged = np.flatnonzero(dq)  # few: most pixels are good
    values = dq.reshape(-1)[flagged]
    renamed = np.zeros_like(values)
    for own, standard in pairs:
        renamed[(values & np.uint32(own)) != 0] |= np.uint32(standard)
    result = np.zeros_like(dq)
    result.reshape(-1)[flagged] = renamed
    return result


def interpret(text):
    """Turn a flag expression such as ``~DO_NOT_USE+NON_SCIENCE`` into a mask of bad bits.

    Parameters
    ----------
    text : str or int or None
        Names joined by ``+`` (or ``,``); a leading ``~`` says that these are the bad flags and all others are good.
        Without ``~`` the named flags are good and all others are bad. None: no flag is bad.

    Returns
    -------
    int
        Bits that make a pixel bad.
    """
    if text is None:
        return 0
    everything = 0xFFFFFFFF
    text = str(text).strip()
    inverted = text.startswith("~")
    names = [name.strip() for name in text.lstrip("~").replace(",", "+").split("+") if name.strip()]
    bits = 0
    for name in names:
        bits |= int(name) if name.isdigit() else FLAGS[name.upper()]
    return bits if inverted else everything & ~bits
