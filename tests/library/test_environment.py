"""The conda environment and the lock files are those of pyproject.toml."""

import re
import tomllib

from jwcal import environment


def test_conda_environment_is_up_to_date():
    assert (environment.ROOT / "envs/jwcal.yaml").read_text() == environment.render(), "run `make lock`"


def test_every_dependency_is_locked():
    project = tomllib.loads((environment.ROOT / "pyproject.toml").read_text())["project"]
    locked = {line.split("==")[0] for line in (environment.ROOT / "requirements.lock").read_text().splitlines()}
    assert {re.match(r"[\w-]+", r)[0] for r in project["dependencies"]} <= locked
