"""The official package as a process beside the tests: jobs in, arrays out."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def find_python():
    """Interpreter of the environment with the official package (JWCAL_PARITY_PYTHON overrides)."""
    return os.environ.get("JWCAL_PARITY_PYTHON") or str(ROOT / ".venv-parity" / "bin" / "python")


def offline_environment(crds_path, context):
    """Environment variables that keep the official package off the network and away from parameter references."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CRDS_", "NUMBA_", "PYTEST_"))}
    return environment | {
        "CRDS_PATH": str(crds_path),
        "CRDS_CONTEXT": context,
        "CRDS_MODE": "local",
        "STPIPE_DISABLE_CRDS_STEPPARS": "true",
        "OMP_NUM_THREADS": "1",
    }


class Oracle:
    """One process of the official package.

    Parameters
    ----------
    crds_path, context : str
        The cache that both sides use.
    log : str or pathlib.Path
        File for all that the package says.
    """

    def __init__(self, crds_path, context, log):
        self.log = open(log, "w")
        self.process = subprocess.Popen(
            [find_python(), str(Path(__file__).with_name("official.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=offline_environment(crds_path, context),
            cwd=Path(log).parent,
        )

    def run(self, pipeline, source, folder, settings=None):
        """Run one pipeline on one file, or a step on the members of an association; returns `Official`."""
        source = [str(path) for path in source] if isinstance(source, (list, tuple)) else str(source)
        job = {"pipeline": pipeline, "input": source, "folder": str(folder), "settings": settings or {}}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"the official process ended; see {self.log.name}"}
        if "error" in answer:
            raise RuntimeError(f"official {pipeline} failed on {source}:\n{answer['error']}")
        return Official(Path(folder), answer["status"], answer["seconds"])

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait(60)
        self.log.close()


class Official:
    """What the official package made of one exposure."""

    def __init__(self, folder, status, seconds):
        self.folder, self.status, self.seconds = folder, status, seconds

    def state(self, step):
        """Arrays after a step, by name, memory-mapped; empty where the step was skipped."""
        return {path.stem: np.load(path, mmap_mode="r") for path in sorted((self.folder / step).glob("*.npy"))}

    def product(self, suffix):
        """Path of a final product."""
        return self.folder / f"{suffix}.fits"
