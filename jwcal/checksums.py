"""Checksums of the workflow's files, each computed once.

Snakemake notes with each product the checksums of the files that it was made from, by which a file that was touched but
not changed makes nothing stale. It computes them anew for each output of each job, between two jobs: for an
association of four exposures, whose steps all read the same four files, that is a fifth of the whole time. And it does
so when a job has ended, before it starts the next; here they are computed while the job runs.
"""

import asyncio
import contextlib
import functools
import os
import threading
from collections import defaultdict


def remember_checksums(file_class):
    """Make Snakemake keep the checksums that it computes, as long as a file stays what it was.

    Parameters
    ----------
    file_class : type
        Snakemake's class of files; its coroutine ``checksum(threshold)`` is replaced. In a version of Snakemake that
        has none, nothing is done.
    """
    compute = getattr(file_class, "checksum", None)
    if compute is None or hasattr(compute, "known"):
        return
    known, locks = {}, defaultdict(threading.RLock)

    @functools.wraps(compute)
    async def checksum(self, threshold=None, **options):
        state = None if any(options.values()) or self.is_storage else _identify(self.file)
        if state is None:
            return await compute(self, threshold, **options)
        key = state, threshold
        with locks[key]:
            if key not in known:
                known[key] = await compute(self, threshold, **options)
        return known[key]

    checksum.known = known
    file_class.checksum = checksum


def foresee_checksums(files, threshold):
    """Make a function that computes checksums before Snakemake asks for them, in a thread: it asks between two jobs.

    Parameters
    ----------
    files : iterable of Snakemake's files
        Inputs of all jobs.
    threshold : int
        Largest size, bytes, of a file whose checksum is computed.

    Returns
    -------
    callable
        ``begin(paths)`` starts the thread for some of the files; others are passed over.
    """
    by_path = {str(file): file for file in files}

    def compute(paths):
        for path in paths:
            if path in by_path:
                with contextlib.suppress(OSError):
                    asyncio.run(by_path[path].checksum(threshold))

    def begin(paths):
        threading.Thread(target=compute, args=(list(paths),), daemon=True).start()

    return begin


def _identify(path):
    """What changes when a file does: device, inode, size, time of change; None where there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
