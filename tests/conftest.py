"""Shared by all tests: one kernel cache a session, real data where the user has them."""

import os
from pathlib import Path

import pytest


def pytest_configure(config):
    """Point numba at a cache that all workers share, before it is imported; two threads, as on the smallest machine."""
    try:
        from jwcal.jobs import kernel_cache
    except ImportError:
        return

    os.environ.setdefault("NUMBA_CACHE_DIR", str(kernel_cache()))
    os.environ.setdefault("NUMBA_NUM_THREADS", "2")


@pytest.fixture(scope="session")
def real_data():
    """Folder of real JWST exposures and reference files (JWCAL_REAL_DATA)."""
    path = os.environ.get("JWCAL_REAL_DATA")
    if not path or not Path(path).is_dir():
        pytest.skip("real data are not at hand: set JWCAL_REAL_DATA to their folder")
    return Path(path)
