"""Same seed, same bits within one engine: on 1, 2, 4 processes and threads, however processes start; no fork anywhere.

Splits of a batch are in test_properties.py, threads and tiles of the compiled engine in test_engine_lanes.py.
"""

import ast
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import vradam
from vradam import noise, objectives

RUNS = 8
SERIES = ("x", "value", "grad_norm", "learning_rate", "diverged_at", "mean_grad_norm_squared")


def sweep(first, last, engine="numpy"):
    """Runs first, ..., last - 1 of a sweep over alpha0 with one seed a run, as plain arrays."""
    optimizer = vradam.VRAdam(alpha0=np.geomspace(1e-3, 1e-1, RUNS)[first:last], beta3=5.0)
    x0 = np.linspace(-2, 2, RUNS * 3).reshape(RUNS, 3)[first:last]
    law, seeds = noise.gaussian(0.2), np.arange(first, last)
    run = vradam.simulate(optimizer, objectives.log_cosh(3), x0, 100, law, seeds, every=10, engine=engine)
    return {name: getattr(run, name) for name in SERIES}


def in_parts(pool, parts, engine="numpy"):
    """The sweep cut into ``parts``, each computed by a worker of ``pool``, and joined."""
    ends = np.linspace(0, RUNS, parts + 1).astype(int).tolist()
    pieces = list(pool.map(sweep, ends[:-1], ends[1:], [engine] * parts))
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in SERIES}


def same_bits(one, other):
    for name in SERIES:
        assert one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes(), name


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_threads_do_not_change_the_bits(engine, threads):
    if engine == "compiled":
        pytest.importorskip("numba", reason="the compiled engine needs Numba")
    with ThreadPoolExecutor(threads) as pool:
        same_bits(in_parts(pool, threads, engine), sweep(0, RUNS, engine))


def test_processes_started_by_spawn_give_the_same_bits():
    """Windows and macOS start processes so: nothing is inherited, everything is imported and pickled anew."""
    engines = ["numpy", "compiled"] if find_spec("numba") else ["numpy"]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for engine in engines:
            here = sweep(0, RUNS, engine)
            for parts in (1, 2, 4):
                same_bits(in_parts(pool, parts, engine), here)


#: What exists on POSIX alone; modules first, then names of functions.
POSIX_MODULES = {"fcntl", "grp", "pwd", "resource", "termios", "tty", "pty"}
POSIX_NAMES = {"fork", "forkpty", "forkserver", "sched_getaffinity", "getuid", "geteuid", "setsid", "killpg", "SIGKILL"}
#: Where one is used under a guard: files are locked by msvcrt on Windows, which has no limit on the address space;
#: contestants of the speed study are confined to one processor where the system can.
GUARDED = {("file_lock.py", "fcntl"), ("address_space.py", "resource"), ("contestant.py", "sched_getaffinity")}


def test_nothing_assumes_fork_or_posix():
    found = set()
    for package in ("vradam", "theory", "experiments", "paper_figures"):
        for path in Path(find_spec(package).origin).parent.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
                if isinstance(node, ast.ImportFrom):
                    names = {node.module}
                found |= {(path.name, name) for name in names & POSIX_MODULES}
                word = getattr(node, "attr", getattr(node, "value", None))
                if isinstance(word, str) and isinstance(node, ast.Attribute | ast.Constant):
                    found |= {(path.name, name) for name in POSIX_NAMES if word == name}
                    assert not word.startswith("/dev/") and not word.startswith("/tmp"), (path, word)
    assert found == GUARDED


def test_the_guard_of_the_lock_is_the_operating_system():
    text = (Path(vradam.__file__).parent / "file_lock.py").read_text(encoding="utf-8")
    assert "msvcrt" in text and text.index("msvcrt") < text.index("import fcntl")
