"""Kernels: the arithmetic of calibration on plain arrays. They know numpy and numba and nothing else.

The policy for all of them, stated once: `pixel` compiles the scalar truth of one pixel, `image` the driver that runs it
over rows in parallel. Both are cached on disk (`jwcal.jobs` points the cache at a folder named by a digest of these
sources), compiled lazily for the one signature they are called with, and keep IEEE semantics (NaN is legal data here; 1/0
is inf, not an exception, which also keeps divisions free of branches).
"""

from numba import njit

pixel = njit(cache=True, error_model="numpy")
image = njit(cache=True, error_model="numpy", parallel=True)
