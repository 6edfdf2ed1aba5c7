"""The tests of a module, run on one mutant in a process of its own, in a copy of the rooms."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import Any

from mutants import Mutant


def run_tests(folder: Path, tests: Sequence[str], order: Mapping[str, float], report: Path) -> None:
    """Run ``tests`` in ``folder``, in this process, which then ends: status 0 when all pass. Writes what happened."""
    if hasattr(os, "setsid"):
        os.setsid()
    log = os.open(report.with_suffix(".log"), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for stream in (0, 1, 2):
        os.dup2(log, stream)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(folder)
    sys.path.insert(0, str(folder))
    import pytest

    watcher = _Watcher(order)
    words = ["-x", "-q", "-n0", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    words += ["-W", "ignore:overflow encountered in scalar:RuntimeWarning"]  # words of noise wrap; kernels interpreted
    status = pytest.main([*words, "--rootdir", str(folder), *tests], plugins=[watcher])
    report.write_text(json.dumps({"seconds": watcher.seconds, "failed": watcher.failed}), encoding="utf-8")
    os._exit(int(status))


class _Watcher:
    """Orders the tests by what they are expected to cost, notes what they did, and lets Hypothesis not shrink."""

    def __init__(self, order: Mapping[str, float]) -> None:
        self.order, self.seconds, self.failed = order, dict[str, float](), list[str]()

    def pytest_sessionstart(self) -> None:
        from hypothesis import Phase, settings

        settings.register_profile("mutants", derandomize=True, phases=(Phase.explicit, Phase.generate), database=None)
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items.sort(key=lambda item: self.order.get(item.nodeid, 0.0))

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)


@dataclass
class Module:
    """A module under test: how long each of its tests takes, how often each killed, and what came of the mutants.

    ``killed`` says by which test.
    """

    name: str
    text: str
    tests: Sequence[str]
    total: int = 0
    chosen: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)
    killed: dict[str, str] = field(default_factory=dict)
    timeouts: int = 0
    survivors: list[Mutant] = field(default_factory=list)

    @property
    def order(self) -> dict[str, float]:
        return {test: cost / (1 + self.kills.get(test, 0)) for test, cost in self.seconds.items()}

    @property
    def limit(self) -> float:
        """Seconds after which a mutant is taken to hang."""
        return 15 + 5 * sum(self.seconds.values())


@dataclass
class Worker:
    """One copy of the rooms, and the process that runs tests in it."""

    folder: Path
    process: Any = None
    mutant: Mutant | None = None
    module: Module | None = None
    deadline: float = 0.0
    count: int = 0

    def start(self, module: Module, mutant: Mutant | None) -> None:
        self.module, self.mutant, self.count = module, mutant, self.count + 1
        path = self.folder / module.name
        path.write_text(mutant.source if mutant else module.text, encoding="utf-8")
        moment = 1_000_000_000 + 10 * self.count  # compiled files are matched by time and size: never twice the same
        os.utime(path, (moment, moment))
        self.report.unlink(missing_ok=True)
        method = "fork" if "fork" in get_all_start_methods() else "spawn"
        arguments = (self.folder, module.tests, module.order, self.report)
        self.process = get_context(method).Process(target=run_tests, args=arguments)
        self.process.start()
        self.deadline = time.monotonic() + (module.limit if mutant else 600)

    @property
    def report(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.json"

    def finish(self) -> tuple[int | None, dict[str, Any]]:
        """The exit status (None: it hung) and the report; the module is as it was."""
        assert self.module is not None
        self.process.join(1)
        hung = self.process.is_alive()
        if hung:
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()
        self.process.join()
        status, self.process = self.process.exitcode, None
        self.start_over()
        text = self.report.read_text(encoding="utf-8") if self.report.exists() else "{}"
        return (None if hung else status), json.loads(text)

    def start_over(self) -> None:
        assert self.module is not None
        path = self.folder / self.module.name
        path.write_text(self.module.text, encoding="utf-8")
        os.utime(path, (1_000_000_000, 1_000_000_000))
