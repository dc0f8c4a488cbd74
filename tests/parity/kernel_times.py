"""Time in compiled kernels of one job: ``kernel_times.py JOB.json THREADS`` prints a JSON object, seconds by kernel.

The job is the workflow's (`bench_inputs.write_job`). Kernels that Python calls are timed one call at a time; before its
first call a kernel is loaded, which is not counted, nor is what Python does in between.
"""

import json
import os
import runpy
import sys
import time
from collections import defaultdict
from pathlib import Path

from jwcal_job import ROOT, make_snakemake

SECONDS = defaultdict(float)


def time_calls(kernel):
    """A function that calls a kernel and adds up the time."""

    def call(*arguments):
        kernel.compile(tuple(map(kernel.typeof_pyval, arguments)))
        start = time.perf_counter()
        result = kernel(*arguments)
        SECONDS[kernel.__name__] += time.perf_counter() - start
        return result

    return call


def replace_kernels():
    """Put timed kernels in the place of all that modules other than the kernels themselves have imported."""
    from numba.core.dispatcher import Dispatcher

    for name, module in list(sys.modules.items()):
        if name.startswith("jwcal.") and not name.startswith("jwcal.kernels"):
            for key, value in list(vars(module).items()):
                if isinstance(value, Dispatcher):
                    setattr(module, key, time_calls(value))


def time_steps():
    """Have the kernels of each step replaced before it runs, and the times printed at the end."""
    import importlib

    from jwcal import jobs, runner

    def call(step, *arguments, run=runner._call):
        importlib.import_module(f"jwcal.steps.{step}")
        importlib.import_module("jwcal.ramps.least_squares")
        replace_kernels()
        return run(step, *arguments)

    def leave(end=jobs.leave):
        print(json.dumps(SECONDS), flush=True)
        end()

    runner._call, jobs.leave = call, leave


if __name__ == "__main__":
    job = json.loads(Path(sys.argv[1]).read_text()) | {"threads": int(sys.argv[2])}
    os.environ["NUMBA_NUM_THREADS"] = sys.argv[2]
    sys.path.insert(0, str(ROOT))
    snakemake = make_snakemake(job)
    from jwcal import jobs

    def trim(usual=jobs.trim_imports):
        usual()
        time_steps()

    jobs.trim_imports = trim
    runpy.run_path(str(ROOT / "scripts" / job["script"]), init_globals={"snakemake": snakemake})
