"""Threads that share a list of work with the one that asks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any


class Team:
    """``threads`` threads, the caller among them; those of another process, before a fork, are not ours.

    >>> Team(2).map(lambda x, y: x + y, [1, 2, 3], [10, 20, 30])
    [11, 22, 33]
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    def map(self, work: Callable[..., Any], *lists: Iterable[Any]) -> list[Any]:
        """``[work(*items) for items in zip(*lists)]``.

        The caller begins at once, the others take what is left when they wake up; who has not by the end is not waited
        for.
        """
        if self.threads == 1:
            return list(map(work, *lists))
        items = list(zip(*lists, strict=True))
        if self._pool is None or self._pool[0] != os.getpid():
            self._pool = os.getpid(), ThreadPoolExecutor(self.threads - 1)
        found, numbers = [None] * len(items), count()

        def take() -> None:
            while (number := next(numbers)) < len(items):
                found[number] = work(*items[number])

        helpers = [self._pool[1].submit(take) for _ in range(min(self.threads, len(items)) - 1)]
        try:
            take()
        finally:
            for helper in helpers:
                if not helper.cancel():
                    helper.result()
        return found
