"""Snakemake's lock of a run that was killed, taken away before the next run.

A run that ends by SIGKILL or loss of power leaves its lock behind, and Snakemake cannot tell it from that of a living
run. The kernel can: each run holds a shared lock on a file of ours until its process ends, however it ends. Who gets
that lock alone knows that no other run is alive in this folder.
"""

import fcntl
from pathlib import Path

_held = []  # open files: their locks last as long as the process


def release_stale_lock(marker=Path(".jwcal/run.lock"), locks=Path(".snakemake/locks")):
    """Remove Snakemake's lock files if no other run is alive in this folder, and count as a living run from now on.

    Parameters
    ----------
    marker : pathlib.Path
        File that living runs hold a shared lock on.
    locks : pathlib.Path
        Folder of Snakemake's lock files.

    Returns
    -------
    bool
        Whether a stale lock was removed. On file systems without locks, none is.
    """
    stale = False
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        file = open(marker, "a")
        _held.append(file)
        if _is_alone(file):
            for lock in locks.glob("*.lock"):
                lock.unlink(missing_ok=True)
                stale = True
        fcntl.flock(file, fcntl.LOCK_SH)
    except OSError:
        pass
    return stale


def _is_alone(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
