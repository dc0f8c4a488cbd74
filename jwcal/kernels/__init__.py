"""Kernels: the arithmetic of calibration on plain arrays. They know numpy and numba and nothing else.

The policy for all of them, stated once: `pixel` compiles the scalar truth of one pixel, `image` the driver that runs it
over rows in parallel. Both are cached on disk (`jwcal.jobs` points the cache at a folder named by a digest of these
sources), compiled lazily for the one signature they are called with, and keep IEEE semantics (NaN is legal data here;
1/0 is inf, not an exception, which also keeps divisions free of branches).

`leaf` is for pixel functions that are called millions of times and allocate nothing: they are always inlined, and
compiled without the counting of references to arrays, an atomic increment for each of them at each call (ramp_fit got
twice as fast). Call jitted functions with variables, not with literals: numba compiles them once more for each literal.
"""

from numba import njit

pixel = njit(cache=True, error_model="numpy")
leaf = njit(cache=True, error_model="numpy", _nrt=False, forceinline=True, no_cfunc_wrapper=True)
image = njit(cache=True, error_model="numpy", parallel=True)
