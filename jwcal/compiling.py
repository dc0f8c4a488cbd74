"""What a process does differently that only compiles kernels for the cache on disk, beside others (`jwcal.warm`)."""

import fcntl

from numba.core import event
from numba.core.caching import IndexDataCacheFile
from numba.core.codegen import CPUCodeLibrary

from jwcal.jobs import kernel_cache


def prepare_worker(thorough):
    """Take turns in writing to the cache; spare what is optimised twice, if `thorough` that of numba alone."""
    take_turns()
    optimise_once(thorough)


def take_turns():
    """Let one worker at a time write to the cache, whose index files numba itself does not lock."""
    save = IndexDataCacheFile.save

    def save_alone(self, key, data):
        with open(kernel_cache() / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            save(self, key, data)

    IndexDataCacheFile.save = save_alone


def optimise_once(thorough):
    """Optimise a function that only kernels call where it is called, not by itself as well.

    Numba links whatever a kernel calls into the kernel's own module, and optimises that as a whole; what it has made of
    a function by itself is used only when Python calls it. It saves a sixth of the time, and the kernels compute the
    same. But some loops over pixels get faster where they are optimised before they become part of something large
    (the likelihood fit by a fifth): then be `thorough`.
    """
    whole, stack = CPUCodeLibrary._optimize_final_module, Stack()
    event.register("numba:compile", stack)

    def optimise(self):
        if not (stack.functions and is_inner(stack.functions[-1], thorough)):
            whole(self)

    CPUCodeLibrary._optimize_final_module = optimise


class Stack(event.Listener):
    """The functions that are being compiled, each for the one before."""

    def __init__(self):
        self.functions = []

    def on_start(self, event):
        """A function begins."""
        self.functions.append(event.data["dispatcher"])

    def on_end(self, event):
        """It is done."""
        self.functions.pop()


def is_inner(function, thorough):
    """Whether only kernels call a function: numba's own; if not `thorough`, also leaves and what is private."""
    name, module = function.py_func.__name__, function.py_func.__module__
    ours = module.split(".")[0] == __package__
    return not ours or (not thorough and (name.startswith("_") or bool(function.targetoptions.get("forceinline"))))
