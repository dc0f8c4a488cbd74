"""What the summary says of exposures beside the state of their products."""

from dataclasses import replace

import truth
from astropy.io import fits

from jwcal.simulate import Scene, Setup


def test_why_an_exposure_is_in_no_mosaic(tmp_path):
    setup = Setup(subarray="SUB64P", readpatt="RAPID", ngroups=3)
    lost, kept = (made.uncal for made in truth.simulate(tmp_path, [setup, replace(setup, exposure=2)], [Scene()] * 2))
    with fits.open(lost, mode="update") as file:
        del file[0].header["TARGNAME"], file[0].header["TARGPROP"]
    remarks = truth.load_program(tmp_path).remarks()
    names = [path.name.removesuffix("_uncal.fits") for path in (lost, kept)]
    assert remarks == {names[0]: ["in no mosaic: neither TARGNAME nor TARGPROP in the header"]}
