"""Kernels: the arithmetic of calibration on plain arrays. They know numpy and numba and nothing else.

The policy for all of them, stated once: `pixel` compiles the scalar truth of one pixel, `image` the driver that runs it
over rows in parallel. Both are cached on disk (`jwcal.jobs` points the cache at a folder named by a digest of these
sources), compiled lazily for the one signature they are called with, and keep IEEE semantics (NaN is legal data here;
1/0 is inf, not an exception, which also keeps divisions free of branches).

`leaf` is for pixel functions that are called millions of times and allocate nothing: they are always inlined, and
compiled without the counting of references to arrays, an atomic increment for each of them at each call (ramp_fit got
twice as fast). Call jitted functions with variables, not with literals: numba compiles them once more for each literal.

Simple arithmetic on images that a job does once is plain numpy in stripes of rows (`stripes`, `flat`, `flux_scale`).
"""

_POLICY = {
    "pixel": {"cache": True, "error_model": "numpy"},
    "leaf": {"cache": True, "error_model": "numpy", "_nrt": False, "forceinline": True, "no_cfunc_wrapper": True},
    "image": {"cache": True, "error_model": "numpy", "parallel": True},
}


load_lightly = False  # set by jobs, whose process runs nothing but our kernels


def __getattr__(name):
    # Numba is imported only where a compiled kernel is: its import costs more than some jobs' arithmetic.
    if name in _POLICY:
        from numba import njit

        if load_lightly:
            _leave_out_blas()
            _leave_out_compiler()
        globals()[name] = njit(**_POLICY[name])
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _leave_out_blas():
    """Spare numba the import of scipy.linalg, 0.2 s: it only asks whether BLAS could multiply matrices."""
    from numba.np import linalg

    def refuse():
        raise ImportError("no kernel multiplies matrices")

    linalg.ensure_blas = refuse


def _leave_out_compiler():
    """Spare numba, for kernels that it finds in its cache, the import of all that it could compile: 0.13 s.

    Whatever it does not find it compiles as ever: compiling begins with these imports.
    """
    from numba.core import caching
    from numba.core.runtime import rtsys

    def load(self, signature, context):
        rtsys.initialize(context)  # of the imports, all that a compiled kernel needs
        with self._guard_against_spurious_io_errors():
            return self._load_overload(signature, context)

    if hasattr(caching.Cache, "_load_overload") and hasattr(caching.Cache, "_guard_against_spurious_io_errors"):
        caching.Cache.load_overload = load
