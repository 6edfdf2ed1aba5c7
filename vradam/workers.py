"""Who computes: this process, several processes on this machine, or a Dask cluster. The numbers do not depend on it."""

from __future__ import annotations

import gc
import logging
import os
import platform
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
#: What the libraries ask for their number of threads.
THREADS: Final = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip
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
    queue
        The calls that several users of the processes have in common, within :meth:`shared`.

    Raises
    ------
    ValueError
        If ``jobs`` is not a positive integer.
    """

    jobs: int = 1
    dask: str | None = None
    queue: Queue | None = field(default=None, compare=False, repr=False)

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
        elif self.jobs == 1 or (len(arguments) <= 1 and self.queue is None):
            for key, values in arguments.items():
                yield key, function(*values)
        else:
            yield from (self.queue or Queue(self.jobs)).map(function, arguments, check)

    @contextmanager
    def shared(self) -> Iterator[Workers]:
        """The same with one queue, so that :meth:`behind` fills the pauses of :meth:`map`.

        What is left in the queue at the end is dropped, as an exception may leave it.
        """
        queue = Queue(self.jobs) if self.jobs > 1 else None
        try:
            yield replace(self, queue=queue)
        finally:
            if queue is not None:
                queue.clear()

    def behind(
        self,
        function: Callable[..., T],
        arguments: Mapping[str, tuple[Any, ...]],
        done: Callable[[str, T], None],
        check: Check | None = None,
    ) -> None:
        """``done(key, function(*arguments[key]))`` for every key, when processes have time: see :meth:`finish`.

        ``done`` is called in this process, whenever it waits for others. Without a queue, and on a Dask cluster, all of
        it happens at once.
        """
        if self.queue is None or self.dask is not None:
            for key, value in self.map(function, arguments, check):
                done(key, value)
        else:
            self.queue.behind([_Call(key, function, values, check, done) for key, values in arguments.items()])

    def finish(self) -> None:
        """Wait for everything that was asked for by :meth:`behind`."""
        if self.queue is not None:
            self.queue.finish()


#: This process alone.
HERE: Final = Workers()


@dataclass(frozen=True, eq=False)
class _Call:
    """A call for another process, and what is done here with its value."""

    key: str
    function: Callable[..., Any]
    values: tuple[Any, ...]
    check: Check | None
    done: Callable[[str, Any], None]


class Queue:
    """Calls for the processes of this machine: some are waited for, others fill the pauses between them.

    Parameters
    ----------
    jobs : int
        Number of processes, >= 2.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.first: deque[_Call] = deque()
        self.later: deque[_Call] = deque()
        self.running: dict[Future[_Answer[Any]], _Call] = {}
        self.deaths = 0
        self.executor: Any = None

    def map(
        self, function: Callable[..., T], arguments: Mapping[str, tuple[Any, ...]], check: Check | None
    ) -> Iterator[tuple[str, T]]:
        """See :meth:`Workers.map`."""
        self.deaths = 0
        ended: deque[tuple[str, T]] = deque()
        calls = [
            _Call(key, function, values, check, lambda key, value: ended.append((key, value)))
            for key, values in arguments.items()
        ]
        try:
            self.first.extend(calls)
            for _ in calls:
                while not ended:
                    self._wait()
                yield ended.popleft()
        finally:
            self._drop(calls)

    def behind(self, calls: Collection[_Call]) -> None:
        """See :meth:`Workers.behind`."""
        self.later.extend(calls)
        self._fill()

    def finish(self) -> None:
        """Wait for every call."""
        self.deaths = 0
        while self.first or self.later or self.running:
            self._wait()

    def clear(self) -> None:
        """Drop every call; processes that are at work are ended."""
        self.later.clear()
        self._drop([*self.first, *self.running.values()])

    def _fill(self) -> None:
        """Have one call more at work than there are processes, so that none of them waits for this one."""
        while (self.first or self.later) and len(self.running) <= self.jobs:
            self._start((self.first or self.later).popleft())

    def _start(self, call: _Call) -> None:
        while True:
            try:
                self.executor = _executor(self.jobs)
                future = self.executor.submit(_call, os.getpid(), call.function, call.values, call.check)
            except BrokenProcessPool:
                self._count_death(1)
            else:
                self.running[future] = call
                return

    def _wait(self) -> None:
        """Wait until a call has ended, and do what is to be done with its value."""
        self._fill()
        wait(self.running, return_when=FIRST_COMPLETED)
        if any(future.done() and _died(future) for future in self.running):
            wait(self.running)
            lost = {future: call for future, call in self.running.items() if _died(future)}
            self._count_death(len(lost))
            for future, call in lost.items():
                del self.running[future]
                self._start(call)
        for future in [future for future in self.running if future.done()]:
            call = self.running.pop(future)
            call.done(call.key, future.result().accepted())
        self._fill()

    def _count_death(self, unfinished: int) -> None:
        log.warning("a worker process died; %d unfinished chunks start again", unfinished)
        self.deaths += 1
        if self.deaths == ATTEMPTS:
            raise ChildProcessError(f"worker processes died {ATTEMPTS} times (out of memory?); try a smaller --jobs")

    def _drop(self, calls: Collection[_Call]) -> None:
        """Forget those of the calls that have not ended; if nothing else is at work, end the processes at once."""
        self.first = deque(call for call in self.first if call not in calls)
        left = [future for future, call in self.running.items() if call in calls]
        for future in left:
            del self.running[future]
        if not all(future.done() for future in left) and not self.running:
            # with a cancelled call among them loky's manager would stop before it has ended the processes
            self.executor.shutdown(kill_workers=True)
        else:
            for future in left:
                future.cancel()


def _died(future: Future[Any]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


def _executor(jobs: int) -> Any:
    """The processes of this machine, each with one thread: those that are there, fresh ones if one of them died."""
    from joblib.externals.loky import get_reusable_executor

    # after a process that was ended at once loky's tracker cleans up, and would say so on top of our last words
    if TRACKER not in (quiet := os.environ.get("PYTHONWARNINGS", "")):
        os.environ["PYTHONWARNINGS"] = f"{quiet},{TRACKER}".lstrip(",")
    # it replaces a process, between two chunks, that has grown by 300 MB: compiling kernels does that
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
    return get_reusable_executor(jobs, timeout=IDLE, env=dict.fromkeys(THREADS, "1"))


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


def _call(parent: int, function: Callable[..., T], values: tuple[Any, ...], check: Check | None) -> _Answer[T]:
    _leave_with(parent)
    try:
        return _answer(f"the worker process {os.getpid()}", function, values, check)
    finally:
        set_aside()


def _on_worker(function: Callable[..., T], values: tuple[Any, ...], check: Check | None) -> _Answer[T]:
    from distributed import get_worker

    return _answer(f"the Dask worker {get_worker().address} on {platform.node()}", function, values, check)


def set_aside() -> None:
    """Collect garbage, and look through what is left no more.

    loky looks through everything that a process holds once a second: .4 s each time, after a few derivations.
    """
    gc.collect()
    gc.freeze()


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
