"""Who computes: this process, several processes on this machine, or a Dask cluster. The numbers do not depend on it."""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, TypeVar

from vradam.validation import whole_number

T = TypeVar("T")
#: Asked in the process that computes, before and after: every reason why its numbers are not to be used.
Check = Callable[[], Sequence[str]]
log = logging.getLogger("experiments")
#: How often a pool of processes is rebuilt after one of them was killed.
ATTEMPTS: Final = 4
#: The warnings of loky's tracker of temporary folders, as ``PYTHONWARNINGS`` names them.
TRACKER: Final = "ignore:resource_tracker"
#: Seconds after which an idle process ends.
IDLE: Final = 20
#: Seconds in which a Dask scheduler must answer.
ANSWER: Final = 10.0
#: So many reasons are named when a process is refused.
NAMED: Final = 5


@dataclass(frozen=True)
class Workers:
    """Where computations run.

    Parameters
    ----------
    jobs
        Number of processes, >= 1, one thread each; 1 computes in this process.
    dask
        Address of a Dask scheduler, such as ``"tcp://127.0.0.1:8786"``; None for this machine.

    Raises
    ------
    ValueError
        If ``jobs`` is not a positive integer.
    """

    jobs: int = 1
    dask: str | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "jobs", whole_number("jobs", self.jobs, least=1))
        except (TypeError, ValueError):
            raise ValueError(f"jobs must be a positive integer, got {self.jobs!r}") from None

    def map(
        self, function: Callable[..., T], arguments: Mapping[str, tuple[Any, ...]], check: Check | None = None
    ) -> Iterator[tuple[str, T]]:
        """``(key, function(*arguments[key]))`` for every key, as they finish.

        A process that dies takes its chunk with it: the unfinished chunks start again in fresh processes, a few times.

        Parameters
        ----------
        function : callable
            A function at the top level of a module.
        arguments : Mapping[str, tuple of object]
            Key -> its arguments.
        check : Check, optional
            Is called in another process that computes, before and after each chunk; what it returns are the reasons to
            refuse that process, such as the names of modules that are otherwise there.

        Raises
        ------
        ChildProcessError
            If processes keep dying.
        ConnectionError
            If no Dask scheduler answers within :data:`ANSWER` seconds, or it cannot run the chunks.
        ConnectionRefusedError
            Naming the process and the reasons, if ``check`` finds any.
        """
        if self.dask is not None:
            yield from _on_cluster(self.dask, function, arguments, check)
        elif self.jobs == 1 or len(arguments) <= 1:
            for key, values in arguments.items():
                yield key, function(*values)
        else:
            from concurrent.futures.process import BrokenProcessPool

            left = dict(arguments)
            for _ in range(ATTEMPTS):
                try:
                    for key, value in _on_processes(self.jobs, function, left, check):
                        del left[key]
                        yield key, value
                    return
                except BrokenProcessPool:
                    log.warning("a worker process died; %d unfinished chunks start again", len(left))
            raise ChildProcessError(f"worker processes died {ATTEMPTS} times (out of memory?); try a smaller --jobs")


#: This process alone.
HERE: Final = Workers()


def _on_processes(
    jobs: int, function: Callable[..., T], arguments: Mapping[str, tuple[Any, ...]], check: Check | None
) -> Iterator[tuple[str, T]]:
    from joblib import Parallel, delayed, parallel_config

    # after a process that was ended at once loky's tracker cleans up, and would say so on top of our last words
    if TRACKER not in (quiet := os.environ.get("PYTHONWARNINGS", "")):
        os.environ["PYTHONWARNINGS"] = f"{quiet},{TRACKER}".lstrip(",")
    calls = [delayed(_call)(os.getpid(), key, function, values, check) for key, values in arguments.items()]
    with (
        parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1, idle_worker_timeout=IDLE),
        warnings.catch_warnings(),
    ):
        # joblib regrets the unfinished chunks of an interrupted run,
        warnings.filterwarnings("ignore", message=".*tasks .*cancelled", category=UserWarning)
        # and replaces a process, between two chunks, that has grown by 300 MB: compiling kernels does that
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
        for key, answer in Parallel(batch_size=1, return_as="generator_unordered")(calls):
            yield key, answer.accepted()


def _on_cluster(
    address: str, function: Callable[..., T], arguments: Mapping[str, tuple[Any, ...]], check: Check | None
) -> Iterator[tuple[str, T]]:
    """Dask starts the chunks of a lost worker again by itself."""
    from distributed import Client, KilledWorker, as_completed

    try:  # not the default client: xarray would take its file locks from the cluster
        found = Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(f"no Dask scheduler answers at {address} ({error})") from error
    with found as client:
        futures = {
            client.submit(_on_worker, function, values, check, pure=False): key for key, values in arguments.items()
        }
        try:
            for future in as_completed(futures, loop=client.loop):
                yield futures[future], future.result().accepted()
                future.release()
        except (CancelledError, KilledWorker) as error:
            message = f"the Dask cluster at {address} cannot run the chunks ({error}); is this code installed there?"
            raise ConnectionError(message) from error
        except RuntimeError as error:
            if "deserialization" not in str(error):  # then it is the function's own
                raise
            message = f"the Dask cluster at {address} cannot read the chunks ({error}); is this code installed there?"
            raise ConnectionError(message) from error


@dataclass(frozen=True)
class _Answer(Generic[T]):
    """What a process computed; or, without a value, why its numbers are not to be used."""

    values: tuple[T, ...]
    process: str
    reasons: tuple[str, ...] = ()

    def accepted(self) -> T:
        if self.reasons:
            known = ", ".join(self.reasons[:NAMED]) + (f" and {n} more" if (n := len(self.reasons) - NAMED) > 0 else "")
            raise ConnectionRefusedError(f"{self.process} must run the code that runs here; it differs in {known}")
        return self.values[0]


def _answer(process: str, function: Callable[..., T], values: tuple[Any, ...], check: Check | None) -> _Answer[T]:
    """The value of ``function``, unless there are reasons to refuse it before or after."""
    if check is not None and (reasons := check()):
        return _Answer((), process, tuple(reasons))
    value = function(*values)
    return _Answer((value,), process, tuple(check()) if check is not None else ())


def _call(
    parent: int, key: str, function: Callable[..., T], values: tuple[Any, ...], check: Check | None
) -> tuple[str, _Answer[T]]:
    _leave_with(parent)
    return key, _answer(f"the worker process {os.getpid()}", function, values, check)


def _on_worker(function: Callable[..., T], values: tuple[Any, ...], check: Check | None) -> _Answer[T]:
    from distributed import get_worker

    return _answer(f"the Dask worker {get_worker().address} on {platform.node()}", function, values, check)


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
