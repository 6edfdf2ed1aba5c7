"""Threads that go through a list of work beside the one that asks, without asking the interpreter.

The asker opens the list on a board, a short array of whole numbers; whoever is awake takes the next item from it, in
compiled code without the interpreter's lock. A helper without work looks at the board for a while, then sleeps, since
the next pass mostly comes within microseconds, and waking a thread takes some fifty of them. The asker takes items at
once, whoever is awake, and waits only for those that others have taken.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from threading import Lock, Thread, current_thread
from typing import Any

import numpy as np

from vradam.engine.intrinsics import exchange, fetch_add, look_at

APART = 8  # numbers in a cache line
#: Places on the board, apart from each other: which pass it is, how many items are done, whether the helpers are to
#: end; then of each thread, the asker first, the next item of its share and whether it is awake.
PASS, DONE, END, NEXT, AWAKE = range(0, 5 * APART, APART)
LOOKS = 20_000  # at the board before a helper sleeps: about a tenth of a millisecond


def take(board, me, stretches, places, numbers, energy, sums):
    """Stands for a compiled function: takes items until none is left."""


def threads_of(board):
    """How many threads there are."""
    return (board.size - NEXT) // (2 * APART)


def share(board, thread, count):
    """The first item of a thread's share of ``count``, and that after its last."""
    threads = threads_of(board)
    return thread * count // threads, (thread + 1) * count // threads


def begin(board, which):
    """Open pass one or two: what was written before is seen by those who take an item."""
    exchange(board, PASS, which)
    exchange(board, DONE, 0)
    for thread in range(threads_of(board)):
        exchange(board, NEXT + 2 * APART * thread, 0)


def claim(board, me, count):
    """An item for thread ``me``: of its own share, which may lie in its cache, then of the others'; -1 if none is left.

    In pass two the last come first, since they may still be in the first cache.
    """
    threads = threads_of(board)
    for k in range(threads):
        thread = (me + k) % threads
        start, end = share(board, thread, count)
        place = NEXT + 2 * APART * thread
        if look_at(board, place) < end - start:
            number = fetch_add(board, place, 1)
            if number < end - start:
                return start + number if look_at(board, PASS) == 1 else end - 1 - number
    return -1


def left(board, count):
    """Whether there seems to be an item left."""
    for thread in range(threads_of(board)):
        start, end = share(board, thread, count)
        if look_at(board, NEXT + 2 * APART * thread) < end - start:
            return True
    return False


def finish(board):
    """Say that an item is done."""
    fetch_add(board, DONE, 1)


def wait(board, count):
    """Wait until all ``count`` items are done, when none is left to take."""
    while look_at(board, DONE) < count:
        pass


def help_out(board, me, stretches, places, numbers, energy, sums):
    """Take items whenever there are some, until there have been none for a while."""
    looks = 0
    while looks < LOOKS and look_at(board, END) == 0:
        looks += 1
        if left(board, stretches.shape[0]):
            take(board, me, stretches, places, numbers, energy, sums)
            looks = 0


class Team:
    """``threads`` - 1 helpers of the one who asks; a process after a fork hires its own.

    ``helping`` is a compiled :func:`help_out`, with its ``arguments`` after ``me``; there are ``items`` in a list.
    """

    def __init__(self, threads: int, items: int, helping: Callable[..., Any], arguments: tuple) -> None:
        self.helpers = range(1, threads)
        self.board = np.zeros(NEXT + 2 * APART * threads, np.int64)
        self.board[NEXT :: 2 * APART] = items  # nothing to take
        self._helping = helping, arguments
        self._locks: list[Any] = []
        self._of: int | None = None  # the process whose threads they are

    def wake(self) -> None:
        """Wake the helpers that sleep, before a list is opened."""
        if not self.helpers:
            return
        if self._of != os.getpid():
            self._hire()
        for me, lock in zip(self.helpers, self._locks, strict=True):
            rouse(self.board, me, lock)

    def _hire(self) -> None:
        self._locks, threads = [Lock() for _ in self.helpers], []
        for me, lock in zip(self.helpers, self._locks, strict=True):
            lock.acquire()
            self.board[AWAKE + 2 * APART * me] = 0
            threads.append(Thread(target=attend, args=(self.board, me, lock, *self._helping), daemon=True))
            threads[-1].start()
        self._of = os.getpid()
        weakref.finalize(self, dismiss, self.board, self._locks, threads)


def rouse(board: Any, me: int, lock: Any) -> None:
    """Wake a helper if it sleeps, or is about to."""
    if not board[AWAKE + 2 * APART * me]:
        board[AWAKE + 2 * APART * me] = 1
        lock.release()


def attend(board: Any, me: int, lock: Any, helping: Callable[..., Any], arguments: tuple) -> None:
    """What a helper does: sleep until the lock is released, help out, and so on until the end."""
    while not board[END]:
        lock.acquire()
        if not board[END]:
            helping(board, me, *arguments)
        board[AWAKE + 2 * APART * me] = 0


def dismiss(board: Any, locks: list[Any], threads: list[Thread]) -> None:
    """End the helpers: those that sleep are woken for it, the others look at the board."""
    board[END] = 1
    for me, (lock, thread) in enumerate(zip(locks, threads, strict=True), 1):
        rouse(board, me, lock)
        if thread is not current_thread():
            thread.join(timeout=1)
