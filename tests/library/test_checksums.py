"""Checksums that Snakemake asks for again are not computed again, unless the file is another."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from jwcal.checksums import foresee_checksums, remember_checksums


def make_class():
    """What Snakemake's class of files has of this; it notes what it was asked."""

    class File:
        is_storage = False

        def __init__(self, path):
            self.file, self.asked = str(path), []

        async def checksum(self, threshold=None, force=False, algorithm=None):
            self.asked.append((threshold, force, algorithm))
            return open(self.file).read() if os.path.exists(self.file) else None

    return File


def ask(file, *args, **kwargs):
    return asyncio.run(file.checksum(*args, **kwargs))


def test_a_file_is_read_once_until_it_changes(tmp_path):
    kind, path = make_class(), tmp_path / "a"
    remember_checksums(kind)
    remember_checksums(kind)  # the workflow may be parsed twice
    path.write_text("old")
    file = kind(path)
    assert [ask(file, 10), ask(file, 10), ask(kind(path), 10)] == ["old"] * 3
    assert file.asked == [(10, False, None)]
    other = tmp_path / "b"
    other.write_text("new")
    os.replace(other, path)
    assert ask(file, 10) == "new" and len(file.asked) == 2
    os.utime(path, ns=(1, 1))
    assert ask(file, 10) == "new" and len(file.asked) == 3


def test_what_is_asked_in_another_way_is_left_to_snakemake(tmp_path):
    kind, path = make_class(), tmp_path / "a"
    remember_checksums(kind)
    path.write_text("x")
    file = kind(path)
    for _ in range(2):
        ask(file, 10, force=True)
        ask(file, 10, algorithm="md5")
    assert len(file.asked) == 4
    ask(file, 5), ask(file, 10)  # another limit may mean no checksum
    assert len(file.asked) == 6


def test_absent_files_and_other_versions_of_snakemake(tmp_path):
    kind, path = make_class(), tmp_path / "a"
    remember_checksums(kind)
    assert ask(kind(path), 10) is None
    path.write_text("made")
    assert ask(kind(path), 10) == "made"
    remember_checksums(object)


def test_checksums_are_computed_ahead_and_not_again(tmp_path):
    kind, path, other = make_class(), tmp_path / "a", tmp_path / "b"
    kind.__str__ = lambda self: self.file
    remember_checksums(kind)
    path.write_text("x"), other.write_text("y")
    files = [kind(path), kind(other), kind(tmp_path / "absent")]
    begin = foresee_checksums(files, 10)
    before = set(threading.enumerate())
    begin([str(path), str(tmp_path / "absent"), "unknown"])
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert files[0].asked == [(10, False, None)] and not files[1].asked
    again = kind(path)
    assert ask(again, 10) == "x" and not again.asked


def test_who_asks_meanwhile_waits(tmp_path):
    kind, path = make_class(), tmp_path / "a"
    path.write_text("x")
    count, gate = [], threading.Event()

    async def checksum(self, threshold=None, force=False, algorithm=None):
        count.append(1)
        gate.wait(60)
        return "sum"

    kind.checksum, kind.__str__ = checksum, lambda self: self.file
    remember_checksums(kind)
    file = kind(path)
    foresee_checksums([file], 10)([str(path)])
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(ask, file, 10) for _ in range(2)]
        gate.set()
        assert [answer.result() for answer in answers] == ["sum"] * 2 and count == [1]
