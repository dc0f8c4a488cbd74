"""MIRI's exposures that are compared."""

from cases import Case

from jwcal.simulate import Setup


def miri(name, number, subarray="SUB64", readpatt="FASTR1", ngroups=10, nints=1, filter="F770W", **properties):
    """A case with MIRI's imager; `number` keeps the file names apart."""
    case = {key: properties.pop(key) for key in ("settings", "faint", "bright", "rectified") if key in properties}
    setup = Setup("MIRI", "MIRIMAGE", filter, "N/A", subarray, readpatt, ngroups, nints, program=2, observation=number,
                  **properties)  # fmt: skip
    return Case(f"MIRI {name}", setup, **({"faint": 18.0, "bright": 10.0, "rectified": False} | case))


CASES = [
    miri("SUB64 x3", 1, nints=3, rectified=True),
    miri("SUB64 1 group", 2, ngroups=1),
    miri("SUB64 2 groups x2", 3, ngroups=2, nints=2),
    miri("SUB64 3 groups", 4, ngroups=3),
    miri("SUB64 5 groups x2", 5, ngroups=5, nints=2, bright=6),
]
