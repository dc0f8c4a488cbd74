"""The forward model: raw exposures whose truth is known, and the CRDS cache that calibrates them.

The sky (stars, Sersic galaxies, background) goes through the telescope's diffraction and the SIAF's distortion to
electrons; then each effect that stage 1 removes is added by one function, ``add_<effect>`` in `jwcal.simulate.effects`,
and can be switched off. Reference files are written from the same maps, so calibration gives back what was put in.

    from jwcal.simulate import Setup, Observatory, Scene, simulate_exposure, write_reference_cache, write_context

    setup = Setup(detector="NRCB1", filter="F200W", subarray="SUB160", readpatt="BRIGHT1", ngroups=10, nints=2)
    result = simulate_exposure(setup, Scene(), "raw", truth_dir="truth", seed=1)   # result.uncal, result.truth
    write_reference_cache("crds_cache", [setup])                                   # context jwst_0001.pmap
    write_context("crds_cache", "jwst_0002.pmap", "NIRCAM", "FLAT", scale=1.01)    # the same but for one flat
    simulate_program(yaml.safe_load(text), "raw", "crds_cache")                    # a program, as config/demo.yaml

`Setup` says what an observer asks for (instrument, detector, filter, subarray, read pattern, groups, pointing);
`Observatory` what exposures and references share (seed of the detectors, number of defects: ``Observatory(defects=0)``
is a perfect array). ``switches`` of `simulate_exposure` is a set of names out of `EFFECTS` (default `DEFAULT_EFFECTS`:
all but "coupling", which needs ``write_reference_cache(..., coupling=True)``). ``write_reference_cache(...,
full_frame=True)`` writes 2048 x 2048 references that are cut to subarrays; by default they cover the subarrays that
occur, which keeps caches small, and ``types=(...)`` writes some types only. Dark exposures (EXP_TYPE) see no light,
grisms spread a source's light evenly, NIRISS's SOSS draws three curved traces, and the guiders' functions write the
archive's own layouts. `read_plan` takes the set-up from a raw file: a cache can be made for real data too.
The truth file holds RATE (DN/s), STARS and GALAXIES (pixel positions, flux densities in Jy), COSMIC_RAYS (deposits).
"""

from jwcal.simulate.crds_cache import write_context, write_reference_cache
from jwcal.simulate.exposure import Observatory, simulate_exposure
from jwcal.simulate.plans import Setup, plan_exposure, read_plan
from jwcal.simulate.program import simulate_program
from jwcal.simulate.readout import DEFAULT_EFFECTS, EFFECTS
from jwcal.simulate.scene import GALAXY, STAR, Scene

__all__ = [
    "DEFAULT_EFFECTS",
    "EFFECTS",
    "GALAXY",
    "STAR",
    "Observatory",
    "Scene",
    "Setup",
    "plan_exposure",
    "read_plan",
    "simulate_exposure",
    "simulate_program",
    "write_context",
    "write_reference_cache",
]
