"""Digests of code: edits of code count, wherever they are reached; edits of words do not."""

import os
import subprocess
import sys

import pytest

from jwcal import digests
from jwcal.digests import ROOT, code_digest, kernel_digest, reach
from jwcal.errors import JwcalError

TREE = {
    "scripts/rule.py": '"""A script."""\nfrom jwcal.runner import run\n\nrun()\n',
    "jwcal/__init__.py": "",
    "jwcal/runner.py": "def run():\n    import jwcal.late as late\n    return late.answer()\n",
    "jwcal/late.py": "from . import near\n\n\ndef answer():\n    return near.number\n",
    "jwcal/near.py": "number = 1\n",
    "jwcal/steps/__init__.py": "",
    "jwcal/steps/jump.py": "from jwcal.kernels import pixel\nfrom jwcal.kernels.jumps import find\n\njump = find\n",
    "jwcal/kernels/__init__.py": "pixel = 1\n",
    "jwcal/kernels/jumps.py": "from ..near import number\n\n\ndef find():\n    return number\n",
    "jwcal/other.py": "x = 1\n",
}


@pytest.fixture
def tree(tmp_path):
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def digest(tree):
    return code_digest(tree / "scripts/rule.py", "jwcal.steps.jump", root=tree)


def edit(tree, name, old, new):
    path = tree / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1000))


def test_reaches_imports_in_functions_and_relative_ones(tree):
    reached = {path.relative_to(tree).as_posix() for path in reach(tree / "scripts/rule.py", root=tree)}
    assert reached == {"scripts/rule.py", "jwcal/__init__.py", "jwcal/runner.py", "jwcal/late.py", "jwcal/near.py"}
    reached = {path.relative_to(tree).as_posix() for path in reach("jwcal.steps.jump", root=tree)}
    kernels = {"jwcal/kernels/__init__.py", "jwcal/kernels/jumps.py", "jwcal/near.py"}
    assert reached == {"jwcal/__init__.py", "jwcal/steps/__init__.py", "jwcal/steps/jump.py"} | kernels


@pytest.mark.parametrize("name", sorted(set(TREE) - {"jwcal/other.py"}))
def test_an_edit_of_code_in_any_reached_module_counts(tree, name):
    before = digest(tree)
    (tree / name).write_text((tree / name).read_text() + "\nadded = 2\n")
    assert digest(tree) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("scripts/rule.py", "A script.", "The same script."),
        ("jwcal/near.py", "number = 1\n", "number  =  1  # a comment\n"),
        ("jwcal/late.py", "    return", '    """Now documented."""\n\n    return'),
        ("jwcal/near.py", "number = 1\n", 'number = 1\n"""What the number means."""\n'),
        ("jwcal/other.py", "x = 1", "x = 2"),
    ],
)
def test_an_edit_of_words_or_of_unreached_code_does_not_count(tree, name, old, new):
    before = digest(tree)
    edit(tree, name, old, new)
    assert digest(tree) == before


def test_a_documented_empty_function_equals_pass_and_a_string_value_counts(tree):
    edit(tree, "jwcal/near.py", "number = 1\n", "number = 1\n\n\ndef nothing():\n    pass\n")
    before = digest(tree)
    edit(tree, "jwcal/near.py", "    pass\n", '    """Only words."""\n')
    assert digest(tree) == before
    edit(tree, "jwcal/near.py", "number = 1\n", 'number = "1"\n')
    assert digest(tree) != before


def test_the_place_of_the_tree_does_not_count(tree, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for name in TREE:
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text((tree / name).read_text())
    assert digest(other) == digest(tree)


def test_disk_cache_changes_nothing(tree, tmp_path, monkeypatch):
    cache = tmp_path / "code.json"
    fresh = digest(tree)
    for _ in range(2):
        monkeypatch.setattr(digests, "_summaries", {})
        monkeypatch.setattr(digests, "_loaded", set())
        assert code_digest(tree / "scripts/rule.py", "jwcal.steps.jump", root=tree, cache=cache) == fresh
    edit(tree, "jwcal/near.py", "number = 1", "number = 2")
    changed = code_digest(tree / "scripts/rule.py", "jwcal.steps.jump", root=tree, cache=cache)
    assert changed != fresh
    monkeypatch.setattr(digests, "_summaries", {})
    monkeypatch.setattr(digests, "_loaded", set())
    monkeypatch.setattr(digests.ast, "parse", None)  # everything comes from the cache now
    assert code_digest(tree / "scripts/rule.py", "jwcal.steps.jump", root=tree, cache=cache) == changed


def test_a_syntax_error_is_one_line(tree):
    (tree / "jwcal/near.py").write_text("number = = 1\n")
    with pytest.raises(JwcalError, match=r"near\.py: line 1: invalid syntax"):
        digest(tree)


def test_the_same_in_every_process():
    code = "from jwcal.digests import *; print(code_digest('jwcal.exposures'), kernel_digest())"
    command = [sys.executable, "-c", code]
    outputs = {
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for seed in "123"
    }
    assert outputs == {f"{code_digest('jwcal.exposures')} {kernel_digest()}\n"}


def test_kernel_digest_depends_on_compiler_and_processor(monkeypatch):
    usual = kernel_digest()
    monkeypatch.setattr(digests, "processor", lambda: "another")
    assert kernel_digest() != usual
    monkeypatch.undo()
    monkeypatch.setattr(digests, "_version", lambda name: "9.9")
    assert kernel_digest() != usual
