"""The conda environment file, made from pyproject.toml and requirements.lock.

``python -m jwcal.environment > envs/jwcal.yaml``
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "3.11"
CONDA_NAMES = {
    "snakemake": "snakemake-minimal",
    "stsci-stimage": "stsci.stimage",
}  # where they differ from those of PyPI


def render():
    """Text of envs/jwcal.yaml: the direct dependencies of pyproject.toml at the versions of requirements.lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.match(r"[\w-]+", requirement)[0] for requirement in project["dependencies"]]
    pins = _pins((ROOT / "requirements.lock").read_text())
    lines = [
        "# Made by `make lock` from pyproject.toml and requirements.lock.",
        "channels: [conda-forge, bioconda, nodefaults]",
        "dependencies:",
        f"  - python ={PYTHON}",
        *(f"  - {CONDA_NAMES.get(name, name)} =={pins[name]}" for name in names),
    ]
    return "\n".join(lines) + "\n"


def _pins(lock):
    """Versions by name for the one Python of the environment; the lock file serves several."""
    from packaging.requirements import Requirement

    requirements = [Requirement(line) for line in lock.splitlines() if "==" in line]
    here = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.7"}
    return {r.name: str(r.specifier)[2:] for r in requirements if r.marker is None or r.marker.evaluate(here)}


if __name__ == "__main__":
    print(render(), end="")
