"""A process that has imported what jobs need, and of which each job is a fork.

To import numpy, numba, astropy and the library takes a job up to half a second, during which another core often has
nothing to do but wait for it. Here one process does it, while Snakemake still lays out the workflow; jobs begin at
once, as forks of it. It computes nothing itself and has a single thread, so that to fork it is safe.

Snakemake runs a rule's script by a shell; `adopt_scripts` has the zygote run it instead, where it is this Python that
would run it: not in a conda environment, container or on a cluster. Whatever the zygote cannot do Snakemake does as
ever. A job's process has the environment, folder and output that it would have, its end is told as always, and what
it uses is measured for the benchmark.

When the workflow's process ends, however it does, so does the zygote, and any jobs with it.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path

from jwcal import digests, jobs

# What all jobs import; the second line is Snakemake's, for the frame that it puts around a script.
COMMON = """numpy jwcal.products jwcal.runner jwcal.kernels
    snakemake.logging snakemake.iocontainers""".split()
MESSAGE = 1 << 16  # bytes
KILLED = 128 + signal.SIGKILL
PR_SET_PDEATHSIG = 1
NOT_RUNNING = {"-n", "--dry-run", "--dryrun"}  # options with which Snakemake runs nothing


class Zygote:
    """The workflow's side: starts the process and has it run scripts.

    Parameters
    ----------
    search : sequence of str
        Where scripts find modules, besides where this Python finds them.

    Attributes
    ----------
    beside : callable or None
        Called with a job's input files when Snakemake's script is about to run.
    """

    def __init__(self, search=()):
        self.beside = None
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # No folder but those of a script's own search path: the library is that which the script would import.
        program = f"import sys; sys.path[:1] = []; sys.path.extend({list(search)!r}); "
        program += f"from jwcal.zygote import serve; serve({theirs.fileno()})"
        with theirs:
            self._process = subprocess.Popen([sys.executable, "-c", program], pass_fds=[theirs.fileno()])
        atexit.register(self.close)

    def close(self):
        """End the process, which may still be importing, and wait for it; all jobs have ended before."""
        self._control.close()
        self._process.terminate()
        self._process.wait()

    def prepare(self, sources):
        """Have what jobs are going to need imported, one after the other while nothing else is to be done.

        Parameters
        ----------
        sources : list of str
            Scripts, and names of modules that they import by name at run time.
        """
        self._send({"prepare": sources})

    def run(self, script, environment, measure):
        """Run a script in a fork and wait for its end.

        Parameters
        ----------
        script : str
            Python file.
        environment : dict of str to str
            Environment variables.
        measure : callable
            Makes, of the number of the process, a context manager that is entered while the process runs.

        Returns
        -------
        int or None
            Exit status; None where the script was not run.
        """
        reading, writing = os.pipe()
        with open(reading) as answers:
            request = {"script": script, "environment": environment, "folder": os.getcwd()}
            try:
                sent = self._send(request, writing)
            finally:
                os.close(writing)
            process = answers.readline() if sent else ""
            if not process:
                return None
            with measure(int(process)):
                return int(answers.readline() or KILLED)

    def _send(self, request, *descriptors):
        """Whether the request could be sent; the zygote may have ended, or the request be too long."""
        message = json.dumps(request).encode()
        try:
            if len(message) <= MESSAGE:
                with self._lock:
                    return socket.send_fds(self._control, [message], list(descriptors)) == len(message)
        except OSError:
            pass
        return False


# ---- Snakemake's scripts ------------------------------------------------------------------------------------------


def adopt_scripts(script_class, search, measured, arguments=None):
    """Start a zygote and have it run Snakemake's Python scripts.

    Parameters
    ----------
    script_class : type
        Snakemake's class of Python scripts; its ``_execute_cmd(cmd, **options)`` is replaced. In a version of Snakemake
        that has none, nothing is done.
    search : sequence of str
        Folders that Snakemake adds to a script's search path.
    measured : callable
        Snakemake's context manager that writes what a process uses to a record.
    arguments : sequence of str, optional
        The command line; nothing is started where it says that nothing is to be run.

    Returns
    -------
    Zygote or None
    """
    execute = getattr(script_class, "_execute_cmd", None)
    nothing_runs = NOT_RUNNING.intersection(sys.argv if arguments is None else arguments)
    if execute is None or nothing_runs or not sys.platform.startswith("linux"):
        return None
    if hasattr(execute, "zygote"):  # the workflow may be parsed twice
        return execute.zygote
    zygote = Zygote(search)

    @functools.wraps(execute)
    def run_script(self, cmd, **options):
        status = None
        if _is_plain(self, options):
            if zygote.beside:
                zygote.beside(self.input)
            environment = dict(os.environ) | _set_folder(self.resources)
            status = zygote.run(options["fname"], environment, lambda process: _measure(measured, self, process))
        if status is None:
            return execute(self, cmd, **options)
        if status:
            raise subprocess.CalledProcessError(status, f"{options['py_exec']} {options['fname']}")
        return None

    run_script.zygote = zygote
    script_class._execute_cmd = run_script
    return zygote


def _is_plain(script, options):
    """Whether a command is nothing but this Python with a script, in the environment of the workflow itself."""
    elsewhere = ("container_img", "conda_env", "env_modules", "shadow_dir")
    return (
        options.get("is_python_script", False)
        and options.get("py_exec") == sys.executable
        and not any(getattr(script, name, None) for name in elsewhere)
    )


def _set_folder(resources):
    """Environment variables for temporary files, as Snakemake sets them for a shell."""
    folder = resources.get("tmpdir") if resources else None
    return dict.fromkeys(("TMPDIR", "TMP", "TEMP", "TEMPDIR"), str(folder)) if folder else {}


def _measure(measured, script, process):
    """Context in which a process is watched; without a benchmark, by nobody."""
    return measured(process if script.bench_record is not None else False, script.bench_record)


def list_sources(jobs_):
    """Scripts of the jobs of a run, one job a rule, and the modules of the steps that their plans name."""
    first = {job.rule.name: job for job in jobs_ if job.rule.script}
    sources = []
    for job in first.values():
        sources.append(str(digests.ROOT / "scripts" / Path(job.rule.script).name))
        plan = job.params.get("plan")
        sources += [f"{digests.PACKAGE}.steps.{step}" for step in (plan or {}).get("settings", ())]
    return sources


# ---- the process -------------------------------------------------------------------------------------------------


def serve(number):
    """Be a zygote until the workflow closes its end of the socket.

    Parameters
    ----------
    number : int
        File descriptor of our end.
    """
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the workflow and its jobs decide
    jobs.prepare_environment(1)  # with threads of its own it could not be forked
    jobs.trim_imports()
    Server(socket.socket(fileno=number), interrupt).loop()
    jobs.leave()


class Server:
    """Answers requests, reaps forks, and imports what is on its list in between.

    Parameters
    ----------
    control : socket.socket
        Requests; for a script, with the pipe in which its process and its end are told.
    interrupt : callable or int
        What forks do on SIGINT: nothing if the workflow was started so.
    """

    def __init__(self, control, interrupt=signal.default_int_handler):
        self._control, self._interrupt, self._ends = control, interrupt, {}
        self._waiting = list(COMMON)
        self._selector = selectors.DefaultSelector()
        self._woken, waking = os.pipe()
        os.set_blocking(waking, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        self._selector.register(control, selectors.EVENT_READ, self._answer)
        self._selector.register(self._woken, selectors.EVENT_READ, self._reap)

    def loop(self):
        """Until there is no workflow any more."""
        open_ = True
        while open_:
            for key, _ in self._selector.select(0 if self._waiting else None):
                open_ = key.data() and open_
                break
            else:
                if self._waiting:
                    _import(self._waiting.pop(0))

    def _answer(self):
        """Take a request; False when there is no one left who makes any."""
        message, descriptors, *_ = socket.recv_fds(self._control, MESSAGE, 1)
        if not message:
            return False
        request = json.loads(message)
        if "prepare" in request:
            self._waiting += _list_modules(request["prepare"])
        else:
            self._fork(request, *descriptors)
        return True

    def _fork(self, request, end):
        while self._waiting and self._waiting[0] in COMMON:
            _import(self._waiting.pop(0))
        if len(os.listdir("/proc/self/task")) > 1:  # what was imported has started threads: leave it to Snakemake
            os.close(end)
            return
        gc.freeze()  # a collection in the fork would write to, and so copy, all that is shared
        parent, process = os.getpid(), os.fork()
        if process == 0:
            os.close(end)
            self._forget()
            _become(parent, **request)
        self._ends[process] = end
        _tell(end, process)

    def _forget(self):
        """In a fork: let go of all that is the zygote's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, self._interrupt)
        self._selector.close()
        for end in (self._woken, *self._ends.values()):
            os.close(end)
        self._control.close()

    def _reap(self):
        """Tell of the forks that have ended."""
        os.read(self._woken, MESSAGE)
        while self._ends:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                break
            code = os.waitstatus_to_exitcode(status)
            end = self._ends.pop(process)
            _tell(end, code if code >= 0 else 128 - code)  # as a shell says which signal it was
            os.close(end)
        return True


def _tell(end, number):
    """Write a line; whoever asked may be gone."""
    try:
        os.write(end, f"{number}\n".encode())
    except OSError:
        pass


def _list_modules(sources):
    """Names of the library's modules that scripts and modules reach."""
    names = []
    for source in sources:
        for path in sorted(digests.reach(source)):
            if path.is_relative_to(digests.ROOT / digests.PACKAGE):
                parts = path.relative_to(digests.ROOT).with_suffix("").parts
                names.append(".".join(parts).removesuffix(".__init__"))
    return list(dict.fromkeys(names))


def _import(name):
    """Import a module; one that cannot be imported is the job's to complain of."""
    try:
        importlib.import_module(name)
    except Exception:
        pass


def _become(parent, script, environment, folder):
    """In a fork: be the process of a script, to the end."""
    _die_with(parent)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    tempfile.tempdir = None
    sys.argv, status = [script], 1
    sys.path.insert(0, str(Path(script).absolute().parent))
    try:
        runpy.run_path(script, run_name="__main__")
        status = 0
    except SystemExit as error:
        status = _read_status(error.code)
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


def _read_status(code):
    """Exit status that `sys.exit` means by its argument."""
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


def _die_with(parent):
    """Have the kernel kill this process when the zygote ends before it."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(KILLED)
