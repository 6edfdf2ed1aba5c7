"""Tests marked slow take minutes and run with ``pytest --run-slow``; drawn examples are the same in every other run."""

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a shell's background job; the processes we start must hear it
    signal.signal(signal.SIGINT, signal.default_int_handler)

for library in ("OMP", "OPENBLAS"):  # threads that wait in a loop take the processors from the other processes
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
os.environ.setdefault("SYMPY_CACHE_SIZE", "30000")  # derivations share much

settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None, print_blob=True)
settings.load_profile("reproducible")


def pytest_configure(config):
    """With the slow tests every run draws examples of its own; a failure prints what reproduces it."""
    settings.load_profile("fresh" if config.getoption("--run-slow") else "reproducible")


@pytest.fixture
def fails_without_each_fact(monkeypatch):
    """``check(module, step, deciders)``: a proof step fails as soon as one fact that it decides is turned around.

    ``deciders`` are the names under which the module decides a fact; their n-th answer is turned, for every n.
    """

    def check(module, step, deciders=("vanishes",)):
        real = {name: getattr(module, name) for name in deciders}
        known, place = [], [0, None]

        def decide(name, arguments):
            n, turned = place
            place[0] += 1
            if n == len(known):
                known.append(real[name](*arguments))
            return known[n] != (n == turned)

        for name in deciders:
            monkeypatch.setattr(module, name, lambda *arguments, name=name: decide(name, arguments))
        assert step(), step
        facts = len(known)
        for n in range(facts):
            del known[n + 1 :]
            place[:] = [0, n]
            assert not step(), (step, f"fact {n} of {facts}")
            del known[n + 1 :]
        monkeypatch.undo()
        return facts

    return check


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package with the toy stems, importable here and in the processes started from here."""
    import toys

    package = tmp_path / "room" / "toy_stems"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "toy.py").write_text(toys.TOY, encoding="utf-8")
    (package / "idle.py").write_text(toys.IDLE, encoding="utf-8")
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy_stems"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path / "room")
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    (tmp_path / "drive.py").write_text(
        toys.DRIVER.format(room=str(tmp_path / "room"), tests=str(Path(toys.__file__).parent))
    )
    (tmp_path / "log").touch()
    return tmp_path


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true", help="run the tests that take minutes")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --run-slow"))
