"""One job of the workflow in a fresh process, as Snakemake starts it: ``jwcal_job.py JOB.json``.

The file holds the rule's name and its ``input``, ``output``, ``params``, ``threads``, ``log`` and ``config``. The
rule's script is executed with a genuine ``snakemake`` object, so that start-up costs what it costs in the workflow.
"""

import json
import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def make_snakemake(job):
    """The object that Snakemake hands to a script."""
    # Snakemake sets these before it starts a job, and here its object imports numpy, which reads them.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(job["threads"]))
    from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, ResourceList, Wildcards
    from snakemake.script import Snakemake

    return Snakemake(
        InputFiles(fromdict={name: files for name, files in job["input"].items() if files}),
        OutputFiles(fromdict=job["output"]),
        Params(fromdict=job["params"]),
        Wildcards(),
        job["threads"],
        ResourceList(),
        Log([job["log"]]),
        job["config"],
        job["rule"],
        None,
    )


if __name__ == "__main__":
    job = json.loads(Path(sys.argv[1]).read_text())
    sys.path.insert(0, str(ROOT))
    runpy.run_path(str(ROOT / "scripts" / job["script"]), init_globals={"snakemake": make_snakemake(job)})
