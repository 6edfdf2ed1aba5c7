"""One contestant in a process of its own, asked through its standard input: ``prepare``, ``check`` or ``time``."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

from experiments.store.provenance import ROOT
from experiments.studies.speed import ours, parts, peers
from experiments.studies.speed.work import Work, reference, small

#: name -> what it needs, how it is installed, the kinds of work it does, and the function that prepares it.
CONTESTANTS = {
    "floor": ("numba", "numba", ("runs",), ours.floor),  # of a step: the larger of the two parts below
    "vradam": ("numba", "numba", ("step", "runs"), ours.compiled),
    "- inner loop": ("numba", "numba", ("runs",), parts.inner_loop),
    "- gradient alone": ("numba", "numba", ("runs",), parts.gradient_alone),
    "- noise alone": ("numba", "numba", ("runs",), parts.noise_alone),
    "- around the loop": ("numba", "numba", ("runs",), parts.around_the_loop),
    "- first pass": ("numba", "numba", ("step",), parts.first_pass),
    "- second pass": ("numba", "numba", ("step",), parts.second_pass),
    "- memory streams": ("numba", "numba", ("step",), ours.floor),
    "- root + division": ("numba", "numba", ("step",), parts.divider_alone),
    "floor, 2 threads": ("numba", "numba", ("step", "runs"), ours.floor),
    "vradam, 2 threads": ("numba", "numba", ("step", "runs"), ours.compiled),
    "NumPy": ("numpy", "numpy", ("step", "runs"), ours.by_numpy),
    "JAX": ("jax", "jax jaxlib", ("step",), peers.jax_step),
    "JAX, blocks": ("jax", "jax jaxlib", ("runs",), peers.jax_blocks),
    "JAX, vmap + scan": ("jax", "jax jaxlib", ("runs",), peers.jax_scan),
    "optax AdamW": ("optax", "jax jaxlib optax", ("step",), peers.optax_adamw),
    "PyTorch AdamW, fused": ("torch", "torch", ("step",), peers.fused_torch),
    "PyTorch, plain": ("torch", "torch", ("step", "runs"), peers.plain_torch),
}
#: Parts of ours, and floors: not checked, since they follow no trajectory.
UNCHECKED = ("floor", "floor, 2 threads", *(name for name in CONTESTANTS if name.startswith("-")))
WITHOUT_GATE = ("optax AdamW", "PyTorch AdamW, fused")
TOLERANCE = 1e-9
#: The time of all processors over that on the clock, beyond which a contestant had more than its one thread.
ONE: Final = 1.05
#: How often a launch is timed, once it has been warmed up.
REPEATS: Final = 3
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREADS, "1") | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}


def takes_part(name: str, work: Work) -> bool:
    """Whether a contestant does this work."""
    if name.endswith("2 threads") and (work.noise or work.objective != "quadratic"):
        return False
    if (name == "- noise alone" and not work.noise) or (name.endswith("pass") and work.saturated):
        return False
    if name.startswith("JAX") and work.objective == "rotated quadratic":
        return False
    if name == "PyTorch, plain" and (work.noise or work.objective != "quadratic"):
        return False
    return work.kind in CONTESTANTS[name][2]


def one_thread() -> dict[str, str]:
    """The environment of a child that has one thread, and imports what this process does."""
    return os.environ | ONE_THREAD | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}


def child(module: str, *arguments: object) -> list[str]:
    """The command that runs ``main`` of a module: by import, since ``-m`` would load a second copy of it."""
    return [sys.executable, "-c", f"from {module} import main; main()", *map(str, arguments)]


class Contestant:
    """A child process that prepares a work, is checked once, and then is timed on demand."""

    def __init__(self, name: str, work: Work) -> None:
        self.name, self.work = name, work
        environment = one_thread()
        if name.endswith("2 threads"):
            environment |= {"NUMBA_NUM_THREADS": "2"}
        self.process = subprocess.Popen(
            child(__name__, name, json.dumps(work)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def ask(self, question: str) -> Any:
        """The answer to ``check`` (an error relative to the largest coordinate) or ``time`` (seconds on the clock, and
        the time of all processors over it).

        Raises
        ------
        RuntimeError
            If the child ended without an answer.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} ended on {self.work.name} with status {self.process.wait()}")
        return json.loads(answer)

    def close(self) -> None:
        """End the child."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.process.wait()


def installed(name: str) -> bool:
    """Whether a contestant can be asked here."""
    return find_spec(CONTESTANTS[name][0]) is not None


def error(name: str, work: Work) -> float:
    """The largest difference to the reference at a small size, relative to the largest coordinate."""
    tiny = small(work)
    expected = reference(tiny._replace(gate=work.gate and name not in WITHOUT_GATE))
    return float(abs(CONTESTANTS[name][3](tiny)() - expected).max() / abs(expected).max())


def pin() -> None:
    """Confine this process to one processor, where the system can: flags do not confine XLA to one thread."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """The least seconds of a few calls, and the time of all processors over that on the clock in all of them."""
    least, begin, before = float("inf"), time.perf_counter(), time.process_time()
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - start)
    return least, (time.process_time() - before) / (time.perf_counter() - begin)


def main() -> None:
    """In the child: answer the questions on standard input until it closes."""
    name, work = sys.argv[1], Work(*json.loads(sys.argv[2]))
    if not name.endswith("2 threads"):
        pin()
    call = None
    for line in sys.stdin:
        answer: Any
        if line.strip() == "check":
            answer = 0.0 if name in UNCHECKED else error(name, work)
        else:
            if call is None:
                call = CONTESTANTS[name][3](work)
                call()
            answer = timed(call)
        print(json.dumps(answer), flush=True)
