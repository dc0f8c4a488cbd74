"""The laboratory of the comparison: simulated exposures, one CRDS cache, one official process, one table of figures."""

import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

from comparison import format_table  # noqa: E402
from oracle import Oracle, find_python  # noqa: E402

CONTEXT = "jwst_0001.pmap"
REAL = {
    "niriss": "jw00793001001_01101_00001_nis_uncal.fits",
    "guider": "jw01019001001_gs-acq1_2022117003102_uncal.fits",
}
FIGURES = []


def pytest_collection_modifyitems(items):
    """Everything here compares with the official package."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.parity)


def pytest_terminal_summary(terminalreporter):
    """Print the table of all figures and keep it."""
    if not FIGURES:
        return
    table = format_table(FIGURES)
    terminalreporter.section("agreement with the official package")
    terminalreporter.write_line(table)
    (ROOT / ".parity").mkdir(exist_ok=True)
    (ROOT / ".parity" / "figures.txt").write_text(table + "\n")


class Laboratory:
    """A working folder with raw exposures and a CRDS cache, the official process, and jwcal's program over it all."""

    def __init__(self, folder, cases, real_data):
        self.folder, self.cases, self.real_data = folder, cases, real_data
        self.raw, self.crds = folder / "raw", folder / "crds"
        self.names, self.simulated, self._program, self._oracle = {}, {}, None, None
        self.raw.mkdir()
        self._simulate()

    def _simulate(self):
        """Write reference files and raw exposures of all cases that were asked for."""
        from cases import make_scene

        from jwcal.simulate import plan_exposure, read_plan, simulate_exposure, write_reference_cache

        plans = {case.name: plan_exposure(case.setup) for case in self.cases}
        for kind, name in REAL.items():
            if self.real_data:
                shutil.copy(self.real_data / "exposures" / name, self.raw / name)
                self.names[kind] = name.removesuffix("_uncal.fits")
                plans[kind] = read_plan(self.raw / name)
        options = {"coupling": True, "inverse_linearity": True}
        write_reference_cache(self.crds, plans.values(), context=CONTEXT, **options)
        for case in self.cases:
            plan = plans[case.name]
            scene = make_scene(case, plan.aperture, plan.pointing.distortion.pixel_area(0, 0) ** 0.5)
            simulated = simulate_exposure(plan, scene, self.raw, truth_dir=self.folder / "truth")
            self.simulated[case.name] = simulated
            self.names[case.name] = simulated.uncal.name.removesuffix("_uncal.fits")
            if case.damage:
                case.damage(simulated.uncal, self.crds, plan)

    @property
    def oracle(self):
        """The official package's process, started when first needed."""
        if self._oracle is None:
            self._oracle = Oracle(self.crds, CONTEXT, self.folder / "official.log")
        return self._oracle

    @property
    def program(self):
        """jwcal's plans for all exposures, with the official code's settings and each case's own."""
        if self._program is None:
            self._program = self._load_program()
        return self._program

    def _load_program(self):
        from cases import NO_DARK_NOISE
        from snakemake.utils import update_config

        from jwcal.settings import load_yaml
        from jwcal.workflow import Program

        config = load_yaml(ROOT / "config" / "config.yaml")
        update_config(config, load_yaml(ROOT / "config" / "official.yaml"))
        overrides = [{"when": {"name": self.names[case.name]}, **case.settings} for case in self.cases if case.settings]
        update_config(config, {"steps": NO_DARK_NOISE})
        update_config(config, {"raw": str(self.raw), "crds": {"path": str(self.crds), "context": CONTEXT}})
        config["overrides"] = overrides
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            return Program(config)

    def uncal(self, case_name):
        """Raw file of a case."""
        return self.raw / f"{self.names[case_name]}_uncal.fits"

    def close(self):
        """End the official process."""
        if self._oracle is not None:
            self._oracle.close()


@pytest.fixture(scope="session")
def laboratory(request, tmp_path_factory):
    """`Laboratory` with just the cases that the selected tests need."""
    if not Path(find_python()).exists():
        pytest.fail("the official package is not installed: run tests/parity/install.sh", pytrace=False)
    cases = {}
    for item in request.session.items:
        for value in getattr(item, "callspec", None).params.values() if hasattr(item, "callspec") else ():
            if hasattr(value, "setup"):
                cases[value.name] = value
    real = os.environ.get("JWCAL_REAL_DATA")
    made = Laboratory(tmp_path_factory.mktemp("laboratory"), list(cases.values()), Path(real) if real else None)
    yield made
    made.close()


@pytest.fixture(scope="session")
def figures():
    """The table's lines."""
    return FIGURES


@pytest.fixture
def scratch(tmp_path):
    """Folder for one case's official states, removed at the end: a full frame's take gigabytes."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)
