"""Checksums that Snakemake asks for again are not computed again, unless the file is another."""

import asyncio
import os

from jwcal.checksums import remember_checksums


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
