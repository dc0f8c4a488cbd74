"""Checksums of the workflow's files, each computed once.

Snakemake notes with each product the checksums of the files that it was made from, by which a file that was touched but
not changed makes nothing stale. It computes them anew for each output of each job, between two jobs: for an
association of four exposures, whose steps all read the same four files, that is a fifth of the whole time.
"""

import functools
import os


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
    known = {}

    @functools.wraps(compute)
    async def checksum(self, threshold=None, **options):
        state = None if any(options.values()) or self.is_storage else _identify(self.file)
        if state is None:
            return await compute(self, threshold, **options)
        if (state, threshold) not in known:
            known[state, threshold] = await compute(self, threshold, **options)
        return known[state, threshold]

    checksum.known = known
    file_class.checksum = checksum


def _identify(path):
    """What changes when a file does: device, inode, size, time of change; None where there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
