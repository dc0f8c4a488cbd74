"""Forks of the zygote are what processes of their own would be: environment, folder, exit status, end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from jwcal.zygote import Zygote, adopt_scripts

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is no zygote")


@pytest.fixture
def zygote():
    zygote = Zygote()
    yield zygote
    zygote.close()


def write(folder, text, name="script.py"):
    path = folder / name
    path.write_text(text)
    return str(path)


def run(zygote, script, environment=None, seen=None):
    @contextlib.contextmanager
    def measure(process):
        if seen is not None:
            seen.append(process)
        yield

    return zygote.run(script, os.environ | (environment or {}), measure)


def test_a_script_is_run_as_by_python_itself(tmp_path, zygote, monkeypatch):
    script = write(tmp_path, """
import json, os, sys, tempfile, helper
facts = [os.getcwd(), sys.argv, __name__, __file__, os.environ.get("MINE"), os.environ.get("GONE"), helper.x]
json.dump([*facts, tempfile.gettempdir(), os.getpid(), "numpy" in sys.modules], open("facts.json", "w"))
""")  # fmt: skip
    write(tmp_path, "x = 5", "helper.py")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("GONE", "1")
    monkeypatch.delenv("GONE")
    monkeypatch.chdir(tmp_path)
    seen = []
    assert run(zygote, script, {"MINE": "yes", "TMPDIR": str(tmp_path / "tmp")}, seen) == 0
    *facts, process, imported = json.loads((tmp_path / "facts.json").read_text())
    expected = [str(tmp_path), [script], "__main__", script, "yes", None, 5, str(tmp_path / "tmp")]
    assert facts == expected and seen == [process] and imported


@pytest.mark.parametrize(
    "text, status",
    [
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit('why')", 1),
        ("raise SystemExit", 0),
        ("1 / 0", 1),
        ("no python", 1),
        ("import os; os._exit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_how_a_script_ends_is_told(tmp_path, zygote, text, status):
    assert run(zygote, write(tmp_path, text)) == status


@pytest.mark.parametrize("ignored", [True, False])
def test_forks_heed_interrupts_as_the_workflow_does(tmp_path, ignored):
    script = write(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    program = f"""
import contextlib, os, signal
signal.signal(signal.SIGINT, signal.SIG_IGN if {ignored} else signal.default_int_handler)
from jwcal.zygote import Zygote
print(Zygote().run({script!r}, dict(os.environ), lambda process: contextlib.nullcontext()))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["0" if ignored else "130"]


def test_what_is_said_goes_where_it_would(tmp_path):
    script = write(tmp_path, "import sys; print('out'); print('err', file=sys.stderr); sys.exit('why')")
    program = f"""
import contextlib, os
from jwcal.zygote import Zygote
zygote = Zygote()
print(zygote.run({script!r}, dict(os.environ), lambda process: contextlib.nullcontext()), flush=True)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["out", "1"] and result.stderr.split() == ["err", "why"]


def test_scripts_run_side_by_side(tmp_path, zygote):
    from concurrent.futures import ThreadPoolExecutor

    meet = """
import os, time
from pathlib import Path
Path("{0}").touch()
end = time.monotonic() + 60
while not Path("{1}").exists() and time.monotonic() < end: time.sleep(0.01)
raise SystemExit(0 if Path("{1}").exists() else 1)
"""
    names = [(str(tmp_path / a), str(tmp_path / b)) for a, b in ("xy", "yx")]
    scripts = [write(tmp_path, meet.format(*pair), f"{k}.py") for k, pair in enumerate(names)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda script: run(zygote, script), scripts)) == [0, 0]


def test_a_job_gets_its_threads_though_numba_is_imported(tmp_path, zygote):
    script = write(tmp_path, """
import sys
assert "numba" in sys.modules
from jwcal import jobs
jobs.prepare_environment(3)
import numba
import numpy as np
@numba.njit(parallel=True)
def add(values):
    total = 0
    for k in numba.prange(values.size):
        total += values[k]
    return total
add(np.ones(1000))
raise SystemExit(10 * numba.config.NUMBA_NUM_THREADS + numba.get_num_threads())
""")  # fmt: skip
    zygote.prepare(["jwcal.kernels.median"])
    assert wait_for(lambda: run(zygote, write(tmp_path, "import sys; sys.exit('numba' in sys.modules)", "a.py")))
    assert run(zygote, script) == 33


def wait_for(condition, seconds=60):
    """The first true value of a condition."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


def is_alive(process):
    try:
        return open(f"/proc/{process}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("victim", ["zygote", "workflow"])
def test_no_job_outlives_whom_it_belongs_to(tmp_path, victim):
    script = write(tmp_path, "import time; time.sleep(300)")
    program = f"""
import contextlib, os
from jwcal.zygote import Zygote
zygote = Zygote()
print(zygote._process.pid, flush=True)
@contextlib.contextmanager
def measure(process):
    print(process, flush=True)
    yield
print(zygote.run({script!r}, dict(os.environ), measure), zygote.run({script!r}, dict(os.environ), measure))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as workflow:
        server, job = (int(workflow.stdout.readline()) for _ in range(2))
        assert is_alive(job)
        os.kill(server if victim == "zygote" else workflow.pid, signal.SIGKILL)
        assert wait_for(lambda: not is_alive(job) and not is_alive(server))
        # The job has failed; another is left to Snakemake.
        assert workflow.stdout.read().split() == (["137", "None"] if victim == "zygote" else [])


def test_what_cannot_be_imported_ahead_is_passed_over(tmp_path, zygote):
    zygote.prepare(["jwcal.no_such_module", write(tmp_path, "import jwcal.nor_this")])
    assert run(zygote, write(tmp_path, "pass", "a.py")) == 0


def make_class():
    """What Snakemake's class of Python scripts has of this; it notes what it was to execute."""

    class Base:
        def _execute_cmd(self, cmd, **options):
            self.executed = options["fname"]

    class Script(Base):
        container_img = conda_env = env_modules = shadow_dir = bench_record = None
        resources = {}

    return Script


@contextlib.contextmanager
def unmeasured(process, record):
    assert process is False and record is None
    yield


def test_only_plain_scripts_are_adopted(tmp_path):
    kind = make_class()
    zygote = adopt_scripts(kind, [], unmeasured, ["snakemake"])
    assert adopt_scripts(kind, [], unmeasured, ["snakemake"]) is zygote  # the workflow may be parsed twice
    good, bad = write(tmp_path, "pass", "a.py"), write(tmp_path, "1 / 0", "b.py")
    plain, contained = kind(), kind()
    contained.container_img = "image"
    python = {"py_exec": sys.executable, "is_python_script": True}
    plain._execute_cmd("{py_exec} {fname:q}", fname=good, **python)
    assert not hasattr(plain, "executed")
    with pytest.raises(subprocess.CalledProcessError):
        plain._execute_cmd("{py_exec} {fname:q}", fname=bad, **python)
    contained._execute_cmd("{py_exec} {fname:q}", fname=good, **python)
    assert contained.executed == good
    plain._execute_cmd("{py_exec} {fname:q}", fname=good, **python | {"py_exec": "python"})
    assert plain.executed == good
    zygote.close()
    plain._execute_cmd("{py_exec} {fname:q}", fname=bad, **python)  # Snakemake does what the zygote cannot
    assert plain.executed == bad


@pytest.mark.parametrize("option", ["-n", "--dry-run"])
def test_nothing_is_started_where_nothing_is_to_run(option):
    kind = make_class()
    assert adopt_scripts(kind, [], unmeasured, ["snakemake", option]) is None
    assert "_execute_cmd" not in vars(kind)
    assert adopt_scripts(object, [], unmeasured, ["snakemake"]) is None  # another version of Snakemake


def test_a_process_with_threads_is_not_forked(tmp_path, monkeypatch):
    write(tmp_path, "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
          "sitecustomize.py")  # fmt: skip
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    zygote = Zygote()
    assert run(zygote, write(tmp_path, "pass")) is None
    zygote.close()
