"""NIRSpec's exposures that are compared."""

from cases import Case

from jwcal.simulate import Setup


def nirspec(name, number, detector="NRS1", subarray="FULL", readpatt="NRSIRS2RAPID", ngroups=4, nints=1, **properties):
    """A case with NIRSpec; `number` keeps the file names apart."""
    case = {key: properties.pop(key) for key in ("settings", "faint", "bright") if key in properties}
    setup = Setup("NIRSPEC", detector, "F170LP", "G235M", subarray, readpatt, ngroups, nints, program=3,
                  observation=number, **properties)  # fmt: skip
    return Case(f"NIRSpec {name}", setup, rectified=False, **({"faint": 22.0, "bright": 15.0} | case))


# Without coupling: samples that equal the ramp's mean to the last bit are left out of the official fit of drifts.
# Stars are bright: where the median rate is next to nothing the Poisson variance shows the rounding of differences.
CASES = [
    nirspec("IRS2 full", 1, settings={"ipc": {"skip": True}}),
    nirspec("IRS2 full x2", 2, "NRS2", ngroups=3, nints=2,
            settings={"ipc": {"skip": True}, "refpix": {"irs2_mean_subtraction": True}}),
    nirspec("full", 3, readpatt="NRSRAPID",
            settings={"refpix": {"refpix_algorithm": "sirs", "sigreject": 3.0, "halfwidth": 20},
                      "picture_frame": {"skip": False}}),
    nirspec("SUB512 x2", 4, "NRS2", "SUB512", "NRSRAPID", 8, 2),
    nirspec("SUB2048 time series", 5, subarray="SUB2048", readpatt="NRSRAPID", ngroups=6, nints=3,
            exp_type="NRS_BRIGHTOBJ", tso=True,
            settings={"ipc": {"skip": True}, "clean_flicker_noise": {"skip": False, "mask_science_regions": True}}),
]  # fmt: skip
