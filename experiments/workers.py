"""Who computes: this process, several processes on this machine, or a Dask cluster. The numbers do not depend on it."""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

T = TypeVar("T")
log = logging.getLogger("experiments")
#: How often a pool of processes is rebuilt after one of them was killed.
ATTEMPTS: Final = 4
#: Seconds after which an idle process ends.
IDLE: Final = 20


@dataclass(frozen=True)
class Workers:
    """Parameters
    ----------
    jobs : number of processes, >= 1, one thread each; 1 computes in this process.
    dask : address of a Dask scheduler, such as ``"tcp://127.0.0.1:8786"``; None for this machine.

    Raises
    ------
    ValueError : if ``jobs`` is not a positive integer.
    """

    jobs: int = 1
    dask: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.jobs, bool) or not isinstance(self.jobs, int) or self.jobs < 1:
            raise ValueError(f"jobs must be a positive integer, got {self.jobs!r}")

    def map(self, function: Callable[..., T], arguments: Mapping[str, tuple[Any, ...]]) -> Iterator[tuple[str, T]]:
        """``(key, function(*arguments[key]))`` for every key, as they finish.

        A process that dies takes its chunk with it: the unfinished chunks start again in fresh processes, a few times.

        Raises
        ------
        RuntimeError : if processes keep dying.
        """
        if self.dask is None and (self.jobs == 1 or len(arguments) <= 1):
            for key, values in arguments.items():
                yield key, function(*values)
            return
        left = dict(arguments)
        for _ in range(ATTEMPTS):
            try:
                for key, value in self._parallel(function, left):
                    del left[key]
                    yield key, value
                return
            except BrokenProcessPool:
                log.warning("a worker process died; %d unfinished chunks start again", len(left))
        raise RuntimeError(f"worker processes died {ATTEMPTS} times (out of memory?); try a smaller --jobs")

    def _parallel(
        self, function: Callable[..., T], arguments: Mapping[str, tuple[Any, ...]]
    ) -> Iterator[tuple[str, T]]:
        from joblib import Parallel, delayed, parallel_config

        with ExitStack() as stack:
            if self.dask is None:
                config = parallel_config(
                    backend="loky", n_jobs=self.jobs, inner_max_num_threads=1, idle_worker_timeout=IDLE
                )
            else:
                from distributed import Client

                # not the default client: xarray would take its file locks from the cluster
                client = stack.enter_context(Client(self.dask, timeout="10s", set_as_default=False))
                config = parallel_config(backend="dask", client=client)
            stack.enter_context(config)
            stack.enter_context(warnings.catch_warnings())  # joblib regrets the unfinished chunks of an interrupted run
            warnings.filterwarnings("ignore", message=".*tasks .*cancelled", category=UserWarning)
            parent = os.getpid() if self.dask is None else None
            calls = [delayed(_call)(parent, function, key, values) for key, values in arguments.items()]
            yield from Parallel(batch_size=1, return_as="generator_unordered")(calls)


#: This process alone.
HERE: Final = Workers()


def _call(parent: int | None, function: Callable[..., T], key: str, values: tuple[Any, ...]) -> tuple[str, T]:
    if parent is not None:
        _leave_with(parent)
    return key, function(*values)


@cache
def _leave_with(parent: int) -> None:
    """End this worker when the process that started it is killed, instead of computing for nobody.

    Where the operating system does not tell (Windows keeps the old parent's id), the idle time-out ends it.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
