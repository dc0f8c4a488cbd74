"""Digests of code: what a product depends on besides files and settings.

Snakemake watches a script, not the library behind it. A digest of the script's syntax tree and of those of the modules
that it reaches is a parameter of each rule: an edit of code makes exactly the right products anew, an edit of comments,
docstrings or layout none.
"""

import ast
import hashlib
import os
import platform
import sys
from pathlib import Path

from jwcal.caches import load_cache, save_cache
from jwcal.errors import JwcalError

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "jwcal"


def code_digest(*sources, root=ROOT, cache=None):
    """Digest of scripts or modules and of all modules of the package that they import, directly or not.

    Parameters
    ----------
    *sources : str or pathlib.Path
        Paths of Python files, or names of modules (``jwcal.steps.jump``).
    root : pathlib.Path
        Folder that holds the package.
    cache : str or pathlib.Path, optional
        JSON file that keeps what was found in each source, by path, size and mtime_ns (parsing takes time).

    Returns
    -------
    str
        32 hexadecimal digits. Imports inside functions count; imports by name at run time do not: list those modules.
    """
    root = Path(root)
    known = _load_summaries(cache)
    parts = [_summarise(path, root)[2] for path in sorted(reach(*sources, root=root))]
    _save_summaries(cache, known)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def reach(*sources, root=ROOT):
    """Files of the package that sources import, directly or not, and the sources themselves.

    Parameters
    ----------
    *sources, root
        As for `code_digest`.

    Returns
    -------
    set of pathlib.Path
    """
    root = Path(root)
    modules = _list_modules(root)
    files = [path for source in sources for path in _locate(source, modules)]
    reached = set()
    while files:
        path = files.pop()
        if path not in reached:
            reached.add(path)
            files += [file for module in _summarise(path, root)[3] for file in _locate(module, modules)]
    return reached


def kernel_digest(cache=None):
    """Digest of kernels, compiler and processor: names the folder of compiled code. `cache` as for `code_digest`."""
    known = _load_summaries(cache)
    parts = [_summarise(path, ROOT)[2] for path in sorted((ROOT / PACKAGE / "kernels").rglob("*.py"))]
    parts += [f"{name} {_version(name)}" for name in ("numba", "llvmlite", "numpy")]
    _save_summaries(cache, known)
    return hashlib.sha256("\n".join([*parts, processor()]).encode()).hexdigest()[:16]


def _load_summaries(cache):
    """Take what was found in each source from the JSON cache, once; return what was known before."""
    if cache and str(cache) not in _loaded:
        _loaded.add(str(cache))
        _summaries.update(load_cache(cache, FORMAT) | _summaries)
    return dict(_summaries)


def _save_summaries(cache, known):
    if cache and _summaries != known:
        save_cache(cache, FORMAT, _summaries)


def processor():
    """Name and features of the processor, for which kernels are compiled."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features", "CPU part")
    first = {line.partition(":")[0].strip(): line for line in reversed(lines)}
    return platform.machine() + "".join(first.get(name, "") for name in wanted)


def _version(package):
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _list_modules(root):
    """Files of the package by dotted name; a package's is its ``__init__``."""
    modules = {}
    for folder, _, names in os.walk(root / PACKAGE):
        package = os.path.relpath(folder, root).replace(os.sep, ".")
        for name in names:
            if name.endswith(".py"):
                dotted = package if name == "__init__.py" else f"{package}.{name[:-3]}"
                modules[dotted] = Path(folder, name)
    return modules


def _locate(source, modules):
    """Files that make a module (its packages' ``__init__`` too), or the file of a path; none outside the package."""
    if isinstance(source, Path) or source.endswith(".py"):
        return [Path(source)]
    names = source.split(".")
    dotted = (".".join(names[:depth]) for depth in range(1, len(names) + 1))
    return [modules[name] for name in dotted if name in modules]


# Path to [size, mtime_ns, digest, imported names]; the syntax trees of two versions of Python differ.
_summaries, _loaded = {}, set()
FORMAT = ["code", 1, *sys.version_info[:2]]


def _summarise(path, root):
    """Size, time of change, digest of the syntax tree, and names of the package that a file imports."""
    status = path.stat()
    size, changed = status.st_size, status.st_mtime_ns
    known = _summaries.get(str(path))
    if known is None or known[:2] != [size, changed]:
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except SyntaxError as error:
            raise JwcalError(f"line {error.lineno}: {error.msg}; repair the code", path) from error
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        text = name + ast.dump(_strip(tree))
        known = [size, changed, hashlib.sha256(text.encode()).hexdigest(), _imports(tree, path, root)]
        _summaries[str(path)] = known
    return known


def _strip(tree):
    """Remove the docstrings of a syntax tree: all statements that are nothing but a string."""
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            kept = [statement for statement in node.body if not _is_string(statement)]
            node.body = kept or [ast.Pass()]
    return tree


def _is_string(statement):
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _imports(tree, path, root):
    """Dotted names that may be modules of the package: of ``from a import b`` both ``a`` and ``a.b``."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, path, root)
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return sorted(name for name in names if name.split(".")[0] == PACKAGE)


def _absolute(node, path, root):
    """Absolute name of the module in ``from module import ...``."""
    if node.level == 0:
        return node.module
    parents = path.relative_to(root).parts[: -node.level]
    return ".".join([*parents, *([node.module] if node.module else [])])
