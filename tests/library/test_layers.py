"""Who may import whom: the layers of the library, read from its syntax trees."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "jwcal").rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
# Run while Snakemake parses the workflow, in every call and in every cluster job.
PARSED = set(
    """exposures fitsheaders caches chains settings selection associations.members associations.files
    associations.rules associations.facts associations.pools associations.catalog_lists memory.budget checksums digests
    image3 messages needed_references own_files peeks report_inputs successions summary targets wildcards workflow
    errors jobs locks ranges zygote""".split()
)


def imports(path, everywhere=True):
    """Dotted names that a file imports, anywhere or at module level only."""
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def outside(names):
    """Packages that are neither of the standard library nor jwcal."""
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"jwcal"}


def named(names, *modules):
    """Names that are one of the modules or lie in them."""
    return {name for name in names for module in modules if name == module or name.startswith(module + ".")}


def ids(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sorted((ROOT / "jwcal" / "kernels").glob("*.py")), ids=ids)
def test_kernels_know_numpy_and_numba_only(path):
    names = imports(path)
    assert outside(names) <= {"numpy", "numba"}
    assert not named(names, "jwcal") - named(names, "jwcal.kernels") - {"jwcal"}


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent.name in ("wcs", "steps", "simulate")], ids=ids)
def test_the_library_does_not_know_the_workflow(path):
    names = imports(path)
    assert not named(names, "scripts", "snakemake", "jwcal.workflow", "jwcal.jobs", "jwcal.runner", "jwcal.chains")
    assert not named(names, "jwcal.settings", "jwcal.selection", "jwcal.summary")


@pytest.mark.parametrize("name", sorted(PARSED))
def test_what_the_workflow_parses_imports_nothing_heavy(name):
    path = ROOT / "jwcal" / f"{name.replace('.', '/')}.py"
    names = imports(path, everywhere=False)
    assert outside(names) <= {"yaml"}  # no numpy, astropy, crds, jsonschema, ...
    assert all(any(named([n], f"jwcal.{module}") for module in PARSED) for n in named(names, "jwcal") - {"jwcal"})


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=ids)
def test_only_the_common_runner_touches_snakemake_and_nothing_the_official_package(path):
    names = imports(path)
    assert not named(names, "jwst", "stcal", "stpipe")
    if ids(path) not in ("jwcal/jobs.py", "jwcal/summary.py"):
        assert not named(names, "snakemake")


@pytest.mark.parametrize("path", SCRIPTS, ids=ids)
def test_scripts_import_only_the_library(path):
    assert outside(imports(path)) <= {"numpy", "yaml"}


def test_tests_outside_parity_do_not_know_the_official_package():
    for path in (ROOT / "tests").rglob("*.py"):
        if "parity" not in path.parts:
            assert not named(imports(path), "jwst", "stcal", "stpipe"), path
