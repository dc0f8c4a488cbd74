"""The frame around every job: threads, kernel cache, log file, and errors said in one line.

The only module that touches the ``snakemake`` object. It imports neither numpy nor numba, since both read their number
of threads from the environment when they are first imported.
"""

import atexit
import gc
import importlib
import inspect
import logging
import os
import resource
import subprocess
import sys
import threading
import time
import types
import warnings
from pathlib import Path

from jwcal.digests import kernel_digest
from jwcal.errors import JwcalError

log = logging.getLogger("jwcal")

# To glibc: ask for pages of 2 MB, since to clear memory page by page, 4 KB each, takes up to a fifth of a job's time;
# keep one heap for all threads, else what a thread that reads has freed stays with it, a plane to five at the peak;
# and take planes of a detector from that heap, of which up to 64 MB that are free stay for the next ones.
ALLOCATION = {
    "GLIBC_TUNABLES": ":".join((
        "glibc.malloc.hugetlb=1",
        "glibc.malloc.arena_max=1",
        f"glibc.malloc.mmap_threshold={1 << 25}",
        f"glibc.malloc.trim_threshold={1 << 26}",
    ))
}  # fmt: skip
SOURCES = Path(".jwcal/code.json")  # digests of sources, kept by the workflow
KERNEL_RULES = set(
    """detector1 detector1ints windows dark guider image2 image2ints resample peek skymatch outlier_detection mosaic
    source_catalog star_catalog""".split()
)


def run(snakemake, function):
    """Call a script's function with the job's files and params by name.

    Parameters
    ----------
    snakemake : object
        What Snakemake gives to a script.
    function : callable
        Its arguments are named as the rule's inputs, outputs and params; ``context`` is the CRDS context.
        An input or output that a variant of the rule lacks keeps the argument's default.
    """
    prepare_environment(snakemake.threads)
    start_logging(snakemake.log[0] if snakemake.log else None)
    given = {"context": (snakemake.config.get("crds") or {}).get("context") or os.environ.get("CRDS_CONTEXT")}
    for names in (snakemake.input, snakemake.output, snakemake.params):
        given |= dict(names.items())
    wanted = inspect.signature(function).parameters
    start = time.perf_counter()
    trim_imports()
    warnings.showwarning = note_warning  # of libraries; astropy puts its own way in place when it is imported
    call(function, {name: value for name, value in given.items() if name in wanted})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    log.info("done in %.1f s with %.0f MB of memory at most", time.perf_counter() - start, peak)
    leave()


def note_warning(message, category, filename, lineno, file=None, line=None):
    """Log a library's warning beside what the job was doing; it names no exposure, so the terminal is spared."""
    log.info("%s: %s (%s:%d)", category.__name__, " ".join(str(message).split()), filename, lineno)


def leave():
    """End the process at once: all files are closed, and taking the interpreter apart costs a third of a second."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def call(function, arguments):
    """Call `function`; a problem ends the process with one clear line (and the traceback in the log file only)."""
    try:
        return function(**arguments)
    except JwcalError as error:
        message = str(error)
    except MemoryError:
        message = f"{function.__name__}: out of memory; give the job more (resources: mem_mb) or run fewer at once (-j)"
    except Exception as error:
        where = next((str(v) for v in arguments.values() if isinstance(v, str)), "")
        message = f"{where}: {function.__name__} failed unexpectedly ({type(error).__name__}: {error}); see the log"
        log.debug("traceback", exc_info=True)
    log.error("%s", " ".join(message.split()))
    sys.exit(1)


def prepare_environment(threads):
    """Set thread numbers and the kernel cache; to be called before numba is imported, or runs anything."""
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = str(threads)
    # Matrices are small here; to share one out among threads costs more than the product, much more on a busy machine.
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    # Threads that wait for the next kernel otherwise spin, for which jobs beside this one pay.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("NUMBA_CACHE_DIR", str(kernel_cache()))
    if "numba" in sys.modules:  # in a fork of a process that has imported it
        tell_numba(threads)


def tell_numba(threads):
    """Give numba, which reads the number of threads when it is imported, another one; it has started none yet."""
    from numba.core import config
    from numba.np.ufunc import parallel

    config.reload_config()
    parallel.NUM_THREADS = threads


def prepare_children():
    """Set, in the workflow's process, what its jobs must find when they start; the user's own settings stay."""
    for name, value in ALLOCATION.items():
        os.environ.setdefault(name, value)


def spare_collections():
    """In the workflow's process, pass over what lives to its end when garbage is looked for, and look for none then."""
    gc.freeze()
    atexit.register(gc.freeze)  # what is frozen needs no second look, which takes a sixth of a second


def drop_timers():
    """Let none of Snakemake's timers keep the workflow's process from ending; it would wait for up to a second."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


def kernel_cache():
    """Folder of the compiled kernels: one for each state of their sources, compiler and processor.

    Numba itself does not notice an edit in a kernel's callee in another file; a new folder does.
    """
    root = os.environ.get("JWCAL_KERNEL_CACHE")
    if root is None:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jwcal" / "kernels"
    return Path(root).absolute() / kernel_digest(SOURCES)


def trim_imports():
    """Leave out what numba and astropy import for features that no job uses, a third of a second of a job's start."""
    from jwcal import kernels

    kernels.load_lightly = True
    gc.set_threshold(100_000, 50, 50)  # imports make many objects, and next to no garbage
    leave_out_units()
    settle_configuration()


def settle_configuration():
    """Look up astropy's settings for FITS once: it does so for every card of a header, a twentieth of a job's time."""
    from astropy.io import fits

    for name, item in list(fits.conf.items()):
        setattr(type(fits.conf), name, item())


def leave_out_units():
    """Import astropy's file tools without astropy.units, a tenth of a second: they only ask whether a size has a unit.

    Whoever needs units later gets the real ones.
    """
    if "astropy.units" in sys.modules:
        return
    stand_in = types.ModuleType("astropy.units")
    stand_in.Quantity, stand_in.UnitBase = type("Quantity", (), {}), type("UnitBase", (), {})
    sys.modules["astropy.units"] = stand_in
    try:
        importlib.import_module("astropy.utils.data")
    except (ImportError, AttributeError):  # another version of astropy, that wants more
        sys.modules.pop("astropy.utils.data", None)
    finally:
        del sys.modules["astropy.units"]


def compile_first(rules):
    """Compile all kernels before the first job of a run that needs them, unless the cache holds them already.

    Parameters
    ----------
    rules : iterable of str
        Rules of the jobs that are going to run.
    """
    complete = kernel_cache() / "complete"
    if complete.exists() or not KERNEL_RULES.intersection(rules):
        return
    print(
        "jwcal: compiling kernels, once for this version and processor (a minute or two)", file=sys.stderr, flush=True
    )
    program = "from jwcal import jobs; jobs.prepare_environment(1); from jwcal.warm import main; main()"
    status = subprocess.run([sys.executable, "-c", program], check=False).returncode
    if status:
        print(f"jwcal: compiling ahead failed (exit {status}); each job compiles what it needs", file=sys.stderr)


def start_logging(path):
    """Log everything to `path`; only problems to the terminal, one line each."""
    log.setLevel(logging.DEBUG)
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING)
    terminal.setFormatter(logging.Formatter("jwcal %(levelname)s: %(message)s"))
    log.addHandler(terminal)
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(path, mode="w")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(file)
